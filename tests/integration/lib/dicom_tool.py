#!/usr/bin/env python3
"""DICOM files for tests: makes synthetic ones, and finds the data set in a Part 10 file.

  dicom_tool.py make FILE [--rows N] [--columns N] [--frames N] [--number N] [--count N] [--seed TEXT]
      A Part 10 file (explicit VR little endian, secondary capture, 16 bits). With --count, FILE is a folder and
      gets that many files with ascending instance numbers. The same arguments give the same bytes.
  dicom_tool.py dataset FILE ...
      Lines "<SHA-256 of the data set's bytes> <SOP Instance UID of the meta group> <path>".
"""
import argparse
import hashlib
import os
import struct
import sys

SOP_CLASS = "1.2.840.10008.5.1.4.1.1.7.3"  # Multi-frame Grayscale Word Secondary Capture Image Storage
EXPLICIT = "1.2.840.10008.1.2.1"
LONG_VRS = (b"OB", b"OW", b"OF", b"SQ", b"UT", b"UN", b"UC", b"UR", b"OD", b"OL", b"OV", b"SV", b"UV")


def element(group, number, vr, value):
    if isinstance(value, str):
        value = value.encode("ascii")
    if len(value) % 2:
        value += b"\0" if vr in ("UI", "OB") else b" "
    head = struct.pack("<HH", group, number) + vr.encode("ascii")
    if vr.encode("ascii") in LONG_VRS:
        return head + struct.pack("<HI", 0, len(value)) + value
    return head + struct.pack("<H", len(value)) + value


def uid(*words):
    """A UID made from a name: 2.25 and a number of at most 38 digits (PS3.5 B.2)."""
    return "2.25." + str(int.from_bytes(hashlib.md5("/".join(map(str, words)).encode()).digest(), "big"))


def head(options, number):
    study, series, instance = (uid(options.seed, *more) for more in (["study"], ["series"], ["instance", number]))
    meta = b"".join([
        element(0x0002, 0x0001, "OB", b"\0\1"), element(0x0002, 0x0002, "UI", SOP_CLASS),
        element(0x0002, 0x0003, "UI", instance), element(0x0002, 0x0010, "UI", EXPLICIT),
        element(0x0002, 0x0012, "UI", "2.25.1")])
    data = b"".join([
        element(0x0008, 0x0016, "UI", SOP_CLASS), element(0x0008, 0x0018, "UI", instance),
        element(0x0008, 0x0020, "DA", "20200131"), element(0x0008, 0x0060, "CS", "OT"),
        element(0x0010, 0x0010, "PN", "Synthetic^" + options.seed[:40]), element(0x0010, 0x0020, "LO", options.seed[:60]),
        element(0x0020, 0x000D, "UI", study), element(0x0020, 0x000E, "UI", series),
        element(0x0020, 0x0011, "IS", "1"), element(0x0020, 0x0013, "IS", str(number)),
        element(0x0028, 0x0002, "US", struct.pack("<H", 1)), element(0x0028, 0x0004, "CS", "MONOCHROME2"),
        element(0x0028, 0x0008, "IS", str(options.frames)),
        element(0x0028, 0x0010, "US", struct.pack("<H", options.rows)),
        element(0x0028, 0x0011, "US", struct.pack("<H", options.columns)),
        element(0x0028, 0x0100, "US", struct.pack("<H", 16)), element(0x0028, 0x0101, "US", struct.pack("<H", 12)),
        element(0x0028, 0x0102, "US", struct.pack("<H", 11)), element(0x0028, 0x0103, "US", struct.pack("<H", 0))])
    group_length = element(0x0002, 0x0000, "UL", struct.pack("<I", len(meta)))
    return bytes(128) + b"DICM" + group_length + meta + data


def write(path, options, number):
    frame_bytes = options.rows * options.columns * 2
    block = hashlib.shake_128(f"{options.seed}/{number}".encode()).digest(min(frame_bytes, 1 << 20))
    block = bytes(b & 0x0F if i % 2 else b for i, b in enumerate(block[:1 << 16])) * (len(block) // (1 << 16) or 1)
    pixels = (block * (frame_bytes // len(block) + 1))[:frame_bytes]
    with open(path, "wb") as out:
        out.write(head(options, number))
        out.write(struct.pack("<HH", 0x7FE0, 0x0010) + b"OW" + struct.pack("<HI", 0, frame_bytes * options.frames))
        for frame in range(options.frames):
            mark = struct.pack("<I", frame)[:frame_bytes]  # so that no two frames are the same
            out.write(mark)
            out.write(pixels[len(mark):])


def make(options):
    if not options.count:
        write(options.file, options, options.number)
        return
    os.makedirs(options.file, exist_ok=True)
    for number in range(options.number, options.number + options.count):
        write(os.path.join(options.file, f"{number:06}.dcm"), options, number)


def data_set(path):
    with open(path, "rb") as source:
        start = source.read(144)
        if start[128:132] != b"DICM" or start[132:140] != b"\x02\0\0\0UL\x04\0":
            raise ValueError("no Part 10 header with a group length")
        end = 144 + struct.unpack("<I", start[140:144])[0]
        meta, instance, at = source.read(end - 144), "", 0
        while at + 8 <= len(meta):
            group, number = struct.unpack("<HH", meta[at:at + 4])
            long = meta[at + 4:at + 6] in LONG_VRS
            size = struct.unpack("<I", meta[at + 8:at + 12])[0] if long else struct.unpack("<H", meta[at + 6:at + 8])[0]
            at += 12 if long else 8
            if (group, number) == (0x0002, 0x0003):
                instance = meta[at:at + size].rstrip(b"\0 ").decode("ascii", "replace")
            at += size
        digest = hashlib.sha256()
        for piece in iter(lambda: source.read(1 << 20), b""):
            digest.update(piece)
    return digest.hexdigest(), instance


def main():
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(dest="command", required=True)
    maker = commands.add_parser("make")
    maker.add_argument("file")
    for name, default in (("rows", 64), ("columns", 64), ("frames", 1), ("number", 1), ("count", 0)):
        maker.add_argument("--" + name, type=int, default=default)
    maker.add_argument("--seed", default="cassette")
    lister = commands.add_parser("dataset")
    lister.add_argument("files", nargs="+")
    options = parser.parse_args()
    if options.command == "make":
        make(options)
        return
    for path in options.files:
        try:
            print(*data_set(path), path)
        except (ValueError, struct.error) as error:
            sys.exit(f"{path}: {error}")


main()
