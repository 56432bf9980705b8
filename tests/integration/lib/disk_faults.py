#!/usr/bin/env python3
"""Makes the disk below the real cassetted fail, at each operation of a run in turn, with dcmsend as the sender.

  disk_faults.py --programs FOLDER --cassette PATH --cassetted PATH --work FOLDER [--passes N] [--seed N]

A store lies on powercut_fs. A run sends a few new objects; the fault hits its first write, sync or change of a name, then its
second, and so on until a run is over before it is hit; in the segments, in the index, in both. After each fault the archive
must take objects again by itself, and after each kind of fault every acknowledged object must be there bit-exact, nothing
that was never offered, and `cassette verify` be clean; at the end also after a SIGKILL and a power cut. Prints the figures as JSON.
Exit status: 0, or 3 where something was lost or the archive did not do what it should.
"""
import argparse
import json
import os
import random
import subprocess
import sys
import time

import dicom_peer
from power_cut import Lost, Scene, digest

REFUSED = "OutOfResources"


def explicit(group, number, vr, value):
    """PS3.5 7.1.2; dcmsend sends such a data set as it is."""
    value += b"\0" * (len(value) % 2)
    long = vr in (b"OB", b"OW")
    head = bytes(2) + len(value).to_bytes(4, "little") if long else len(value).to_bytes(2, "little")
    return group.to_bytes(2, "little") + number.to_bytes(2, "little") + vr + head + value


def part10(uid, body):
    meta = explicit(2, 1, b"OB", b"\0\1") + explicit(2, 2, b"UI", dicom_peer.CT.encode()) + explicit(2, 3, b"UI", uid.encode())
    meta += explicit(2, 0x10, b"UI", dicom_peer.EXPLICIT.encode()) + explicit(2, 0x12, b"UI", b"2.25.1")
    return bytes(128) + b"DICM" + explicit(2, 0, b"UL", len(meta).to_bytes(4, "little")) + meta + body


class Faults(Scene):
    def __init__(self, options):
        super().__init__(options)
        self.figures = {"stores": 0, "starts": 0, "faults": 0, "acknowledged": 0, "refused": 0, "objects_read_back": 0, "read_only": 0,
                        "recovery_seconds_max": 0.0}
        self.inbox = options.work + "/in"
        os.makedirs(self.inbox)

    def object(self):
        self.serial += 1
        uid = f"2.25.{self.options.seed}.{self.serial}"
        rows, columns = self.random.randint(16, 300), 128
        body = explicit(8, 0x16, b"UI", dicom_peer.CT.encode()) + explicit(8, 0x18, b"UI", uid.encode())
        body += explicit(0x10, 0x10, b"PN", b"Faulty^Disk") + explicit(0x10, 0x20, b"LO", b"FAULTY")
        body += explicit(0x20, 0x0D, b"UI", b"2.25.20") + explicit(0x20, 0x0E, b"UI", b"2.25.21")
        for number, value in ((2, 1), (0x10, rows), (0x11, columns), (0x100, 16), (0x101, 16), (0x102, 15), (0x103, 0)):
            body += explicit(0x28, number, b"US", value.to_bytes(2, "little"))
        return uid, body + explicit(0x7FE0, 0x10, b"OW", self.random.randbytes(2 * rows * columns))

    def state(self):
        return json.loads(self.run("info", "--json", self.store).stdout)["daemon"]

    def send_file(self, body, name):
        """What dcmsend says of the response, e.g. "Success" or "Refused: OutOfResources"."""
        path = f"{self.inbox}/{name}.dcm"
        with open(path, "wb") as file:
            file.write(body)
        done = subprocess.run(["dcmsend", "-v", "-ta", "60", "-td", "60", "-aec", "CASSETTE", "127.0.0.1", str(self.port()), path],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        os.unlink(path)
        for line in done.stdout.decode("utf-8", "replace").splitlines():
            if "C-STORE Response" in line:
                return line.split("(", 1)[1].rstrip(")")
        if self.daemon.poll() is not None:
            raise Lost("cassetted ended: " + self.daemon_text()[-1500:])
        raise Lost("dcmsend: " + done.stdout.decode("utf-8", "replace")[-1500:])

    def send_new(self):
        uid, body = self.object()
        self.offer(uid, body)
        answer = self.send_file(part10(uid, body), str(self.serial))
        if answer == "Success":
            self.acknowledge(uid, body)
        elif REFUSED in answer:
            self.figures["refused"] += 1
        else:
            raise Lost("answered with " + answer)
        return answer == "Success"

    def wait_until_writable(self):
        began = time.monotonic()
        self.disk.wait(lambda: not self.state()["read_only"], 120)
        self.figures["recovery_seconds_max"] = round(max(self.figures["recovery_seconds_max"], time.monotonic() - began), 1)
        if not self.send_new():
            raise Lost("the fault is over, and the archive refuses: " + json.dumps(self.state()))

    def at_each(self, kind, path, error, times):
        """The fault at each operation of a run."""
        for nth in range(1, 40):
            before = self.disk.report()["failed"]
            self.disk.tell(f"fail {kind} {path} {nth} {times} {error}")
            for _ in range(2):
                self.send_new()
            self.figures["read_only"] += self.state()["read_only"]
            hits = self.disk.report()["failed"] - before
            self.disk.tell(f"fail {kind} {path} 1 0 {error}")
            self.figures["faults"] += hits
            self.wait_until_writable()
            if hits == 0:
                break
        if nth == 1:
            raise Lost(f"{kind} {path}: no run was hit")
        self.check()

    def full(self, command, back, reason):
        """The disk takes nothing for a while: refused at once, read all the same."""
        self.disk.tell(command)
        for _ in range(3):
            if self.send_new():
                raise Lost(f"{command}: acknowledged")
        state = self.state()
        if not state["read_only"] or reason not in state["read_only_reason"]:
            raise Lost(f"{command}: the state is {json.dumps(state)}")
        if not json.loads(self.run("stats", "--json", self.store).stdout)["read_only"]:
            raise Lost(f"{command}: stats do not tell")
        uid, body = self.offered_objects[-1]
        path = self.options.work + "/one.dcm"
        with open(path, "wb") as file:
            file.write(part10(uid, body))
        done = self.run("import", self.store, path, check=False)
        if done.returncode != 4 or b"read-only" not in done.stderr:
            raise Lost(f"{command}: import ended with {done.returncode}: {done.stderr!r}")
        self.check()
        self.disk.tell(back)
        self.figures["faults"] += 1
        self.wait_until_writable()
        self.check()
        for line in ("the archive is read-only", "takes objects again"):
            if self.daemon_text().count(line) == 0:
                raise Lost(f"{command}: the log does not say: {line}")

    def unreadable(self):
        """EIO on reading: an error, never wrong bytes; and a re-send heals what cannot be read."""
        uid, body = next((u, b) for u, b in reversed(self.offered_objects) if digest(b) in self.acknowledged)
        self.disk.tell("fail read /store/segments/00/ 1 1000000 EIO")
        done = self.run("cat", self.store, uid, check=False)
        if done.returncode == 0 or done.stdout not in (b"", part10(uid, body)[:len(done.stdout)]):
            raise Lost("cat gave bytes that the disk did not give")
        if self.run("verify", "--quiet", self.store, check=False).returncode != 1:
            raise Lost("verify does not name what cannot be read")
        answer = self.send_file(part10(uid, body), "again")
        self.disk.tell("fail read /store/segments/00/ 1 0 EIO")
        if answer != "Success":
            raise Lost("the original of an unreadable object was answered with " + answer)
        self.figures["faults"] += 1
        self.wait_until_writable()
        self.check()

    def one_pass(self, ring):
        self.new_store()
        self.ring = ring
        self.start()
        for _ in range(3):
            self.send_new()
        for path in ("/store/segments", "/store/index", "/store"):
            for error, times in random.Random(self.random.random()).sample(
                    [("ENOSPC", 1), ("EIO", 3), ("ENOSPC", 5), ("EIO", 1), ("EROFS", 2)], self.options.variants):
                self.at_each("write", path, error, times)
                self.at_each("sync", "/store/segments", "EIO", times)
        self.unreadable()
        used = self.disk_used()
        self.full(f"limit {used + (40 << 20)}", "limit 0", "full")
        self.full("readonly 1", "readonly 0", "Read-only file system")
        self.disk.tell("short 2")
        for _ in range(5):
            if not self.send_new():
                raise Lost("a short write was not completed")
        self.disk.tell("short 0")
        self.check()
        self.kill()
        self.start()
        self.check()
        self.kill()
        self.cut()
        self.start()
        self.check()
        self.stop()

    def disk_used(self):
        space = os.statvfs(self.disk.folder)
        return (space.f_blocks - space.f_bfree) * space.f_frsize


def main():
    parser = argparse.ArgumentParser()
    for name in ("programs", "cassette", "cassetted", "work"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--passes", type=int, default=1)
    parser.add_argument("--variants", type=int, default=1)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(32))
    parser.add_argument("--honesty", default="honest")
    options = parser.parse_args()
    print("disk_faults: --seed", options.seed, flush=True)
    scene = Faults(options)
    status = 0
    try:
        for number in range(options.passes):
            scene.one_pass(number % 2 == 0)
    except Lost as lost:
        scene.say(str(lost))
        scene.say(scene.daemon_text()[-1500:])
        status = 3
    finally:
        scene.close()
    print(json.dumps(scene.figures), flush=True)
    sys.exit(status)


main()
