#!/usr/bin/env python3
"""A peer that asks for storage commitment, and checks the answer.

  commitment_peer.py PORT TITLE same|listen|none [--own PORT] [--called TITLE] [--type N] [--instance UID] [--transaction UID] [--syntax UID]
                     [--answer STATUS] [--expect FAILURES] CLASS:INSTANCE[:FAILURE] ...

same: the answer is expected on the association that asks; listen: on a new one, to the port --own; none: nobody waits for it.
FAILURE is the Failure Reason expected of that instance, in hexadecimal. Prints the status of the N-ACTION. Exit status 0
where all is as expected.
"""
import argparse
import os
import socket
import struct
import sys
import types

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import dicom_peer as dp

COMMITMENT = "1.2.840.10008.1.20.1"


def element(group, number, vr, value, explicit):
    value += (b"\0" if vr == "UI" else b" ") * (len(value) % 2)
    if not explicit:
        return struct.pack("<HHI", group, number, len(value)) + value
    if vr == "SQ":
        return struct.pack("<HH2sHI", group, number, b"SQ", 0, len(value)) + value
    return struct.pack("<HH2sH", group, number, vr.encode(), len(value)) + value


def read(data, explicit):
    """{tag: bytes, or a list of such for a sequence}; any lengths."""
    found, at = {}, 0

    def header(at):
        group, number = struct.unpack("<HH", data[at:at + 4])
        if explicit and group != 0xFFFE:
            vr = data[at + 4:at + 6]
            if vr == b"SQ":
                return (group, number), struct.unpack("<I", data[at + 8:at + 12])[0], at + 12, True
            return (group, number), struct.unpack("<H", data[at + 6:at + 8])[0], at + 8, False
        size = struct.unpack("<I", data[at + 4:at + 8])[0]
        return (group, number), size, at + 8, size == 0xFFFFFFFF

    while at < len(data):
        tag, size, at, sequence = header(at)
        if not sequence:
            found[tag] = data[at:at + size].rstrip(b"\0 ") if tag != (8, 0x1197) else data[at:at + size]
            at += size
            continue
        assert size == 0xFFFFFFFF
        items = []
        while True:
            tag_, _, at, _ = header(at)
            if tag_ == (0xFFFE, 0xE0DD):
                break
            item = {}
            while True:
                inner, size, at, _ = header(at)
                if inner == (0xFFFE, 0xE00D):
                    break
                item[inner] = data[at:at + size].rstrip(b"\0 ") if inner != (8, 0x1197) else data[at:at + size]
                at += size
            items.append(item)
        found[tag] = items
    return found


def message(peer):
    """The next command and its data set, or None at the end."""
    parts = {True: b"", False: b""}
    command = None
    while True:
        kind, body = peer.receive()
        if kind != 4:
            return None
        at = 0
        while at < len(body):
            size, _, control = struct.unpack(">IBB", body[at:at + 6])
            parts[bool(control & 1)] += body[at + 6:at + 4 + size]
            at += 4 + size
            if control & 2 and control & 1:
                command = read(parts[True], False)
                if command[(0, 0x800)] == b"\x01\x01":
                    return command, b""
            elif control & 2:
                return command, parts[False]


def number(command, element_):
    return struct.unpack("<H", command[(0, element_)].ljust(2, b"\0"))[0]


def check(command, data, options, explicit):
    assert number(command, 0x100) == 0x100, command
    assert command[(0, 2)] == COMMITMENT.encode() and command[(0, 0x1000)] == b"1.2.840.10008.1.20.1.1"
    found = read(data, explicit)
    assert found.get((8, 0x54), options.called.encode()) == options.called.encode(), found
    assert found[(8, 0x1195)] == options.transaction.encode(), found
    kept = {item[(8, 0x1155)].decode() for item in found.get((8, 0x1199), [])}
    failed = {item[(8, 0x1155)].decode(): "%04x" % struct.unpack("<H", item[(8, 0x1197)]) for item in found.get((8, 0x1198), [])}
    wanted = [text.split(":") for text in options.items]
    assert kept == {item[1] for item in wanted if len(item) == 2}, (kept, failed)
    assert failed == {item[1]: item[2] for item in wanted if len(item) == 3}, (kept, failed)
    assert number(command, 0x1002) == (2 if failed else 1)
    assert len(data) % 2 == 0


def respond(peer, command, status=0):
    body = dp.element(2, dp.uid(COMMITMENT)) + dp.element(0x100, b"\x00\x81") + dp.element(0x120, command[(0, 0x110)].ljust(2, b"\0"))
    body += dp.element(0x800, b"\x01\x01") + dp.element(0x900, struct.pack("<H", status))
    peer.send(dp.data(dp.pdv(1, 3, dp.element(0, struct.pack("<I", len(body))) + body)))


class Accepted(dp.Peer):
    def __init__(self, listener):
        self.socket = listener.accept()[0]
        self.socket.settimeout(60)


def answered_elsewhere(listener, options):
    peer = Accepted(listener)
    kind, body = peer.receive()
    assert kind == 1 and body[4:20].strip() == options.title.encode(), body[:40]
    assert body[20:36].strip() == options.called.encode(), body[:40]
    assert struct.pack(">H", len(COMMITMENT)) + COMMITMENT.encode() + b"\0\1" in body, "no role of an SCP is proposed"
    context = bytes((1, 0, 0, 0)) + dp.item(0x40, dp.IMPLICIT.encode())
    user = dp.item(0x51, struct.pack(">I", 16384)) + dp.item(0x52, b"2.25.1")
    user += dp.item(0x54, struct.pack(">H", len(COMMITMENT)) + COMMITMENT.encode() + b"\0\1")
    peer.send(dp.pdu(2, body[:68] + dp.item(0x10, b"1.2.840.10008.3.1.1.1") + dp.item(0x21, context) + dp.item(0x50, user)))
    command, data = message(peer)
    respond(peer, command)
    assert peer.receive()[0] == 5
    peer.send(dp.pdu(6, bytes(4)))
    check(command, data, options, False)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("title")
    parser.add_argument("where", choices=("same", "listen", "none"))
    parser.add_argument("--own", type=int)
    parser.add_argument("--called", default="CASSETTE", help="whom it asks, where committed objects can be got, and who answers")
    parser.add_argument("--type", type=int, default=1)
    parser.add_argument("--instance", default="1.2.840.10008.1.20.1.1")
    parser.add_argument("--transaction", default="2.25.4711")
    parser.add_argument("--syntax", default=dp.EXPLICIT)
    parser.add_argument("--answer", default="0000")
    parser.add_argument("--empty", action="store_true")
    parser.add_argument("--quiet", action="store_true", help="does not ask; an answer of an earlier request is expected")
    parser.add_argument("items", nargs="+")
    options = parser.parse_args()
    if options.where == "listen":
        listener = socket.create_server(("127.0.0.1", options.own))
        listener.settimeout(60)
    if not options.quiet:
        explicit = options.syntax == dp.EXPLICIT
        peer = dp.Peer(types.SimpleNamespace(port=options.port, called=options.called, timeout=60))
        peer.send(dp.associate(options.called, [(COMMITMENT, [options.syntax])], calling=options.title))
        kind, body = peer.receive()
        assert kind == 2 and dp.contexts_answered(body)[1][0] == 0, (kind, body)
        items = b""
        for text in options.items:
            item = element(8, 0x1150, "UI", text.split(":")[0].encode(), explicit) + element(8, 0x1155, "UI", text.split(":")[1].encode(), explicit)
            items += struct.pack("<HHI", 0xFFFE, 0xE000, len(item)) + item
        data = element(8, 0x1195, "UI", options.transaction.encode(), explicit)
        data += b"" if options.empty else element(8, 0x1199, "SQ", items, explicit)
        command = dp.element(3, dp.uid(COMMITMENT)) + dp.element(0x100, b"\x30\x01") + dp.element(0x110, b"\x07\x00") + dp.element(0x800, b"\x01\x00")
        command += dp.element(0x1001, dp.uid(options.instance)) + dp.element(0x1008, struct.pack("<H", options.type))
        peer.send(dp.data(dp.pdv(1, 3, dp.element(0, struct.pack("<I", len(command))) + command)))
        peer.send(dp.data(dp.pdv(1, 2, data)))
        answer, _ = message(peer)
        status = "%04X" % number(answer, 0x900)
        print(status)
        assert status == options.answer, status
    if options.where == "same":
        command, data = message(peer)
        check(command, data, options, explicit)
        respond(peer, command)
    if not options.quiet:
        peer.send(dp.pdu(5, bytes(4)))
        assert peer.receive()[0] == 6
    if options.where == "listen":
        answered_elsewhere(listener, options)


main()
