#!/usr/bin/env python3
"""A DICOM peer that does what DCMTK's tools do not: odd, hostile and half-dead associations.

  dicom_peer.py --port N [--called TITLE] [--tls CA CERTIFICATE KEY] CASE

Prints one line about what the other side did. Exit status 0 when it did as the case expects, else 1. Cases:
  garbage, silent-close, wrong-title, huge-pdu, huge-pdv, many-syntaxes, unknown-command, endless-command, bad-command,
  broken-request, old-version, blank-title, endless-request, data-first, interleaved, abort-midway, die-midway, private-class, unknown-syntax, no-data-set, uid-mismatch, absurd-uid, drip,
  hold (associates, says "held", and waits for its standard input to end),
  slow (sends half an object, says "half", waits for a line on its standard input, sends the rest),
  versions (one SOP Instance UID with two contents, then both again), many-values (a PDU of many values),
  never-read (asks and asks, and takes no answer),
  steady (says "held", and has one C-ECHO after the other answered until its standard input ends)
Source: PS3.8 9.3 (PDUs), PS3.7 6.3.1 and E (command sets).
"""
import argparse
import random
import select
import socket
import ssl
import struct
import sys
import time

VERIFICATION = "1.2.840.10008.1.1"
CT = "1.2.840.10008.5.1.4.1.1.2"
IMPLICIT = "1.2.840.10008.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"
KINDS = {1: "request", 2: "accept", 3: "reject", 4: "data", 5: "release-request", 6: "release", 7: "abort", None: "close"}


def item(kind, body):
    return struct.pack(">BBH", kind, 0, len(body)) + body


def pdu(kind, body):
    return struct.pack(">BBI", kind, 0, len(body)) + body


def associate(called, contexts, calling="PEER"):
    body = struct.pack(">HH", 1, 0) + called.ljust(16).encode() + calling.ljust(16).encode() + bytes(32)
    body += item(0x10, b"1.2.840.10008.3.1.1.1")
    for number, (abstract, transfers) in enumerate(contexts):
        inner = struct.pack(">BBBB", 2 * number + 1, 0, 0, 0) + item(0x30, abstract.encode())
        inner += b"".join(item(0x40, transfer.encode()) for transfer in transfers)
        body += item(0x20, inner)
    return pdu(1, body + item(0x50, item(0x51, struct.pack(">I", 16384)) + item(0x52, b"2.25.1")))


def element(number, value):
    return struct.pack("<HHI", 0, number, len(value)) + value


def uid(text):
    return text.encode() + b"\0" * (len(text) % 2)


def command(field, instance="", abstract=CT, data=True, extra=b"", message=1):
    body = element(0x0002, uid(abstract)) + element(0x0100, struct.pack("<H", field))
    body += element(0x0110, struct.pack("<H", message)) + element(0x0800, struct.pack("<H", 1 if data else 0x0101))
    body += element(0x1000, uid(instance)) if instance else b""
    return element(0, struct.pack("<I", len(body) + len(extra))) + body + extra


def pdv(context, control, body):
    return struct.pack(">IBB", len(body) + 2, context, control) + body


def data(*pdvs):
    return pdu(4, b"".join(pdvs))


def data_set(instance, abstract=CT, pixels=1000):
    def one(group, number, value):
        return struct.pack("<HHI", group, number, len(value)) + value
    return (one(8, 0x16, uid(abstract)) + one(8, 0x18, uid(instance)) + one(0x10, 0x10, b"Odd^Peer") + one(0x10, 0x20, b"ODD1") +
            one(0x20, 0x0D, uid("2.25.20")) + one(0x20, 0x0E, uid("2.25.21")) + one(0x7FE0, 0x10, bytes(pixels)))


class Peer:
    def __init__(self, options):
        self.options = options
        context = None
        if getattr(options, "tls", None):
            context = ssl.create_default_context(cafile=options.tls[0])
            context.check_hostname = False
            context.load_cert_chain(options.tls[1], options.tls[2])
        self.socket = socket.create_connection(("127.0.0.1", options.port), timeout=options.timeout)
        if context:
            self.socket = context.wrap_socket(self.socket)

    def send(self, bytes_):
        try:
            self.socket.sendall(bytes_)
        except OSError:
            pass  # the other side has closed; what it said is still to be read

    def exactly(self, size):
        got = b""
        while len(got) < size:
            more = self.socket.recv(size - len(got))
            if not more:
                return None
            got += more
        return got

    def receive(self):
        try:
            head = self.exactly(6)
            if head is None:
                return None, b""
            kind, _, size = struct.unpack(">BBI", head)
            return kind, self.exactly(size) or b""
        except ConnectionError:
            return None, b""

    def open(self, contexts=((CT, [IMPLICIT]),), called=None):
        self.send(associate(called or self.options.called, contexts))
        return self.receive()

    def status(self):
        """The status of the next response, as text; or what came instead."""
        kind, body = self.receive()
        if kind != 4:
            return KINDS.get(kind, str(kind))
        at = body[6:]
        while len(at) >= 8:
            _, number, size = struct.unpack("<HHI", at[:8])
            if number == 0x0900:
                return "%04X" % struct.unpack("<H", at[8:10])
            at = at[8 + size:]
        return "no status"

    def store(self, instance, abstract=CT, body=None, message=1):
        body = data_set(instance, abstract) if body is None else body
        self.send(data(pdv(1, 3, command(1, instance, abstract, message=message))))
        self.send(data(pdv(1, 2, body)))
        return self.status()

    def echo(self):
        self.send(data(pdv(1, 3, command(0x30, abstract=VERIFICATION, data=False))))
        return self.status()


def contexts_answered(body):
    """{id: (result, transfer syntax)} of an A-ASSOCIATE-AC."""
    found, at = {}, body[68:]
    while len(at) >= 4:
        kind, _, size = struct.unpack(">BBH", at[:4])
        if kind == 0x21:
            inner = at[4:4 + size]
            found[inner[0]] = (inner[2], inner[8:].rstrip(b"\0").decode("ascii", "replace"))
        at = at[4 + size:]
    return found


def garbage(peer):
    peer.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" + random.Random(7).randbytes(3000))
    peer.socket.shutdown(socket.SHUT_WR)
    kind = peer.receive()[0]
    return kind in (None, 7), KINDS.get(kind)


def refused(peer, request, *expected):
    """What is sent instead of a request is answered by the start of `expected`, or by closing."""
    peer.send(request)
    peer.socket.shutdown(socket.SHUT_WR)
    kind, body = peer.receive()
    return (kind, tuple(body[:4])) in ((None, ()), expected), f"{KINDS.get(kind)} {tuple(body[:4])}"


def broken_request(peer):
    """DCMTK 3.6.7 leaks memory when it parses a context whose transfer syntax is longer than the context."""
    good = associate(peer.options.called, [(CT, [IMPLICIT])])
    broken = good.replace(b"\x40\0" + struct.pack(">H", len(IMPLICIT)), b"\x40\0\xff\xff")
    return refused(peer, broken, 7, (0, 0, 2, 6))


def old_version(peer):
    good = associate(peer.options.called, [(CT, [IMPLICIT])])
    return refused(peer, good[:6] + struct.pack(">H", 2) + good[8:], 3, (0, 1, 2, 2))


def blank_title(peer):
    """DCMTK 3.6.7 leaks memory when it answers such a peer."""
    return refused(peer, associate(peer.options.called, [(CT, [IMPLICIT])], calling=""), 7, (0, 0, 2, 6))


def endless_request(peer):
    return refused(peer, struct.pack(">BBI", 1, 0, 0x7FFFFFFF) + bytes(500000), 7, (0, 0, 2, 6))


def silent_close(peer):
    peer.socket.close()
    return True, "closed"


def wrong_title(peer):
    kind, body = peer.open(called="SOMEBODYELSE")
    return kind == 3 and tuple(body[1:4]) == (1, 1, 7), f"{KINDS.get(kind)} {tuple(body[1:4])}"


def huge_pdu(peer):
    peer.open()
    peer.send(struct.pack(">BBI", 4, 0, 0xFFFFFFF0) + bytes(100000))
    kind = peer.receive()[0]
    return kind in (7, None), KINDS.get(kind)


def huge_pdv(peer):
    peer.open()
    peer.send(pdu(4, struct.pack(">IBB", 0x7FFFFFFF, 1, 3) + bytes(1000)))
    kind = peer.receive()[0]
    return kind in (7, None), KINDS.get(kind)


def many_syntaxes(peer):
    kind, body = peer.open([(CT, ["2.25.%d" % i for i in range(200)]), (CT, [IMPLICIT])])
    answer = contexts_answered(body) if kind == 2 else {}
    return kind == 2 and [answer.get(i, (9, ""))[0] for i in (1, 3)] == [0, 0], f"{KINDS.get(kind)} {answer}"


def unknown_command(peer):
    peer.open()
    peer.send(data(pdv(1, 3, command(0x0150, "2.25.5", data=False))))
    first = peer.status()
    peer.send(data(pdv(1, 3, command(0x0140)), pdv(1, 2, bytes(500))))
    second = peer.status()
    third = peer.store("2.25.1000")
    return (first, second, third) == ("0211", "0211", "0000"), f"{first} {second} {third}"


def endless_command(peer):
    peer.open()
    for _ in range(2000):
        peer.send(data(pdv(1, 1, bytes(16000))))
    kind = peer.receive()[0]
    return kind in (7, None), KINDS.get(kind)


def bad_command(peer):
    peer.open()
    peer.send(data(pdv(1, 3, struct.pack("<HHI", 0, 0x0100, 0xFFFFFFFF) + b"xx")))
    kind = peer.receive()[0]
    return kind in (7, None), KINDS.get(kind)


def data_first(peer):
    peer.open()
    peer.send(data(pdv(1, 2, bytes(100))))
    kind = peer.receive()[0]
    return kind in (7, None), KINDS.get(kind)


def interleaved(peer):
    peer.open()
    peer.send(data(pdv(1, 3, command(1, "2.25.6")), pdv(1, 0, data_set("2.25.6")[:50]), pdv(1, 3, command(1, "2.25.7"))))
    kind = peer.receive()[0]
    return kind in (7, None), KINDS.get(kind)


def midway(peer):
    peer.open()
    peer.send(data(pdv(1, 3, command(1, "2.25.8")), pdv(1, 0, data_set("2.25.8", pixels=20000)[:9000])))


def abort_midway(peer):
    midway(peer)
    peer.send(pdu(7, bytes(4)))
    kind = peer.receive()[0]
    return kind is None, KINDS.get(kind)


def die_midway(peer):
    midway(peer)
    peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.socket.close()
    return True, "reset"


def private_class(peer):
    private = "1.3.6.1.4.1.99999.1.2"
    kind, body = peer.open([(private, [EXPLICIT, IMPLICIT])])
    answer = contexts_answered(body) if kind == 2 else {}
    stored = peer.store("2.25.1001", private) if answer.get(1, (9,))[0] == 0 else "not accepted"
    return stored == "0000", f"{answer} {stored}"


def unknown_syntax(peer):
    kind, body = peer.open([(CT, ["1.3.6.1.4.1.99999.7"])])
    answer = contexts_answered(body) if kind == 2 else {}
    return answer.get(1) == (0, "1.3.6.1.4.1.99999.7"), f"{KINDS.get(kind)} {answer}"


def no_data_set(peer):
    peer.open()
    peer.send(data(pdv(1, 3, command(1, "2.25.9", data=False))))
    first = peer.status()
    second = peer.store("2.25.1002")
    return (first, second) == ("C000", "0000"), f"{first} {second}"


def uid_mismatch(peer):
    peer.open()
    first = peer.store("2.25.1003", body=data_set("2.25.1004"))
    second = peer.store("2.25.1005")
    return first[0] in "AC" and second == "0000", f"{first} {second}"


def absurd_uid(peer):
    """UIDs that are paths, markup, or nothing but digits without end; the association goes on behind them."""
    peer.open()
    absurd = ("../../x", "/etc/passwd", "<a>&%n", "1.2.840", "9" * 64, "1..2")
    answers = [peer.store(uid_, body=data_set(uid_)) for uid_ in absurd]
    last = peer.store("2.25.1040")
    return all(len(answer) == 4 for answer in answers) and last == "0000", " ".join(answers) + " " + last


def drip(peer):
    """One byte a second of the request, for longer than the negotiation may take."""
    request = associate(peer.options.called, [(CT, [IMPLICIT])])
    peer.socket.settimeout(1)
    for byte in request[:20]:
        peer.send(bytes([byte]))
        try:
            if not peer.socket.recv(1):
                return True, "closed"
        except socket.timeout:
            continue
        except OSError:
            return True, "reset"
    return False, "still open"


def hold(peer):
    kind, _ = peer.open()
    print("held" if kind == 2 else KINDS.get(kind), flush=True)
    sys.stdin.read()
    peer.send(pdu(5, bytes(4)))
    return kind == 2, KINDS.get(peer.receive()[0])


def slow(peer):
    """The rest of the object comes while the other side is stopping; then the association must end."""
    peer.open()
    body = data_set("2.25.1010", pixels=100000)
    peer.send(data(pdv(1, 3, command(1, "2.25.1010")), pdv(1, 0, body[:5000])))
    print("half", flush=True)
    sys.stdin.readline()
    for start in range(5000, len(body), 10000):
        last = start + 10000 >= len(body)
        peer.send(data(pdv(1, 2 if last else 0, body[start:start + 10000])))
    first = peer.status()
    then = KINDS.get(peer.receive()[0])
    return (first, then) == ("0000", "abort"), f"{first} {then}"


def versions(peer):
    peer.open()
    one, two = data_set("2.25.1020", pixels=100), data_set("2.25.1020", pixels=200)
    answers = [peer.store("2.25.1020", body=body) for body in (one, two, one, two)]
    return answers == ["0000"] * 4, " ".join(answers)


def many_values(peer):
    """DCMTK 3.6.7 loses its place in such a PDU."""
    peer.open()
    body = data_set("2.25.1030", pixels=3000)
    cuts = [0, 1, 501, 502, 1700, 1703, len(body)]
    values = [pdv(1, 2 if end == len(body) else 0, body[start:end]) for start, end in zip(cuts, cuts[1:])]
    peer.send(data(pdv(1, 3, command(1, "2.25.1030")), *values))
    first = peer.status()
    return first == "0000", first


def never_read(peer):
    """Its answers fill the buffers of both sides, which takes a slow machine a while; then the other side waits for us, and gives
    up. Its log says so: with so full buffers nothing of that may reach us. It reads on for a moment then, and closes."""
    peer.open([(VERIFICATION, [IMPLICIT])])
    many = data(pdv(1, 3, command(0x30, abstract=VERIFICATION, data=False))) * 500
    peer.socket.settimeout(120)
    sent, end = 0, time.monotonic() + 120
    try:
        while time.monotonic() < end:
            peer.socket.sendall(many)
            sent += 500
    except OSError:
        return True, f"no more taken after {sent} requests"
    return False, f"{sent} requests were taken"


def steady(peer):
    peer.open([(VERIFICATION, [IMPLICIT])])
    print("held", flush=True)
    count = 0
    while not select.select([sys.stdin], [], [], 0.02)[0]:
        status = peer.echo()
        if status != "0000":
            return False, f"{status} after {count} echoes"
        count += 1
    return count > 10, f"{count} echoes"


CASES = {function.__name__.replace("_", "-"): function for function in (
    garbage, silent_close, wrong_title, broken_request, old_version, blank_title, endless_request, huge_pdu, huge_pdv, many_syntaxes, unknown_command, endless_command, bad_command,
    data_first, interleaved, abort_midway, die_midway, private_class, unknown_syntax, no_data_set, uid_mismatch, absurd_uid, drip, hold,
    slow, versions, many_values, never_read, steady)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--called", default="CASSETTE")
    parser.add_argument("--timeout", type=float, default=60)
    parser.add_argument("--tls", nargs=3)
    parser.add_argument("case", choices=CASES)
    options = parser.parse_args()
    good, what = CASES[options.case](Peer(options))
    print(f"{options.case}: {what}")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
