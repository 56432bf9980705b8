#!/usr/bin/env python3
"""A second decoder of coded pixel frames, written from docs/format-pixel.md alone. For clarity, not for speed.

As a program: pixel_decode.py CODED_FILE RAW_SIZE [quick] > RAW_FILE. Method zstd needs the zstd program.
"""

import subprocess
import sys


class Corrupt(Exception):
    """The bytes break a rule of the page."""


def require(condition, what):
    if not condition:
        raise Corrupt(what)


class Bits:
    """Bits, least significant first."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def get(self, count):
        value = 0
        for i in range(count):
            require(self.at < 8 * len(self.data), "parameters are cut short")
            value |= (self.data[self.at >> 3] >> (self.at & 7) & 1) << i
            self.at += 1
        return value

    def golomb(self, order):
        zeros = 0
        while self.get(1) == 0:
            zeros += 1
            require(zeros <= 20, "a code is too long")
        r = self.get(zeros)
        return ((1 << zeros) + r - 1 << order) + self.get(order)

    def rest(self):
        return self.data[(self.at + 7) // 8:]


def signed(value, bits):
    return value - (1 << bits) if value >> (bits - 1) else value


def unzigzag(code):
    return code >> 1 ^ -(code & 1)


def clamp(value, low, high):
    return max(low, min(high, value))


class Layout:
    def __init__(self, bits, raw_size):
        word = bits.get(2)
        require(word < 3, "word")
        self.word_bytes = 1 << word
        self.samples = bits.get(2)
        self.planar = bits.get(1)
        self.big_endian = bits.get(1)
        self.subtract = bits.get(1)
        self.split = bits.get(5)
        self.rows = bits.golomb(8)
        self.columns = bits.golomb(8)
        require(self.samples in (1, 3), "samples")
        require(not self.subtract or self.samples == 3, "subtract")
        require({1: self.split == 0, 2: self.split < 16, 4: self.split == 16}[self.word_bytes], "split")
        require(self.rows > 0 and self.columns > 0, "size")
        require(self.rows * self.columns * self.samples * self.word_bytes == raw_size, "raw size")

    def planes(self):
        """(component, shift, bits) of each plane in order."""
        width = 8 * self.word_bytes
        fields = [(0, self.split), (self.split, width - self.split)] if self.split else [(0, width)]
        components = [1, 0, 2] if self.subtract else range(self.samples)
        return [(component, shift, bits) for component in components for shift, bits in fields]


class Plane:
    """The parameters of a plane."""

    def __init__(self, bits):
        self.kind = bits.get(8)
        require(self.kind <= 2, "kind")
        self.base = bits.get(16)
        if self.kind == 0:
            return
        self.spike = bits.get(16)
        self.mark_shift = bits.get(4)
        lanes_log2 = bits.get(3)
        require(lanes_log2 <= 5, "lanes")
        self.lanes = 1 << lanes_log2
        self.levels = bits.get(4) + 1
        self.thresholds = []
        for _ in range(self.levels - 1):
            self.thresholds.append((self.thresholds or [0])[-1] + bits.golomb(3))
            require(self.thresholds[-1] <= 2047, "threshold")
        self.class_of_level = [0] * self.levels
        if self.kind == 2:
            self.read_predictors(bits)
        self.cluster_of = [0]
        for _ in range(1 + 4 * self.levels):
            self.cluster_of.append(self.cluster_of[-1] + bits.get(1))
        self.clusters = self.cluster_of[-1] + 1
        require(self.clusters <= 16, "clusters")
        self.read_weights(bits)

    def read_predictors(self, bits):
        classes = bits.get(3) + 1
        for level in range(1, self.levels):
            self.class_of_level[level] = self.class_of_level[level - 1] + bits.get(1)
            require(self.class_of_level[level] < classes, "class")
        self.predictors = [[signed(bits.get(8), 8) for _ in range(6)] for _ in range(classes)]

    def read_weights(self, bits):
        tokens = bits.get(7)
        require(1 <= tokens <= 65, "tokens")
        self.frequencies = []
        before = None
        for _ in range(self.clusters):
            weights = []
            for t in range(tokens):
                expected = left = weights[t - 1] if t else 0
                if before is not None:
                    up, corner = before[t], before[t - 1] if t else 0
                    expected = left + up - clamp(corner, min(left, up), max(left, up))
                weights.append(expected + unzigzag(bits.golomb(1)))
                require(0 <= weights[t] <= 49, "weight")
            self.frequencies.append(frequencies_of(weights))
            before = weights

    def level(self, sizes):
        level = 0
        while level < len(self.thresholds) and sizes >= self.thresholds[level]:
            level += 1
        return level

    def place(self, spikes, level):
        if spikes == 7:
            return 1 + 4 * self.levels
        group = (spikes + 1) >> 1
        return 1 + group * self.levels + (level if group % 2 else self.levels - 1 - level)


def frequencies_of(weights):
    parts = [(4 + (w - 1 & 3)) << (w - 1 >> 2) if w else 0 for w in weights]
    total = sum(parts)
    require(total > 0, "no weights")
    frequencies = [max(1, 2048 * part // total) if part else 0 for part in parts]
    greatest = weights.index(max(weights))
    frequencies[greatest] += 2048 - sum(frequencies)
    require(frequencies[greatest] >= 1, "frequencies")
    return frequencies


class Reader:
    """The entropy coder: states over a stream of words."""

    def __init__(self, plane, data):
        require(len(data) >= 4 * plane.lanes, "no states")
        self.plane, self.data, self.at = plane, data, 4 * plane.lanes
        self.states = [int.from_bytes(data[4 * i:4 * i + 4], "little") for i in range(plane.lanes)]
        require(all(state >= 65536 for state in self.states), "state")
        self.slots = []  # for each cluster: (token, frequency, start) of each slot
        for frequencies in plane.frequencies:
            slots, start = [], 0
            for token, frequency in enumerate(frequencies):
                slots += [(token, frequency, start)] * frequency
                start += frequency
            self.slots.append(slots)

    def fill(self, i):
        if self.states[i] < 65536:
            require(self.at + 2 <= len(self.data), "words are missing")
            self.states[i] = (self.states[i] << 16) + int.from_bytes(self.data[self.at:self.at + 2], "little")
            self.at += 2

    def group(self, clusters):
        """The residual codes of one group."""
        tokens, codes = [], []
        for i, cluster in enumerate(clusters):
            slot = self.states[i] & 2047
            token, frequency, start = self.slots[cluster][slot]
            self.states[i] = frequency * (self.states[i] >> 11) + slot - start
            self.fill(i)
            tokens.append(token)
        for i, token in enumerate(tokens):
            if token < 17:
                codes.append(token - 1 if token else 65535)
                continue
            k = (token - 17 >> 2) + 2
            codes.append((4 + (token - 17 & 3) << k) + (self.states[i] & (1 << k) - 1))
            self.states[i] >>= k
            self.fill(i)
        return codes

    def row(self, clusters):
        codes = []
        for x in range(0, len(clusters), self.plane.lanes):
            codes += self.group(clusters[x:x + self.plane.lanes])
        return codes

    def finish(self):
        require(self.at == len(self.data) and all(state == 65536 for state in self.states), "stream's end")


def levels_and_clusters(plane, marks, y, columns):
    """What the marks of the rows above make of row y."""
    if y == 0:
        return [None] * columns, [plane.cluster_of[0]] * columns

    def mark(row, x):
        return marks[row][x] if row >= 0 and 0 <= x < columns else 0

    levels, clusters = [], []
    for x in range(columns):
        total = 2 * mark(y - 1, x) + mark(y - 2, x) + sum(mark(y - 1, x + i) for i in (-2, -1, 1, 2))
        levels.append(plane.level(total & 2047))
        clusters.append(plane.cluster_of[plane.place(total >> 11, levels[x])])
    return levels, clusters


def predict(plane, level, w, n, nw, ne, ww, nn):
    if plane.kind == 1:
        return w + n - clamp(nw, min(w, n), max(w, n))
    if level is None:  # row 0
        return w
    *taps, bias = plane.predictors[plane.class_of_level[level]]
    total = 8 * bias + 32
    for tap, neighbour in zip(taps, (n, nw, ne, ww, nn)):
        total += tap * signed(neighbour - w & 65535, 16)
    return w + clamp(total >> 6, -32768, 32767)


def decode_plane(data, rows, columns):
    """Samples, row by row, with the base added."""
    bits = Bits(data)
    plane = Plane(bits)
    if plane.kind == 0:
        require(not bits.rest(), "bytes left over")
        return [[plane.base] * columns for _ in range(rows)]
    reader = Reader(plane, bits.rest())
    marks, samples = [], []
    # Rows have two columns more on the left and one on the right.
    above = above2 = [0] * (columns + 3)
    for y in range(rows):
        levels, clusters = levels_and_clusters(plane, marks, y, columns)
        codes = reader.row(clusters)
        marks.append([2048 if c == 65535 else min(255, (c + 1 >> 1) >> plane.mark_shift) for c in codes])
        row = [above[1], above[2]]
        for x, code in enumerate(codes):
            nn = above[x + 2] if y == 1 else above2[x + 2]
            guess = predict(plane, levels[x], row[x + 1], above[x + 2], above[x + 1], above[x + 3], row[x], nn)
            row.append(plane.spike if code == 65535 else guess + unzigzag(code) & 65535)
        row.append(row[-1])
        samples.append([sample + plane.base & 65535 for sample in row[2:-1]])
        above2, above = above, row
    reader.finish()
    return samples


def decode_model(data, raw_size):
    bits = Bits(data)
    layout = Layout(bits, raw_size)
    rest = bits.rest()
    words = [[0] * (layout.rows * layout.columns) for _ in range(layout.samples)]
    planes = layout.planes()
    for index, (component, shift, width) in enumerate(planes):
        length = len(rest)
        if index + 1 < len(planes):
            require(len(rest) >= 4, "no length")
            length = int.from_bytes(rest[:4], "little")
            rest = rest[4:]
            require(length <= len(rest), "length")
        mask = (1 << width) - 1
        samples = decode_plane(rest[:length], layout.rows, layout.columns)
        rest = rest[length:]
        for i in range(layout.rows * layout.columns):
            sample = samples[i // layout.columns][i % layout.columns]
            if layout.subtract and component != 1:
                sample += words[1][i] >> shift & mask
            words[component][i] |= (sample & mask) << shift
    if layout.planar:
        order = [word for component in words for word in component]
    else:
        order = [word for pixel in zip(*words) for word in pixel]
    return b"".join(word.to_bytes(layout.word_bytes, "big" if layout.big_endian else "little") for word in order)


def decode(coded: bytes, raw_size: int) -> bytes:
    """The raw bytes of a coded frame. Raises Corrupt."""
    require(len(coded) > 0, "no method")
    method, rest = coded[0], coded[1:]
    if method == 0:
        raw = rest
    elif method == 1:
        unpacked = subprocess.run(["zstd", "-dc"], input=rest, capture_output=True, check=False)
        require(unpacked.returncode == 0, "zstd")
        raw = unpacked.stdout
    else:
        require(method == 2, "method")
        raw = decode_model(rest, raw_size)
    require(len(raw) == raw_size, "raw size")
    return raw


def decode_quick(coded, raw_size):
    """The quick coding, a codec of its own."""
    require(len(coded) >= 16, "no format")
    raw, at, word = bytearray(), 16, 0
    for _ in range(raw_size // 256):
        require(at < len(coded), "a block is missing")
        width = coded[at]
        packed = coded[at + 1:at + 1 + 16 * width]
        require(width <= 16 and len(packed) == 16 * width, "width")
        lanes = [sum(int.from_bytes(packed[16 * row + 2 * lane:16 * row + 2 * lane + 2], "little") << 16 * row for row in range(width)) for lane in range(8)]
        for number in range(128):
            code = lanes[number & 7] >> (number >> 3) * width & (1 << width) - 1
            word = word + unzigzag(code) & 0xFFFF
            raw += word.to_bytes(2, "little")
        at += 1 + 16 * width
    raw += coded[at:]
    require(len(raw) == raw_size, "raw size")
    return bytes(raw)


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit("usage: pixel_decode.py CODED_FILE RAW_SIZE [quick] > RAW_FILE")
    with open(sys.argv[1], "rb") as file:
        coded = file.read()
    try:
        sys.stdout.buffer.write((decode_quick if sys.argv[3:] == ["quick"] else decode)(coded, int(sys.argv[2])))
    except Corrupt as error:
        sys.exit(f"corrupt: {error}")


if __name__ == "__main__":
    main()
