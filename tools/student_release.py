"""Zip what a class gets: the lessons, pylib, what sets them up, and no solution: `make student-release`."""

import sys
import zipfile
from pathlib import Path

import nbformat

ROOT = Path(__file__).parents[1]
STUDENT = ROOT / "notebooks" / "05_exercises.ipynb"
WORKED = "worked-solution"  # the tag of a cell that those who learn alone may unfold
NAME = "vae-by-doing"
FILES = [
    "README.md",
    "LICENSE",
    "Makefile",
    "requirements.txt",
    "constraints.txt",
    "pyproject.toml",
    "images/*.png",
    "notebooks/[0-9][0-9]_*.ipynb",
    "pylib/**/*.*",
    "tools/set_up.py",
]


def graded(notebook):
    """The learners' notebook without any solution, as a class gets it."""
    notebook = nbformat.from_dict(notebook)
    notebook.cells = [cell for cell in notebook.cells if WORKED not in cell.metadata.get("tags", [])]
    return notebook


def main(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    found = [file for pattern in FILES for file in sorted(ROOT.glob(pattern))]
    files = [file for file in found if file.is_file() and file.suffix != ".pyc"]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            name = f"{NAME}/{file.relative_to(ROOT).as_posix()}"
            if file == STUDENT:  # without the solutions that those who learn alone may unfold
                archive.writestr(name, nbformat.writes(graded(nbformat.read(file, as_version=4))) + "\n")
            else:
                archive.write(file, name)
    print(f"{path}: {len(files)} files, {path.stat().st_size / 1e6:.0f} MB")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "dist" / f"{NAME}.zip")
