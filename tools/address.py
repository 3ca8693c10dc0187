"""Write a repository's address to where it is needed: `make address REPOSITORY=https://github.com/someone/vae`.

With it, each lesson's first cell fetches the released wheel where the lesson was opened alone, lessons and README link
to hosted machines, and CITATION.cff names it. Without one, as in the repository at first, there are no such links, and
the first cell says how to get pylib.
"""

import re
import sys
from pathlib import Path

import nbformat

import pylib

ROOT = Path(__file__).parents[1]
LESSONS = sorted(ROOT.glob("notebooks/**/[0-9][0-9]_*.ipynb"))
FIRST_CELL = "alone"  # its id
WITHOUT_ADDRESS = """\
from importlib.util import find_spec

if find_spec("pylib") is None:  # the notebook was opened alone
    raise ModuleNotFoundError("pylib, the course's library, is not here: get the whole course, as its README says")"""
WITH_ADDRESS = """\
from importlib.util import find_spec

if find_spec("pylib") is None:  # the notebook was opened alone, as on a hosted machine
    %pip install --quiet --no-deps {wheel}
if find_spec("anywidget") is None:
    %pip install --quiet anywidget"""


def first_cell(address):
    """The source of a lesson's first cell of code; it leaves alone what a host has."""
    release = f"{address}/releases/download/v{pylib.__version__}"
    wheel = f"{release}/vae_by_doing-{pylib.__version__}-py3-none-any.whl"
    return WITH_ADDRESS.format(wheel=wheel) if address else WITHOUT_ADDRESS


def hosted(address, path):
    """Links that open a file of the repository on hosted machines; they read GitHub only, so "" for another host."""
    match = re.fullmatch(r"https://github\.com/([^/]+/[^/]+)", address)
    if not match:
        return ""
    colab = f"https://colab.research.google.com/github/{match[1]}/blob/HEAD/{path}"
    binder = f"https://mybinder.org/v2/gh/{match[1]}/HEAD?labpath={path}"
    return f"[open in Colab]({colab}), [in Binder]({binder})"


def lesson(notebook, path, address):
    """A lesson whose first cell and links are those of an address."""
    (cell,) = (cell for cell in notebook.cells if cell.id == FIRST_CELL)
    cell.source = first_cell(address)
    title, text = re.sub(r"^\*\[open in Colab\].*\n\n", "", notebook.cells[0].source, flags=re.M).split("\n\n", 1)
    links = hosted(address, path)
    notebook.cells[0].source = "\n\n".join([title, *([f"*{links}*"] if links else []), text])
    return notebook


def readme(text, address):
    """The README, with each lesson's links below the table of lessons."""
    paths = [path.relative_to(ROOT).as_posix() for path in LESSONS if path.parent.name == "notebooks"]
    links = [f"{Path(path).name[:2]} {hosted(address, path)}" for path in paths]
    paragraph = f"Without an installation: {'; '.join(links)}.\n\n" if hosted(address, "") else ""
    text = re.sub(r"^Without an installation: .*\n\n", "", text, flags=re.M)
    return text.replace("Run times were", f"{paragraph}Run times were")


def citation(text, address):
    """CITATION.cff, with the address or without."""
    text = re.sub(r"^repository-code: .*\n", "", text, flags=re.M)
    return text + (f'repository-code: "{address}"\n' if address else "")


def main(address):
    if address and not re.fullmatch(r"https://[\w.-]+(/[\w.-]+)+", address):
        sys.exit(f"the address must be one such as https://github.com/someone/vae, not {address!r}")
    for path in LESSONS:
        changed = lesson(nbformat.read(path, as_version=4), path.relative_to(ROOT).as_posix(), address)
        nbformat.write(changed, path)
    for name, change in (("README.md", readme), ("CITATION.cff", citation)):
        file = ROOT / name
        file.write_text(change(file.read_text("utf-8"), address), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/") if len(sys.argv) > 1 else "")
