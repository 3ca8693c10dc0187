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
import numpy as np
import pytest
from nbconvert.preprocessors import ExecutePreprocessor
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

# The widget of the course, on a model of its own; `follow` writes down where Python thinks the point is.
EXPLORERS = [
    """import json
import os

import keras
import numpy as np

from pylib.models import VAE
from pylib.tf_utils import compile_settings, mnist_test, mnist_train
from pylib.widgets import ACTIVATIONS, LatentExplorer

keras.utils.set_random_seed(0)
rng = np.random.default_rng(0)
x, y = (array[:3000] for array in mnist_train())
x_test, y_test = mnist_test()


def trained(*data, **options):
    vae = VAE(**options)
    vae.compile(**compile_settings(3000, 1, batch_size=32))
    vae.fit(*data, batch_size=32, verbose=0)
    return vae


def follow(name, explorer):
    def write(change=None):
        state = {"z": explorer.z, "digit": explorer.digit, "image": explorer.image.tolist()}
        state["ends"], state["step"] = explorer._typical, explorer._limit / 40
        with open(f"{name}.new", "w") as file:
            json.dump(state, file)
        os.replace(f"{name}.new", f"{name}.json")  # all of it at once

    explorer.observe(write, "image")
    write()
    return explorer""",
    """plane = trained(x)
codes = plane.encoder(x_test)[0]
explorer = LatentExplorer(plane, codes, y_test)
follow("plane", explorer)""",
    """LatentExplorer(plane, codes, y_test)""",
    """conditional = trained(x, y, n_classes=10)
follow("conditional", LatentExplorer(conditional, conditional.encoder([x_test, y_test])[0], y_test))""",
    """five = trained(x, latent_dim=5, hidden=(64, 32), activation="gelu")
follow("five", LatentExplorer(five, five.encoder(x_test)[0], y_test))""",
    """for activation in ACTIVATIONS:
    vae = VAE(hidden=(32, 16), activation=activation)  # large random weights: far from linear
    vae.set_weights([rng.normal(0, 0.8, weight.shape) if weight.shape else weight for weight in vae.get_weights()])
    explorer_of = follow(activation, LatentExplorer(vae, vae.encoder(x_test)[0], y_test))
    explorer_of.z = [1.1, -0.7]
    display(explorer_of)""",
]

# Times each move of an explorer from the event to the moment when the digit has been drawn.
TIME_DRAWING = """plane => {
    window.moves = [];
    window.last = {};
    let starts = [];
    const note = event => {
        starts.push(event.timeStamp);
        window.last.move = event.timeStamp;
    };
    for (const kind of ["pointermove", "keydown"]) plane.addEventListener(kind, note, true);
    new MutationObserver(() => {
        window.last.drawn = performance.now();
        window.moves.push(...starts.map(start => window.last.drawn - start));
        starts = [];
    }).observe(plane.querySelector(".point"), {attributes: true});
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
            cell.source = cell.source.replace("mnist_test()", "(array[:1000] for array in mnist_test())")
        nbformat.write(notebook, home / "notebooks" / f"{lesson}.ipynb")
    nbformat.write(_notebook(EXPLORERS), home / "notebooks" / "explorers.ipynb")
    (home / "overrides.json").write_text(json.dumps(LAB_SETTINGS))

    folders = {f"JUPYTER_{kind}_DIR": str(home / kind.lower()) for kind in ("CONFIG", "DATA", "RUNTIME")}
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ServerApp.port=0"]
    command += ["--ServerApp.ip=127.0.0.1", f"--ServerApp.root_dir={home}", f"--LabApp.app_settings_dir={home}"]
    with open(home / "log", "w") as log:
        process = subprocess.Popen(command, env=os.environ | folders, stdout=log, stderr=subprocess.STDOUT)
    try:
        yield *_when_ready(process, home), home
    finally:
        process.terminate()  # the kernels with it
        process.wait(30)


def _notebook(cells):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return notebook


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
    """A notebook in a page of its own, with what went wrong there and what was asked of other hosts."""

    def __init__(self, browser, server, name):
        self.errors, self.requests_outside = [], []
        self.page = browser.new_page(viewport={"width": 1280, "height": 900})
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)
        self.page.route("**/*", self._only_this_machine)
        address, token, _ = server
        self.page.goto(f"{address}lab/tree/notebooks/{name}.ipynb?reset&token={token}")

    def _only_this_machine(self, route):
        if urlsplit(route.request.url).hostname in ("127.0.0.1", "localhost"):
            route.continue_()
        else:
            self.requests_outside.append(route.request.url)
            route.abort()

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
        )


@pytest.fixture(scope="module")
def lesson(chromium, server):
    """A function that opens and runs a lesson, once for all tests, and starts those after it at the same time."""
    started = {}

    def run(name, *after):
        for each in (name, *after):
            if each not in started:
                started[each] = Lesson(chromium, server, each)
                started[each].start()
        started[name].wait()
        return started[name]

    return run


@pytest.mark.parametrize("name", LESSONS)
def test_lesson_runs(lesson, name):
    run = lesson(name, *LESSONS[LESSONS.index(name) + 1 :][:1])  # two at a time; a test that times has one alone
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


@pytest.mark.parametrize(
    ("name", "there", "back"),
    [("02_denoising", "ArrowRight", "ArrowLeft"), ("03_vae_theory", "ArrowLeft", "ArrowRight")],
)
def test_slider_follows_the_hand(lesson, name, there, back):
    page = lesson(name).page
    widget = page.locator(".widget-vbox", has=page.locator(".widget-slider")).first
    handle = widget.locator(".noUi-handle").first
    picture = widget.locator("img.widget-image")
    assert picture.count() == 1  # of NoiseExplorer, four digits side by side

    picture.evaluate_all(TIME_MOVES)
    handle.focus()
    start = handle.get_attribute("aria-valuenow")
    # FigureSlider draws the first five anew.
    for move, key in enumerate(3 * (5 * [there] + 5 * [back]), start=1):
        page.keyboard.press(key)
        page.wait_for_function("count => window.moves.length == count", arg=move)
    assert handle.get_attribute("aria-valuenow") == start
    times = page.evaluate("window.moves")  # printed only: on a busy machine no bound would hold
    first, all_moves = statistics.median(times[:5]), statistics.median(times)
    print(
        f"\n{name}: slider to picture: median {all_moves:.0f} ms of {len(times)} moves, {first:.0f} ms of the first 5"
    )
    assert len(times) == 30  # each move changed the picture, and none was left behind


# The latent explorer, on models trained for a moment


@pytest.fixture(scope="module")
def explorers(lesson, server):
    return Explorers(lesson("explorers"), server[2] / "notebooks")


class Explorers:
    """The explorers of a page, and what Python knows of them."""

    names = ["plane", "start", "conditional", "five", "linear", "relu", "silu", "gelu", "tanh", "sigmoid"]

    def __init__(self, run, folder):
        self.run, self.page, self.folder = run, run.page, folder

    def __getitem__(self, name):
        widget = self.page.locator(".latent-explorer").nth(self.names.index(name))
        widget.scroll_into_view_if_needed()
        return widget

    def python(self, name):
        """The state in Python, once it is at rest and the page shows the same."""
        state = None
        for _ in range(100):
            before, state = state, json.loads((self.folder / f"{name}.json").read_text())
            if state == before and self._shows(self[name], state):
                return state
            self.page.wait_for_timeout(250)
        pytest.fail(f"the page and Python never agreed: Python has z = {state['z']}, digit = {state['digit']}")

    def _shows(self, widget, state):
        texts = [widget.locator("output").text_content(), *widget.locator(".sliders span").all_text_contents()]
        z = [float(number) for number in re.findall(r"-?\d+\.\d+", " ".join(texts).replace("\u2212", "-"))]
        picker = widget.get_by_label("draw a")
        digit = int(picker.input_value()) if picker.count() else None
        return np.allclose(z, state["z"], atol=0.0051) and digit == state["digit"]

    def check_digit(self, name):
        """The digit on the canvas is Keras' own for the z that Python has; returns that z."""
        state = self.python(name)
        assert np.abs(shown_digit(self[name]) - (255 - 255 * np.array(state["image"]))).max() <= 2
        return state["z"]


def shown_digit(widget):
    read = "canvas => [...canvas.getContext('2d').getImageData(0, 0, 28, 28).data]"
    pixels = np.reshape(widget.locator("canvas.digit").evaluate(read), (784, 4))
    assert (pixels[:, :3] == pixels[:, :1]).all() and (pixels[:, 3] == 255).all()
    return pixels[:, 0]


def middle(plane):
    """Where on the page the origin of the plane is drawn."""
    box = plane.locator(".prior").bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, box["width"] / 4  # a circle of radius 2


def test_explorers_run(explorers):
    assert explorers.run.errors == [] and explorers.run.requests_outside == []
    assert explorers.page.locator(".latent-explorer").count() == len(explorers.names)


@pytest.mark.parametrize("activation", Explorers.names[4:])
def test_page_computes_what_keras_does(explorers, activation):
    assert explorers.check_digit(activation) == [1.1, -0.7]
    assert np.ptp(shown_digit(explorers[activation])) > 100  # a picture, and not a plain grey


def test_drag_with_the_mouse(explorers):
    plane = explorers["plane"].locator(".plane")
    page, (x, y, unit) = explorers.page, middle(plane)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 1.5 * unit, y - unit, steps=5)
    page.mouse.up()
    page.mouse.move(x, y)  # no longer pressed
    assert explorers.check_digit("plane") == pytest.approx([1.5, 1], abs=0.03)
    assert plane.get_attribute("aria-label").startswith("Latent plane, point at 1.5")
    point = plane.locator(".point").bounding_box()
    assert point["x"] + point["width"] / 2 == pytest.approx(x + 1.5 * unit, abs=1)
    assert point["y"] + point["height"] / 2 == pytest.approx(y - unit, abs=1)


def test_drag_beyond_the_plane_stops_at_its_edge(explorers):
    page, (x, y, _) = explorers.page, middle(explorers["plane"])
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 1000, y - 20, steps=3)
    page.mouse.up()
    z = explorers.check_digit("plane")
    assert 2 < z[0] < 20 and 0 < z[1] < z[0] / 4
    page.keyboard.press("ArrowRight")
    assert explorers.check_digit("plane") == z


def test_move_with_keys(explorers):
    plane, page = explorers["plane"].locator(".plane"), explorers.page
    plane.focus()
    assert plane.evaluate("plane => getComputedStyle(plane).outlineStyle") == "solid"
    selected = page.locator(".jp-Notebook .jp-mod-selected").count()
    page.keyboard.press("Home")
    assert explorers.check_digit("plane") == [0, 0]
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowUp")
    step, up = explorers.check_digit("plane")
    assert step == up and 0.05 < step < 0.5
    for key in ("Shift+ArrowLeft", "Shift+ArrowDown", "ArrowDown", "ArrowLeft"):
        page.keyboard.press(key)
    assert explorers.check_digit("plane") == pytest.approx([-5 * step, -5 * step])
    page.keyboard.press("3")  # in JupyterLab's command mode, a heading
    assert page.locator(".jp-Notebook .jp-mod-selected").count() == selected
    assert plane.evaluate("plane => plane == document.activeElement")


def test_no_move_is_undone_by_the_answer_to_an_earlier_one(explorers):
    page = explorers.page
    explorers["plane"].locator(".plane").focus()
    page.keyboard.press("Home")
    for move in range(30):  # Python answers each move it hears of; the pauses let answers fall anywhere between
        page.keyboard.press("ArrowUp" if move % 3 else "ArrowRight")
        page.wait_for_timeout(7 * move % 60)
    z = explorers.check_digit("plane")
    assert z[1] == pytest.approx(2 * z[0]) and z[0] == pytest.approx(10 * explorers.python("plane")["step"])


def test_touch(explorers):
    page, (x, y, unit) = explorers.page, middle(explorers["plane"])
    touch = page.context.new_cdp_session(page)
    top = page.locator(".jp-WindowedPanel-outer").first.evaluate("panel => panel.scrollTop")
    for kind, up in [("touchStart", 0), ("touchMove", 0.5), ("touchMove", 1.2), ("touchEnd", None)]:
        points = [] if up is None else [{"x": x - unit, "y": y - up * unit}]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    assert explorers.check_digit("plane") == pytest.approx([-1, 1.2], abs=0.03)
    assert page.locator(".jp-WindowedPanel-outer").first.evaluate("panel => panel.scrollTop") == top


def test_walk_between_two_digits(explorers):
    widget = explorers["plane"]
    for start, end in [("3", "1"), ("1", "3")]:
        for menu, digit in zip(widget.locator(".walk select").all(), (start, end), strict=True):
            menu.select_option(digit)
        widget.get_by_role("button", name="Walk").click()
        explorers.page.wait_for_timeout(300)
        between = widget.locator("output").text_content()
        explorers.page.wait_for_timeout(3500)
        assert widget.locator("output").text_content() != between
        assert explorers.check_digit("plane") == pytest.approx(explorers.python("plane")["ends"][end])


def test_the_hand_stops_the_walk(explorers):
    widget, page = explorers["plane"], explorers.page
    widget.get_by_role("button", name="Walk").click()
    widget.locator(".plane").focus()
    page.keyboard.press("Home")
    assert explorers.check_digit("plane") == [0, 0]


def test_reduced_motion_walks_in_jumps(explorers):
    widget, page = explorers["plane"], explorers.page
    page.emulate_media(reduced_motion="reduce")
    count = "output => {window.places = new Set(); new MutationObserver(() => places.add(output.textContent))"
    widget.locator("output").evaluate(count + ".observe(output, {childList: true})}")
    widget.get_by_role("button", name="Walk").click()
    page.wait_for_timeout(3500)
    page.emulate_media(reduced_motion="no-preference")
    assert 2 <= page.evaluate("places.size") <= 7


def test_digit_picker_of_a_conditional_model(explorers):
    widget = explorers["conditional"]
    pictures = []
    for digit in ("7", "2"):
        widget.get_by_label("draw a").select_option(digit)
        explorers.check_digit("conditional")
        assert explorers.python("conditional")["digit"] == int(digit)
        pictures.append(shown_digit(widget))
    assert np.abs(np.subtract(*pictures)).max() > 50
    widget.locator(".plane").click()
    explorers.check_digit("conditional")
    assert explorers["plane"].get_by_label("draw a").count() == 0


def test_sliders_of_further_dimensions(explorers):
    widget, page = explorers["five"], explorers.page
    sliders = widget.locator("input[type=range]")
    assert sliders.count() == 3 and explorers["plane"].locator("input").count() == 0
    sliders.nth(1).focus()
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    z = explorers.check_digit("five")
    assert z[3] > 0.1 and z[:3] + z[4:] == [0, 0, 0, 0]
    widget.locator(".plane").focus()
    page.keyboard.press("ArrowUp")
    z, before = explorers.check_digit("five"), z
    assert z[1] > 0 and z[2:] == before[2:]


def test_python_moves_the_point(explorers):
    page, z = explorers.page, [0.25, -1.5]
    page.locator(".jp-CodeCell .cm-content").last.click()
    page.keyboard.press("Control+a")
    page.keyboard.type(f"explorer.z = np.array({z})")
    page.keyboard.press("Control+Enter")
    page.wait_for_function("() => document.querySelector('.latent-explorer output').textContent.includes('0.25')")
    assert explorers.check_digit("plane") == z


def test_explorer_follows_the_hand(explorers):
    page, plane = explorers.page, explorers["plane"].locator(".plane")
    plane.evaluate(TIME_DRAWING)
    x, y, unit = middle(plane)
    page.mouse.move(x, y)
    page.mouse.down()
    for move in range(30):
        page.mouse.move(x + unit * np.cos(move / 4), y + unit * np.sin(move / 4))
    times = page.evaluate("window.moves")
    page.evaluate("window.moves.length = 0")
    end = time.monotonic() + 2
    while time.monotonic() < end:
        turn = 3 * (end - time.monotonic())
        page.mouse.move(x + 1.5 * unit * np.cos(turn), y + 1.5 * unit * np.sin(turn))
    page.wait_for_function("window.last.drawn > window.last.move")
    late = page.evaluate("window.last.drawn - window.last.move")
    moves = page.evaluate("window.moves.length")
    page.mouse.up()
    explorers.check_digit("plane")
    # Printed only: on a busy machine no bound would hold.
    print(f"\nexplorer: median {statistics.median(times):.1f} ms of {len(times)} moves from event to frame")
    print(f"after a drag of 2 s with {moves} moves, the last picture came {late:.0f} ms after the last of them")
    assert len(times) >= 30 and moves > 1


def test_explorer_starts_at_once(explorers):
    page = explorers.page
    cell = page.locator(".jp-CodeCell", has_text="LatentExplorer(plane").nth(1)
    cell.locator(".cm-content").click()
    page.evaluate(
        """() => {
            window.starts = [];
            let start = null;
            document.addEventListener("keydown", event => { start ??= event.timeStamp; }, true);
            new MutationObserver(changes => {
                const added = changes.flatMap(change => [...change.addedNodes]);
                const shown = added.some(node => node.querySelector?.(".latent-explorer") || node.matches?.(".point"));
                if (start === null || !shown) return;
                window.starts.push(performance.now() - start);
                start = null;
            }).observe(document, {childList: true, subtree: true});
        }"""
    )
    for run in range(1, 6):
        page.keyboard.press("Control+Enter")
        page.wait_for_function("run => window.starts.length == run", arg=run)
    times = ", ".join(f"{time:.0f}" for time in sorted(page.evaluate("window.starts")))
    print(f"\nexplorer: {times} ms from running its cell to the first picture")


def test_dark_theme(explorers):
    page, widget = explorers.page, explorers["plane"]
    before = shown_digit(widget)
    page.get_by_role("menuitem", name="Settings", exact=True).click()
    page.locator(".lm-Menu-itemLabel").get_by_text("Theme", exact=True).first.hover()
    page.locator(".lm-Menu-itemLabel").get_by_text("JupyterLab Dark", exact=True).click(force=True)
    page.wait_for_function("() => document.body.dataset.jpThemeLight == 'false'")
    brightness = """element => Math.min(...getComputedStyle(element).fill.match(/[0-9]+/g).slice(0, 3).map(Number))"""
    page.wait_for_timeout(500)
    assert widget.locator("svg text").first.evaluate(brightness) > 150
    assert np.array_equal(shown_digit(widget), before)
    explorers.check_digit("plane")  # dark on light as ever


# The lessons as exported pages


class ExportedPage:
    """A page opened as a file, with what went wrong there and what was asked of other hosts."""

    def __init__(self, browser, path):
        self.errors, self.requests_outside = [], []
        self.page = browser.new_page(viewport={"width": 1280, "height": 900})
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", self._note)
        self.page.route(re.compile("^(https?|wss?):"), self._abort)
        self.page.goto(path.as_uri())
        self.page.wait_for_function("window.MathJax && MathJax.Hub.queue.pending == 0 && MathJax.isReady")

    def _note(self, message):
        # MathJax tries fonts that may be missing and takes others.
        if message.type == "error" and not re.search("font|resource", message.text):
            self.errors.append(message.text)

    def _abort(self, route):
        self.requests_outside.append(route.request.url)
        route.abort()


def _export(folder, *notebooks):
    command = [sys.executable, ROOT / "tools" / "export_html.py", folder, *notebooks]
    subprocess.run(command, check=True, cwd=folder)


@pytest.fixture(scope="module")
def exported_lessons(tmp_path_factory):
    folder = tmp_path_factory.mktemp("html")
    _export(folder, *(ROOT / "notebooks" / f"{lesson}.ipynb" for lesson in LESSONS))
    return folder


@pytest.mark.parametrize("name", LESSONS)
def test_exported_lesson(chromium, exported_lessons, name):
    exported = ExportedPage(chromium, exported_lessons / f"{name}.html")
    page = exported.page
    broken = "pictures => pictures.filter(p => !p.naturalWidth).map(p => p.alt || p.src.slice(0, 80))"
    assert page.locator("img").evaluate_all(broken) == []
    assert page.locator(".MathJax").count() > 5 and page.locator(".MathJax_Error, .merror").count() == 0
    source = (ROOT / "notebooks" / f"{name}.ipynb").read_text()
    assert page.locator(".latent-explorer").count() == source.count('"LatentExplorer()"')
    assert exported.errors == [] and exported.requests_outside == []
    page.close()


EXPORTED = [
    "from pylib.models import VAE",
    "from pylib.widgets import FigureSlider, LatentExplorer",
    "import matplotlib.pyplot as plt",
    "import numpy as np",
    "rng = np.random.default_rng(0)",
    "vae = VAE(hidden=(64,), latent_dim=3, n_classes=10)",
    "vae.set_weights([rng.normal(0, 0.5, weight.shape) if weight.shape else weight for weight in vae.get_weights()])",
    "explorer = LatentExplorer(vae, rng.normal(size=(500, 3)), rng.integers(0, 10, 500))",
    "explorer",
    "explorer",  # a second view of the same point
    "FigureSlider(lambda value: plt.figure(), 'value', 0, 1, 0.1, 0)",
    """z = np.array([[3, -4, 0]]) * explorer._limit / 40
np.save("expected.npy", [255 - 255 * vae.decoder([z, np.array([digit])]).numpy()[0] for digit in (0, 6)])""",
]


def test_exported_explorer_needs_no_kernel(chromium, tmp_path):
    notebook = _notebook(EXPORTED)
    ExecutePreprocessor().preprocess(notebook, {"metadata": {"path": str(tmp_path)}})
    notebook.cells.append(nbformat.v4.new_markdown_cell("$x$"))
    nbformat.write(notebook, tmp_path / "explorer.ipynb")
    _export(tmp_path, tmp_path / "explorer.ipynb")
    exported = ExportedPage(chromium, tmp_path / "explorer.html")
    page, widgets = exported.page, exported.page.locator(".latent-explorer")
    widgets.nth(1).wait_for()
    expected = np.load(tmp_path / "expected.npy")

    widgets.first.locator(".plane").focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowRight", "ArrowUp", "Shift+ArrowDown"):
        page.keyboard.press(key)
    for digit, picture in zip(("0", "6"), expected, strict=True):
        widgets.first.get_by_label("draw a").select_option(digit)
        page.evaluate("() => new Promise(requestAnimationFrame)")
        for widget in widgets.all():
            assert np.abs(shown_digit(widget) - picture).max() <= 2
    assert np.abs(np.subtract(*expected)).max() > 50

    x, y, unit = middle(widgets.first)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - unit, y - 0.5 * unit, steps=4)
    page.mouse.up()
    page.evaluate("() => new Promise(requestAnimationFrame)")
    assert re.search(r"point at \u22121\.0\d, 0\.5\d", widgets.nth(1).locator(".plane").get_attribute("aria-label"))
    assert page.get_by_text("This control works in JupyterLab").count() == 1
    assert exported.errors == [] and exported.requests_outside == []
    page.close()
