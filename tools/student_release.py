"""Zip what students get: the lessons, pylib, what sets them up, and no solution: `make student-release`."""

import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
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
]


def main(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    found = [file for pattern in FILES for file in sorted(ROOT.glob(pattern))]
    files = [file for file in found if file.is_file() and file.suffix != ".pyc"]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            archive.write(file, f"{NAME}/{file.relative_to(ROOT).as_posix()}")
    print(f"{path}: {len(files)} files, {path.stat().st_size / 1e6:.0f} MB")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "dist" / f"{NAME}.zip")
