"""Pictures as the bytes of PNG files, made at the speed that a slider needs."""

import io

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from pylib import _validate


def _validate_digits(images, scale, gap):
    images = _validate.array(images, ("n", 784), "images")
    _validate.positive_integer(scale, "scale")
    _validate.count(gap, "gap")
    return {"images": images}


@_validate.arguments(_validate_digits)
def digits_png(images, scale=5, gap=10):
    """Digits side by side in one picture, dark on light.

    Parameters
    ----------
    images : `(n, 784)` in [0, 1]
    scale : pixels along a side for each of the 28
    gap : pixels of white to the right of each digit

    Returns
    -------
    png : bytes

    Raises
    ------
    ValueError : images are none, or have another shape; `scale` is not above 0, or `gap` below
    """
    grey = 255 - np.round(255 * np.clip(np.reshape(images, (-1, 28, 28)), 0, 1)).astype(np.uint8)
    large = np.kron(grey, np.ones((1, scale, scale), np.uint8))
    row = np.hstack([np.pad(digit, ((0, 0), (0, gap)), constant_values=255) for digit in large])
    return _png(row)


def figure_png(figure):
    """A matplotlib figure at 100 dots per inch, drawn once, where `savefig` would draw it twice for its layout.

    Parameters
    ----------
    figure : a matplotlib Figure; its dots per inch are set

    Returns
    -------
    png : bytes
    """
    figure.set_dpi(100)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return _png(np.asarray(canvas.buffer_rgba()))


def _png(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "png", compress_level=1)  # speed before size
    return file.getvalue()
