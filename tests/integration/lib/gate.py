"""gate.py PORT TARGET COUNT: forwards connections to a port of the loopback, but none before COUNT of them are there at the
same time; prints "N at once" for each new highest number of them."""
import socket
import sys
import threading

port, target, count = (int(argument) for argument in sys.argv[1:])
lock = threading.Condition()
now = most = 0
is_open = False


def pump(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def serve(caller):
    global now, most, is_open
    with lock:
        now += 1
        if now > most:
            most = now
            print(f"{most} at once", flush=True)
        is_open = is_open or now >= count
        lock.notify_all()
        lock.wait_for(lambda: is_open)
    with caller, socket.create_connection(("127.0.0.1", target)) as called:
        back = threading.Thread(target=pump, args=(called, caller))
        back.start()
        pump(caller, called)
        back.join()
    with lock:
        now -= 1


listener = socket.create_server(("127.0.0.1", port))
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
