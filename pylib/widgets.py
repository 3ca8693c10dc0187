"""Controls that change a picture in place, fast enough to follow the hand."""

import io

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

from pylib import _check, noise


def digit_png(image, scale=5):
    """A digit `(784,)` in [0, 1] as the bytes of a PNG, dark on light, `28 * scale` pixels a side."""
    grey = 255 - np.round(255 * np.clip(np.reshape(image, (28, 28)), 0, 1)).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(np.kron(grey, np.ones((scale, scale), np.uint8))).save(file, "png")
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
        self._pictures = [ipywidgets.Image(format="png", width=140, height=140) for _ in range(4)]
        self._captions = [ipywidgets.HTML() for _ in range(4)]
        columns = [ipywidgets.VBox(pair) for pair in zip(self._captions, self._pictures, strict=True)]
        super().__init__([self.index, self.amount, ipywidgets.HBox(columns)])
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
        names = ("input", "reconstruction", "noisy", "reconstruction of noisy")
        images = (clean[0], clean_hat, noisy[0], noisy_hat)
        for picture, caption, name, image in zip(self._pictures, self._captions, names, images, strict=True):
            decibels = noise.psnr(clean[0], image)
            caption.value = f"{name}<br>" + (f"{decibels:.1f} dB" if np.isfinite(decibels) else "unspoilt")
            picture.value = digit_png(image)


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
