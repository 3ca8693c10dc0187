"""Draw a digit of your own, and turn it into one as MNIST's are."""

import io
from pathlib import Path

import anywidget
import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
import traitlets
from scipy import ndimage

from pylib import _check, plots

SIDE = 112  # pixels along a side of what the page sends
STROKE = 9  # width of a line there: about two pixels of MNIST's, once a digit fills the box


def centre_digit(drawing):
    """Scale and centre a drawing as MNIST's digits are.

    The ink's bounding box is scaled to fit 20 x 20 pixels, keeping its aspect and averaging over the area of
    each pixel, and put into 28 x 28 so that its centre of mass is in the middle, at row and
    column 14 of 0 to 27, where MNIST has it (Y. LeCun et al., 1998).

    Parameters
    ----------
    drawing : `(height, width)`, from 0 (paper) to 1 (ink), of any size

    Returns
    -------
    image : `(784,)` float32 in [0, 1]

    Raises
    ------
    ValueError : there is no ink, or the drawing is no picture
    """
    drawing = np.asarray(drawing, "float64")
    if drawing.ndim != 2 or drawing.size == 0:
        raise ValueError(f"a drawing must have shape (height, width), not {drawing.shape}")
    if not (drawing.min() >= 0 and drawing.max() <= 1):
        raise ValueError("a drawing must hold numbers from 0 (paper) to 1 (ink), and no NaN")
    rows, columns = np.nonzero(drawing.max(axis=1) > 0.05)[0], np.nonzero(drawing.max(axis=0) > 0.05)[0]
    if len(rows) == 0:
        raise ValueError("there is no ink in this drawing: draw a digit first")
    ink = drawing[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = 20 / max(ink.shape)
    small = _averages(ink, max(1, round(ink.shape[0] * scale)), max(1, round(ink.shape[1] * scale)))

    image = np.zeros((28, 28))
    top, left = (round(14 - centre) for centre in ndimage.center_of_mass(small))
    top, left = (min(max(start, 0), 28 - size) for start, size in zip((top, left), small.shape, strict=True))
    image[top : top + small.shape[0], left : left + small.shape[1]] = small
    return image.ravel().astype("float32")


def _averages(ink, height, width):
    """`ink` on a grid of another size, each new pixel the mean of the area that it covers."""

    def weights(old, new):
        """How much each old pixel counts in each new one, `(new, old)`; each row sums to 1."""
        edges = np.linspace(0, old, new + 1)
        start, end = edges[:-1, None], edges[1:, None]
        overlap = np.minimum(end, np.arange(old) + 1) - np.maximum(start, np.arange(old))
        return np.clip(overlap, 0, None) * new / old

    return np.clip(weights(ink.shape[0], height) @ ink @ weights(ink.shape[1], width).T, 0, 1)


class DigitCanvas(anywidget.AnyWidget):
    """A square to draw on with mouse, pen or finger, or with the arrow keys and the space bar.

    Attributes
    ----------
    image : `(784,)` float32 in [0, 1], the drawing as `centre_digit` makes it; None while there is none
    """

    _esm = Path(__file__).with_name("drawing.js")
    _css = Path(__file__).with_name("drawing.css")
    side = traitlets.Int(SIDE).tag(sync=True)
    stroke = traitlets.Int(STROKE).tag(sync=True)
    ink = traitlets.CBytes(b"").tag(sync=True)  # SIDE x SIDE, at the end of each stroke; arrives as a memoryview
    image = traitlets.Instance(np.ndarray, allow_none=True)

    def __repr__(self):  # the default would print the ink's bytes
        return "DigitCanvas()"

    @traitlets.observe("ink")
    def _centre(self, change):
        drawing = np.frombuffer(self.ink, np.uint8).reshape(-1, self.side or 1) / 255
        self.image = centre_digit(drawing) if drawing.any() else None


class DrawnDigit(ipywidgets.HBox):
    """A `DigitCanvas` beside the plane of codes, where the drawing's place is shown after each stroke.

    Parameters
    ----------
    vae : with latent_dim 2, such as a `pylib.models.VAE`
    codes, labels : `(n, 2)` and `(n,)`, drawn as dots of ten colours
    """

    def __init__(self, vae, codes, labels):
        if vae.latent_dim != 2:
            raise ValueError(f"the plane needs a VAE with latent_dim 2, not {vae.latent_dim}")
        _check.rows(codes, 2, "codes")
        _check.labels(labels, len(codes), 10)
        self._vae = vae
        self._figure = plots.scatters({"the plane of codes": codes}, np.asarray(labels))
        plt.close(self._figure)
        axes = self._figure.axes[0]
        (self._place,) = axes.plot([], [], "*", color="0.05", markersize=16, markeredgecolor="white")
        digits = [axes.inset_axes((x, 1.08, 0.22, 0.22)) for x in (0.15, 0.62)]
        axes.set_title("")
        for digit, title in zip(digits, ("as MNIST has it", "reconstruction"), strict=True):
            digit.set(xticks=[], yticks=[])
            digit.set_title(title, fontsize=9)
        self._images = [digit.imshow(np.zeros((28, 28)), **plots.DIGITS) for digit in digits]
        self.canvas = DigitCanvas()
        self._picture = ipywidgets.Image(format="png", layout={"width": "400px", "height": "440px"})
        super().__init__([self.canvas, self._picture])
        self._update()
        self.canvas.observe(self._update, "image")

    def __repr__(self):
        return "DrawnDigit()"

    @property
    def image(self):
        """The drawing, `(784,)`, or None while there is none."""
        return self.canvas.image

    def _update(self, change=None):
        pictures = [np.zeros(784), np.zeros(784)]
        self._place.set_data([], [])
        if self.image is not None:
            z = self._vae.encoder(self.image[None])[0]
            pictures = [self.image, np.asarray(self._vae.decoder(z))[0]]
            self._place.set_data(*np.transpose(z))
        for image, picture in zip(self._images, pictures, strict=True):
            image.set_data(picture.reshape(28, 28))
        file = io.BytesIO()
        self._figure.savefig(file, format="png", dpi=100)
        self._picture.value = file.getvalue()
