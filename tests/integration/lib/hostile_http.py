#!/usr/bin/env python3
"""Does to the port for monitoring what strangers do; complains where it is not answered as it should be.

  hostile_http.py malformed PORT    requests that are none, and such that are too long
  hostile_http.py hold PORT COUNT   COUNT connections that say a byte now and then; ends when all were cut off
Exit status: 1 after a complaint.
"""
import concurrent.futures
import select
import socket
import sys
import time


def connect(port):
    made = socket.create_connection(("127.0.0.1", port), timeout=60)
    made.settimeout(60)
    return made


def answer(port, request):
    """What comes back; b"" where it was closed without a word."""
    got = b""
    with connect(port) as sock:
        try:
            sock.sendall(request)
            sock.shutdown(socket.SHUT_WR)
            while True:
                more = sock.recv(65536)
                if not more:
                    return got
                got += more
        except TimeoutError as error:
            raise SystemExit(f"no answer to {request[:80]}") from error
        except OSError: # it was cut off before we had said all
            return got


def status(got):
    return int(got.split(b" ", 2)[1]) if got.startswith(b"HTTP/1.") else 0


def malformed(port):
    refused = {"nothing": b"", "noise": bytes(range(256)) * 8, "no version": b"GET /metrics\r\n\r\n", "a DICOM PDU": b"\1\0\0\0\0\x40" + bytes(64),
               "a TLS hello": b"\x16\3\1\2\0\1\0\1\xfc\3\3" + bytes(500), "no end": b"GET /metrics HTTP/1.1\r\nHost: x\r\nA: " + b"x" * 200,
               "a long line": b"GET /" + b"x" * 100000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
               "long headers": b"GET /metrics HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 20000 + b"\r\n",
               "a huge body": b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n" + bytes(65536),
               "a bad chunk": b"PUT /metrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZZ\r\n" + bytes(100)}
    # At once, since those that have no end are closed only when their time is over.
    with concurrent.futures.ThreadPoolExecutor(len(refused)) as pool:
        for name, got in zip(refused, pool.map(lambda request: status(answer(port, request)), refused.values())):
            if got != 0 and not 400 <= got < 600:
                raise SystemExit(f"{name}: {got}")
    for method in (b"POST", b"PUT", b"DELETE", b"OPTIONS", b"CONNECT", b"TRACE", b"WHATEVER"):
        got = answer(port, method + b" /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        if status(got) != 405 and not (method == b"CONNECT" and status(got) in (0, 400, 405)):
            raise SystemExit(f"{method}: {got[:80]}")
    for path in (b"/", b"/metrics/", b"/metrics/../health", b"//metrics", b"/health%00", b"/METRICS", b"/../../etc/passwd", b"*"):
        got = answer(port, b"GET " + path + b" HTTP/1.1\r\nHost: x\r\n\r\n")
        if status(got) not in (404, 400):
            raise SystemExit(f"{path}: {got[:80]}")
    got = answer(port, b"GET /metrics?x=1 HTTP/1.1\r\nHost: x\r\n\r\nGET /health HTTP/1.1\r\nHost: x\r\n\r\n")
    if got.count(b"HTTP/1.1") != 1 or status(got) != 200:
        raise SystemExit("a connection serves one request")


def hold(port, count):
    """Half of them never end their request, the others never read the answer."""
    held, began = [connect(port) for _ in range(count)], time.monotonic()
    for place, sock in enumerate(held):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\nA: " if place % 2 else b"GET")
    print("held", flush=True)
    while held:
        readable, _, _ = select.select(held, [], [], 0.5)
        for sock in list(held):
            try:
                if sock in readable and not sock.recv(65536):
                    raise BrokenPipeError
                sock.sendall(b"x")
            except OSError:
                held.remove(sock)
                sock.close()
        if time.monotonic() - began > 100:
            raise SystemExit(f"{len(held)} connections are still open")


if sys.argv[1] == "malformed":
    malformed(int(sys.argv[2]))
else:
    hold(int(sys.argv[2]), int(sys.argv[3]))
