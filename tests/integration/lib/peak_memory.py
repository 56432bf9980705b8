#!/usr/bin/env python3
"""peak_memory.py FILE COMMAND ...: runs COMMAND, writes its peak resident memory in KiB to FILE; its exit status."""
import resource
import subprocess
import sys

status = subprocess.call(sys.argv[2:])
with open(sys.argv[1], "w", encoding="ascii") as out:
    print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=out)
sys.exit(status if status >= 0 else 128 - status)
