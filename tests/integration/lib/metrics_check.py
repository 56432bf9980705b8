#!/usr/bin/env python3
"""Reads a page of metrics strictly: the text format of Prometheus 0.0.4, and the rules for names that promtool has.

  metrics_check.py check FILE             complains of what the page does wrong
  metrics_check.py grows BEFORE AFTER     complains of counters that are less in AFTER
  metrics_check.py table FILE             what docs/operations.md has: a row for each metric
Exit status: 1 after a complaint.
"""
import math
import re
import sys

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"')
VALUE = re.compile(r"[+-]?(?:\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|Inf|NaN)")
NOT_BASE_UNITS = re.compile(r"_(ms|milliseconds|us|ns|minutes|hours|days|kib|mib|mb|kilobytes|megabytes|percent)(_|$)")


class Metric:
    def __init__(self, name, text):
        self.name, self.help, self.type, self.samples = name, text, None, {}


def fail(number, line, why):
    raise SystemExit(f"line {number}: {why}: {line!r}")


def parse_labels(number, line, text):
    labels, rest = {}, text
    while rest:
        found = LABEL.match(rest)
        if not found:
            fail(number, line, "malformed labels")
        if found[1] in labels or found[1].startswith("__"):
            fail(number, line, "a label twice, or a reserved one")
        labels[found[1]] = found[2]
        rest = rest[found.end():]
        if rest and not rest.startswith(","):
            fail(number, line, "labels are separated by commas")
        rest = rest[1:]
    return labels


def belongs(metric, name):
    ends = ("_bucket", "_sum", "_count") if metric.type == "histogram" else ("",)
    return name in [metric.name + end for end in ends]


def parse(path):
    with open(path, "rb") as file:
        text = file.read().decode("utf-8", "strict")
    if not text.endswith("\n") or "\r" in text:
        raise SystemExit("the page does not end with a newline, or has carriage returns")
    metrics, current = {}, None
    for number, line in enumerate(text[:-1].split("\n"), 1):
        if line.startswith("# HELP "):
            name, _, described = line[7:].partition(" ")
            if not NAME.fullmatch(name) or name in metrics or not described:
                fail(number, line, "no name, a name again, or no text")
            current = metrics[name] = Metric(name, described)
        elif line.startswith("# TYPE "):
            words = line.split(" ")
            if current is None or len(words) != 4 or words[2] != current.name or current.type or current.samples:
                fail(number, line, "TYPE follows its HELP, once")
            if words[3] not in ("counter", "gauge", "histogram"):
                fail(number, line, "no such type")
            current.type = words[3]
        else:
            found = re.fullmatch(r"([^{ ]+)(?:\{([^ ].*)\})? (\S+)", line)
            if not found or not NAME.fullmatch(found[1]) or not VALUE.fullmatch(found[3]):
                fail(number, line, "no sample")
            if current is None or current.type is None or not belongs(current, found[1]):
                fail(number, line, "a sample that does not belong to the metric above")
            labels = parse_labels(number, line, found[2] or "")
            key = (found[1], tuple(sorted(labels.items())))
            if key in current.samples:
                fail(number, line, "a sample twice")
            current.samples[key] = (line[:line.rindex(" ")], float(found[3]))
    return metrics


def check_histogram(metric):
    buckets = [(float(dict(labels)["le"]), value) for (name, labels), (_, value) in metric.samples.items() if name.endswith("_bucket")]
    count = metric.samples[metric.name + "_count", ()][1]
    if buckets != sorted(buckets) or not buckets or buckets[-1] != (math.inf, count):
        raise SystemExit(f"{metric.name}: buckets are not cumulative, or do not end with the count")
    if (metric.name + "_sum", ()) not in metric.samples:
        raise SystemExit(f"{metric.name}: no sum")


def check(metrics):
    for metric in metrics.values():
        if metric.type is None:
            raise SystemExit(f"{metric.name}: no type")
        if (metric.type == "counter") != metric.name.endswith("_total"):
            raise SystemExit(f"{metric.name}: counters, and they alone, end with _total")
        if NOT_BASE_UNITS.search(metric.name) or not re.fullmatch(r"[a-z][a-z0-9_]*", metric.name):
            raise SystemExit(f"{metric.name}: no base unit, or no snake_case")
        for _, value in metric.samples.values():
            if math.isnan(value) or value < 0:
                raise SystemExit(f"{metric.name}: {value}")
        if metric.type == "histogram":
            check_histogram(metric)
        if len({tuple(label for label, _ in labels if label != "le") for _, labels in metric.samples}) > 1:
            raise SystemExit(f"{metric.name}: samples with different labels")


def grows(before, after):
    for name, metric in before.items():
        for key, (text, value) in metric.samples.items():
            if metric.type == "gauge" or key[0].endswith("_sum"):
                continue
            if name not in after or key not in after[name].samples or after[name].samples[key][1] < value:
                raise SystemExit(f"{text} was {value} and is less")


def row(metric):
    labels = sorted({label for _, labels in metric.samples for label, _ in labels if label != "le"})
    return f"| `{metric.name}` | {metric.type} | {', '.join(labels)} | {metric.help} |"


def main():
    action, path = sys.argv[1:3]
    metrics = parse(path)
    if action == "check":
        check(metrics)
        print(f"{len(metrics)} metrics, {sum(len(metric.samples) for metric in metrics.values())} samples")
    elif action == "grows":
        grows(metrics, parse(sys.argv[3]))
    elif action == "table":
        for metric in metrics.values():
            print(row(metric))
    else:
        raise SystemExit(__doc__)


main()
