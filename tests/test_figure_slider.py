import io

import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from pylib import plots
from pylib.widgets import FigureSlider


def decode(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"), dtype=int)


def red(value):
    """A figure of 288 by 144 pixels whose middle has `value` of red."""
    figure, axes = plt.subplots(figsize=(2, 1))
    axes.set_facecolor((value, 0, 0))
    return figure


def test_every_value_is_drawn_once_and_closed():
    drawn = []
    before = plt.get_fignums()
    slider = FigureSlider(lambda value: drawn.append(value) or red(value), "red", 0, 1, 0.25, 0.5)
    assert sorted(drawn) == [0, 0.25, 0.5, 0.75, 1] and plt.get_fignums() == before
    assert slider._values == sorted(drawn) and len(slider._pictures) == 5
    for value, png in zip(slider._values, slider._pictures, strict=True):
        assert decode(png).shape == (144, 288, 3)
        assert decode(png)[72, 144].tolist() == [round(255 * value), 0, 0]
    assert slider.value == 0.5 and slider._name == "red"


@pytest.mark.parametrize(
    ("low", "high", "step", "values"),
    [
        (0, 0.3, 0.1, [0, 0.1, 0.2, 0.3]),
        (-1, 1, 0.5, [-1, -0.5, 0, 0.5, 1]),
        (0, 1, 0.3, [0, 0.3, 0.6, 0.9]),
        (2, 3, 5, [2]),
        (0, 10, 0.1, [i / 10 for i in range(101)]),
    ],
)
def test_values_go_from_low_in_steps(low, high, step, values):
    drawn = set()
    figure = red(0)
    slider = FigureSlider(lambda value: drawn.add(value) or figure, "x", low, high, step, low)
    assert slider._values == values and drawn == set(values)


def test_pictures_look_as_savefig_writes_them():
    rng = np.random.default_rng(0)

    def draw(value):
        codes = rng.normal(size=(2, 500, 2))
        return plots.scatters({"one": codes[0], "other": codes[1]}, np.arange(500) % 10)

    figures = []
    slider = FigureSlider(lambda value: figures.append(draw(value)) or figures[-1], "x", 0, 1, 1, 0)
    assert decode(slider._pictures[0]).shape[1] == pytest.approx(680, abs=1)
    file = io.BytesIO()
    figures[0].savefig(file, format="png", dpi=680 / figures[0].get_figwidth())  # no wider than the page shows it
    assert np.abs(decode(slider._pictures[0]) - decode(file.getvalue())).max() <= 24
    assert len(slider._pictures[0]) < 0.5 * len(file.getvalue())


def test_axes_stay_where_they_are_while_their_labels_grow():
    def draw(value):
        figure, axes = plt.subplots(figsize=(2, 1), layout="constrained")
        axes.set(xticks=[], facecolor=(1, 0, 0))
        axes.set_yticks([0], [f"{value:.0f}"])
        return figure

    def left_edges(first):
        """Where the red begins."""
        slider = FigureSlider(draw, "size", 0, 1_000_000, 500_000, first)
        return [(decode(png)[72, :, 1] == 0).argmax() for png in slider._pictures]

    assert len(set(left_edges(0))) == len(set(left_edges(1_000_000))) == 1
    assert left_edges(1_000_000)[0] > left_edges(0)[0] + 5


def test_value_is_one_of_those_drawn():
    slider = FigureSlider(red, "red", 0, 1, 0.1, 3 * 0.1)
    assert slider.value == 0.3  # and not 0.30000000000000004
    slider.value = np.int64(1)
    assert slider.value == 1 and type(slider.value) is float
    for wrong in (0.25, 1.1, -0.1, np.nan, "0.3", None, True):
        with pytest.raises(ValueError, match=r"value must be one of 0, 0.1, ..., 1, not "):
            slider.value = wrong
    assert slider.value == 1
    slider.set_state({"value": 0})  # a move of the page
    assert slider.value == 0
    with pytest.raises(ValueError, match="value must be one of 0, 0.5, 1, not 0.7"):
        FigureSlider(red, "red", 0, 1, 0.5, 0.7)


@pytest.mark.parametrize("step", [0.0099, 1e-9, 1e-320])
def test_too_many_values(step):
    with pytest.raises(
        ValueError, match=rf"in steps of {step} there are more than 101 values to draw: take a larger step"
    ):
        FigureSlider(lambda value: pytest.fail("nothing should be drawn"), "red", 0, 1, step, 0)


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda value: None, "draw must return a matplotlib Figure, not None"),
        (lambda value: plt.subplots(1, 1 + int(value))[0], "the same number of axes, not 1 for 0 and 2 for 1"),
    ],
)
def test_draw_must_return_figures_of_one_kind(draw, message):
    with pytest.raises(ValueError, match=message):
        FigureSlider(draw, "x", 0, 1, 1, 0)
    plt.close("all")


def test_repr_is_short():
    assert repr(FigureSlider(red, "red", 0, 1, 1, 0)) == "FigureSlider()"
