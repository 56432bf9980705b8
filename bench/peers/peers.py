"""The storage providers that a bench starts: each in a folder and on a port of its own, and how to ask it what it holds."""
import ctypes, json, os, shutil, signal, socket, subprocess, sys, threading, time

from workbench import disk_bytes, find_program

START_SECONDS = 60
STOP_SECONDS = 120
SETTLE_SECONDS = 20
PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans():
    """Children of servers that outlive their parent become ours, so that their processor time can be counted."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def processor_seconds(pid):
    """Of a process and of its children that it waited for."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return sum(int(field) for field in fields[11:15]) / os.sysconf("SC_CLK_TCK")


def family(pid):
    """A process and everything below it."""
    found = [pid]
    for member in found:
        try:
            for thread in os.listdir(f"/proc/{member}/task"):
                with open(f"/proc/{member}/task/{thread}/children", encoding="ascii") as children:
                    found += [int(child) for child in children.read().split()]
        except OSError:
            pass  # it has ended
    return found


def peak_bytes(pid):
    """The largest resident memory that any one of the family has had."""
    largest = 0
    for member in family(pid):
        try:
            with open(f"/proc/{member}/status", encoding="ascii") as status:
                lines = [line for line in status if line.startswith("VmHWM:")]
            largest = max([largest] + [int(line.split()[1]) * 1024 for line in lines])
        except OSError:
            pass
    return largest


def count_files(folder, ignored=()):
    return sum(len([name for name in names if name not in ignored]) for _, _, names in os.walk(folder))


class Peer:
    """One server, from start() to stop(). `title` is the AE title that it wants to be called by."""
    title = "ANY-SCP"
    programs = ("echoscu", "dcmsend")  # that it and its senders are, of Debian packages
    associations_max = None
    wrapper = []  # words before its command

    def __init__(self, bench):
        self.bench, self.process = bench, None
        self.folder = os.path.join(bench.work, self.name)

    def start(self, nodelay):
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)
        self.port = free_port()
        environment = dict(os.environ)
        environment.pop("TCP_NODELAY", None)
        if nodelay:
            environment["TCP_NODELAY"] = "1"
        command = self.command()
        self.log = open(os.path.join(self.bench.work, f"{self.name}.log"), "wb")
        self.process = subprocess.Popen(self.bench.network.server_prefix + self.wrapper + command, env=environment, stdout=self.log, stderr=self.log,
                                        stdin=subprocess.DEVNULL, cwd=self.bench.work)
        self.bench.running.append(self)
        self.await_ready()
        self.peak, self.watching = 0, True
        self.ready_seconds = processor_seconds(self.process.pid)
        self.watcher = threading.Thread(target=self.watch, daemon=True)
        self.watcher.start()

    def await_ready(self):
        end = time.monotonic() + START_SECONDS
        echo = self.bench.network.sender_prefix + ["echoscu", "-q", "-aec", self.title, self.bench.network.host, str(self.port)]
        while subprocess.run(echo, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode != 0:
            if self.process.poll() is not None or time.monotonic() > end:
                sys.exit(f"{self.name} does not answer; its last words are:\n{self.last_words()}")
            time.sleep(0.05)

    def watch(self):
        while self.watching:
            self.peak = max(self.peak, peak_bytes(self.process.pid))
            time.sleep(0.2)

    def last_words(self):
        with open(self.log.name, encoding="utf-8", errors="replace") as log:
            return "".join(log.readlines()[-10:])

    def stop(self):
        """Ends it in order. Returns the processor time that it took since it was ready, all of its children's counted."""
        self.watching = False
        self.watcher.join()
        self.peak = max(self.peak, peak_bytes(self.process.pid))
        self.process.terminate()
        taken, end = -self.ready_seconds, time.monotonic() + STOP_SECONDS
        while True:
            pid, _, usage = os.wait4(self.process.pid, os.WNOHANG)
            if pid:
                break
            if time.monotonic() > end:
                sys.exit(f"{self.name} does not end")
            time.sleep(0.01)
        self.process.returncode = 0
        self.bench.running.remove(self)
        taken += usage.ru_utime + usage.ru_stime
        return taken + self.reap_orphans()

    def reap_orphans(self):
        taken = 0
        while True:
            try:
                pid, _, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return taken
            if not pid:
                return taken
            taken += usage.ru_utime + usage.ru_stime

    def kill(self):
        for pid in reversed(family(self.process.pid)):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def disk_bytes(self):
        return disk_bytes(self.folder)

    def settle(self):
        """Waits for what it does after it has answered. Returns the seconds; None: it does nothing then."""
        return None

    def held_running(self):
        """How many instances it says that it holds; None: it has to be stopped before one can tell."""
        return None

    def held_stopped(self):
        return None


class Cassette(Peer):
    name, title = "cassette", "CASSETTE"

    def command(self):
        self.store = os.path.join(self.folder, "store")
        subprocess.run([self.bench.program("cassette"), "init", self.store], check=True, stdout=subprocess.DEVNULL)
        bind = "127.0.0.1" if self.bench.network.host == "127.0.0.1" else "0.0.0.0"
        return [self.bench.program("cassetted"), "--store", self.store, "--port", str(self.port), "--bind", bind, "--set", "dicom.open=yes"] + self.bench.daemon_options

    def stats(self):
        return json.loads(subprocess.run([self.bench.program("cassette"), "stats", "--json", self.store], check=True, stdout=subprocess.PIPE).stdout)

    def put_off(self):
        """Bytes whose encoding was put off."""
        codecs = self.stats()["codecs"]
        return sum(codecs.get(name, {}).get("raw_bytes", 0) for name in ("quick", "deferred"))

    def settle(self):
        start, before = time.monotonic(), self.put_off()
        if before == 0:
            return None
        changed = start
        while before > 0 and time.monotonic() - changed < SETTLE_SECONDS:
            time.sleep(0.25)
            left = self.put_off()
            if left != before:
                before, changed = left, time.monotonic()
        return changed - start if changed > start else None  # what is too little to be encoded soon may be left

    def held_stopped(self):
        """Only what `cassette verify` finds whole counts."""
        cassette = self.bench.program("cassette")
        if subprocess.run([cassette, "verify", "-q", self.store], check=False, stdout=subprocess.DEVNULL).returncode != 0:
            return 0
        return self.stats()["instances"]


class Orthanc(Peer):
    name, title, compression = "orthanc", "ORTHANC", False
    programs = ("Orthanc", *Peer.programs)

    def command(self):
        self.http_port = free_port()
        files = os.path.join(self.folder, "storage")
        configuration = os.path.join(self.folder, "orthanc.json")
        with open(configuration, "w", encoding="ascii") as out:
            # SyncStorageArea is its fsync, on by default. Threads: as many as associations, where the default is 4.
            json.dump({"Name": "bench", "StorageDirectory": files, "IndexDirectory": files, "SyncStorageArea": True, "Plugins": [],
                       "StorageCompression": self.compression, "DicomAet": self.title, "DicomPort": self.port, "HttpPort": self.http_port,
                       "RemoteAccessAllowed": False, "AuthenticationEnabled": False, "DicomAlwaysAllowStore": True,
                       "DicomAlwaysAllowEcho": True, "DicomThreadsCount": 64, "UnknownSopClassAccepted": True}, out)
        return [find_program("Orthanc"), configuration]

    def held_running(self):
        ask = f"import urllib.request as r; print(r.urlopen('http://127.0.0.1:{self.http_port}/statistics').read().decode())"
        answer = subprocess.run(self.bench.network.server_prefix + [sys.executable, "-c", ask], check=True, stdout=subprocess.PIPE).stdout
        return json.loads(answer)["CountInstances"]


class OrthancCompressed(Orthanc):
    name, compression = "orthanc-compressed", True


class Storescp(Peer):
    name, programs = "storescp", ("storescp", *Peer.programs)

    def command(self):
        return ["storescp", "--fork", "--bit-preserving", "--output-directory", self.folder, str(self.port)]

    def held_running(self):
        return count_files(self.folder)


class Dcmqrscp(Peer):
    name, title, associations_max = "dcmqrscp", "QRSCP", 1  # it loses objects with more
    programs = ("dcmqrscp", *Peer.programs)

    def command(self):
        area = os.path.join(self.folder, "area")
        os.makedirs(area)
        configuration = os.path.join(self.folder, "dcmqrscp.cfg")
        with open(configuration, "w", encoding="ascii") as out:
            out.write(f"NetworkTCPPort = {self.port}\nMaxPDUSize = 16384\nMaxAssociations = 16\n"
                      "HostTable BEGIN\nHostTable END\nVendorTable BEGIN\nVendorTable END\n"
                      f"AETable BEGIN\n{self.title} {area} RW (100000, 65536mb) ANY\nAETable END\n")
        return ["dcmqrscp", "--config", configuration]

    def held_running(self):
        return count_files(os.path.join(self.folder, "area"), ("index.dat",))


PEERS = {peer.name: peer for peer in (Orthanc, OrthancCompressed, Dcmqrscp, Storescp, Cassette)}
