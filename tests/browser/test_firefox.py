"""Widgets in Firefox, on pages opened as files with the network shut; what they show is what Python computes."""

import itertools
import os
import re
import shutil

import numpy as np
import pytest
from ipywidgets.embed import embed_data

from pylib import pretrained
from pylib.mnist_dataset import load
from pylib.preprocessing import centre_digit
from pylib.widgets import DiffusionWalk, DrawnDigit
from tests.browser.firefox import running
from tests.browser.pages import LESSONS
from tools.notebooks import widget_page


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    path = shutil.which("firefox-esr") or shutil.which("firefox")
    if path is None:
        missing = "no Firefox on PATH"
        pytest.fail(missing) if os.environ.get("SKIP_NOTHING") else pytest.skip(missing)
    with running(path, tmp_path_factory.mktemp("firefox")) as browser:
        yield browser


@pytest.fixture
def firefox(browser):
    browser.errors.clear()
    browser.requests_outside.clear()
    yield browser
    browser.next_frame()  # what went wrong until now has been told by then
    assert browser.errors == [] and browser.requests_outside == []


@pytest.fixture(scope="module")
def vae():
    return pretrained.load("vae_2")


class Shown:
    """What a widget shows: the text beside it with its numbers, greys of its digits, and ink where one can draw."""

    def __init__(self, firefox, selector):
        shown = firefox.evaluate(
            """selector => {
                const widget = document.querySelector(selector);
                const read = (canvas, channel) => {
                    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
                    return [...data].filter((_, i) => i % 4 === channel);
                };
                return {
                    text: widget.querySelector("output").textContent.replaceAll("\u2212", "-"),
                    digits: [...widget.querySelectorAll("canvas.digit")].map(canvas => read(canvas, 0)),
                    ink: [...widget.querySelectorAll("canvas.drawing")].map(canvas => read(canvas, 3)),
                };
            }""",
            selector,
        )
        self.text, self.digits = shown["text"], np.array(shown["digits"])
        self.numbers = np.array([float(number) for number in re.findall(r"-?\d+\.\d+", self.text)])
        if shown["ink"]:
            self.ink = np.reshape(shown["ink"], (112, 112))


def wait_for_widgets(firefox, count):
    firefox.wait(firefox.evaluate, f"() => document.querySelectorAll('.vae-widget').length === {count}")


def grey(pictures):
    return 255 - 255 * np.asarray(pictures)


def test_explorer(firefox, site, vae):
    firefox.open(site / "index.html")
    wait_for_widgets(firefox, 1)

    def shown_at(z):
        shown = Shown(firefox, ".latent-explorer")
        return np.abs(shown.numbers - z).max() < 0.05 and shown

    def check(shown):
        # The text has rounded z: Python decodes all that it may have been.
        places = shown.numbers + 0.005 * np.array(list(itertools.product([-1, 0, 1], repeat=2)))
        expected = grey(vae.decoder(places.astype("float32")))
        assert (expected.min(0) - 1 <= shown.digits[0]).all() and (shown.digits[0] <= expected.max(0) + 1).all()

    at_first = shown_at((0, 0))
    check(at_first)
    left, top, width, height = firefox.box(".latent-explorer .prior")  # a circle of radius 2 around the origin
    x, y, unit = left + width / 2, top + height / 2, width / 4
    firefox.mouse((x, y), "down", (x - unit, y), (x - unit, y - unit / 2), "up", (x + unit, y + unit))
    dragged = firefox.wait(shown_at, (-1, 0.5))
    check(dragged)

    firefox.press(".latent-explorer .plane", "ArrowRight")
    moved = firefox.wait(lambda: (shown := Shown(firefox, ".latent-explorer")).text != dragged.text and shown)
    right, up = moved.numbers - dragged.numbers
    assert right > 0.02 and up == 0
    check(moved)
    for before, after in [(at_first, dragged), (dragged, moved)]:
        assert np.abs(after.digits - before.digits).max() > 20


@pytest.fixture(scope="module")
def widgets(browser, vae, tmp_path_factory):
    """A page with a drawing and a walk, and what the walk shows at its end with 20 steps and with one."""
    images, labels = (array[:500] for array in load("test"))
    prior, decoder = pretrained.load_diffusion(), pretrained.load("vae_20").decoder
    walk = DiffusionWalk(prior, decoder)
    data = embed_data(views=[DrawnDigit(vae, vae.encoder(images)[0].numpy(), labels), walk], drop_defaults=False)
    path = tmp_path_factory.mktemp("widgets") / "widgets.html"
    path.write_text(widget_page(data["manager_state"], data["view_specs"]), encoding="utf-8")
    codes = np.concatenate([prior.path([walk.noise], steps)[-1] for steps in (20, 1)])
    return path, decoder(codes.astype("float32"))


def test_drawing(firefox, widgets, vae):
    firefox.open(widgets[0])
    wait_for_widgets(firefox, 2)
    star_is_visible = "() => document.querySelector('.star').checkVisibility()"
    assert not firefox.evaluate(star_is_visible) and not Shown(firefox, ".digit-drawing").ink.any()

    left, top, width, height = firefox.box(".drawing")
    stroke = [(90, 60), (150, 60), (200, 60), (170, 150), (140, 240)]  # a seven
    first, *others = [(left + x, top + y) for x, y in stroke]
    firefox.mouse(first, "down", *others)
    firefox.wait(firefox.evaluate, star_is_visible)  # while the pen is down
    firefox.mouse("up")
    firefox.evaluate("() => document.activeElement.blur()")  # or a ring may be drawn around the pen
    firefox.next_frame()

    def drawn():
        shown = Shown(firefox, ".digit-drawing")
        return all(shown.ink[int(112 * y / height), int(112 * x / width)] for x, y in stroke) and shown

    shown = firefox.wait(drawn)
    image = centre_digit(shown.ink / 255)
    z = np.asarray(vae.encoder(image[None])[0])
    assert np.abs(shown.digits - grey([image, vae.decoder(z)[0]])).max() <= 1
    assert np.allclose(shown.numbers, z[0], atol=0.02)


def test_diffusion(firefox, widgets):
    path, expected = widgets
    firefox.open(path)
    wait_for_widgets(firefox, 2)

    def shown_after(steps):
        shown = Shown(firefox, ".diffusion-walk")
        return shown.text == f"step {steps} of {steps}" and shown

    shown = shown_after(20)
    assert np.abs(shown.digits[0] - grey(expected[0])).max() <= 1
    firefox.press(".diffusion-walk .slider input", "Home")
    shown = firefox.wait(shown_after, 1)
    assert np.abs(shown.digits[0] - grey(expected[1])).max() <= 1
    assert np.abs(grey(expected[0]) - grey(expected[1])).max() > 20

    left, top, width, height = firefox.box(".diffusion-walk button")
    firefox.mouse((left + width / 2, top + height / 2), "down", "up")
    firefox.wait(lambda: (new := shown_after(1)) and np.abs(new.digits - shown.digits).max() > 20)


def test_lessons_show_their_widgets(firefox, site):
    for name in LESSONS:
        firefox.open(site / "notebooks" / f"{name}.html")
        firefox.wait(
            firefox.evaluate,
            """() => [...document.querySelectorAll("script[type$='widget-view+json']")].every(
                place => place.previousElementSibling?.matches("div:not(:empty), p"),
            )""",
        )
