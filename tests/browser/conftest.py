"""A browser, and JupyterLab on small copies of the lessons, for the tests of this folder."""

import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import nbformat
import pytest
from jupyter_client import AsyncKernelManager
from jupyter_core.utils import run_sync
from nbclient import NotebookClient
from playwright.sync_api import sync_playwright
from xdist.scheduler import LoadScopeScheduling

from tests.browser.live_cells import live_cells
from tests.browser.pages import LESSONS, ROOT, Lesson, SitePage, export, notebook
from tests.small_lessons import make_small

CHROMIUM_OPTIONS = """--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
    --disable-component-update --disable-sync""".split()
LAB_SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {"checkForUpdates": False, "fetchNews": "false"},
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},  # cells off the screen can be seen, too
}


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("browser")
    # One waits more than it works, and lessons are the smallest shares, so that no worker ends long before the other.
    order = {"test_browser_progress": -1, "test_browser_lessons": 1}
    items.sort(key=lambda item: order.get(item.path.stem, 0))


class ByWhatTheyShare(LoadScopeScheduling):
    """One worker gets all that opens the site; of the rest, each file, and each lesson in JupyterLab, goes to one."""

    def _split_scope(self, nodeid):
        file = Path(nodeid.split("::")[0]).stem
        if file in ("test_browser_access", "test_browser_site", "test_firefox"):
            return "site"
        return nodeid if "::test_lesson_shows" in nodeid else file


def pytest_xdist_make_scheduler(config, log):
    return ByWhatTheyShare(config, log)


@pytest.fixture(scope="session")
def chromium():
    path = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chromium-browser", "chrome"))), None)
    if path is None:
        missing = "no Chromium or Chrome on PATH"
        pytest.fail(missing) if os.environ.get("SKIP_NOTHING") else pytest.skip(missing)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_OPTIONS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The built site's folder."""
    folder = tmp_path_factory.mktemp("site") / "site"
    subprocess.run([sys.executable, "-m", "tools.build_site", folder], check=True, cwd=ROOT)
    return folder


@pytest.fixture(scope="session", params=LESSONS)
def lesson_page(request, chromium, site):
    """A lesson's page on the site, opened once for all tests that bear its details open, or its dark theme."""
    opened = SitePage(chromium, site / "notebooks" / f"{request.param}.html")
    yield opened
    opened.close_clean()


@pytest.fixture(scope="session")
def executed(tmp_path_factory):
    """A function that runs a notebook of these cells and exports its widgets: the folder of its name holds both.

    One kernel runs them all, since TensorFlow takes longer to start than all that they do.
    """
    kernel = AsyncKernelManager()

    def run(name, *cells):
        folder = tmp_path_factory.mktemp(name)
        ran = notebook(f"%cd -q {folder}", *cells)
        NotebookClient(ran, km=kernel).execute()
        nbformat.write(ran, folder / f"{name}.ipynb")
        export(folder, folder / f"{name}.ipynb")
        return folder

    yield run
    run_sync(kernel.shutdown_kernel)(now=True)


@dataclasses.dataclass
class Server:
    """A JupyterLab that runs, and the folder of its notebooks.

    What is written there for a moment has a name with a dot: of others the file browser asks for more, and where they
    are gone by then, it says over the page that the folder is not there.
    """

    url: str
    token: str
    notebooks: Path

    def store(self, name, *cells):
        nbformat.write(notebook(*cells), self.notebooks / f"{name}.ipynb")


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """JupyterLab on copies of the lessons with one epoch and fewer digits, in which the cells run that widgets need."""
    home = tmp_path_factory.mktemp("lab")
    shutil.copytree(ROOT / "images", home / "images")
    (home / "notebooks").mkdir()
    for lesson in LESSONS:
        _store_small_copy(lesson, home / "notebooks")
    (home / "overrides.json").write_text(json.dumps(LAB_SETTINGS))

    folders = {f"JUPYTER_{kind}_DIR": str(home / kind.lower()) for kind in ("CONFIG", "DATA", "RUNTIME")}
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ServerApp.port=0"]
    command += ["--ServerApp.ip=127.0.0.1", f"--ServerApp.root_dir={home}", f"--LabApp.app_settings_dir={home}"]
    with open(home / "log", "w") as log:
        process = subprocess.Popen(command, env=os.environ | folders, stdout=log, stderr=subprocess.STDOUT)
    try:
        yield Server(*_when_ready(process, home), home / "notebooks")
    finally:
        process.terminate()  # the kernels with it
        process.wait(30)


def _store_small_copy(lesson, folder):
    """The lesson with its outputs as they are stored; nbval runs the cells that no widget needs."""
    copy = nbformat.read(ROOT / "notebooks" / f"{lesson}.ipynb", as_version=4)
    cells = [cell for cell in copy.cells if cell.cell_type == "code"]
    live = live_cells(cells)
    make_small(copy, lesson, digits=(5_000, 2_000, 1_000))
    for cell in cells:
        if cell not in live:
            cell.source = "# for nbval"
        elif "parameters" in cell.metadata.get("tags", []):
            cell.source = re.sub(r"num_epochs = \d+", "num_epochs = 1", cell.source)
    nbformat.write(copy, folder / f"{lesson}.ipynb")


def _when_ready(process, home):
    for _ in range(240):
        assert process.poll() is None, (home / "log").read_text()
        for file in home.glob("runtime/jpserver-*.json"):
            server = json.loads(file.read_text())
            try:
                urllib.request.urlopen(f"{server['url']}api?token={server['token']}")
                return server["url"], server["token"]
            except urllib.error.URLError:
                pass
        time.sleep(0.5)
    pytest.fail((home / "log").read_text())


@pytest.fixture(scope="session")
def lesson(chromium, server):
    """A function that opens a notebook of the server and runs it."""

    def run(name):
        opened = Lesson(chromium, server, name)
        opened.start()
        opened.wait()
        return opened

    return run
