"""A slider with a figure for each value."""

import io
from pathlib import Path

import anywidget
import matplotlib.pyplot as plt
import numpy as np
import traitlets
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from pylib import _validate
from pylib.progress import Progress
from pylib.widgets import engine

MOST_VALUES = 101
WIDTH = 680  # pixels of the page for a picture at most, as the CSS has it


def _validate_slider(draw, name, low, high, step, value):
    _validate.function(draw, "draw", "of the value that returns a matplotlib Figure")
    if not isinstance(name, str):
        raise ValueError(f"name must be a text, not {_validate.shown(name)}")
    _validate.number(low, "low")
    _validate.number(high, "high", above=low)
    _validate.number(step, "step", above=0)
    if (high - low) / step > MOST_VALUES - 0.5:
        raise ValueError(f"in steps of {step} there are more than {MOST_VALUES} values to draw: take a larger step")
    _nearest(_values(low, high, step), value)


class FigureSlider(anywidget.AnyWidget):
    """A slider above a figure, which is another one for each value.

    Python draws all of them at once, and the page shows them: it needs a kernel no more, but GitHub and paper show
    nothing of it. All figures get the layout of the first that is seen, or the axes would jump.

    Parameters
    ----------
    draw : a function of the value that returns a matplotlib Figure; those of all values have the same axes
    name : of the value
    low : the slider's least value
    high : the slider's largest, if steps lead there
    step : from one value to the next; 101 values are the most
    value : to start with, one of low, low + step, low + 2 step, and so on

    Attributes
    ----------
    value : the one shown, a float

    Raises
    ------
    ValueError : `draw` can't be called, or returns no figure with the same number of axes; `low` and `high` are no
        numbers in this order; `step` is not above 0, or so small that there would be more values than 101; `value` is
        none of them
    """

    _esm = engine.javascript_module(Path(__file__).with_suffix(".js"))
    _css = engine.stylesheet(Path(__file__).with_suffix(".css"))

    value = traitlets.TraitType().tag(sync=True)

    _name = traitlets.Unicode().tag(sync=True)
    _values = traitlets.List().tag(sync=True)
    _pictures = traitlets.List().tag(sync=True)

    @_validate.arguments(_validate_slider)
    def __init__(self, draw, name, low, high, step, value):
        values = _values(low, high, step)
        pictures = _pictures(draw, values, _nearest(values, value))
        super().__init__(_name=name, _values=values, _pictures=pictures, value=value)

    def __repr__(self):  # the default would print the widget's address
        return "FigureSlider()"

    @traitlets.validate("value")
    def _validate_value(self, proposal):
        return _nearest(self._values, proposal.value)


def _values(low, high, step):
    count = int((high - low) / step + 1e-6) + 1
    return [float(f"{low + i * step:.12g}") for i in range(count)]  # 0.3, not 0.30000000000000004


def _nearest(values, value):
    """That of the values which `value` is, up to rounding; ValueError where it is none."""
    if _validate.is_number(value):
        nearest = min(values, key=lambda other: abs(other - value))
        if abs(nearest - value) <= 1e-6 * (values[-1] - values[0]):
            return nearest
    shown = [f"{other:g}" for other in values]
    allowed = ", ".join(shown if len(shown) <= 4 else [*shown[:2], "...", shown[-1]])
    raise ValueError(f"value must be one of {allowed}, not {_validate.shown(value)}")


def _pictures(draw, values, first):
    """A PNG for each value, all in the layout of the first one's."""
    pictures, positions = {}, None
    for value in Progress(sorted(values, key=lambda value: value != first), "drawing"):
        figure = draw(value)
        if not isinstance(figure, Figure):
            raise ValueError(f"draw must return a matplotlib Figure, not {_validate.shown(figure)}")
        plt.close(figure)
        if positions is not None:
            if len(figure.axes) != len(positions):
                counts = f"{len(positions)} for {first:g} and {len(figure.axes)} for {value:g}"
                raise ValueError(f"draw must return figures with the same number of axes, not {counts}")
            figure.set_layout_engine("none")
            for axes, position in zip(figure.axes, positions, strict=True):
                axes.set_position(position)
        pictures[value] = _png(figure)
        positions = positions or [axes.get_position() for axes in figure.axes]
    return [pictures[value] for value in values]


def _png(figure):
    """The figure as large as the lessons print it, drawn once: `savefig` would draw it twice for its layout."""
    figure.set_dpi(min(144, WIDTH / figure.get_figwidth()))
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    picture = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    file = io.BytesIO()
    # A third of the bytes, and it looks the same: other methods lose the colours of small dots.
    picture.quantize(256, Image.Quantize.MAXCOVERAGE).save(file, "png")
    return file.getvalue()
