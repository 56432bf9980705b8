#!/usr/bin/env python3
"""Queries a server at random, and compares each answer with a filter over what dcmdump says of the files.

  find_oracle.py --port N --attributes LIST --sequences TAG,TAG --queries N --seed N FOLDER

LIST is the output of `cassette find --attributes`. What a folder says of itself is the first value that came; where its
instances disagree, either answer is right, so there are matches that must be there and such that may. Matching is
written here again from PS3.4 C.2.2.2 and docs/conformance.md; it shares nothing with the engine.
"""
import argparse
import os
import random
import re
import subprocess
import sys
import unicodedata

from find_peer import Finder, texts

LEVELS = ["patient", "study", "series", "instance"]
NAMES = {"patient": b"PATIENT ", "study": b"STUDY ", "series": b"SERIES", "instance": b"IMAGE "}
PATIENT = [0x00100010, 0x00100020, 0x00100021, 0x00100030]
UIDS = {"study": 0x0020000D, "series": 0x0020000E, "instance": 0x00080018}
MODALITIES, CLASSES = 0x00080061, 0x00080062
WILD = "AE CS LO LT PN SH ST UC UR UT".split()
LINE = re.compile(r"^( *)\(([0-9a-f]{4}),([0-9a-f]{4})\) (..) (.*?) +# *(?:u/l|[0-9]+), ?[0-9]+(?:-n)? .*$")


# --- what dcmdump says ---

def dump(files):
    """A dictionary of each file: tag to (VR, text), or to (SQ, [dictionaries])."""
    out = subprocess.run(["dcmdump", "-q", "+F", "+L", "-M", "-Un", "+U8", *files], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False).stdout
    objects, stack = {}, []
    for line in out.decode("utf-8", "replace").split("\n"):
        if line.startswith("# dcmdump"):
            objects[line.split("): ", 1)[1]] = current = {}
            stack = [current]
            continue
        found = LINE.match(line)
        if not found or not stack:
            continue
        depth, tag, vr, rest = len(found[1]) // 2, int(found[2] + found[3], 16), found[4], found[5].strip()
        level = depth // 2
        if tag == 0xFFFEE000 and vr == "pi":
            continue
        if tag == 0xFFFEE000:
            stack = stack[:(depth + 1) // 2]
            holder = stack[-1]["last"]
            holder.append({})
            stack.append(holder[-1])
        elif tag >> 16 != 0xFFFE:
            stack = stack[:level + 1]
            if vr == "SQ":
                items = []
                stack[-1][tag] = ("SQ", items)
                stack[-1]["last"] = items
            else:
                text = "" if rest.startswith("(") else rest
                if text.startswith("[") and text.endswith("]"):
                    text = text[1:-1]
                stack[-1][tag] = (vr, text)
    return objects


def values(thing, tag):
    vr, text = thing.get(tag, ("", ""))
    return [] if vr == "SQ" else [part.strip() for part in text.split("\\")]


def text_of(thing, tag):
    return "\\".join(values(thing, tag))


# --- matching ---

SPECIAL = {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "ħ": "h"}


def folded(group):
    plain = "".join(c for c in unicodedata.normalize("NFKD", group) if not unicodedata.combining(c)).casefold()
    plain = unicodedata.normalize("NFC", "".join(SPECIAL.get(c, c) for c in plain))  # Hangul is one character again
    parts = [part.strip(" ") for part in plain.split("^")]
    while parts and parts[-1] == "":
        parts.pop()
    return "^".join(parts)


def wild(pattern, text):
    return re.fullmatch("".join(".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern), text, re.DOTALL) is not None


def person(key, text):
    groups, own = key.rstrip("=").split("=")[:3], (text.split("=") + ["", ""])[:3]

    def meets(pattern, group):
        pattern, group = folded(pattern), folded(group)
        if pattern == group:
            return True
        if not set("*?") & set(pattern) or group == "":
            return False
        return wild(pattern, group + "^" * max(0, pattern.count("^") - group.count("^")))
    if len(groups) == 1:
        return folded(groups[0]) != "" and any(meets(groups[0], group) for group in own)
    return all(folded(pattern) == "" or meets(pattern, group) for pattern, group in zip(groups, own))


def moment(vr, text):
    """(first, last) as digits that sort, or None."""
    plain = text.replace(".", "") if vr == "DA" else text.replace(":", "")
    shape = r"(\d{4})(\d\d)(\d\d)" if vr == "DA" else r"(\d\d)(?:(\d\d)(?:(\d\d)(?:\.(\d{1,6}))?)?)?"
    if not re.fullmatch(shape, plain):
        return None
    if vr == "DA":
        year, month, day = int(plain[:4]), int(plain[4:6]), int(plain[6:])
        leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
        if not 1 <= month <= 12 or not 1 <= day <= [31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]:
            return None
        return plain, plain
    digits = plain.replace(".", "")
    if int(digits[:2]) > 23 or (len(digits) > 3 and int(digits[2:4]) > 59):
        return None
    return digits.ljust(12, "0"), digits + "595959999999"[len(digits):] if len(digits) < 6 else digits.ljust(12, "9")


def one(vr, key, text):
    if text == "":
        return False
    if vr == "PN":
        return person(key, text)
    if vr in ("DA", "TM"):
        value = moment(vr, text)
        if value is None:
            return False
        if "-" not in key:
            return moment(vr, key)[0] == value[0]
        low, high = (part.strip() for part in key.split("-"))
        return (not low or moment(vr, low)[0] <= value[0]) and (not high or value[0] <= moment(vr, high)[1])
    if vr in ("IS", "DS", "US"):
        try:
            return float(key) == float(text)
        except ValueError:
            return False
    if vr in WILD and set("*?") & set(key):
        return wild(key, text)
    return key == text


def meets(vr, key, texts_of_one):
    """`texts_of_one`: all values of the attribute."""
    if set(key) <= {"*", " "}:
        return True
    for part in key.split("\\"):
        if part == '""' and not any(texts_of_one):
            return True
        if part != '""' and any(one(vr, part.strip(), text) for text in texts_of_one):
            return True
    return False


def meets_items(wanted, items):
    if all(set(key) <= {"*", " "} for _, key in wanted.values()):
        return True
    return any(all(meets(vr, key, values(item, tag) or [""]) for tag, (vr, key) in wanted.items()) for item in items)


# --- the tree ---

class Node:
    def __init__(self, level, above):
        self.level, self.above, self.objects, self.children = level, above, [], {}

    def choices(self, tag, of_level):
        """The values that the node may say it has."""
        node = self
        while node.level != of_level:
            node = node.above
        known = {text_of(thing, tag) for thing in node.objects}
        return sorted(known - {""}) or [""]


def patient_key(name, number, issuer, birth):
    return (number, issuer) if number else ("", name, birth)


def tree(objects):
    root = Node("root", None)
    nodes = {level: [] for level in LEVELS}
    for thing in objects:
        path = [patient_key(*(text_of(thing, tag) for tag in PATIENT))] + [text_of(thing, UIDS[level]) for level in LEVELS[1:]]
        node = root
        for level, key in zip(LEVELS, path):
            if key not in node.children:
                node.children[key] = Node(level, node)
                nodes[level].append(node.children[key])
            node = node.children[key]
            node.objects.append(thing)
    return nodes


def identity(node):
    found = []
    while node.level != "root":
        found.append(next(key for key, child in node.above.children.items() if child is node))
        node = node.above
    return tuple(reversed(found))


# --- queries ---

class Query:
    def __init__(self, level):
        self.level, self.keys, self.items = level, {}, {}  # tag: (VR, level, text); tag: {tag: (VR, text)}

    def verdicts(self, node):
        """(must, may)."""
        must = may = True
        for tag, (vr, level, key) in self.keys.items():
            if tag in (MODALITIES, CLASSES):
                study = node
                while study.level != "study":
                    study = study.above
                below = [choices for child in study.children.values()
                         for choices in ([child.choices(0x00080060, "series")] if tag == MODALITIES else
                                         [[text_of(thing, 0x00080016)] for thing in child.objects])]
                outcomes = {any(meets(vr, key, [choice]) for choice in choices) for choices in below}
                sure = any(all(meets(vr, key, [choice]) for choice in choices) for choices in below)
                must, may = must and sure, may and True in outcomes
            else:
                outcomes = {meets(vr, key, choice.split("\\")) for choice in node.choices(tag, level)}
                if any("\ufffd" in choice for choice in node.choices(tag, level)):
                    outcomes = {True, False}  # bytes that are no text of their VR
                must, may = must and outcomes == {True}, may and True in outcomes
        for tag, wanted in self.items.items():
            outcomes = {meets_items(wanted, thing.get(tag, ("SQ", []))[1]) for thing in node.objects}
            must, may = must and outcomes == {True}, may and True in outcomes
        return must, may

    def combined(self, node):
        dates, times = self.keys[0x00080020][2].split("-"), self.keys[0x00080030][2].split("-")
        outcomes = set()
        for date in node.choices(0x00080020, "study"):
            for time in node.choices(0x00080030, "study"):
                day, at = moment("DA", date), moment("TM", time) if time else ("0" * 12, "235959999999")
                if day is None or at is None:
                    outcomes.add(False)
                    continue
                low = dates[0] and dates[0] + (moment("TM", times[0])[0] if times[0] else "0" * 12)
                high = dates[1] and dates[1] + (moment("TM", times[1])[1] if times[1] else "235959999999")
                first, last = (day[0] + at[0], day[0] + at[0]) if time else (day[0] + at[0], day[0] + at[1])
                outcomes.add((not low or last >= low) and (not high or first <= high))
        return outcomes == {True}, True in outcomes


def mutate(chance, vr, text):
    """A key that is near to a value."""
    if vr == "US":  # in binary there are neither wildcards nor quotation marks
        return chance.choice([text, text, "7", ""]) if text.isdigit() else ""
    if text == "" or chance.random() < 0.04:
        return chance.choice(['""', "*", ""])
    way = chance.randrange(8)
    if vr in ("DA", "TM"):
        if moment(vr, text) is None:
            return '""'
        near = text.replace(".", "") if vr == "DA" else chance.choice([text, text[:2], text[:4]]).replace(":", "").rstrip(".")
        near = near if moment(vr, near) else text.replace(":", "")
        other = chance.choice(["19900101", "20051231", "20150615"]) if vr == "DA" else chance.choice(["08", "1030", "175959"])
        low, high = sorted([near, other])
        return [near, near, near + "-", "-" + near, low + "-" + high, near + "\\" + other, near + "-" + near, low + "-" + high][way]
    if vr in ("IS", "DS"):
        return chance.choice([text, text, "+" + text if text[0].isdigit() else text, "7"]) if re.fullmatch(r"[-+]?\d+(\.\d*)?", text) else "7"
    if vr not in WILD:
        return chance.choice([text, text, text + "\\1.2.3", text[:-1]])
    cut = chance.randrange(len(text) + 1)
    plain = [text, text[:cut] + "*", "*" + text[cut:], text[:cut] + "?" + text[cut + 1:], text + "\\nothing",
             text[:cut] + "*" + text[cut + 1:], text[:1] + "*" + text[-1:], text][way]
    if vr == "PN":
        return chance.choice([plain, plain.upper(), plain.lower(), plain.split("=")[0], plain + "^"])
    return plain if chance.random() < 0.8 else plain.lower()


def make(chance, nodes, attributes, sequences):
    level = chance.choice(LEVELS)
    query, node = Query(level), chance.choice(nodes[level])
    thing = chance.choice(node.objects)
    allowed = [entry for entry in attributes if LEVELS.index(entry[2]) <= LEVELS.index(level)]
    for _ in range(chance.choice([1, 1, 2, 3])):
        tag, vr, of_level = chance.choice(allowed)
        source = text_of(thing, {MODALITIES: 0x00080060, CLASSES: 0x00080016}.get(tag, tag)).split("\\")[0]
        query.keys[tag] = (vr, of_level, mutate(chance, vr, source))
    with_items = [tag for tag in sequences if thing.get(tag, ("", []))[1]]
    if with_items and chance.random() < 0.3:
        tag = chance.choice(with_items)
        inner = chance.choice(thing[tag][1])
        usable = [(key, value) for key, value in inner.items() if key != "last" and value[0] in ("SH", "LO", "UI", "CS")]
        query.items[tag] = {key: (value[0], mutate(chance, value[0], value[1].split("\\")[0]))
                            for key, value in chance.sample(usable, min(len(usable), chance.choice([1, 2])))}
    return query


def encode(chance, text):
    """(term, codec) of a character set that has the text."""
    for term, codec in chance.sample([("ISO_IR 100", "latin-1"), ("ISO_IR 144", "iso8859-5"), ("GB18030", "gb18030"), ("ISO_IR 192", "utf-8")], 4):
        try:
            text.encode(codec)
            return term, codec
        except UnicodeEncodeError:
            continue
    return "ISO_IR 192", "utf-8"


def ask(chance, finder, query, root):
    everything = "".join(key for _, _, key in query.keys.values()) + "".join(key for wanted in query.items.values() for _, key in wanted.values())
    term, codec = encode(chance, everything)
    keys = {0x00080005: term.encode(), 0x00080052: NAMES[query.level]}
    for tag in PATIENT + [UIDS[level] for level in LEVELS[1:LEVELS.index(query.level) + 1]]:
        keys[tag] = b""
    if query.level == "study":
        keys[0x00201208] = b""
    for tag, (vr, _, key) in query.keys.items():
        keys[tag] = int(key).to_bytes(2, "little") if vr == "US" and key else key.encode(codec)
    for tag, wanted in query.items.items():
        keys[tag] = [{inner: key.encode(codec) for inner, (_, key) in wanted.items()}]
    return finder.find(root, keys)


def check(query, nodes, matches, is_combined=False):
    got = {}
    for match in map(texts, matches):
        path = (patient_key(*(match[tag] for tag in PATIENT)),) + tuple(match[UIDS[level]] for level in LEVELS[1:LEVELS.index(query.level) + 1])
        if path in got:
            return [f"twice: {path}"]
        got[path] = match
    wrong = []
    for node in nodes[query.level]:
        must, may = query.combined(node) if is_combined else query.verdicts(node)
        path = node.path
        if must and path not in got:
            wrong.append(f"missing: {path}")
        if path in got and not may:
            wrong.append(f"no match: {path}")
        if path in got and query.level == "study" and got[path][0x00201208] != str(len(node.objects)):
            wrong.append(f"{got[path][0x00201208]} instances instead of {len(node.objects)}: {path}")
        got.pop(path, None)
    return wrong + [f"unknown: {path}" for path in got]


def load(folder):
    files = sorted(os.path.join(base, name) for base, _, names in os.walk(folder) for name in names)
    objects = []
    for at in range(0, len(files), 500):
        objects += dump(files[at:at + 500]).values()
    return objects


def main():
    parser = argparse.ArgumentParser()
    for name, kind in (("--port", int), ("--queries", int), ("--seed", int), ("--attributes", str), ("--sequences", str)):
        parser.add_argument(name, type=kind, required=True)
    parser.add_argument("folder")
    options = parser.parse_args()
    chance = random.Random(options.seed)
    nodes = tree(load(options.folder))
    for level in LEVELS:
        for node in nodes[level]:
            node.path = identity(node)
    attributes = []
    for line in open(options.attributes, encoding="utf-8"):
        tag, vr, level, _ = line.split()
        if vr not in ("LT", "ST", "UT", "DT") and tag not in ("0008,0005", "0002,0010"):
            attributes.append((int(tag.replace(",", ""), 16), vr, level))
    sequences = [int(tag, 16) for tag in options.sequences.split(",")]
    finder, failures, found = Finder(options.port), 0, 0
    if finder.extended != b"\1\1\0\0\0\1\1":
        sys.exit(f"extended negotiation: {finder.extended.hex()}")
    plain = Finder(options.port, extended=b"")
    for number in range(options.queries):
        is_combined = number % 20 == 19
        query = make(chance, nodes, attributes, sequences)
        if is_combined:
            thing = chance.choice(chance.choice(nodes["study"]).objects)
            date, time = moment("DA", text_of(thing, 0x00080020)), moment("TM", text_of(thing, 0x00080030))
            if date is None or time is None:
                continue
            query = Query(chance.choice(LEVELS[1:]))
            query.keys[0x00080020] = ("DA", "study", chance.choice(["", "19990101"]) + "-" + date[0])
            query.keys[0x00080030] = ("TM", "study", chance.choice(["10", ""]) + "-" + chance.choice([time[0][:6], "0930"]))
        root = "patient" if query.level == "patient" else chance.choice(["patient", "study"])
        matches, status, comment = ask(chance, finder if is_combined else chance.choice([plain, finder] if not {0x00080020, 0x00080030} <= query.keys.keys() else [plain]), query, root)
        wrong = [f"status {status:04x}: {comment}"] if status != 0 else check(query, nodes, matches, is_combined)
        found += len(matches) > 0
        if wrong:
            failures += 1
            print(f"query {number} at {query.level}: " + ", ".join(f"{tag:08x}={key[2]!r}" for tag, key in query.keys.items()) + f" {query.items}")
            print("\n".join(wrong[:5]))
    finder.close()
    plain.close()
    counts = ", ".join(f"{len(nodes[level])} {level}" for level in LEVELS)
    print(f"{options.queries} queries over {counts}: {found} found something, {failures} wrong")
    sys.exit(failures > 0 or found < options.queries // 4)


main()
