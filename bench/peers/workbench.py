"""What the benches beside other programs share: a folder to work in, the programs of a build, and packages that are missing."""
import os, platform, shutil, signal, subprocess, sys, tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def find_program(name):
    """Where it is installed, also where root's programs are; None: it is not."""
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def install(programs):
    """Installs bench/packages.txt where one of the programs is missing."""
    if any(find_program(program) is None for program in programs):
        subprocess.run([os.path.join(TOP, "tools/install-packages"), os.path.join(TOP, "bench/packages.txt")], check=True, stdout=sys.stderr)


def commit():
    """Of this checkout, with a + where files were changed since."""
    def git(*words):
        return subprocess.run(["git", "-C", TOP, *words], check=False, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout.strip()
    return (git("rev-parse", "--short", "HEAD") or "unknown") + ("+" if git("status", "--porcelain", "--untracked-files=no") else "")


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()


def files_below(folder):
    return sorted(os.path.join(where, name) for where, _, names in os.walk(folder) for name in names)


def disk_bytes(folder):
    return sum(os.lstat(path).st_blocks * 512 for path in files_below(folder))


def add_options(parser):
    parser.add_argument("--build", default=os.path.join(TOP, "build/test"))
    parser.add_argument("--work", default=os.environ.get("TMPDIR", "/tmp"))
    parser.add_argument("--json", action="store_true")


class Workbench:
    """Use it with `with`: in the end what runs is killed and the folder removed, also after SIGTERM."""

    def __init__(self, options):
        self.options, self.running, self.daemon_options = options, [], []
        for name in ("cassette", "cassetted"):
            self.program(name)
        if not os.path.isdir(options.work):
            sys.exit(f"--work {options.work}: no such folder")
        self.work = tempfile.mkdtemp(prefix="cassette-bench.", dir=options.work)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for peer in list(self.running):
            peer.kill()
        shutil.rmtree(self.work, ignore_errors=True)

    def program(self, name):
        path = os.path.join(self.options.build, "tools", name, name)
        if not os.path.isfile(path):
            sys.exit(f"{path} is not there: build it, or say --build")
        return path

    def cassette(self, *words):
        """Runs a command that has to succeed; its standard output."""
        return subprocess.run([self.program("cassette"), *words], check=True, stdout=subprocess.PIPE, text=True).stdout
