"""Where servers and senders of a bench meet: the loopback, or two network namespaces joined by a veth pair with a delay."""
import os, re, subprocess, sys


class Loopback:
    """No round trip to speak of."""
    host = "127.0.0.1"
    server_prefix, sender_prefix = [], []

    def close(self):
        pass


class DelayedPair:
    """Two namespaces of our own; half of the round trip is added at each end by tc netem."""
    host = "10.213.7.1"

    def __init__(self, round_trip):
        found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)(us|ms)", round_trip)
        if not found:
            sys.exit(f"--netem {round_trip}: a round trip is written 1ms or 500us")
        half_us = float(found[1]) * (1000 if found[2] == "ms" else 1) / 2
        self.names = [f"cassette-bench-{os.getpid()}-{side}" for side in ("server", "sender")]
        self.made = []
        try:
            self.make(half_us)
        except (OSError, subprocess.CalledProcessError) as error:
            self.close()
            reason = getattr(error, "stderr", None) or str(error)
            sys.exit(f"--netem needs root, and a kernel that has network namespaces and sch_netem: {reason.strip()}")
        self.server_prefix, self.sender_prefix = (["ip", "netns", "exec", name] for name in self.names)

    def make(self, half_us):
        def ip(*words):
            subprocess.run(["ip", *words], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

        for name in self.names:
            ip("netns", "add", name)
            self.made.append(name)
        ip("link", "add", "name", "bench", "netns", self.names[0], "type", "veth", "peer", "name", "bench", "netns", self.names[1])
        for number, name in enumerate(self.names, 1):
            ip("-n", name, "address", "add", f"10.213.7.{number}/24", "dev", "bench")
            ip("-n", name, "link", "set", "lo", "up")
            ip("-n", name, "link", "set", "bench", "up")
            subprocess.run(["tc", "-n", name, "qdisc", "add", "dev", "bench", "root", "netem", "delay", f"{half_us:.0f}us", "limit", "100000"],
                           check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def close(self):
        for name in self.made:
            subprocess.run(["ip", "netns", "delete", name], check=False, stderr=subprocess.DEVNULL)
        self.made = []
