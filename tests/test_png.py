import io

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

from pylib.widgets.png import digits_png, figure_png


def decode(png):
    return np.asarray(Image.open(io.BytesIO(png)))


def test_digit_png_is_the_digit_dark_on_light():
    images = np.random.default_rng(0).random((2, 784), dtype="float32")
    pixels = decode(digits_png(images, scale=3, gap=6))
    assert pixels.shape == (84, 180) and (pixels[:, 84:90] == 255).all()
    for i, j in [(0, 0), (5, 20), (27, 27)]:
        block = pixels[3 * i : 3 * i + 3, 3 * j : 3 * j + 3]
        assert (block == 255 - round(255 * float(images[0, 28 * i + j]))).all()


def test_figure_png_is_what_savefig_writes():
    figure, axes = plt.subplots(figsize=(3, 2))
    plt.close(figure)
    axes.plot([1, 3, 2])
    axes.set(xlabel="x", ylabel="a y label")
    file = io.BytesIO()
    figure.savefig(file, dpi=100)
    pixels = decode(figure_png(figure))
    assert pixels.shape == (200, 300, 4) and np.ptp(pixels) == 255
    assert np.array_equal(pixels, decode(file.getvalue()))
