#!/usr/bin/env python3
"""A C-GET client that takes every transfer syntax, one in a context, and can misbehave.

  dicom_get_peer.py --port N [--called TITLE] [--kinds FILE] [--level LEVEL] [--cancel N] [--refuse N] [--identifier FORM] [--out FOLDER]
                    [--stop N] UID...

Proposes Study Root GET and, as SCP, a context for each line "<SOP class> <transfer syntax>" of the file; asks for the
UIDs at the level; prints "<SHA-256 of the data set> <SOP Instance UID>" for each object that comes, and at the end
"status=.. completed=.. failed=.. warning=.. listed=.." on standard error. --cancel N: C-CANCEL when object N comes;
--refuse N: object N is answered with A700; --drop N: the connection is closed within object N; --slow: reads in small pieces;
--identifier none|garbage|huge: what is sent instead of one; --out FOLDER: objects are written there as Part 10 files, named by their UID;
--stop N: nothing more is read from object N on, until standard input ends.
Source: PS3.7 9.3.3, D.3.3.4, PS3.4 C.4.3.
"""
import argparse
import hashlib
import os
import socket
import struct
import sys

from dicom_peer import IMPLICIT, Peer, data, item, pdu, pdv, uid

GET = "1.2.840.10008.5.1.4.1.2.2.3"
KEYS = {"STUDY": (0x20, 0x0D), "SERIES": (0x20, 0x0E), "IMAGE": (0x08, 0x18)}


def request(called, calling, kinds):
    body = struct.pack(">HH", 1, 0) + called.ljust(16).encode() + calling.ljust(16).encode() + bytes(32)
    body += item(0x10, b"1.2.840.10008.3.1.1.1")
    for number, (abstract, syntax) in enumerate([(GET, IMPLICIT)] + kinds):
        body += item(0x20, bytes([2 * number + 1, 0, 0, 0]) + item(0x30, abstract.encode()) + item(0x40, syntax.encode()))
    user = item(0x51, struct.pack(">I", 65536)) + item(0x52, b"2.25.1")
    for abstract in sorted({kind[0] for kind in kinds}):
        user += item(0x54, struct.pack(">H", len(abstract)) + abstract.encode() + b"\0\1")
    return pdu(1, body + item(0x50, user))


def part10(sop_class, instance, syntax):
    """The File Meta Information, PS3.10 7.1."""
    def explicit(number, vr, value):
        size = struct.pack("<HI", 0, len(value)) if vr == b"OB" else struct.pack("<H", len(value))
        return struct.pack("<HH", 2, number) + vr + size + value
    meta = explicit(1, b"OB", b"\0\1") + explicit(2, b"UI", sop_class) + explicit(3, b"UI", instance)
    meta += explicit(0x10, b"UI", uid(syntax)) + explicit(0x12, b"UI", uid("2.25.1"))
    return bytes(128) + b"DICM" + explicit(0, b"UL", struct.pack("<I", len(meta))) + meta


def element(group, number, value):
    return struct.pack("<HHI", group, number, len(value)) + value


def command(*elements):
    body = b"".join(element(0, number, value) for number, value in elements)
    return element(0, 0, struct.pack("<I", len(body))) + body


def parse(body):
    found = {}
    while len(body) >= 8:
        _, number, size = struct.unpack("<HHI", body[:8])
        found[number] = body[8:8 + size]
        body = body[8 + size:]
    return found


def number(found, key):
    return struct.unpack("<H", found[key])[0] if key in found else -1


class Get(Peer):
    def values(self):
        """(context, control, bytes) of all values that come."""
        while True:
            kind, body = self.receive()
            if kind != 4:
                sys.exit(f"PDU of type {kind} instead of data")
            while body:
                size, context, control = struct.unpack(">IBB", body[:6])
                yield context, control, body[6:4 + size]
                body = body[4 + size:]

    def exactly(self, size):
        if not self.options.slow:
            return super().exactly(size)
        got = b""
        while len(got) < size:
            more = self.socket.recv(min(1000, size - len(got)))
            if not more:
                return None
            got += more
        return got

    def ask(self, identifier):
        self.send(data(pdv(1, 3, command((2, uid(GET)), (0x100, b"\x10\0"), (0x110, b"\7\0"), (0x700, b"\0\0"),
                                         (0x800, b"\x01\x01" if identifier is None else b"\1\0")))))
        for at in range(0, len(identifier or b""), 30000):
            piece = identifier[at:at + 30000]
            self.send(data(pdv(1, 2 if at + 30000 >= len(identifier) else 0, piece)))

    def answer(self, context, found, status):
        self.send(data(pdv(context, 3, command((2, found[2]), (0x100, b"\1\x80"), (0x120, found[0x110]), (0x800, b"\x01\x01"),
                                               (0x900, struct.pack("<H", status)), (0x1000, found[0x1000])))))

    def serve(self):
        """Takes objects until the final response."""
        options, objects, text, found, digest, out = self.options, 0, b"", {}, None, None
        for context, control, piece in self.values():
            text = text + piece if control & 1 or context == 1 else b""
            if control & 1 and control & 2:
                found, text, digest = parse(text), b"", hashlib.sha256()
                objects += number(found, 0x100) == 1
                if number(found, 0x100) == 1 and objects == options.cancel:
                    self.send(data(pdv(1, 3, command((0x100, b"\xff\x0f"), (0x120, b"\7\0"), (0x800, b"\x01\x01")))))
                if options.out and number(found, 0x100) == 1:
                    name = os.path.join(options.out, found[0x1000].rstrip(b"\0").decode() + ".dcm")
                    out = open(name, "wb")  # pylint: disable=consider-using-with
                    out.write(part10(found[2], found[0x1000], options.syntaxes[context]))
                final = number(found, 0x100) == 0x8010 and number(found, 0x900) != 0xFF00
                if final and number(found, 0x800) == 0x0101:
                    return found, b""
            elif context == 1 and control & 2:
                return found, text
            elif context != 1:
                digest.update(piece)
                if out:
                    out.write(piece)
                if objects == options.stop:
                    sys.stdin.read()
                if objects == options.drop:
                    sys.exit(0)
                if control & 2:
                    if out:
                        out.close()
                    if objects != options.refuse:
                        print(digest.hexdigest(), found[0x1000].rstrip(b"\0").decode())
                    self.answer(context, found, 0xA700 if objects == options.refuse else 0)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--called", default="CASSETTE")
    parser.add_argument("--calling", default="PEER")
    parser.add_argument("--kinds")
    parser.add_argument("--level", default="STUDY")
    parser.add_argument("--timeout", type=float, default=60)
    parser.add_argument("--slow", action="store_true")
    parser.add_argument("--identifier")
    parser.add_argument("--out")
    for name in ("--cancel", "--refuse", "--drop", "--stop"):
        parser.add_argument(name, type=int, default=-1)
    parser.add_argument("uids", nargs="*")
    options = parser.parse_args()
    kinds = [tuple(line.split()) for line in open(options.kinds, encoding="ascii")] if options.kinds else []
    options.syntaxes = {2 * place + 3: kind[1] for place, kind in enumerate(kinds)}
    peer = Get(options)
    if options.slow:
        peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    peer.send(request(options.called, options.calling, kinds))
    if peer.receive()[0] != 2:
        sys.exit("no association")
    level, value = options.level, "\\".join(options.uids)
    keys = sorted([((8, 0x52), level.ljust(len(level) + len(level) % 2).encode()), (KEYS.get(level, (8, 0x18)), uid(value))])
    identifier = b"".join(element(group, name, content) for (group, name), content in keys)
    peer.ask({"none": None, "garbage": b"\xff" * 99 + b"\0", "huge": bytes(1 << 20)}.get(options.identifier, identifier))
    found, listed = peer.serve()
    counts = " ".join(f"{name}={number(found, key)}" for name, key in (("completed", 0x1021), ("failed", 0x1022), ("warning", 0x1023)))
    print(f"status={number(found, 0x900):04X} {counts} listed={listed.count(b'.') > 0 and listed[8:].count(92) + 1 or 0}", file=sys.stderr)
    peer.send(pdu(5, bytes(4)))
    peer.receive()


main()
