"""Measurements of bench/peers as tables: of one run, or of several whose JSON lines were kept."""
import json, statistics, sys

COLUMNS = [("peer", "{}", "peer"), ("images/s", "{:.1f}", "images_per_second"), ("MB/s", "{:.1f}", "megabytes_per_second"),
           ("CPU s/GB", "{:.2f}", "cpu_seconds_per_gigabyte"), ("peak MB", "{:.0f}", "peak_megabytes"),
           ("disk/byte", "{:.3f}", "disk_per_byte"), ("packed s", "{:.1f}", "packing_seconds"), ("p99 ms", "{:.1f}", "p99_ms")]
RATIOS = [("to orthanc", "orthanc"), ("to storescp", "storescp")]


def read(paths):
    """The measurements in files of JSON lines; other lines, such as of a run's progress, are passed over."""
    cells = []
    for path in paths:
        try:
            with open(path, encoding="utf-8") as lines:
                cells += [json.loads(line) for line in lines if line.startswith("{")]
        except (OSError, ValueError) as error:
            sys.exit(f"--table {path}: {error}")
    if not cells or not all("load" in cell and "peer" in cell for cell in cells):
        sys.exit("--table: no measurements of bench/peers/run --json")
    return cells


def median(cells, load, name, key):
    values = [cell[key] for cell in cells if (cell["load"], cell["peer"]) == (load, name) and cell.get(key) is not None]
    return statistics.median(values) if values else None


def ratio(cells, load, name, other):
    """The median of each round's ratio of speeds: only what was measured in turns is compared."""
    speed = {(cell["peer"], cell["run"], cell["round"]): cell["images_per_second"] for cell in cells if cell["load"] == load}
    ratios = [speed[key] / speed[(other,) + key[1:]] for key in speed if key[0] == name and (other,) + key[1:] in speed]
    return statistics.median(ratios) if ratios else None


def in_order(cells, key):
    return list(dict.fromkeys(cell[key] for cell in cells))


def tell(cells):
    """What was measured, and on what."""
    rounds = {load: len({(cell["run"], cell["round"]) for cell in cells if cell["load"] == load}) for load in in_order(cells, "load")}
    counts = sorted(set(rounds.values()))
    lost = sum(cell.get("lost", 0) for cell in cells)
    print(f"{' and '.join(sorted({cell['date'] for cell in cells}))}, commit {', '.join(in_order(cells, 'commit'))}; {', '.join(in_order(cells, 'machine'))}; "
          f"{' or '.join(str(count) for count in in_order(cells, 'images'))} images of {cells[0]['bytes'] / cells[0]['images'] / 1000:.0f} KB; "
          f"{counts[0]}{f' to {counts[-1]}' if len(counts) > 1 else ''} rounds; {'no image lost' if lost == 0 else f'{lost} IMAGES LOST'}")
    if any(cell.get("network") for cell in cells):
        print(f"network: {', '.join(in_order(cells, 'network'))}")


def show(cells):
    tell(cells)
    for load in in_order(cells, "load"):
        print(f"\n### {load}\n\n| " + " | ".join([title for title, _, _ in COLUMNS] + [title for title, _ in RATIOS]) + " |")
        print("|" + "---|" * (len(COLUMNS) + len(RATIOS)))
        for name in in_order(cells, "peer"):
            if median(cells, load, name, "seconds") is None:
                continue
            values = [name if key == "peer" else median(cells, load, name, key) for _, _, key in COLUMNS]
            texts = ["" if value is None else form.format(value) for value, (_, form, _) in zip(values, COLUMNS)]
            texts += ["" if value is None else f"{value:.2f}" for value in (ratio(cells, load, name, other) for _, other in RATIOS)]
            print("| " + " | ".join(texts) + " |")
