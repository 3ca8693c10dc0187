"""Build the course's site from what is stored in the repository: `make site`, then open site/index.html.

`python -m tools.build_site FOLDER` lays the pages' sources out in a temporary folder as they lie in the repository, so
that links between them hold, and runs Sphinx on it with the settings in tools/site. Nothing is executed but the
encoder of the model that the first page shows, and nothing is fetched: the site can be opened as files.

The environment variable REPOSITORY may hold the repository's address, such as https://example.org/me/vae. Then what is
on no page is linked there; else it is named without a link.
"""

import os
import pkgutil
import re
import shutil
import sys
import tempfile
from pathlib import Path

import jupyter_server_mathjax
import nbformat
from ipywidgets.embed import embed_data
from sphinx.cmd.build import main as sphinx

import pylib
from pylib import pretrained
from pylib.tf_utils import mnist_train
from pylib.widgets import LatentExplorer
from tools.notebooks import WIDGET, pictures

ROOT = Path(__file__).parents[1]
REPOSITORY = os.environ.get("REPOSITORY", "").rstrip("/")
LESSONS = sorted(ROOT.glob("notebooks/[0-9][0-9]_*.ipynb"))
TEXTS = ["PICTURES.md", "TEACHING.md", "CONTRIBUTING.md", "CHANGELOG.md"]
PAGES = [*(f"notebooks/{path.name}" for path in LESSONS), *TEXTS, "benchmarks/results.md"]


def source_address(path):
    """Where the repository shows one of its files, or "" where no address is known."""
    return f"{REPOSITORY}/blob/HEAD/{path}" if REPOSITORY else ""


def linked(text, folder):
    """Markdown of a file in `folder` of the repository, with its links to what the site lacks led to the repository."""

    def elsewhere(link):
        path = os.path.normpath(Path(folder, link[2]))
        if path in PAGES or not (ROOT / path).exists():
            return link[0]
        return f"[{link[1]}]({source_address(path)})" if REPOSITORY else link[1]

    return re.sub(r"(?<!!)\[([^\]]+)\]\(([^)#:]+)\)", elsewhere, text)


def minutes_to_read(notebook):
    """Words at 200 a minute, 5 seconds for a line of code, half a minute for a picture; to the next five minutes."""
    text, code = (
        "\n".join(cell.source for cell in notebook.cells if cell.cell_type == kind) for kind in ("markdown", "code")
    )
    lines = sum(bool(line.strip()) for line in code.splitlines())
    shown = sum(len(pictures(cell.get("outputs", []))) for cell in notebook.cells)
    return 5 * round((len(text.split()) / 200 + lines / 12 + shown / 2) / 5)


def store_once(state):
    """Bytes that several widgets hold, such as a network's weights, stay with the first; the others name its place."""
    first = {}
    for name, model in state.items():
        for i, buffer in enumerate(model.get("buffers", [])):
            place = first.setdefault(buffer["data"], [name, i])
            if place != [name, i]:
                buffer["data"] = place  # which tools/widgets.js looks up


def lesson(path):
    """A lesson as the site shows it: it says how long it takes and where it can be had."""
    notebook = nbformat.read(path, as_version=4)
    facts = (
        f'<p class="facts"><span title="200 words a minute, 5 seconds for a line of code, half a minute for a picture">'
        f'{minutes_to_read(notebook)} minutes to read</span> · <a href="{path.name}" download>download this notebook'
        f"</a> to run and change it</p>"
    )
    notebook.cells[0].source = re.sub(r"^(# .+)\n", rf"\1\n\n{facts}\n", notebook.cells[0].source, count=1)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = linked(cell.source, "notebooks")
    if "widgets" in notebook.metadata:
        store_once(notebook.metadata.widgets[WIDGET.format("state")]["state"])
    return notebook


def landing_page():
    """tools/site/index.md, with sections of the README, as a notebook whose one output is the explorer."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^## ([^\n]+)\n\n(.+?)(?=^## |\Z)", readme, re.MULTILINE | re.DOTALL))
    text = (ROOT / "tools" / "site" / "index.md").read_text(encoding="utf-8")
    text = re.sub(r"<!-- README: (.+) -->", lambda section: sections[section[1]].strip(), text)
    for path in LESSONS:  # the table's minutes are those that the lessons' pages name
        minutes = minutes_to_read(nbformat.read(path, as_version=4))
        text = re.sub(rf"({path.name}\).*\|) \d+ min \|", rf"\1 {minutes} min |", text)
    text = text.replace(" s |", "\N{NO-BREAK SPACE}s |")
    above, below = linked(text, ".").split("<!-- explorer -->\n")

    images, labels = (array[50_000:53_000] for array in mnist_train())  # held out
    vae = pretrained.load("vae_2")
    explorer = embed_data(views=[LatentExplorer(vae, vae.encoder(images)[0].numpy(), labels)], drop_defaults=False)
    output = nbformat.v4.new_output("display_data", {WIDGET.format("view"): explorer["view_specs"][0]})
    cell = nbformat.v4.new_code_cell("explorer", outputs=[output], metadata={"tags": ["remove-input"]})
    markdown = nbformat.v4.new_markdown_cell
    return nbformat.v4.new_notebook(
        cells=[markdown(above), cell, markdown(below)],
        metadata={"widgets": {WIDGET.format("state"): explorer["manager_state"]}, "language_info": {"name": "python"}},
    )


def speed_page():
    """benchmarks/results.md under a title, with the README's picture of it."""
    picture = re.search(r"(!\[.+\]\()benchmarks/(scaling\.png\)\n\n\*.+\*)", (ROOT / "README.md").read_text("utf-8"))
    results = (ROOT / "benchmarks" / "results.md").read_text("utf-8")
    return f"# Speed\n\n{picture[1]}{picture[2]}\n\n{linked(results, 'benchmarks')}"


def reference():
    """A page for each public module of pylib, and one that lists them: file names and texts."""
    names = [module.name for module in pkgutil.iter_modules(pylib.__path__) if not module.name.startswith("_")]
    pages = {}
    rows = []
    for name in names:
        title = f"pylib.{name}"
        pages[f"{name}.rst"] = f"{title}\n{'=' * len(title)}\n\n.. automodule:: {title}\n   :members:\n"
        summary = pkgutil.resolve_name(title).__doc__.splitlines()[0].replace("|", r"\|")
        rows.append(f"| [{title}]({name}.rst) | {summary} |")
    listed = "\n".join(["| module | what it holds |", "|---|---|", *rows])
    tree = "\n".join(["```{toctree}", ":hidden:", "", *names, "```"])
    pages["index.md"] = f"# pylib's reference\n\nThe library under the lessons.\n\n{listed}\n\n{tree}\n"
    return pages


def lay_out(folder):
    """Write into a folder all that Sphinx needs."""
    shutil.copytree(ROOT / "tools" / "site", folder, dirs_exist_ok=True)
    static = folder / "static"
    mathjax = Path(jupyter_server_mathjax.__file__).parent / "static"
    shutil.copytree(mathjax, static / "mathjax", ignore=shutil.ignore_patterns("a11y", "localization", "SVG"))
    shutil.copy(ROOT / "tools" / "mathjax_config.js", static / "mathjax" / "config" / "lessons.js")
    shutil.copy(ROOT / "tools" / "widgets.js", static)
    shutil.copytree(ROOT / "images", folder / "images")

    for name in ("notebooks", "benchmarks", "reference", "extra/notebooks"):
        (folder / name).mkdir(parents=True)
    for path in LESSONS:
        nbformat.write(lesson(path), folder / "notebooks" / path.name)
        shutil.copy(path, folder / "extra" / "notebooks")  # to be downloaded as it is
    (folder / "index.md").unlink()
    nbformat.write(landing_page(), folder / "index.ipynb")
    texts = {name: linked((ROOT / name).read_text("utf-8"), ".") for name in TEXTS}
    texts |= {"benchmarks/results.md": speed_page()}
    texts |= {f"reference/{name}": text for name, text in reference().items()}
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    shutil.copy(ROOT / "benchmarks" / "scaling.png", folder / "benchmarks")


def build(site):
    """Write the site into a folder, in place of an earlier one; returns 0 where nothing was amiss."""
    if site.exists() and any(site.iterdir()) and not (site / "searchindex.js").exists():
        sys.exit(f"{site} holds something else than a site: name another folder")
    with tempfile.TemporaryDirectory() as work:
        lay_out(Path(work, "source"))
        # Into the temporary folder first, since MyST-NB writes beside the site, too.
        options = ["-b", "html", "-W", "--keep-going", "-q", "-d", f"{work}/doctrees"]
        failed = sphinx([*options, f"{work}/source", f"{work}/site"])
        shutil.rmtree(site, ignore_errors=True)
        shutil.move(Path(work, "site"), site)
    return failed


if __name__ == "__main__":
    sys.exit(build(Path(sys.argv[1])))
