"""A digit drawn in JupyterLab, with a mouse, with a finger and with keys, and in an exported page."""

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from pylib import pretrained
from pylib.preprocessing import centre_digit
from pylib.widgets.drawing import LARGEST_SIGMA
from tests.browser.pages import ExportedPage

CELLS = [
    "import numpy as np\nfrom pylib import pretrained\nfrom pylib.widgets import DrawnDigit\n"
    "from pylib.mnist_dataset import load\nvae, (images, labels) = pretrained.load('vae_2'), load('test')\n"
    "codes = np.asarray(vae.encoder(images[:500])[0])",
    "drawn = DrawnDigit(vae, codes, labels[:500])\ndrawn",
    """import ipywidgets

told = ipywidgets.Label("empty")
def tell(change):
    ink = drawn.image
    if ink is None:
        told.value = "empty"
    else:
        ink = ink.reshape(28, 28) > 0.1
        told.value = f"rows {ink.any(1).sum()} columns {ink.any(0).sum()}"
drawn.observe(tell, "image")
told""",
]


@pytest.fixture(scope="module")
def page(lesson, server):
    server.store("drawing", *CELLS)
    run = lesson("drawing")
    yield run.page
    assert run.errors == [] and run.requests_outside == []
    run.page.close()


@pytest.fixture
def canvas(page):
    canvas = page.locator(".drawing")
    canvas.scroll_into_view_if_needed()
    page.get_by_role("button", name="Clear").click()
    page.get_by_text("empty", exact=True).wait_for()
    return canvas


def told(page):
    """What the kernel says of the image, once it has one."""
    found = page.locator(".widget-label", has_text="rows")
    found.wait_for(timeout=30_000)
    _, rows, _, columns = found.inner_text().split()
    return {"rows": int(rows), "columns": int(columns)}


def test_mouse(page, canvas):
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + 60, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + 60, box["y"] + 240, steps=10)
    page.mouse.up()
    size = told(page)
    assert size["rows"] == 20 and 2 <= size["columns"] <= 5  # an upright stroke in the box of 20 x 20
    check_shown(page, canvas)


def test_finger(page, canvas):
    client = page.context.new_cdp_session(page)
    box = canvas.bounding_box()

    def touch(kind, *points):
        touches = [{"x": box["x"] + x, "y": box["y"] + y} for x, y in points]
        client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})

    touch("touchStart", (40, 140))
    for x in range(60, 241, 20):
        touch("touchMove", (x, 140))
    touch("touchEnd")
    size = told(page)
    assert size["columns"] == 20 and 2 <= size["rows"] <= 5


def test_keys(page, canvas):
    canvas.focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Space")
    assert "Pen down at column 14, row 13 of 28." in page.get_by_role("status").all_inner_texts()
    for _ in range(8):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    size = told(page)
    assert size["rows"] == 20 and size["columns"] < 8
    assert canvas.evaluate("canvas => document.activeElement === canvas")  # the arrows moved no cell
    page.keyboard.press("Delete")
    page.get_by_text("empty", exact=True).wait_for()


def test_names_for_those_who_do_not_see_it(canvas, page):
    assert canvas.get_attribute("role") == "application"
    assert "arrow keys" in canvas.get_attribute("aria-label")
    assert page.get_by_role("button", name="Clear").is_visible()


READ = "canvas => [...canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data]"


def ink_on(canvas):
    """How dark the drawing is, `(side, side)`, from 0 to 255."""
    rgba = np.reshape(canvas.evaluate(READ), (-1, 4))
    side = round(len(rgba) ** 0.5)
    return rgba[:, 3].reshape(side, side)


def grey(canvas):
    return np.reshape(canvas.evaluate(READ), (784, 4))[:, 0]


def check_shown(parent, canvas):
    """The pictures and the place beside a drawing are those of Python; its place is returned."""
    canvas.evaluate("canvas => canvas.blur()")
    canvas.evaluate("() => new Promise(requestAnimationFrame)")
    ink = ink_on(canvas)
    vae = pretrained.load("vae_2")
    image = centre_digit(ink / 255)
    z = np.asarray(vae.encoder(image[None])[0])
    pictures = [grey(picture) for picture in parent.locator(".pictures canvas").all()]
    for picture, expected in zip(pictures, [image, np.asarray(vae.decoder(z))[0]], strict=True):
        assert np.abs(picture - (255 - 255 * expected)).max() <= 1  # half a level, and rounding
    text = parent.locator("output").inner_text().replace("\u2212", "-")
    assert np.allclose([float(number) for number in re.findall(r"-?\d+\.\d+", text)], z[0], atol=0.02)
    return z[0]


DRAWINGS = """import keras
import numpy as np
from pylib import pretrained
from pylib.mnist_dataset import load
from pylib.models import build_autoencoder
from pylib.widgets import DenoisedDrawing, DrawnDigit
vae, (images, labels) = pretrained.load('vae_2'), load('test')
codes = np.asarray(vae.encoder(images[:500])[0])
rng = np.random.default_rng(0)
keras.utils.set_random_seed(0)
networks = {"sigmoid": build_autoencoder([64, 16])[2], "relu": build_autoencoder([32], "relu", None)[2]}
def drawn(ink):
    widget = DrawnDigit(vae, codes, labels[:500])
    widget.ink = np.asarray(ink, np.uint8).tobytes()
    display(widget)
row, column = np.arange(112)[:, None], np.arange(112)
def box(top, bottom, left, right):
    drawn(255 * ((top <= row) & (row < bottom) & (left <= column) & (column < right)))"""
EXPORTED = [
    DRAWINGS,
    # Symmetric ones, whose middle lies half-way between pixels; all of the paper; a line; a slant; greys below .05
    "box(20, 80, 30, 38); box(10, 51, 40, 100); box(0, 112, 0, 112); box(50, 51, 10, 90); box(3, 4, 7, 8)",
    "drawn(255 * (np.abs(row - 2 * column + 40) < 7)); drawn(rng.integers(0, 256, (112, 112)) * (row > 60))",
    "drawn(12 * (row < 50) + 200 * ((row - 60) ** 2 + (column - 60) ** 2 < 900))",
    "DrawnDigit(vae, codes, labels[:500])",
    "denoised = DenoisedDrawing(networks)\ndenoised",
    "np.savez('expected.npz', noise=np.frombuffer(denoised._noise, 'f4'), "
    "**{f'{name}_{i}': weight for name, net in networks.items() for i, weight in enumerate(net.get_weights())})",
]


@pytest.fixture(scope="module")
def exported(chromium, executed):
    folder = executed("drawings", *EXPORTED)
    exported = ExportedPage(chromium, folder / "drawings.html")
    exported.page.locator(".digit-drawing").nth(9).wait_for()
    exported.expected = np.load(folder / "expected.npz")
    yield exported
    assert exported.errors == [] and exported.requests_outside == []
    exported.page.close()


def test_stored_drawings_come_back_as_python_places_them(exported):
    widgets = exported.page.locator(".digit-drawing").all()[:8]
    places = [check_shown(widget, widget.locator(".drawing")) for widget in widgets]
    assert np.ptp(places, axis=0).min() > 1  # they are no two alike


def test_a_drawing_needs_no_kernel(exported):
    page, widget = exported.page, exported.page.locator(".digit-drawing").nth(8)
    canvas = widget.locator(".drawing")
    assert widget.locator(".star").is_hidden() and grey(widget.locator(".digit").first).min() == 255
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + 90, box["y"] + 60)
    page.mouse.down()
    for x, y in [(200, 60), (140, 240)]:
        page.mouse.move(box["x"] + x, box["y"] + y, steps=8)
    page.evaluate("() => new Promise(requestAnimationFrame)")
    assert widget.locator(".star").is_visible()  # while the pen is down
    page.mouse.up()
    check_shown(widget, canvas)
    widget.get_by_role("button", name="Clear").click()
    widget.locator(".star").wait_for(state="hidden")
    assert grey(widget.locator(".digit").first).min() == 255


def sigmoid_or_relu(x, expected, name):
    """A network of the page's, in NumPy, from its weights alone."""
    weights = [expected[f"{name}_{i}"] for i in range(sum(key.startswith(name) for key in expected))]
    layers = list(zip(weights[::2], weights[1::2], strict=True))
    for i, (kernel, bias) in enumerate(layers):
        x = x @ kernel + bias
        if name == "sigmoid" or i == len(layers) - 1:
            x = 1 / (1 + np.exp(-x))
    return x


def test_denoise_what_is_drawn(exported):
    page, widget = exported.page, exported.page.locator(".digit-drawing").nth(9)
    canvas, slider = widget.locator(".drawing"), widget.get_by_label("noise, sigma")
    canvas.focus()
    for key in ["Space", *6 * ["ArrowDown"], *4 * ["ArrowRight"], "Space"]:
        page.keyboard.press(key)
    assert float(slider.get_attribute("max")) == LARGEST_SIGMA
    slider.focus()
    page.keyboard.press("ArrowRight")
    expect(slider).to_have_attribute("aria-valuetext", "0.35")
    seen = []
    for name in ("sigmoid", "relu"):
        widget.get_by_label("network").select_option(name)
        page.evaluate("() => new Promise(requestAnimationFrame)")
        image = centre_digit(ink_on(canvas) / 255)
        noisy = np.clip(image + 0.35 * exported.expected["noise"], 0, 1)
        expected = [image, noisy, sigmoid_or_relu(noisy, exported.expected, name)]
        pictures = [grey(picture) for picture in widget.locator(".pictures canvas").all()]
        for picture, right in zip(pictures, expected, strict=True):
            assert np.abs(picture - (255 - 255 * right)).max() <= 1
        seen.append(pictures[2])
    assert np.abs(np.subtract(*seen)).max() > 10
