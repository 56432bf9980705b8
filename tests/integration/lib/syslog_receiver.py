#!/usr/bin/env python3
"""A syslog collector: writes the XML of each audit message to a file of its own, 0001.xml and so on.

  syslog_receiver.py udp|tcp|tls PORT FOLDER [CERTIFICATE KEY CA]

Says "listening". With tls it asks for a client certificate of that CA. Ends with its standard input, and with status 1
after a message that breaks RFC 5424 or, on a stream, the octet counting of RFC 6587.
"""
import os
import re
import select
import socket
import ssl
import sys

HEADER = re.compile(rb"<8[45]>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \S+ cassetted \d+ DICOM\+RFC3881 - \xef\xbb\xbf(<\?xml.*)\Z", re.S)
folder = sys.argv[3]
count = len(os.listdir(folder))


def take(message):
    global count
    found = HEADER.match(message)
    if not found:
        sys.exit("no header: %r" % message[:200])
    count += 1
    path = f"{folder}/{count:04}.xml"
    with open(path + ".part", "wb") as file:
        file.write(found[1])
    os.rename(path + ".part", path)


def frames(stream):
    while b" " in stream[:8]:
        head, rest = stream.split(b" ", 1)
        if not head.isdigit():
            sys.exit("no octet count: %r" % stream[:40])
        if len(rest) < int(head):
            break
        take(rest[:int(head)])
        stream = rest[int(head):]
    return stream


def main():
    kind = socket.SOCK_DGRAM if sys.argv[1] == "udp" else socket.SOCK_STREAM
    listener = socket.socket(socket.AF_INET, kind)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", int(sys.argv[2])))
    context = None
    if sys.argv[1] == "tls":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[4], sys.argv[5])
        context.load_verify_locations(sys.argv[6])
        context.verify_mode = ssl.CERT_REQUIRED
    if kind == socket.SOCK_STREAM:
        listener.listen()
    print("listening", flush=True)
    streams = {}
    while True:
        for ready in select.select([sys.stdin, listener, *streams], [], [])[0]:
            if ready is sys.stdin:
                return
            if ready is listener and kind == socket.SOCK_DGRAM:
                take(listener.recv(65536))
            elif ready is listener:
                accepted = listener.accept()[0]
                try:
                    streams[context.wrap_socket(accepted, server_side=True) if context else accepted] = b""
                except (ssl.SSLError, ConnectionError) as error:
                    print("refused:", error, flush=True)
            else:
                got = ready.recv(65536)
                while context and ready.pending():
                    got += ready.recv(65536)
                if got:
                    streams[ready] = frames(streams[ready] + got)
                else:
                    ready.close()
                    del streams[ready]


main()
