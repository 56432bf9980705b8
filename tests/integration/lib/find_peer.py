"""A C-FIND client that keeps its association, proposes extended negotiation, and gives back what came as it came.

Source: PS3.4 C.4.1, C.5.1, PS3.7 9.3.2.
"""
import socket
import struct

from dicom_peer import IMPLICIT, data, item, pdu, pdv, uid

ROOTS = {"patient": "1.2.840.10008.5.1.4.1.2.1.1", "study": "1.2.840.10008.5.1.4.1.2.2.1"}
CODECS = {"": "ascii", "ISO_IR 6": "ascii", "ISO_IR 192": "utf-8", "ISO_IR 100": "latin-1", "ISO_IR 144": "iso8859-5",
          "ISO_IR 126": "iso8859-7", "ISO_IR 138": "iso8859-8", "GB18030": "gb18030", "GBK": "gbk"}


def element(tag, value):
    """Implicit VR; a list is a sequence, of items that are dictionaries of tags."""
    if isinstance(value, list):
        value = b"".join(struct.pack("<HHI", 0xFFFE, 0xE000, len(body)) + body for body in map(identifier, value))
    elif len(value) % 2:
        value += b" "
    return struct.pack("<HHI", tag >> 16, tag & 0xFFFF, len(value)) + value


def identifier(keys):
    return b"".join(element(tag, keys[tag]) for tag in sorted(keys))


def parse(body):
    found = {}
    while len(body) >= 8:
        group, number, size = struct.unpack("<HHI", body[:8])
        found[group << 16 | number] = body[8:8 + size]
        body = body[8 + size:]
    return found


class Finder:
    def __init__(self, port, called="CASSETTE", extended=b"\1\1\1\1\1\1\1", host="127.0.0.1"):
        self.socket = socket.create_connection((host, port), 60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.message = 0
        body = struct.pack(">HH", 1, 0) + called.ljust(16).encode() + b"ORACLE".ljust(16) + bytes(32)
        body += item(0x10, b"1.2.840.10008.3.1.1.1")
        user = item(0x51, struct.pack(">I", 65536)) + item(0x52, b"2.25.1")
        for number, root in enumerate(ROOTS.values()):
            body += item(0x20, bytes([2 * number + 1, 0, 0, 0]) + item(0x30, root.encode()) + item(0x40, IMPLICIT.encode()))
            if extended:
                user += item(0x56, struct.pack(">H", len(root)) + root.encode() + extended)
        self.socket.sendall(pdu(1, body + item(0x50, user)))
        kind, answer = self.receive()
        if kind != 2:
            raise OSError("no association")
        marker = struct.pack(">H", len(ROOTS["study"])) + ROOTS["study"].encode()
        at = answer.find(marker)
        self.extended = answer[at + len(marker):at + len(marker) + len(extended)] if at >= 0 else b""

    def exactly(self, size):
        got = b""
        while len(got) < size:
            more = self.socket.recv(size - len(got))
            if not more:
                raise OSError("the connection ended")
            got += more
        return got

    def receive(self):
        kind, _, size = struct.unpack(">BBI", self.exactly(6))
        return kind, self.exactly(size)

    def request(self, root, keys):
        """Sends a query; `keys` by tag, in bytes."""
        abstract, context = ROOTS[root], 2 * list(ROOTS).index(root) + 1
        self.message = self.message % 60000 + 1
        fields = [(2, uid(abstract)), (0x100, b"\x20\0"), (0x110, struct.pack("<H", self.message)), (0x700, b"\0\0"), (0x800, b"\1\0")]
        body = b"".join(element(number, value) for number, value in fields)
        body = element(0, struct.pack("<I", len(body))) + body
        self.socket.sendall(data(pdv(context, 3, body)) + data(pdv(context, 2, identifier(keys))))

    def find(self, root, keys):
        """(matches, final status, error comment)."""
        self.request(root, keys)
        matches, text = [], b""
        while True:
            kind, body = self.receive()
            if kind != 4:
                raise OSError(f"PDU of type {kind}")
            while body:
                size, _, control = struct.unpack(">IBB", body[:6])
                text += body[6:4 + size]
                body = body[4 + size:]
                if not control & 2:
                    continue
                found, text = parse(text), b""
                if not control & 1:
                    matches.append(found)
                elif struct.unpack("<H", found[0x900])[0] not in (0xFF00, 0xFF01):
                    return matches, struct.unpack("<H", found[0x900])[0], found.get(0x902, b"").decode("latin-1")

    def close(self):
        self.socket.sendall(pdu(5, bytes(4)))
        self.receive()
        self.socket.close()


def texts(match):
    """The values of a match as text, trimmed."""
    codec = CODECS[match.get(0x00080005, b"").rstrip(b" \0").decode()]
    return {tag: value.decode(codec, "replace").strip(" \0") for tag, value in match.items()}
