"""Latent explorers in a page, on shipped and random models, and what Python knows of them."""

import json
import re

import numpy as np
import pytest

# `follow` writes down where Python thinks the point is.
CELLS = [
    """import json
import os

import numpy as np

from pylib import pretrained
from pylib.models import VAE
from pylib.tf_utils import mnist_test
from pylib.widgets import LatentExplorer
from pylib.widgets.engine import ACTIVATIONS

rng = np.random.default_rng(0)
x_test, y_test = mnist_test()


def with_random_weights(size=0.3, **options):
    vae = VAE(**options)
    vae.set_weights([rng.normal(0, size, weight.shape) if weight.shape else weight for weight in vae.get_weights()])
    return vae


def follow(name, explorer):
    def write(change=None):
        state = {"z": explorer.z, "digit": explorer.digit, "image": explorer.image.tolist()}
        state["ends"], state["step"] = explorer._typical, explorer._limit / 40
        with open(f".{name}.new", "w") as file:
            json.dump(state, file)
        os.replace(f".{name}.new", f"{name}.json")  # all of it at once

    explorer.observe(write, "image")
    write()
    return explorer""",
    """plane = pretrained.load("vae_2")
codes = plane.encoder(x_test)[0]
explorer = LatentExplorer(plane, codes, y_test)
follow("plane", explorer)""",
    """LatentExplorer(plane, codes, y_test)""",
    """conditional = with_random_weights(n_classes=10)
follow("conditional", LatentExplorer(conditional, conditional.encoder([x_test, y_test])[0], y_test))""",
    """five = with_random_weights(latent_dim=5, hidden=(64, 32), activation="tanh")
follow("five", LatentExplorer(five, five.encoder(x_test)[0], y_test))""",
    """for activation in ACTIVATIONS:
    vae = with_random_weights(0.8, hidden=(32, 16), activation=activation)  # large: far from linear
    explorer_of = follow(activation, LatentExplorer(vae, vae.encoder(x_test)[0], y_test))
    explorer_of.z = [1.1, -0.7]
    display(explorer_of)""",
]


class Explorers:
    """The explorers of a page, and what Python knows of them."""

    names = ["plane", "start", "conditional", "five", "linear", "relu", "silu", "tanh", "sigmoid"]

    def __init__(self, run, folder):
        self.run, self.page, self.folder = run, run.page, folder

    def __getitem__(self, name):
        widget = self.page.locator(".latent-explorer").nth(self.names.index(name))
        widget.scroll_into_view_if_needed()
        return widget

    def python(self, name):
        """The state in Python, once it is at rest and the page shows the same."""
        state = None
        for _ in range(250):
            before, state = state, json.loads((self.folder / f"{name}.json").read_text())
            if state == before and self._shows(self[name], state):
                return state
            self.page.wait_for_timeout(100)
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

    def walk(self, name, start, end):
        """Walk from one digit to another; returns the texts of all places that were shown."""
        widget, place = self[name], self.python(name)["ends"][end]
        for menu, digit in zip(widget.locator(".walk select").all(), (start, end), strict=True):
            menu.select_option(digit)
        count = "output => {window.places = []; new MutationObserver(() => places.push(output.textContent))"
        widget.locator("output").evaluate(count + ".observe(output, {childList: true})}")
        widget.get_by_role("button", name="Walk").click()
        self.page.wait_for_function("end => places.at(-1) === end", arg=place_text(place))
        return self.page.evaluate("places")


def place_text(z):
    """What an explorer says of a point in the plane."""
    return "z = ({}, {})".format(*(f"{round(value, 2) + 0.0:.2f}".replace("-", "\u2212") for value in z))


def shown_digit(widget):
    read = "canvas => [...canvas.getContext('2d').getImageData(0, 0, 28, 28).data]"
    pixels = np.reshape(widget.locator("canvas.digit").evaluate(read), (784, 4))
    assert (pixels[:, :3] == pixels[:, :1]).all() and (pixels[:, 3] == 255).all()
    return pixels[:, 0]


def middle(plane):
    """Where on the page the origin of the plane is drawn."""
    box = plane.locator(".prior").bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, box["width"] / 4  # a circle of radius 2
