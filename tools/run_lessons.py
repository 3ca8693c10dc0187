"""Run notebooks and store their outputs: `make lessons`."""

import sys
from pathlib import Path

import nbformat

from tools.notebooks import run


def main(paths):
    for path in map(Path, paths):
        notebook = nbformat.read(path, as_version=4)
        run(notebook, path.parent)
        nbformat.write(notebook, path)


if __name__ == "__main__":
    main(sys.argv[1:])
