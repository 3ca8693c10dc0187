"""A digit drawn in JupyterLab, with a mouse, with a finger and with keys."""

import pytest

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
drawn.canvas.observe(tell, "image")
told""",
]


@pytest.fixture(scope="module")
def page(lesson, server):
    server.store("drawing", *CELLS)
    run = lesson("drawing")
    yield run.page
    assert run.errors == [] and run.requests_outside == []


@pytest.fixture
def canvas(page):
    canvas = page.locator(".vae-drawing canvas")
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
    picture = page.locator("img.widget-image")
    before = picture.get_attribute("src")
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + 60, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + 60, box["y"] + 240, steps=10)
    page.mouse.up()
    size = told(page)
    assert size["rows"] == 20 and 2 <= size["columns"] <= 5  # an upright stroke in the box of 20 x 20
    page.wait_for_function("([img, old]) => img.src !== old", arg=[picture.element_handle(), before])


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
