"""Notebooks hold copies of the widgets' JavaScript and CSS: they are those that pylib makes today."""

import importlib
from pathlib import Path

import ipywidgets
import nbformat
import pytest

from pylib.widgets import DigitCanvas

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
PATHS = sorted([*NOTEBOOKS.glob("*.ipynb"), *NOTEBOOKS.glob("teacher/*.ipynb")])
WIDGET_STATE = "application/vnd.jupyter.widget-state+json"


def stored(path):
    """The states of all anywidgets in a notebook."""
    metadata = nbformat.read(path, as_version=4).metadata
    models = metadata.get("widgets", {}).get(WIDGET_STATE, {}).get("state", {})
    return [model["state"] for model in models.values() if model["model_name"] == "AnyModel"]


def stale(state):
    """Which of a widget's two texts differ from those of its class."""
    module, _, name = state["_anywidget_id"].rpartition(".")
    widget = getattr(importlib.import_module(module), name)
    return [key for key in ("_esm", "_css") if state[key] != str(getattr(widget, key))]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: str(path.relative_to(NOTEBOOKS)))
def test_stored_widgets_are_those_of_today(path):
    assert [(state["_anywidget_id"], stale(state)) for state in stored(path) if stale(state)] == []


def test_all_anywidgets_are_stored_somewhere():
    names = {state["_anywidget_id"].rpartition(".")[2] for path in PATHS for state in stored(path)}
    assert names == {
        "DenoisedDrawing",
        "DiffusionWalk",
        "DrawnDigit",
        "FigureSlider",
        "LatentExplorer",
        "NoiseExplorer",
    }


def test_one_letter_makes_a_copy_stale():
    canvas = DigitCanvas()
    state = ipywidgets.Widget.get_manager_state(widgets=[canvas])["state"][canvas.model_id]["state"]
    assert stale(state) == []
    assert stale(state | {"_esm": state["_esm"].replace("lineWidth", "lineWidtg", 1)}) == ["_esm"]
    assert stale(state | {"_css": state["_css"] + " "}) == ["_css"]
