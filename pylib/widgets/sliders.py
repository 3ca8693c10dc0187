"""Sliders above a picture that Python draws."""

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np

from pylib import _validate, noise
from pylib.widgets.png import digits_png, figure_png

# By name: the noise, what its amount is, and the largest of the slider.
NOISES = {
    "uniform": (noise.uniform, "fraction of pixels", 0.4),
    "Gaussian": (noise.gaussian, "sigma", 0.6),
    "salt and pepper": (noise.salt_and_pepper, "fraction of pixels", 0.4),
    "missing block": (noise.block, "fraction of image", 0.4),
}


def _validate_explorer(reconstruct, images):
    _validate.images(images)
    networks = reconstruct if isinstance(reconstruct, dict) else {"reconstruct": reconstruct}
    _validate.mapping(networks, "reconstruct", "a network's name to a function of images")
    for name, network in networks.items():
        _validate.string(name, "a network's name")
        _validate.function(network, name, "of images, such as an autoencoder")
    return {"reconstruct": networks, "images": _validate.numeric(images, "images")}


class NoiseExplorer(ipywidgets.VBox):
    """Menus for noise and network, sliders for a digit and the amount of noise, and four pictures.

    They are the input, its reconstruction, the noisy input, and the reconstruction of that, each with its PSNR.

    Parameters
    ----------
    reconstruct : a function of `(n, 784)` images that returns as many, or a Keras model, such as an autoencoder; or a
        dict of names to several of them, for a menu
    images : `(n, 784)` in [0, 1]; the slider walks the first 101 of them

    Attributes
    ----------
    noise : the menu of the four noises of `pylib.noise`, an ipywidgets.Dropdown
    network : the menu of names, an ipywidgets.Dropdown
    index : the slider for the digit, an ipywidgets.IntSlider
    amount : the slider for the noise, an ipywidgets.FloatSlider

    Raises
    ------
    ValueError : images are empty, of another shape, outside [0, 1], or hold NaN; `reconstruct` can't be called
    """

    @_validate.arguments(_validate_explorer)
    def __init__(self, reconstruct, images):
        # A model called layer by layer takes many times as long; `predict`, a hundred times.
        self._networks = {name: getattr(net, "predict_on_batch", net) for name, net in reconstruct.items()}
        self._images = images
        wide = {"style": {"description_width": "9em"}, "layout": {"width": "28em", "max_width": "100%"}}
        self.noise = ipywidgets.Dropdown(options=list(NOISES), description="noise", **wide)
        self.network = ipywidgets.Dropdown(options=list(reconstruct), description="network", **wide)
        self.index = ipywidgets.IntSlider(0, 0, min(100, len(images) - 1), description="image", **wide)
        _, name, largest = NOISES["uniform"]
        self.amount = ipywidgets.FloatSlider(
            0.2, min=0, max=largest, step=0.05, description=name, readout_format=".2f", **wide
        )
        # One picture and one line of text, since each message to the page costs time.
        of_a_row = {"width": "100%", "max_width": "600px"}
        self._captions = ipywidgets.HTML(layout=of_a_row)
        self._picture = ipywidgets.Image(format="png", layout=of_a_row)
        menus = [self.noise] + [self.network] * (len(reconstruct) > 1)
        super().__init__([*menus, self.index, self.amount, self._captions, self._picture])
        self._update()
        self.noise.observe(self._take_noise, "value")
        for control in (self.network, self.index, self.amount):
            control.observe(self._update, "value")

    def __repr__(self):  # the default would print the pictures' bytes
        return "NoiseExplorer()"

    def _take_noise(self, change):
        amount = self.amount.value
        _, self.amount.description, self.amount.max = NOISES[self.noise.value]
        if self.amount.value == amount:  # or what it was lowered to has been drawn already
            self._update()

    def _update(self, change=None):
        clean = self._images[self.index.value][None]
        # One seed for each digit: more noise then means the same noise and more of it.
        spoil, _, _ = NOISES[self.noise.value]
        noisy = spoil(clean, self.amount.value, np.random.default_rng(self.index.value))
        clean_hat, noisy_hat = np.asarray(self._networks[self.network.value](np.concatenate([clean, noisy])))
        images = {
            "input": clean[0],
            "reconstruction": clean_hat,
            "noisy": noisy[0],
            "reconstruction of noisy": noisy_hat,
        }
        captions = [f"<span>{name}<br>{_decibels(clean[0], image)}</span>" for name, image in images.items()]
        grid = "display:grid;grid-template-columns:repeat(4,minmax(0,1fr));align-items:end;line-height:1.3"
        grid += ";font-size:min(1em,3.2cqw)"  # so that the longest word fits over its digit
        self._captions.value = (
            f'<div style="container-type:inline-size"><div style="{grid}">{"".join(captions)}</div></div>'
        )
        self._picture.value = digits_png(list(images.values()))


def _decibels(clean, image):
    decibels = noise.psnr(clean, image)
    return f"{decibels:.1f} dB" if np.isfinite(decibels) else "unspoilt"


def _validate_slider(draw, name, low, high, step, value):
    _validate.function(draw, "draw", "of the value that returns a matplotlib Figure")
    if not isinstance(name, str):
        raise ValueError(f"name must be a text, not {_validate.shown(name)}")
    _validate.number(low, "low")
    _validate.number(high, "high", above=low)
    _validate.number(step, "step", above=0)
    _validate.number(value, "value", at_least=low)
    if value > high:
        raise ValueError(f"value must lie between low and high, {low} and {high}, not at {value}")


class FigureSlider(ipywidgets.VBox):
    """A slider above a figure for each value, which replaces the last one in place.

    Each is drawn once and kept as a picture, so that a second visit takes no drawing. All figures get the layout
    of the first: laying out anew would take as long as drawing, and let the axes jump.

    Parameters
    ----------
    draw : a function of the value that returns a matplotlib Figure; those of all values have the same axes
    name : of the value
    low : the slider's least value
    high : its largest
    step : from one value to the next
    value : to start with

    Attributes
    ----------
    slider : an ipywidgets.FloatSlider

    Raises
    ------
    ValueError : `draw` can't be called; `low`, `value` and `high` are no numbers in this order; `step` is not above 0
    """

    @_validate.arguments(_validate_slider)
    def __init__(self, draw, name, low, high, step, value):
        self._draw, self._positions, self._pictures = draw, None, {}
        self.slider = ipywidgets.FloatSlider(value, min=low, max=high, step=step, description=name)
        self._picture = ipywidgets.Image(format="png", layout={"max_width": "100%", "width": "680px"})
        super().__init__([self.slider, self._picture])
        self._update()
        self.slider.observe(self._update, "value")

    def __repr__(self):  # the default would print the picture's bytes
        return "FigureSlider()"

    def _update(self, change=None):
        value = self.slider.value
        if value not in self._pictures:
            self._pictures[value] = self._drawn(value)
        self._picture.value = self._pictures[value]

    def _drawn(self, value):
        figure = self._draw(value)
        plt.close(figure)
        if self._positions is not None:
            figure.set_layout_engine("none")
            for axes, position in zip(figure.axes, self._positions, strict=True):
                axes.set_position(position)
        picture = figure_png(figure)
        if self._positions is None:
            self._positions = [axes.get_position() for axes in figure.axes]
        return picture
