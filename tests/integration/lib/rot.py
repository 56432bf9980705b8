#!/usr/bin/env python3
"""Damages a file of a store, looks what comes out, and puts the file back, over and over.

  rot.py --cassette PATH --store FOLDER --small FOLDER --work FOLDER [--rounds N] [--first N] [--seed N]

A damage is a flipped bit, a range of zeros or of random bytes, a cut, or a whole file gone, in any file of the store: CASSETTE, a
segment, any file of the index. After each: no file comes out with bytes that never went in; where one does not come out that
did before, both the export and `cassette verify` say so; and where the index was hit, a rebuild brings everything back.
The list of the index's tables is then cut off behind each of its entries, in this store and in one of a single group.
With --first the rounds before that one only draw their damages, so that a long run with a seed can be had in pieces.
Prints the seed, each damage that mattered, and the figures as JSON. Exit status 0, or 1 with the damage that was not found.
"""
import argparse
import hashlib
import io
import json
import os
import random
import shutil
import subprocess
import sys
import tarfile


def run(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if done.returncode < 0 or done.returncode >= 128 or done.returncode == 99:
        raise AssertionError(f"{command[1]} ended with {done.returncode}: {done.stderr[-800:]!r}")
    return done


def export(cassette, store):
    """SHA-256 of what comes out, and the exit status."""
    done = run(cassette, "export", "--quiet", store, "-")
    there = set()
    try:
        with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
            for member in archive:
                if member.isfile():
                    there.add(hashlib.sha256(archive.extractfile(member).read()).hexdigest())
    except (tarfile.TarError, EOFError):
        pass  # a stream that ended early: the status says so
    return there, done.returncode


def damage(rng, path):
    """Changes the file; says how."""
    with open(path, "rb") as file:
        data = bytearray(file.read())
    kind = rng.choice(["flip", "flip", "flip", "zero", "noise", "cut", "gone"]) if data else "gone"
    at = rng.randrange(len(data)) if data else 0
    size = min(len(data) - at, rng.choice([1, 8, 64, 512, 4096, 65536]))
    if kind == "gone":
        os.unlink(path)
        return "gone", False
    before = bytes(data)
    if kind == "flip":
        data[at] ^= 1 << rng.randrange(8)
    elif kind == "zero":
        data[at:at + size] = bytes(size)
    elif kind == "noise":
        data[at:at + size] = rng.randbytes(size)
    else:
        del data[at:]
    with open(path, "wb") as file:
        file.write(data)
    return f"{kind} at {at}, {size} bytes", bytes(data) == before


def files_of(store):
    found = [os.path.join(folder, name) for folder, _, names in os.walk(store) for name in names]
    return sorted(path for path in found if not path.endswith(("/LOCK", ".sock")))


def one_round(rng, options, good, figures, is_drawn_only):
    work = options.work + "/rotten"
    shutil.copytree(options.store, work)
    paths = files_of(work)
    area = rng.choice(["segments", "segments", "index", "CASSETTE"])
    path = rng.choice([p for p in paths if p[len(work) + 1:].startswith(area)])
    name = path[len(work) + 1:]
    how, same = damage(rng, path)
    if is_drawn_only:
        shutil.rmtree(work)
        return
    what = f"{name}: {how}"
    there, status = export(options.cassette, work)
    verified = run(options.cassette, "verify", "--quiet", work).returncode
    if there - good:
        raise AssertionError(f"{what}: bytes came out that never went in")
    lost = len(good - there)
    figures["damages_" + area] += 1
    figures["found_" + area] += verified != 0
    figures["mattered_" + area] += lost > 0
    if lost and status == 0:
        raise AssertionError(f"{what}: {lost} files did not come out, and export ended with 0")
    if lost and verified == 0:
        raise AssertionError(f"{what}: {lost} files did not come out, and verify found nothing")
    if area == "segments" and verified == 0 and not same:
        figures["harmless_segments"] += 1
        print("-- harmless:", what, flush=True)
    if area == "index":
        rebuilt = run(options.cassette, "rebuild", "--quiet", work)
        if rebuilt.returncode != 0 or export(options.cassette, work)[0] != good:
            raise AssertionError(f"{what}: the rebuilt index does not show everything: {rebuilt.stderr[-500:]!r}")
    shutil.rmtree(work)


def ends_of_entries(path):
    """Where the entries of a RocksDB log of changes end, but for the last."""
    with open(path, "rb") as file:
        data = file.read()
    ends, at = [0], 0
    while at + 7 <= len(data):
        header = 7 if data[at + 6] < 5 else 11
        at += header + int.from_bytes(data[at + 4:at + 6], "little")
        ends.append(at)
    return ends[:-1]


def cut_lists(options, store):
    """RocksDB's list of tables behind each whole entry: nothing in it tells that it is not all."""
    work = options.work + "/rotten"
    good, _ = export(options.cassette, store)
    names = [name for name in os.listdir(store + "/index") if name.startswith("MANIFEST-")]
    cuts = [(name, end) for name in names for end in ends_of_entries(f"{store}/index/{name}")]
    for name, end in cuts:
        shutil.copytree(store, work)
        os.truncate(f"{work}/index/{name}", end)
        there, status = export(options.cassette, work)
        if there != good and (status == 0 or run(options.cassette, "verify", "--quiet", work).returncode == 0):
            raise AssertionError(f"{name} cut at {end}: {len(good - there)} files did not come out, and nobody said so")
        shutil.rmtree(work)
    return len(cuts)


def main():
    parser = argparse.ArgumentParser()
    for name in ("cassette", "store", "small", "work"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(32))
    options = parser.parse_args()
    print("rot: --seed", options.seed, flush=True)
    rng = random.Random(options.seed)
    good, status = export(options.cassette, options.store)
    figures = {f"{key}_{area}": 0 for area in ("segments", "index", "CASSETTE") for key in ("damages", "found", "mattered", "harmless")}
    assert status == 0 and good
    failed = 0
    for number in range(options.rounds):
        try:
            one_round(rng, options, good, figures, number < options.first)
        except AssertionError as error:
            print(f"round {number}: {error}", flush=True)
            failed = 1
            break
    if not failed:
        figures["cuts_of_lists"] = sum(cut_lists(options, store) for store in (options.store, options.small))
    print(json.dumps({key: count for key, count in figures.items() if count}), flush=True)
    sys.exit(failed)


main()
