#!/usr/bin/env python3
"""Are the pixels of transcoded objects those of their originals? Both are decoded by DCMTK's own programs.

  transcode_check.py ORIGINALS GOT...

Folders of Part 10 files. For each file of GOT its original is found by SOP Instance UID; prints "same <transfer syntax of the original>
<that of what was got> <folder>" for each that has its data set or its pixels; complains on standard error, and ends with status 1, where they differ.
"""
import functools
import os
import struct
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

ROOT = "1.2.840.10008.1.2"
DECODERS = {".4.50": ["dcmdjpeg", "+cl"], ".4.51": ["dcmdjpeg", "+cl"], ".4.57": ["dcmdjpeg", "+cl"], ".4.70": ["dcmdjpeg", "+cl"],
            ".4.80": ["dcmdjpls"], ".4.81": ["dcmdjpls"], ".5": ["dcmdrle"]}
LONG_VRS = (b"OB", b"OW", b"OF", b"SQ", b"UT", b"UN", b"UC", b"UR", b"OD", b"OL", b"OV", b"SV", b"UV")


def element(data, at):
    """(tag, VR, value's offset, length) in Explicit VR Little Endian; items have no VR."""
    group, number = struct.unpack_from("<HH", data, at)
    if group == 0xFFFE:
        return (group, number), b"", at + 8, struct.unpack_from("<I", data, at + 4)[0]
    vr = data[at + 4:at + 6]
    if vr in LONG_VRS:
        return (group, number), vr, at + 12, struct.unpack_from("<I", data, at + 8)[0]
    return (group, number), vr, at + 8, struct.unpack_from("<H", data, at + 6)[0]


def end_of(data, at, size):
    """Behind a value; one of undefined length ends with its delimiter."""
    if size != 0xFFFFFFFF:
        return at + size
    while True:
        tag, _, value, length = element(data, at)
        at = end_of(data, value, length)
        if tag in ((0xFFFE, 0xE00D), (0xFFFE, 0xE0DD)):
            return at


def top_level(path):
    with open(path, "rb") as source:
        data = source.read()
    at, found = 132, {}
    while at + 8 <= len(data):
        tag, _, value, size = element(data, at)
        at = end_of(data, value, size)
        found[tag] = data[value:value + size] if size != 0xFFFFFFFF else b""
    return found


def syntax_and_instance(path):
    with open(path, "rb") as source:
        data, at, found = source.read(4096), 132, {}
    while at + 12 <= len(data):
        tag, _, value, size = element(data, at)
        if tag[0] != 2:
            break
        found[tag] = data[value:value + size].rstrip(b"\0 ").decode("latin-1")
        at = value + size
    return found.get((2, 0x10), ""), found.get((2, 3), "")


def number(found, tag, otherwise):
    return struct.unpack("<H", found[tag])[0] if found.get(tag) else otherwise


def pixels(path, folder):
    """The pixels, and what gives them a meaning; colours by pixel."""
    decoder = DECODERS.get(syntax_and_instance(path)[0].replace(ROOT, "", 1), ["dcmconv"])
    out = tempfile.mktemp(dir=folder)
    if decoder[0] != "dcmconv":
        subprocess.run(decoder + [path, out + ".raw"], check=True, stderr=subprocess.DEVNULL)
        path = out + ".raw"
    subprocess.run(["dcmconv", "+te", path, out], check=True, stderr=subprocess.DEVNULL)
    found = top_level(out)
    shape = [number(found, (0x28, name), 0) for name in (2, 0x10, 0x11, 0x100, 0x101, 0x102, 0x103)]
    samples, rows, columns, bits = shape[:4]
    text = found.get((0x28, 8), b"1").strip(b"\0 ")
    frames = int(text) if text.isdigit() else 1
    size = rows * columns * samples * bits * frames // 8
    data = found.get((0x7FE0, 0x10), b"")[:size]
    if samples > 1 and number(found, (0x28, 6), 0) == 1 and bits >= 8:
        step, plane, planar = bits // 8, rows * columns * bits // 8, data
        data = bytearray(size)
        for frame in range(frames):
            for sample in range(samples):
                start = (frame * samples + sample) * plane
                for byte in range(step):
                    data[frame * samples * plane + sample * step + byte:(frame + 1) * samples * plane:samples * step] = \
                        planar[start + byte:start + plane:step]
    return shape, frames, found.get((0x28, 4), b"").strip(), bytes(data)


def data_set(path):
    with open(path, "rb") as source:
        data = source.read()
    return data[144 + struct.unpack_from("<I", data, 140)[0]:] if data[132:138] == b"\2\0\0\0UL" else data


def describe(picture):
    return f"{picture[0]} {picture[1]} {picture[2]}"


@functools.lru_cache(None)
def original_pixels(path, folder):
    return pixels(path, folder)


def check(originals, got, folder):
    """What is wrong, or None: it has the pixels of one of the versions of the original that DCMTK can decode."""
    before = []
    try:
        if data_set(got) in map(data_set, (path for path, _ in originals)):
            return None
        after = pixels(got, folder)
        for path, _ in originals:
            try:
                before.append(original_pixels(path, folder))
            except subprocess.CalledProcessError:
                pass
    except (subprocess.CalledProcessError, struct.error, ValueError, IndexError) as reason:
        return f"{got}: {reason}"
    if after in before:
        return None
    return f"{got}: {' or '.join(map(describe, before))}, but {describe(after)}" + (", other pixels" if before and after[3] != before[0][3] else "")


def name_of(path):
    """The SOP Instance UID by which `cassette export` names a file, which meta groups do not always have."""
    return os.path.basename(path).removesuffix(".dcm").split(" ")[-1]


def main():
    originals = {}
    for top, _, names in os.walk(sys.argv[1]):
        for path in (os.path.join(top, name) for name in names):
            try:
                syntax, instance = syntax_and_instance(path)
            except struct.error:
                continue
            for known in {instance, name_of(path)}:
                originals.setdefault(known, []).append((path, syntax))
    files = [os.path.join(folder, name) for folder in sys.argv[2:] for name in sorted(os.listdir(folder))]
    wrong = False
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(os.cpu_count()) as pool:
        known = [(path,) + syntax_and_instance(path) for path in files]
        for (path, syntax, instance), problem in zip(known, pool.map(lambda k: check(originals.get(k[2], []), k[0], folder), known)):
            if problem:
                wrong = True
                print(problem, file=sys.stderr)
            else:
                print("same", originals[instance][-1][1], syntax, os.path.basename(os.path.dirname(path)))
    sys.exit(1 if wrong else 0)


main()
