"""The lessons as a learner meets them: in JupyterLab, in a browser, with the network shut."""

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import nbformat
import pytest
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[1]
LESSONS = sorted(path.stem for path in ROOT.glob("notebooks/[0-9][0-9]_*.ipynb"))
PATIENCE = 600_000  # milliseconds that a lesson of one epoch may take

CHROMIUM_OPTIONS = """--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
    --disable-component-update --disable-sync""".split()
LAB_SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {"checkForUpdates": False, "fetchNews": "false"},
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},  # cells off the screen can be seen, too
}

# Times each move from the key to the moment when all pictures of the widget have changed and are decoded.
TIME_MOVES = """pictures => {
    window.moves = [];
    let start = null, waiting = new Set();
    document.addEventListener("keydown", event => {
        start = event.timeStamp;
        waiting = new Set(pictures);
    }, true);
    for (const picture of pictures) {
        new MutationObserver(async () => {
            await picture.decode();
            if (waiting.delete(picture) && waiting.size == 0) window.moves.push(performance.now() - start);
        }).observe(picture, {attributeFilter: ["src"]});
    }
}"""


@pytest.fixture(scope="module")
def chromium():
    path = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chromium-browser", "chrome"))), None)
    if path is None:
        missing = "no Chromium or Chrome on PATH"
        pytest.fail(missing) if os.environ.get("REQUIRE_BROWSER") else pytest.skip(missing)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_OPTIONS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """JupyterLab on copies of the lessons with one epoch and few digits; yields its address and token."""
    home = tmp_path_factory.mktemp("lab")
    shutil.copytree(ROOT / "images", home / "images")
    (home / "notebooks").mkdir()
    for lesson in LESSONS:
        notebook = nbformat.read(ROOT / "notebooks" / f"{lesson}.ipynb", as_version=4)
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
            if "parameters" in cell.metadata.get("tags", []):
                cell.source = re.sub(r"num_epochs = \d+", "num_epochs = 1", cell.source)
            few = r"\1[:5_000], \1[50_000:52_000]"
            cell.source = re.sub(r"(images|labels)\[:50_000\], \1\[50_000:\]", few, cell.source)
        nbformat.write(notebook, home / "notebooks" / f"{lesson}.ipynb")
    (home / "overrides.json").write_text(json.dumps(LAB_SETTINGS))

    folders = {f"JUPYTER_{kind}_DIR": str(home / kind.lower()) for kind in ("CONFIG", "DATA", "RUNTIME")}
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ServerApp.port=0"]
    command += ["--ServerApp.ip=127.0.0.1", f"--ServerApp.root_dir={home}", f"--LabApp.app_settings_dir={home}"]
    with open(home / "log", "w") as log:
        process = subprocess.Popen(command, env=os.environ | folders, stdout=log, stderr=subprocess.STDOUT)
    try:
        yield _when_ready(process, home)
    finally:
        process.terminate()  # the kernels with it
        process.wait(30)


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


class Lesson:
    """A lesson in a page of its own, with what went wrong there and what was asked of other hosts."""

    def __init__(self, browser, server, name):
        self.errors, self.requests_outside = [], []
        self.page = browser.new_page(viewport={"width": 1280, "height": 900})
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)
        self.page.route("**/*", self._only_this_machine)
        address, token = server
        self.page.goto(f"{address}lab/tree/notebooks/{name}.ipynb?reset&token={token}")

    def _only_this_machine(self, route):
        if urlsplit(route.request.url).hostname in ("127.0.0.1", "localhost"):
            route.continue_()
        else:
            self.requests_outside.append(route.request.url)
            route.abort()

    def run_all(self):
        self.page.get_by_text("| Idle").wait_for(timeout=120_000)  # the kernel has started
        self.page.get_by_role("menuitem", name="Run", exact=True).click()
        self.page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        # A cell that waits or runs has a star; after an error, those that wait go blank.
        self.page.wait_for_function(
            """() => {
                const prompts = [...document.querySelectorAll(".jp-CodeCell .jp-InputPrompt")].map(p => p.textContent);
                return prompts[0] != "[ ]:" && !prompts.includes("[*]:");
            }""",
            timeout=PATIENCE,
        )


@pytest.fixture(scope="module")
def lesson(chromium, server):
    """A function that opens and runs a lesson, once for all tests."""
    ran = {}

    def run(name):
        if name not in ran:
            ran[name] = Lesson(chromium, server, name)
            ran[name].run_all()
        return ran[name]

    return run


@pytest.mark.parametrize("name", LESSONS)
def test_lesson_runs(lesson, name):
    run = lesson(name)
    tracebacks = run.page.locator(".jp-OutputArea-output", has_text="Traceback (most recent call last)")
    assert tracebacks.all_text_contents() == []
    assert "[ ]:" not in run.page.locator(".jp-CodeCell .jp-InputPrompt").all_text_contents()
    broken = "pictures => pictures.filter(p => p.complete && !p.naturalWidth).map(p => p.alt || p.src.slice(0, 80))"
    assert run.page.locator(".jp-Notebook img").evaluate_all(broken) == []
    assert run.errors == []
    assert run.requests_outside == []


def test_the_token_is_asked_for(server):
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(f"{server[0]}api/contents")


def test_slider_follows_the_hand(lesson):
    page = lesson("02_denoising").page
    handle = page.locator(".widget-slider .noUi-handle").first
    pictures = page.locator("img.widget-image")
    assert pictures.count() == 1  # the four digits side by side

    pictures.evaluate_all(TIME_MOVES)
    handle.focus()
    for move in range(1, 31):
        page.keyboard.press("ArrowRight")
        page.wait_for_function("count => window.moves.length == count", arg=move)
    assert handle.get_attribute("aria-valuenow") == "30.0"
    times = page.evaluate("window.moves")  # printed only: on a busy machine no bound would hold
    print(f"\nslider to pictures: median {statistics.median(times):.0f} ms of {len(times)} moves")
    assert len(times) == 30  # each move changed the picture, and none was left behind
