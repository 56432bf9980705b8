#!/usr/bin/env python3
"""Cuts the power below the real programs, over and over, and looks for what they had acknowledged.

  power_cut.py --programs FOLDER --cassette PATH --cassetted PATH --work FOLDER [--rounds N] [--seed N]
               [--honesty honest|never|late]

A store lies on powercut_fs. In each round cassetted takes objects over DICOM, alone or while objects are deleted, hidden and
shown and their segments written anew, or `cassette import` reads files, or `cassette rebuild` makes the index, and the power
goes in the middle of one write, sync or change of a name. After the cut, what was not synced is lost in part; then the daemon
must start, every acknowledged object must be there bit-exact, nothing that was never offered or that was deleted or hidden,
no change by half, `cassette verify` must be clean, and the next round goes on in the same store.

Prints the seed, and the figures as JSON. Exit status 0: nothing was lost; 3: an acknowledged object was, or something was
damaged (what --honesty never and late must lead to); 1: the harness itself failed.
"""
import argparse
import hashlib
import io
import json
import math
import os
import random
import shutil
import signal
import subprocess
import sys
import tarfile
import threading
import time

import dicom_peer

ROUNDS_A_STORE = 12
STARTS_MAX = 20


class Lost(Exception):
    pass


def digest(bytes_):
    return hashlib.sha256(bytes_).hexdigest()


def part10(uid, body):
    def one(number, vr, value):
        value += b"\0" * (len(value) % 2)
        return bytes([2, 0]) + number.to_bytes(2, "little") + vr + len(value).to_bytes(2, "little") + value
    meta = one(2, b"UI", dicom_peer.CT.encode()) + one(3, b"UI", uid.encode())
    meta += one(0x10, b"UI", dicom_peer.IMPLICIT.encode()) + one(0x12, b"UI", b"2.25.1")
    return bytes(128) + b"DICM" + one(0, b"UL", len(meta).to_bytes(4, "little")) + meta + body


def data_set_of(file):
    return file[144 + int.from_bytes(file[140:144], "little"):]


class Disk:
    """powercut_fs on a folder."""

    def __init__(self, program, folder):
        os.makedirs(folder)
        self.folder = folder
        self.process = subprocess.Popen([program, folder])
        self.wait(lambda: os.path.ismount(folder))

    @staticmethod
    def wait(condition, seconds=60):
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                sys.exit("power_cut: waited too long")
            time.sleep(0.01)

    def tell(self, command):
        with open(os.path.join(self.folder, ".powercut"), "wb", buffering=0) as control:
            control.write(command.encode())

    def report(self):
        with open(os.path.join(self.folder, ".powercut"), "rb", buffering=0) as control:
            return json.loads(control.read(4096))

    def close(self):
        subprocess.run(["fusermount3", "-uz", self.folder], check=False)
        self.process.wait()


class Scene:
    def __init__(self, options):
        self.options = options
        self.random = random.Random(options.seed)
        self.disk = Disk(options.programs + "/powercut_fs", options.work + "/disk")
        self.store = self.disk.folder + "/store"
        self.daemon = None
        self.log = options.work + "/cassetted.log"
        self.figures = {"rounds": 0, "stores": 0, "acknowledged": 0, "objects_read_back": 0, "starts": 0,
                        "starts_cut": 0, "rebuilds_needed": 0, "import_cuts": 0, "rebuild_cuts": 0,
                        "changes": 0, "changes_in_doubt": 0, "compacted": 0, "discarded": 0}
        self.lock = threading.Lock()
        self.serial = 0
        self.ring = None  # whether io_uring is used; None: sometimes

    def say(self, text):
        print("--", text, flush=True)

    # --- programs ---

    def run(self, *arguments, check=True):
        done = subprocess.run([self.options.cassette, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        if check and done.returncode != 0:
            raise Lost(f"cassette {' '.join(arguments)}: status {done.returncode}: {done.stdout[-1500:]!r} {done.stderr[-1500:]!r}")
        return done

    def daemon_text(self):
        with open(self.log, "rb") as log:
            return log.read().decode("utf-8", "replace")

    def start_once(self):
        """True: it serves; False: it ended."""
        self.figures["starts"] += 1
        with open(self.log, "wb") as log:
            self.daemon = subprocess.Popen(
                [self.options.cassetted, "--store", self.store, "--port", "0", "--bind", "127.0.0.1", "--set", "dicom.open=yes", "--set", "engine.segment_mib=1",
                 "--set", "engine.workers=2", "--set", "compact.quiet_seconds=1", "--set", "compact.deleted_days=now", "--set", "engine.io_uring=" + {True: "yes", False: "no", None: self.random.choice(["yes", "no"])}[self.ring]],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        self.disk.wait(lambda: self.daemon.poll() is not None or " ready: AE" in self.daemon_text())
        return self.daemon.poll() is None

    def port(self):
        text = self.daemon_text().split(" ready: AE", 1)[1].splitlines()[0]
        return int(text.split("127.0.0.1:")[1].split()[0].rstrip(",;."))

    def start(self):
        """Starts the daemon; now and then the power goes in the middle of that, too."""
        for _ in range(STARTS_MAX):
            planned = self.ring is None and self.random.random() < 0.25
            if planned:
                self.disk.tell(f"kill {self.random.randint(1, 40)}")
            serves = self.start_once()
            if planned:
                self.disk.tell("kill 0")
            if serves:
                return
            if self.daemon.returncode == -signal.SIGKILL and planned:
                self.figures["starts_cut"] += 1
                self.cut()
            elif "index" in self.daemon_text() and "rebuild" not in getattr(self.options, "forbid", "rebuild"):
                self.figures["rebuilds_needed"] += 1
                self.say("the index is damaged: " + self.daemon_text().strip().splitlines()[-1])
                self.run("rebuild", "--quiet", self.store)
            else:
                raise Lost("cassetted does not start: " + self.daemon_text()[-1500:])
        raise Lost("cassetted does not start again")

    def kill(self):
        if self.daemon is not None and self.daemon.poll() is None:
            self.daemon.kill()
        if self.daemon is not None:
            self.daemon.wait()

    def stop(self):
        self.daemon.terminate()
        if self.daemon.wait() != 0:
            raise Lost("cassetted ended with status %d after SIGTERM: %s" % (self.daemon.returncode, self.daemon_text()[-1000:]))

    def cut(self):
        self.disk.tell(f"cut {self.random.getrandbits(48)}")

    # --- objects ---

    def object(self):
        """A UID and a data set: mostly new, now and then one that was offered before, or that UID with other bytes."""
        if self.offered_objects and self.random.random() < 0.2:
            uid, body = self.random.choice(self.offered_objects)
            if self.random.random() < 0.5:
                return uid, body
            return uid, dicom_peer.data_set(uid, pixels=0)[:-8] + self.pixels()
        self.serial += 1
        uid = f"2.25.{self.options.seed % 10**9}.{self.serial}"
        return uid, dicom_peer.data_set(uid, pixels=0)[:-8] + self.pixels()

    def pixels(self):
        size = self.random.choice([100, 3000, 3000, 20000, 60000, 250000]) + 2 * self.random.randint(0, 500)
        return bytes([0xE0, 0x7F, 0x10, 0]) + size.to_bytes(4, "little") + self.random.randbytes(size)

    def offer(self, uid, body):
        self.offered.add(digest(body))
        self.gone.discard(digest(body))
        self.offered_objects.append((uid, body))
        del self.offered_objects[:-50]

    def acknowledge(self, uid, body):
        with self.lock:
            self.acknowledged.add(digest(body))
            self.by_uid.setdefault(uid, set()).add(digest(body))
            self.figures["acknowledged"] += 1

    def send(self, port, objects):
        """One association, until the daemon is gone."""
        try:
            peer = dicom_peer.Peer(argparse.Namespace(port=port, called="CASSETTE", timeout=60))
            if peer.open()[0] != 2:
                return
            for uid, body in objects:
                if peer.store(uid, body=body) == "0000":
                    self.acknowledge(uid, body)
                else:
                    return
        except OSError:
            return

    # --- rounds ---

    def ingest_round(self):
        lanes = [[self.object() for _ in range(self.random.randint(3, 12))] for _ in range(self.random.randint(1, 4))]
        for lane in lanes:
            for uid, body in lane:
                self.offer(uid, body)
        port = self.port()
        self.disk.tell(f"kill {self.random.randint(1, 120)}")
        threads = [threading.Thread(target=self.send, args=(port, lane)) for lane in lanes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.kill()

    def change(self, action, uid):
        """Of an object that nobody sends meanwhile."""
        with self.lock:
            digests = frozenset(self.hidden.pop(uid) if action == "show" else self.by_uid.pop(uid))
            self.acknowledged -= digests
            self.gone -= digests
        done = self.run(action, "--yes", "--reason", "a power cut", self.store, uid, check=False)
        with self.lock:
            self.figures["changes"] += done.returncode == 0
            self.figures["changes_in_doubt"] += done.returncode != 0
            if done.returncode != 0:
                self.doubtful.append((uid, digests))
            elif action == "show":
                self.acknowledged |= digests
                self.by_uid[uid] = set(digests)
            else:
                self.gone |= digests
            if done.returncode == 0 and action == "hide":
                self.hidden[uid] = digests

    def change_some(self):
        for _ in range(6):
            with self.lock:
                actions = [("show", uid) for uid in self.hidden if uid not in self.by_uid]
                actions += [(self.random.choice(["delete", "delete", "hide"]), uid) for uid in sorted(self.unsent & set(self.by_uid))]
            if not actions or self.daemon.poll() is not None:
                return
            self.change(*self.random.choice(actions))

    def compact_often(self):
        while self.daemon.poll() is None and not self.changed.is_set():
            done = self.run("compact", "--json", "--deleted", "now", "--min", "1", self.store, check=False)
            if done.returncode == 0:
                result = json.loads(done.stdout)
                self.figures["compacted"] += result["segments"]
                self.figures["discarded"] += result["discarded_versions"]

    def states_round(self):
        self.unsent = set(self.by_uid)
        lane = []
        for _ in range(self.random.randint(3, 12)):
            self.serial += 1
            uid = f"2.25.{self.options.seed % 10**9}.{self.serial}"
            lane.append((uid, dicom_peer.data_set(uid, pixels=0)[:-8] + self.pixels()))
            self.offer(*lane[-1])
        self.changed = threading.Event()
        port = self.port()
        self.disk.tell(f"kill {self.random.randint(1, 400)}")
        others = [threading.Thread(target=self.send, args=(port, lane)), threading.Thread(target=self.compact_often)]
        for thread in others:
            thread.start()
        self.change_some()
        self.changed.set()
        for thread in others:
            thread.join()
        self.kill()

    def import_round(self):
        self.stop()
        folder = self.options.work + "/in"
        bodies = {}
        os.makedirs(folder)
        for number in range(20):
            uid, body = self.object()
            self.offer(uid, body)
            bodies[f"{number}.dcm"] = uid, body
            with open(f"{folder}/{number}.dcm", "wb") as file:
                file.write(part10(uid, body))
        self.disk.tell(f"kill {self.random.randint(1, 120)}")
        done = self.run("import", "--json", self.store, folder, check=False)
        if done.returncode not in (0, -signal.SIGKILL):
            raise Lost(f"import: status {done.returncode}: {done.stderr[-1000:]!r}")
        for line in done.stdout.splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                continue  # the line was being written
            if entry.get("outcome") in ("stored", "duplicate", "new version", "new_version"):
                self.acknowledge(*bodies[os.path.basename(entry["path"])])
        self.figures["import_cuts"] += done.returncode != 0
        shutil.rmtree(folder)

    def rebuild_round(self):
        self.stop()
        self.disk.tell(f"kill {self.random.randint(1, 200)}")
        done = self.run("rebuild", "--quiet", self.store, check=False)
        if done.returncode not in (0, 1, -signal.SIGKILL):  # 1: an unfinished write was left out
            raise Lost(f"rebuild: status {done.returncode}: {done.stderr[-1000:]!r}")
        self.figures["rebuild_cuts"] += done.returncode != 0

    def check(self):
        self.run("verify", "--quiet", self.store)
        archive = tarfile.open(fileobj=io.BytesIO(self.run("export", "--quiet", self.store, "-").stdout))
        there = {digest(data_set_of(archive.extractfile(member).read())) for member in archive if member.isfile()}
        self.figures["objects_read_back"] += len(there)
        if self.acknowledged - there:
            raise Lost(f"{len(self.acknowledged - there)} of {len(self.acknowledged)} acknowledged objects are lost")
        for uid, digests in self.doubtful:
            if digests & there and digests - there:
                raise Lost("%d of %d versions of %s were changed" % (len(digests - there), len(digests), uid))
            if digests & there:
                self.acknowledged |= digests
                self.by_uid[uid] = set(digests)
        self.doubtful = []
        if self.gone & there:
            raise Lost(f"{len(self.gone & there)} objects are there that were deleted or hidden")
        if there - self.offered:
            raise Lost(f"{len(there - self.offered)} objects are there that were never offered")

    def new_store(self):
        self.figures["stores"] += 1
        if os.path.exists(self.store):
            shutil.rmtree(self.store)
        self.acknowledged, self.offered, self.offered_objects = set(), set(), []
        self.by_uid, self.hidden, self.gone, self.doubtful = {}, {}, set(), []
        self.disk.tell("honesty honest")
        self.run("init", self.store)
        self.disk.tell("honesty " + self.options.honesty)

    def round(self, number):
        if number % ROUNDS_A_STORE == 0:
            self.new_store()
            self.start()
        self.figures["rounds"] += 1
        self.random.choices([self.ingest_round, self.states_round, self.import_round, self.rebuild_round], [6, 6, 2, 2])[0]()
        self.cut()
        self.start()
        self.check()
        if (number + 1) % ROUNDS_A_STORE == 0:
            self.stop()

    def close(self):
        self.kill()
        self.disk.close()


def main():
    parser = argparse.ArgumentParser()
    for name in ("programs", "cassette", "cassetted", "work"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=math.inf, help="begin no round after this time")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(32))
    parser.add_argument("--honesty", default="honest")
    parser.add_argument("--keep", default="", help="where to copy the store when something is lost")
    parser.add_argument("--forbid", default="", help="rebuild: an index that a cut damaged counts as lost")
    options = parser.parse_args()
    print("power_cut: --seed", options.seed, flush=True)
    scene = Scene(options)
    status, started = 0, time.monotonic()
    try:
        for number in range(options.rounds):
            if time.monotonic() - started > options.seconds:
                break
            scene.round(number)
    except Lost as lost:
        scene.say(f"round {scene.figures['rounds']}: {lost}")
        if options.keep:
            subprocess.run(["cp", "-r", scene.store, options.keep], check=False)
        status = 3
    finally:
        try:
            scene.figures["disk"] = scene.disk.report()
        finally:
            scene.close()
    print(json.dumps(scene.figures), flush=True)
    sys.exit(status)


if __name__ == "__main__":
    main()
