"""Measure how far the figures in lessons differ between machines and random streams: `make tolerances`.

Each notebook is run again with two other seeds, on one thread, without oneDNN, and without AVX-512, and what it prints
is compared with what it stores. tests/tolerances.csv gets a row for each figure; a cell whose figures move by more than
their last digit gets a tolerance in its metadata, twice as wide as the widest move, for `make test`.
"""

import csv
import math
import os
import re
import sys
from pathlib import Path

import nbformat

from tools.notebooks import run
from tools.printed import MEASURED, last_digit, refusals, value, words

ROOT = Path(__file__).parents[1]
TABLE = ROOT / "tests" / "tolerances.csv"
ONE_THREAD = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
AVX2 = {
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "XLA_FLAGS": "--xla_cpu_max_isa=AVX2",
    "OPENBLAS_CORETYPE": "Haswell",
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
}
VARIANTS = {
    "seed 1": {},
    "seed 2": {},
    "one thread": dict.fromkeys(ONE_THREAD, "1"),
    "oneDNN off": {"TF_ENABLE_ONEDNN_OPTS": "0"},
    "AVX2 only": AVX2,
}
WIDTH = 2  # of a tolerance, in units of the widest move seen
RELATIVE_AT_MOST = 0.3  # a figure that moves by more is small, and gets an absolute tolerance
COLUMNS = ["notebook", "cell", "line", "stored", *VARIANTS]


def texts(notebook):
    """What each code cell prints or shows as text, by the cell's id."""
    found = {}
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            text = output.get("text", output.get("data", {}).get("text/plain", ""))
            found[cell.id] = found.get(cell.id, "") + text.rstrip("\n") + "\n"
    return found


def run_variant(path, name):
    """The texts of a notebook that was run in another way."""
    notebook = nbformat.read(path, as_version=4)
    if name.startswith("seed"):  # each of them: one that a function sets anew is that of all cells after it
        for cell in notebook.cells:
            cell.source = re.sub(r"(set_random_seed\()(?=\d\))", rf"\g<1>{name.split()[1]}", cell.source)
    before = dict(os.environ)
    os.environ.update(VARIANTS[name])
    try:
        run(notebook, path.parent)
    finally:
        os.environ.clear()
        os.environ.update(before)
    return texts(notebook)


def rows_of(path):
    """A row of the table for each measured figure of a notebook; and the lines that a run printed in other words."""
    stored = texts(nbformat.read(path, as_version=4))
    runs = {name: run_variant(path, name) for name in VARIANTS}
    rows, other_words = [], []
    for cell, text in stored.items():
        fresh = {name: run.get(cell, "").splitlines() for name, run in runs.items()}
        for number, line in enumerate(text.splitlines()):
            lines = {name: found[number] if number < len(found) else "" for name, found in fresh.items()}
            different = [name for name, other in lines.items() if words(other) != words(line)]
            other_words += [f"{path.name} {cell}, {name}: {lines[name]!r}, stored {line!r}" for name in different]
            if not different:
                figures = zip(*(MEASURED.findall(found) for found in (line, *lines.values())), strict=True)
                rows += [[path.relative_to(ROOT).as_posix(), cell, words(line).strip(), *row] for row in figures]
    return rows, other_words


def tolerance(rows):
    """The tolerance of a cell, from its rows of the table; {} where the last digit's is enough."""
    relative = absolute = 0.0
    for _, _, _, stored, *others in rows:
        needed = WIDTH * max(abs(value(other) - value(stored)) for other in others)
        if needed <= last_digit(stored):
            continue
        if needed <= RELATIVE_AT_MOST * abs(value(stored)):
            relative = max(relative, needed / abs(value(stored)))
        else:
            absolute = max(absolute, needed)
    found = {"relative": rounded_up(relative), "absolute": rounded_up(absolute)}
    return {kind: size for kind, size in found.items() if size}


def rounded_up(size):
    """A size with one digit, not smaller."""
    if size == 0:
        return 0
    unit = 10.0 ** math.floor(math.log10(size))
    return float(f"{math.ceil(size / unit - 1e-9) * unit:.3g}")


def write(path, rows):
    """Put the tolerances into the notebook's metadata, and say which claims refuse them."""
    notebook = nbformat.read(path, as_version=4)
    printed = texts(notebook)
    for cell in notebook.cells:
        cell.metadata.pop("tolerance", None)
        if found := tolerance([row for row in rows if row[1] == cell.id]):
            cell.metadata["tolerance"] = found
            for claim in refusals(printed[cell.id], found):
                print(f"{path.name} {cell.id}: the tolerance {found} holds both figures of: {claim}")
    nbformat.write(notebook, path)


def table():
    """The rows measured so far."""
    if not TABLE.is_file():
        return []
    with TABLE.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))[1:]


def main(paths):
    failed = []
    for path in (Path(path).resolve() for path in paths):
        rows, other_words = rows_of(path)
        failed += other_words
        write(path, rows)
        others = [row for row in table() if row[0] != path.relative_to(ROOT).as_posix()]
        with TABLE.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows([COLUMNS, *sorted(others + rows, key=lambda row: row[0])])
    if failed:
        sys.exit("\n".join(["These lines have no rows, since a run printed other words:", *failed]))


if __name__ == "__main__":
    main(sys.argv[1:])
