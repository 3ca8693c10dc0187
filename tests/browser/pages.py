"""Notebooks in a browser, in JupyterLab, as exported pages and on the site, with the network shut."""

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat

from tools.notebooks import WIDGET, widget_page

ROOT = Path(__file__).parents[2]
LESSONS = sorted(path.stem for path in ROOT.glob("notebooks/[0-9][0-9]_*.ipynb"))
PATIENCE = 600_000  # milliseconds that a lesson of one epoch may take


def notebook(*cells):
    """A notebook of code cells for the kernel that every JupyterLab has."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return notebook


def export(folder, path):
    """The widgets of an executed notebook as a page, as the site has them: what is stored, and tools/widgets.js."""
    stored = nbformat.read(path, as_version=4)
    shown = [output.get("data", {}) for cell in stored.cells for output in cell.get("outputs", [])]
    views = [data[WIDGET.format("view")] for data in shown if WIDGET.format("view") in data]
    page = widget_page(stored.metadata.widgets[WIDGET.format("state")], views)
    (folder / f"{path.stem}.html").write_text(page, encoding="utf-8")


def broken_pictures(pictures):
    """Names of those among the `img` elements that show nothing."""
    return pictures.evaluate_all(
        "pictures => pictures.filter(p => p.complete && !p.naturalWidth).map(p => p.alt || p.src.slice(0, 80))"
    )


class WatchedPage:
    """A page of the browser, with what went wrong there and what was asked of hosts that it doesn't need."""

    hosts = ()

    def __init__(self, browser):
        self.errors, self.requests_outside = [], []
        self.page = browser.new_page(viewport={"width": 1280, "height": 900})
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", self._note)
        self.page.route(re.compile("^(https?|wss?):"), self._only_its_hosts)

    def _note(self, message):
        if message.type == "error":
            self.errors.append(message.text)

    def _only_its_hosts(self, route):
        if urlsplit(route.request.url).hostname in self.hosts:
            route.continue_()
        else:
            self.requests_outside.append(route.request.url)
            route.abort()


class Lesson(WatchedPage):
    """A notebook in JupyterLab."""

    hosts = ("127.0.0.1", "localhost")

    def __init__(self, browser, server, name):
        super().__init__(browser)
        self.page.goto(f"{server.url}lab/tree/notebooks/{name}.ipynb?reset&token={server.token}")

    def start(self):
        self.page.get_by_text("| Idle").wait_for(timeout=120_000)  # the kernel has started
        self.page.get_by_role("menuitem", name="Run", exact=True).click()
        self.page.get_by_role("menuitem", name="Run All Cells", exact=True).click()

    def wait(self):
        # A cell that waits or runs has a star; after an error, those that wait go blank.
        self.page.wait_for_function(
            """() => {
                const prompts = [...document.querySelectorAll(".jp-CodeCell .jp-InputPrompt")].map(p => p.textContent);
                return prompts[0] != "[ ]:" && !prompts.includes("[*]:");
            }""",
            timeout=PATIENCE,
            polling=1000,  # else it asks in every frame, and the page takes as much of the machine as the lesson
        )


class ExportedPage(WatchedPage):
    """A page opened as a file."""

    def __init__(self, browser, path):
        super().__init__(browser)
        self.page.goto(path.as_uri())


class SitePage(WatchedPage):
    """A page of the site, with what it has loaded."""

    def __init__(self, browser, path):
        self.loaded = set()
        super().__init__(browser)
        self.page.on("requestfinished", lambda request: self.loaded.add(urlsplit(request.url)))
        self.open(path)

    def open(self, path):
        self.page.goto(path.as_uri())
        self.page.wait_for_function(
            """() => !document.querySelector(".math")
                || window.MathJax?.isReady && MathJax.Hub.queue.pending == 0 && document.querySelector(".MathJax")"""
        )

    def _note(self, message):
        # MathJax tries fonts that may be missing and takes others.
        if "MathJax" not in message.location["url"]:
            super()._note(message)

    def weight(self):
        return sum(Path(unquote(url.path)).stat().st_size for url in self.loaded if url.scheme == "file")

    def close_clean(self):
        assert self.errors == [] and self.requests_outside == []
        self.page.close()


def is_dark(page):
    return sum(map(int, re.findall(r"\d+", page.evaluate("getComputedStyle(document.body).backgroundColor"))[:3])) < 150


def too_narrow(page):
    """The widths at which a page would have to be scrolled sideways."""
    wide, before = [], page.viewport_size
    for width in (1400, 900, 390):
        page.set_viewport_size({"width": width, "height": 900})
        if page.evaluate("document.documentElement.scrollWidth") > width:
            wide.append(width)
    page.set_viewport_size(before)
    return wide
