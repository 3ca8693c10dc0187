"""The site is whole in itself, shows what the notebooks store, and loads little."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import nbformat
import pytest
from bs4 import BeautifulSoup

from pylib import checks, evidence, noise, widgets
from tools.build_site import LESSONS, ROOT, WIDGET, linked, minutes_to_read, store_once
from tools.notebooks import alt_texts

pytestmark = pytest.mark.slow
REPOSITORY = "https://repository.invalid/vae"
MB = 1_000_000


class Site:
    """A site in a folder, its pages read once."""

    def __init__(self, folder):
        self.folder = folder
        paths = [path for path in folder.rglob("*.html") if "_static" not in path.parts]
        self.pages = {path: BeautifulSoup(path.read_text("utf-8"), "html.parser") for path in paths}
        self.ids = {path: {tag["id"] for tag in page.find_all(id=True)} for path, page in self.pages.items()}

    def __getitem__(self, name):
        return self.pages[self.folder / f"{name}.html"]

    def links(self):
        """Each page's path, and the addresses that it links."""
        return [(path, tag["href"]) for path, page in self.pages.items() for tag in page.find_all("a", href=True)]

    def loaded(self, path):
        """The addresses that a browser loads by itself for a page."""
        tags = self.pages[path].find_all(src=True) + self.pages[path].select(
            "link[rel~=stylesheet], link[rel~=preload]"
        )
        return [tag.get("src") or tag["href"] for tag in tags]


@pytest.fixture(scope="module")
def sites(tmp_path_factory):
    """A site without a repository's address, and one with it."""
    folders = {address: tmp_path_factory.mktemp("sites") / "site" for address in ("", REPOSITORY)}
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "tools.build_site", folder],
            cwd=ROOT,
            env=os.environ | {"REPOSITORY": address, "TF_CPP_MIN_LOG_LEVEL": "2"},
            stderr=subprocess.PIPE,
            text=True,
        )
        for address, folder in folders.items()
    ]
    for process in processes:
        said = process.communicate()[1]
        assert process.returncode == 0, said
    return {address: Site(folder) for address, folder in folders.items()}


@pytest.fixture(scope="module")
def site(sites):
    return sites[""]


def outputs(path):
    return [cell.outputs for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


def local(path, address):
    """The file that an address on a page means."""
    return Path(unquote(urlsplit(urljoin(path.as_uri(), address)).path))


def outside(address):
    return address.startswith("//") or urlsplit(address).scheme not in ("", "data")


def test_links_lead_to_pages_and_anchors(site):
    missing = []
    for path, address in site.links():
        if outside(address):
            continue
        target, anchor = local(path, address), urlsplit(address).fragment
        found = target.is_file() and (not anchor or target not in site.ids or anchor in site.ids[target])
        if not found:
            missing.append((path.name, address))
    assert missing == []
    assert len(site.links()) > 1000


def test_nothing_is_loaded_from_outside(site):
    for path in site.pages:
        loaded = site.loaded(path)
        assert [address for address in loaded if outside(address)] == []
        files = [address for address in loaded if not address.startswith("data:")]
        assert [address for address in files if not local(path, address).is_file()] == []
    for css in site.folder.rglob("*.css"):
        addresses = re.findall(r"url\(\s*['\"]?([^'\")]+)|@import\s+['\"]([^'\"]+)", css.read_text("utf-8"))
        assert [address for pair in addresses for address in pair if outside(address)] == []


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_lesson_shows_what_is_stored(site, path):
    page = site[f"notebooks/{path.stem}"]
    stored = outputs(path)
    assert [image["alt"] for image in page.select(".cell_output img")] == sum(map(alt_texts, stored), [])
    assert all(len(image.get("alt", "")) > 20 for image in page.select("article img"))
    views = [output["data"] for cell in stored for output in cell if WIDGET.format("view") in output.get("data", {})]
    shown = page.find_all("script", type=WIDGET.format("view"))
    wanted = [view[WIDGET.format("view")]["model_id"] for view in views]
    assert [json.loads(view.string)["model_id"] for view in shown] == wanted
    if views:
        state = json.loads(page.find("script", type=WIDGET.format("state")).string)["state"]
        assert set(wanted) <= state.keys()
    printed = {text.get_text().strip() for text in page.select(".cell_output pre")}
    assert printed.isdisjoint(view["text/plain"] for view in views)
    assert len(page.select("article details")) == sum(cell.source.count("<details>") for cell in markdown(path))


def markdown(path):
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "markdown"]


def test_equal_bytes_are_stored_once():
    state = {
        "a": {"state": {}, "buffers": [{"path": ["w"], "data": "AAEC"}, {"path": ["v"], "data": "AAED"}]},
        "b": {"state": {}, "buffers": [{"path": ["u"], "data": "AAED"}]},
        "c": {"state": {}},
    }
    store_once(state)
    assert [buffer["data"] for buffer in state["a"]["buffers"]] == ["AAEC", "AAED"]
    assert state["b"]["buffers"] == [{"path": ["u"], "data": ["a", 1]}]


def test_minutes_and_downloads(site):
    rows = {row.a["href"]: row.find_all("td")[2].text for row in site["index"].select("tr:has(td a)")}
    for path in LESSONS:
        facts = site[f"notebooks/{path.stem}"].select_one(".facts")
        minutes = minutes_to_read(nbformat.read(path, as_version=4))
        assert facts.text.startswith(f"{minutes} minutes to read")
        assert rows[f"notebooks/{path.stem}.html"] == ("9 h of work" if "05" in path.stem else f"{minutes} min")
        assert (site.folder / "notebooks" / facts.a["href"]).read_bytes() == path.read_bytes()


def test_minutes_are_counted_from_words_code_and_pictures():
    picture = nbformat.v4.new_output("display_data", {"image/png": ""})
    cells = [
        nbformat.v4.new_markdown_cell("word " * 2000),  # ten minutes
        nbformat.v4.new_code_cell("x = 1\n\n" * 120),  # as many
        nbformat.v4.new_code_cell(outputs=[picture] * 10),  # half as many
    ]
    assert minutes_to_read(nbformat.v4.new_notebook(cells=cells)) == 25


def test_landing_page_has_an_explorer(site):
    page = site["index"]
    (view,) = page.find_all("script", type=WIDGET.format("view"))
    entry = json.loads(page.find("script", type=WIDGET.format("state")).string)["state"]
    assert entry[json.loads(view.string)["model_id"]]["state"]["_esm"] == str(widgets.LatentExplorer._esm)
    assert page.find(src=re.compile("widgets.js")).has_attr("defer")


def test_pages_are_light(site):
    fonts = sum(font.stat().st_size for font in site.folder.rglob("*.woff2"))
    mathjax = site.folder / "_static" / "mathjax"
    mathematics = [
        *mathjax.glob("fonts/**/*.woff"),
        *mathjax.glob("config/*"),
        *mathjax.glob("jax/output/HTML-CSS/**/*.js"),
    ]
    for path, page in site.pages.items():
        files = {local(path, address) for address in site.loaded(path) if not address.startswith("data:")} | {path}
        weight = fonts + sum(file.stat().st_size for file in files)
        if page.find(src=re.compile("MathJax.js")):
            weight += sum(file.stat().st_size for file in mathematics)
        assert weight < (8 * MB if path.parent.name == "notebooks" else 3 * MB), path
    has_mathematics = {
        bool(page.select(".math")) == bool(page.find(src=re.compile("MathJax.js"))) for page in site.pages.values()
    }
    assert has_mathematics == {True}


def test_reference_has_what_is_public(site):
    for module in (checks, widgets):
        ids = site.ids[site.folder / "reference" / f"{module.__name__.removeprefix('pylib.')}.html"]
        assert {f"{module.__name__}.{name}" for name in module.__all__} <= ids
    assert evidence.__doc__.splitlines()[0] in site["reference/index"].text  # it has a bar, as tables do
    text = site["reference/noise"].find(id="pylib.noise.gaussian").parent.text
    assert noise.gaussian.__doc__.splitlines()[0] in text and "amount – standard deviation" in text


def test_repository_is_named_in_one_place(sites):
    without, having = (
        [(path, address) for path, address in sites[key].links() if address.startswith(REPOSITORY)] for key in sites
    )
    assert without == []
    assert not [tag for page in sites[""].pages.values() for tag in page.select(".source a, .viewcode-link")]
    paths = {address.removeprefix(f"{REPOSITORY}/blob/HEAD/").partition("#")[0] for _, address in having}
    assert [path for path in paths if not (ROOT / path).is_file()] == []
    lessons = {f"notebooks/{path.name}" for path in LESSONS}
    assert lessons | {"LICENSE", "TEACHING.md", "pylib/models.py", "pylib/checks/inference.py"} <= paths
    assert "LICENSE" not in {tag.text for tag in sites[""]["index"].select("article a")}


def test_links_to_pages_stay(monkeypatch):
    text = "[a](05_exercises.ipynb) ![b](../LICENSE) [c](../LICENSE) [d](https://example.org) [e](#f)"
    assert linked(text, "notebooks") == text.replace("[c](../LICENSE)", "c")
    monkeypatch.setattr("tools.build_site.REPOSITORY", REPOSITORY)
    assert linked(text, "notebooks") == text.replace("(../LICENSE) [d]", f"({REPOSITORY}/blob/HEAD/LICENSE) [d]")


def test_no_path_of_this_machine(site):
    texts = [path for path in site.folder.rglob("*") if path.suffix in (".html", ".js", ".css")]
    assert [path for path in texts if str(ROOT) in path.read_text("utf-8")] == []


def test_only_a_site_is_replaced(tmp_path):
    (tmp_path / "mine").touch()
    done = subprocess.run(
        [sys.executable, "-m", "tools.build_site", tmp_path], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 1 and "holds something else than a site" in done.stderr
    assert (tmp_path / "mine").exists()
