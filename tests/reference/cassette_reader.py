#!/usr/bin/python3
"""A second reader of stores, written from docs/format.md alone. For clarity, not for speed; it never writes to a store.

    cassette_reader.py list STORE [SEGMENT]   one line a record, as `cassette segment dump` prints them
    cassette_reader.py instances STORE        UID, version, size, XXH3-128 and condition of every instance that is shown
    cassette_reader.py states STORE           UID, version and state of every instance
    cassette_reader.py extract STORE FOLDER   every instance that is shown as FOLDER/UID/VERSION.dcm
    cassette_reader.py check STORE            reads everything; one line for each thing that is wrong

Exit status: 0 all is well, 1 something is damaged or missing, 2 it is no store that this reader knows.
Needs Debian's python3-xxhash and python3-zstandard.
"""

import glob
import mmap
import os
import re
import struct
import sys
import uuid

import xxhash
import zstandard

import pixel_decode

BLOCK = 4096
MAGIC = struct.pack("<I", 0x43524543)
PAYLOAD_MAX = 64 << 20
BLOB, MANIFEST, STATE, COMMIT, SNAPSHOT = 1, 2, 3, 4, 5
KIND_NAMES = {BLOB: "blob", MANIFEST: "manifest", STATE: "state", SNAPSHOT: "snapshot"}
ACTIONS = {1: "delete", 2: "hide", 3: "show", 4: "replace", 5: "discard", 6: "undelete"}
REASONS = ["other", "quality", "safety", "worklist", "retention"]
CODEC_NAMES = {0: "raw", 1: "zstd", 2: "zstd+dictionary", 3: "pixel", 4: "deferred", 5: "quick"}


class NotAStore(Exception):
    """The folder is no store, or one of a format that this reader does not know."""


class Damaged(Exception):
    """Bytes are not what their checksum or hash says, or break a rule of the page."""


def require(condition, what):
    if not condition:
        raise Damaged(what)


def aligned(size):
    return (size + 7) // 8 * 8


# --- CASSETTE ---

def read_superblock(folder):
    """Gives the 16 bytes of the store's UUID."""
    try:
        with open(os.path.join(folder, "CASSETTE"), "rb") as file:
            text = file.read()
    except OSError as error:
        raise NotAStore(str(error)) from error
    lines = text.split(b"\n")
    if len(lines) != 6 or lines[5] != b"" or not lines[4].startswith(b"checksum: "):
        raise NotAStore("CASSETTE has not five lines")
    body = text[:text.index(b"checksum: ")]
    if lines[4] != b"checksum: %016x" % xxhash.xxh3_64_intdigest(body):
        raise NotAStore("the checksum of CASSETTE does not match")
    fields = dict(line.split(b": ", 1) for line in lines[1:4])
    if fields[b"format"] != b"1":
        raise NotAStore("format %s is unknown" % fields[b"format"].decode())
    return uuid.UUID(fields[b"uuid"].decode()).bytes


# --- segments ---

class Header:
    """The header block of a segment."""

    def __init__(self, block, key, number, generation):
        require(len(block) == BLOCK and block[:8] == b"CASSEG\r\n", "no magic")
        require(struct.unpack_from("<Q", block, 4088)[0] == xxhash.xxh3_64_intdigest(block[:4088]), "checksum")
        version, own_number = struct.unpack_from("<II", block, 8)
        if version != 1:
            raise NotAStore("segment %d has format %d" % (number, version))
        require(own_number == number and block[16:32] == key, "of another segment or store")
        (self.created, self.first_group, self.previous_group, self.previous_end, self.previous_doubtful, self.previous,
         block_bytes) = struct.unpack_from("<qQQQQII", block, 32)
        require(block_bytes == BLOCK, "block size")
        own_generation, _, self.end = struct.unpack_from("<IIQ", block, 80)
        require(own_generation == generation and (self.end >= BLOCK) == (generation > 0), "generation")


class Record:
    """A record whose header is valid."""

    def __init__(self, segment, offset):
        header = segment.data[offset:offset + 64]
        require(len(header) == 64 and header[:4] == MAGIC, "no magic")
        place = segment.key + struct.pack("<QQ", segment.number | segment.generation << 32, offset)
        require(struct.unpack_from("<Q", header, 56)[0] == xxhash.xxh3_64_intdigest(place + header[:56]), "checksum")
        (self.kind, self.codec, self.ordinal, self.stored_size, self.raw_size, self.hash, self.payload_checksum,
         self.group) = struct.unpack_from("<BBHQQ16sQQ", header, 4)
        require(BLOB <= self.kind <= SNAPSHOT, "kind")
        require(self.stored_size <= PAYLOAD_MAX and self.raw_size <= PAYLOAD_MAX, "size")
        self.segment, self.offset = segment, offset
        self.end = offset + 64 + aligned(self.stored_size)

    def payload(self):
        stored = self.segment.data[self.offset + 64:self.end]
        require(xxhash.xxh3_64_intdigest(stored) == self.payload_checksum, "payload checksum")
        return stored[:self.stored_size]

    def is_good(self):
        try:
            self.payload()
            return True
        except Damaged:
            return False


class Segment:
    """The bytes of one segment and what is found in them."""

    def __init__(self, key, number, generation, path):
        self.key, self.number, self.generation = key, number, generation
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            self.data = mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ) if size > 0 else b""
        self.size = size
        try:
            self.header = Header(self.data[:BLOCK], key, number, generation)
        except Damaged:
            self.header = None

    def record_at(self, offset, limit):
        try:
            record = Record(self, offset)
            require(record.end <= limit, "goes beyond the end")
            if record.kind == COMMIT:
                self.commit_fields(record)
            return record
        except Damaged:
            return None

    @staticmethod
    def commit_fields(record):
        """begin, records, previous group, previous end, previous segment"""
        payload = record.payload()
        require(len(payload) >= 48 and record.end % BLOCK == 0, "a COMMIT ends its block")
        require(struct.unpack_from("<Q", payload, len(payload) - 8)[0] == len(payload), "length of a COMMIT")
        return struct.unpack_from("<QQQQI", payload, 0)

    def walk(self, offset, limit):
        """Yields ("record", Record) and ("bad", begin, end) from `offset` on."""
        while offset < limit:
            record = self.record_at(offset, limit)
            if record is not None:
                yield "record", record
                offset = record.end
                continue
            begin = offset
            while record is None:
                offset = self.data.find(MAGIC, offset + 1, limit)
                if offset < 0:
                    offset = limit
                    break
                record = self.record_at(offset, limit) if offset % 8 == 0 else None
            yield "bad", begin, offset

    def commits(self):
        return (item[1] for item in self.walk(BLOCK, self.size) if item[0] == "record" and item[1].kind == COMMIT)

    def is_void(self):
        """What a crash left of a creation."""
        return self.header is None and self.generation == 0 and self.size <= BLOCK

    def says_of_previous(self):
        """(segment before, its end, where it is doubtful), or None if that is lost."""
        if self.header is not None:
            return self.header.previous, self.header.previous_end, self.header.previous_doubtful
        for commit in self.commits():
            _, _, _, end, previous = self.commit_fields(commit)
            return None if previous == self.number else (previous, end, 0)
        return None

    def bounds(self, following):
        """Where the durable part ends and where it is doubtful (0: nowhere), given the next segment or None."""
        if self.generation > 0 and self.header is not None:
            return self.header.end, 0
        said = following.says_of_previous() if following is not None else None
        if said is not None and said[0] == self.number and self.generation == 0:
            return said[1], said[2]
        end = BLOCK
        for commit in self.commits():
            end = commit.end
        return end, 0


def segment_path(folder, number, generation, tier="segments"):
    suffix = "-%d" % generation if generation > 0 else ""
    return os.path.join(folder, tier, "%02d" % (number // 1000), "%08d%s.seg" % (number, suffix))


def check_cold(folder):
    """Raises where the store has a cold place, and what is at "cold" is not that."""
    uuid = re.search(r"^uuid: (.*)$", open(os.path.join(folder, "CASSETTE"), encoding="ascii").read(), re.M)[1]
    marker = os.path.join(folder, "cold", "CASSETTE-COLD")
    if not os.path.exists(os.path.join(folder, "tier")) and not os.path.exists(marker):
        return
    if not os.path.exists(marker) or "\nuuid: %s\n" % uuid not in open(marker, encoding="ascii").read():
        raise SystemExit("the cold place is away")


def segments_of(folder, key):
    """All segments in order, each in its highest generation, without a void last one."""
    check_cold(folder)
    files = {}
    for tier in "cold", "segments":
        root = os.path.join(folder, tier)
        for path in glob.glob(os.path.join(glob.escape(root), "*", "*.seg")):
            match = re.fullmatch(r"(\d+)(?:-(\d+))?\.seg", os.path.basename(path))
            if match is None:
                continue
            number, generation = int(match[1]), int(match[2] or 0)
            if segment_path(folder, number, generation, tier) == path:
                files[number] = max((generation, tier), files.get(number, (0, "")))
    segments = [Segment(key, number, generation, segment_path(folder, number, generation, tier))
                for number, (generation, tier) in sorted(files.items())]
    if segments and segments[-1].is_void():
        segments.pop()
    return segments


def events_of(segments):
    """Yields, in the order of the log, ("record", Record), ("commit", Record) and (word, segment number, begin, end) where
    word is "damaged", "torn" or "missing"."""
    expected = 1
    for i, segment in enumerate(segments):
        for number in range(expected, segment.number):
            yield "missing", number, 0, 0
        expected = segment.number + 1
        following = segments[i + 1] if i + 1 < len(segments) and segments[i + 1].number == expected else None
        end, doubtful = segment.bounds(following)
        if segment.header is None:
            yield "damaged", segment.number, 0, BLOCK
        for item in segment.walk(BLOCK, min(end, segment.size)):
            if item[0] == "bad":
                word = "torn" if doubtful != 0 and item[1] >= doubtful else "damaged"
                yield word, segment.number, item[1], item[2]
                continue
            record = item[1]
            if doubtful != 0 and record.offset >= doubtful and not record.is_good():
                yield "torn", segment.number, record.offset, record.end
            else:
                yield "commit" if record.kind == COMMIT else "record", record
        if segment.size < end:
            yield "damaged", segment.number, segment.size, end
        if segment.size > end:
            yield "torn", segment.number, end, segment.size


# --- blobs and manifests ---

class Manifest:
    """The payload of a manifest record, decoded."""

    def __init__(self, raw):
        self.raw, self.at = raw, 0
        kind, origin, _, self.version, self.arrival, self.size, self.data_set, self.hash, self.data_set_name = self.take(
            "<BBHIqQQ16s16s")
        require(kind in (1, 2, 3, 4), "manifest format %d is unknown" % kind)
        require(origin in (1, 2, 3) and (kind == 4 or (origin == 3) == (kind == 3)), "origin")
        self.uid, self.source = self.text(), self.text()
        self.blobs = [self.take("<16sHI") for _ in range(self.take("<I")[0])]
        self.pieces = [(self.varint(), self.varint(), self.varint()) for _ in range(self.take("<I")[0])]
        self.since = self.take("<Q")[0] if kind >= 2 else 0
        require(kind not in (2, 4) or self.since != 0, "no group")
        self.corrected = [self.take("<I")[0] for _ in range(self.take("<B")[0])] if kind >= 3 else []
        require(len(self.corrected) <= 32, "too many corrected attributes")
        require(origin == 3 or not self.corrected, "corrected, and of another origin")
        self.replaced = self.take("<QQQ") if kind == 4 else None
        require(self.at == len(raw), "bytes are left over")
        for blob, offset, size in self.pieces:
            require(blob < len(self.blobs) and offset + size <= self.blobs[blob][2], "a piece outside its blob")
        require(sum(size for _, _, size in self.pieces) == self.size, "the pieces are not the file")

    def take(self, layout):
        require(self.at + struct.calcsize(layout) <= len(self.raw), "cut short")
        fields = struct.unpack_from(layout, self.raw, self.at)
        self.at += struct.calcsize(layout)
        return fields

    def text(self):
        size = self.take("<B")[0]
        return self.take("<%ds" % size)[0].decode("utf-8", "replace")

    def varint(self):
        value = shift = 0
        while True:
            byte = self.take("<B")[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7
            require(shift <= 28, "an integer is too long")


def decompress(payload, raw_size, dictionary=None):
    if dictionary is not None:
        dictionary = zstandard.ZstdCompressionDict(dictionary, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
    try:
        raw = zstandard.ZstdDecompressor(dict_data=dictionary).decompressobj().decompress(payload)
    except zstandard.ZstdError as error:
        raise Damaged("zstd: %s" % error) from error
    require(len(raw) == raw_size, "zstd: another size")
    return raw


class Store:
    """What the whole log says: blobs by id, instances by (UID, version)."""

    def __init__(self, folder):
        self.key = read_superblock(folder)
        self.segments = segments_of(folder, self.key)
        self.blobs, self.instances, self.damage = {}, {}, []
        self.changes, self.found, self.replaced = [], [], []

    def replay(self):
        for event in events_of(self.segments):
            if event[0] in ("damaged", "missing"):
                self.find(*event[1:], "bytes %d to %d are %s" % (event[2], event[3], event[0]))
            elif event[0] == "record":
                self.take(event[1])
        self.damage = [line for segment, begin, end, line in self.found if not self.is_healed(segment, begin, end)]

    def find(self, number, begin, end, what):
        """Something is damaged, or it was and a later record says that it replaces it."""
        generation = next((segment.generation for segment in self.segments if segment.number == number), 0)
        self.found.append((number | generation << 32, begin, end, "segment %d: %s" % (number, what)))

    def is_healed(self, segment, begin, end):
        at = begin
        for place, offset, size in sorted(self.replaced):
            if place == segment and offset <= at < offset + size:
                at = offset + size
        return begin < end <= at

    def take(self, record):
        if record.kind == BLOB:
            blob_id = (record.hash, record.ordinal)
            if record.is_good() or blob_id not in self.blobs:
                self.blobs[blob_id] = record
        elif record.kind == MANIFEST:
            try:
                manifest = self.manifest(record)
                self.instances[manifest.uid, manifest.version] = manifest
                self.replaced += [manifest.replaced] if manifest.replaced is not None else []
            except Damaged as error:
                self.find(record.segment.number, record.offset, record.end,
                          "manifest at %d: %s" % (record.offset, error))

        elif record.kind == STATE:
            try:
                self.changes.append((record.group, self.state(record)))
            except Damaged as error:
                self.find(record.segment.number, record.offset, record.end, "states at %d: %s" % (record.offset, error))

    @staticmethod
    def raw_of(record):
        require(record.codec in (0, 1), "codec of a manifest or state")
        raw = record.payload()
        if record.codec == 1:
            raw = decompress(raw, record.raw_size)
        require(xxhash.xxh3_128_digest(raw) == record.hash, "hash")
        return raw

    @staticmethod
    def manifest(record):
        return Manifest(Store.raw_of(record))

    @staticmethod
    def state(record):
        return State(Store.raw_of(record))

    def state_of(self, manifest):
        """What a version is now: "shown", "deleted", "discarded", "replaced" or "hidden: REASON"."""
        state = ("shown", "shown")
        for _, change in sorted(self.changes, key=lambda item: (item[1].since or item[0], item[1].ordinal)):
            if (manifest.uid, manifest.version) in change.targets or (manifest.uid, 0) in change.targets:
                state = change.after(*state)
        return state[0]

    def blob(self, blob_id):
        """The raw bytes of a blob, checked against its name."""
        require(blob_id in self.blobs, "a blob is missing: %s.%d" % (blob_id[0].hex(), blob_id[1]))
        record = self.blobs[blob_id]
        raw = self.decode(record, record.payload())
        require(len(raw) == record.raw_size and xxhash.xxh3_128_digest(raw) == blob_id[0], "other bytes than its hash")
        return raw

    def decode(self, record, payload):
        if record.codec == 0:
            return payload
        if record.codec == 1:
            return decompress(payload, record.raw_size)
        if record.codec == 2:
            require(len(payload) >= 18, "no dictionary")
            dictionary_id = (payload[:16], struct.unpack_from("<H", payload, 16)[0])
            require(dictionary_id in self.blobs and self.blobs[dictionary_id].codec != 2, "dictionary")
            return decompress(payload[18:], record.raw_size, self.blob(dictionary_id))
        if record.codec == 4:
            require(len(payload) == record.raw_size + 24 and payload[-24] in (1, 2), "trailer")
            return payload[:-24]
        require(record.codec in (3, 5), "codec %d is unknown" % record.codec)
        try:
            return (pixel_decode.decode if record.codec == 3 else pixel_decode.decode_quick)(payload, record.raw_size)
        except pixel_decode.Corrupt as error:
            raise Damaged("pixels: %s" % error) from error

    def file_of(self, manifest):
        raws = []
        for digest, ordinal, raw_size in manifest.blobs:
            raw = self.blob((digest, ordinal))
            require(len(raw) == raw_size, "a blob has another size")
            raws.append(raw)
        file = b"".join(raws[blob][offset:offset + size] for blob, offset, size in manifest.pieces)
        require(xxhash.xxh3_128_digest(file) == manifest.hash, "the file has another hash")
        return file


# --- commands ---

class State:
    """A change of states."""

    def __init__(self, raw):
        require(len(raw) >= 35 and raw[0] == 1 and raw[1] in ACTIONS and raw[2] < len(REASONS) and raw[3] in (0, 1), "state")
        self.action, self.reason = ACTIONS[raw[1]], REASONS[raw[2]]
        count, self.time, self.since, self.ordinal, zero = struct.unpack_from("<IqQII", raw, 4)
        require(zero == 0 and 1 <= count <= 10000, "state")
        self.who, at = self.text(raw, 32, "<B")
        self.why, at = self.text(raw, at, "<H")
        self.targets = []
        for _ in range(count):
            require(at + 4 <= len(raw), "targets")
            version = struct.unpack_from("<I", raw, at)[0]
            uid, at = self.text(raw, at + 4, "<B")
            require(version > 0 or self.action in ("hide", "show"), "version")
            self.targets.append((uid, version))
        require(at == len(raw), "targets")

    @staticmethod
    def text(raw, at, size_format):
        at += struct.calcsize(size_format)
        require(at <= len(raw), "text")
        end = at + struct.unpack_from(size_format, raw, at - struct.calcsize(size_format))[0]
        require(end <= len(raw), "text")
        return raw[at:end].decode("utf-8", "replace"), end

    def after(self, state, otherwise):
        """The state, and what it would be had nothing deleted the version."""
        if self.action == "delete":
            return "discarded" if state == "discarded" else "deleted", otherwise
        if self.action == "discard":
            return "discarded" if state == "deleted" else state, otherwise
        if self.action == "undelete":
            return otherwise if state == "deleted" else state, otherwise
        if self.action == "show":
            otherwise = "shown" if otherwise.startswith("hidden") else otherwise
        elif otherwise != "replaced":
            otherwise = "replaced" if self.action == "replace" else "hidden: " + self.reason
        return state if state in ("deleted", "discarded") else otherwise, otherwise


def line_of(event):
    if event[0] == "missing":
        return "%08d is missing" % event[1]
    if event[0] in ("damaged", "torn"):
        word = "DAMAGED" if event[0] == "damaged" else "torn"
        return "%08d %012d %s bytes=%d" % (event[1], event[2], word, event[3] - event[2])
    record = event[1]
    place = "%08d %012d group=%d" % (record.segment.number, record.offset, record.group)
    if event[0] == "commit":
        return place + " commit"
    good = record.is_good()
    line = "%s %s %s.%d codec=%s raw=%d stored=%d %s" % (
        place, KIND_NAMES[record.kind], record.hash.hex(), record.ordinal, CODEC_NAMES.get(record.codec, "unknown"),
        record.raw_size, record.stored_size, "good" if good else "DAMAGED")
    if record.kind == MANIFEST and good:
        try:
            manifest = Store.manifest(record)
            line += " uid=%s version=%d bytes=%d blobs=%d pieces=%d" % (
                manifest.uid, manifest.version, manifest.size, len(manifest.blobs), len(manifest.pieces))
        except Damaged:
            line += " undecodable"
    if record.kind == STATE and good:
        try:
            state = Store.state(record)
            line += " action=%s reason=%s targets=%d uid=%s version=%d" % (
                state.action, state.reason, len(state.targets), *state.targets[0])
        except Damaged:
            line += " undecodable"
    if record.kind == SNAPSHOT and good:
        try:
            line += " action=%s name=%s" % snapshot_of(record.payload())
        except Damaged:
            line += " undecodable"
    return line


def snapshot_of(payload):
    """What a snapshot record does, and the snapshot's name."""
    require(len(payload) >= 41 and payload[0] == 1 and payload[1] in (1, 2), "snapshot")
    require(len(payload) == 41 + payload[40], "the name of a snapshot")
    return ("make" if payload[1] == 1 else "remove"), payload[41:].decode("ascii", "replace")


def list_records(store, wanted):
    bad = False
    for event in events_of(store.segments):
        number = event[1].segment.number if event[0] in ("record", "commit") else event[1]
        if wanted is None or number == wanted:
            line = line_of(event)
            bad = bad or event[0] in ("damaged", "missing") or "DAMAGED" in line
            print(line)
    return bad


def visit_instances(store, visit):
    """Calls visit(manifest, file or None, problem or None) for every instance; True if anything is wrong."""
    store.replay()
    bad = bool(store.damage)
    for _, manifest in sorted(store.instances.items()):
        if store.state_of(manifest) != "shown":
            continue
        try:
            visit(manifest, store.file_of(manifest), None)
        except Damaged as error:
            bad = True
            visit(manifest, None, str(error))
    return bad


def print_instance(manifest, file, problem):
    print("%s %d %d %s %s" % (manifest.uid, manifest.version, manifest.size, manifest.hash.hex(),
                              "good" if file is not None else "DAMAGED: " + problem))


def print_states(store):
    store.replay()
    for _, manifest in sorted(store.instances.items()):
        print("%s %d %s" % (manifest.uid, manifest.version, store.state_of(manifest)))
    return bool(store.damage)


def check(store):
    def visit(manifest, _, problem):
        if problem is not None:
            print("instance %s version %d: %s" % (manifest.uid, manifest.version, problem))
    bad = visit_instances(store, visit)
    for line in store.damage:
        print(line)
    print("%d segments, %d blobs, %d instances" % (len(store.segments), len(store.blobs), len(store.instances)))
    return bad


def extract(store, folder):
    def visit(manifest, file, problem):
        if problem is not None:
            print("instance %s version %d: %s" % (manifest.uid, manifest.version, problem), file=sys.stderr)
            return
        # A UID comes from outside: it may not lead out of the folder.
        name = re.sub(r"[^0-9A-Za-z._-]", "_", manifest.uid)
        if name.strip(".") == "":
            name = "_"
        os.makedirs(os.path.join(folder, name), exist_ok=True)
        with open(os.path.join(folder, name, "%d.dcm" % manifest.version), "xb") as out:
            out.write(file)
    return visit_instances(store, visit)


def main(arguments):
    command, rest = (arguments[0], arguments[1:]) if arguments else ("", [])
    try:
        if command == "list" and len(rest) in (1, 2):
            bad = list_records(Store(rest[0]), int(rest[1]) if len(rest) == 2 else None)
        elif command == "instances" and len(rest) == 1:
            bad = visit_instances(Store(rest[0]), print_instance)
        elif command == "extract" and len(rest) == 2:
            bad = extract(Store(rest[0]), rest[1])
        elif command == "states" and len(rest) == 1:
            bad = print_states(Store(rest[0]))
        elif command == "check" and len(rest) == 1:
            bad = check(Store(rest[0]))
        else:
            print(__doc__, file=sys.stderr)
            return 2
    except NotAStore as error:
        print("%s: %s" % (rest[0], error), file=sys.stderr)
        return 2
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
