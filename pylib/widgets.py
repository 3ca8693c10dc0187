"""Controls that change a picture in place, fast enough to follow the hand."""

import io

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

from pylib import _check, noise


def digits_png(images, scale=5, gap=10):
    """Digits `(n, 784)` in [0, 1] side by side as the bytes of one PNG, dark on light, `28 * scale` pixels a side."""
    grey = 255 - np.round(255 * np.clip(np.reshape(images, (-1, 28, 28)), 0, 1)).astype(np.uint8)
    large = np.kron(grey, np.ones((1, scale, scale), np.uint8))
    row = np.hstack([np.pad(digit, ((0, 0), (0, gap)), constant_values=255) for digit in large])
    file = io.BytesIO()
    Image.fromarray(row).save(file, "png")
    return file.getvalue()


class NoiseExplorer(ipywidgets.VBox):
    """Sliders for a digit and its noise above four pictures: the digit, its reconstruction, the
    noisy digit and the reconstruction of that.

    Parameters
    ----------
    reconstruct : a function of `(n, 784)` images that returns as many, such as an autoencoder
    images : `(n, 784)` in [0, 1]; the slider walks the first 101 of them
    corrupt : a noise `f(images, amount, rng)`, as in `pylib.noise`
    """

    def __init__(self, reconstruct, images, corrupt=noise.uniform):
        _check.images(images)
        self._reconstruct, self._images, self._corrupt = reconstruct, images, corrupt
        wide = {"style": {"description_width": "7em"}, "layout": {"width": "26em"}}
        self.index = ipywidgets.IntSlider(0, 0, min(100, len(images) - 1), description="image", **wide)
        self.amount = ipywidgets.FloatSlider(
            0.2, min=0, max=0.4, step=0.05, description="fraction of pixels", readout_format=".2f", **wide
        )
        # One picture and one line of text, since each message to the page costs time.
        self._captions = ipywidgets.HTML()
        self._picture = ipywidgets.Image(format="png", width=600, height=140)
        super().__init__([self.index, self.amount, self._captions, self._picture])
        self._update()
        self.index.observe(self._update, "value")
        self.amount.observe(self._update, "value")

    def __repr__(self):  # the default would print the pictures' bytes
        return "NoiseExplorer()"

    def _update(self, change=None):
        clean = self._images[self.index.value][None]
        # One seed for each digit: more noise then means the same noise and more of it.
        noisy = self._corrupt(clean, self.amount.value, np.random.default_rng(self.index.value))
        clean_hat, noisy_hat = np.asarray(self._reconstruct(np.concatenate([clean, noisy])))
        images = {
            "input": clean[0],
            "reconstruction": clean_hat,
            "noisy": noisy[0],
            "reconstruction of noisy": noisy_hat,
        }
        captions = [f"<span>{name}<br>{_decibels(clean[0], image)}</span>" for name, image in images.items()]
        grid = "display:grid;grid-template-columns:repeat(4,150px);line-height:1.3"
        self._captions.value = f'<div style="{grid}">{"".join(captions)}</div>'
        self._picture.value = digits_png(list(images.values()))


def _decibels(clean, image):
    decibels = noise.psnr(clean, image)
    return f"{decibels:.1f} dB" if np.isfinite(decibels) else "unspoilt"


class FigureSlider(ipywidgets.VBox):
    """A slider above a figure that is drawn anew for each value and replaces the last one in place.

    Parameters
    ----------
    draw : a function of the value that returns a matplotlib Figure
    name : of the value
    low, high, step : of the slider
    value : to start with
    """

    def __init__(self, draw, name, low, high, step, value):
        self._draw = draw
        self.slider = ipywidgets.FloatSlider(value, min=low, max=high, step=step, description=name)
        self._picture = ipywidgets.Image(format="png", layout={"max_width": "100%", "width": "680px"})
        super().__init__([self.slider, self._picture])
        self._update()
        self.slider.observe(self._update, "value")

    def __repr__(self):  # the default would print the picture's bytes
        return "FigureSlider()"

    def _update(self, change=None):
        figure = self._draw(self.slider.value)
        file = io.BytesIO()
        figure.savefig(file, format="png", dpi=100)
        plt.close(figure)
        self._picture.value = file.getvalue()
