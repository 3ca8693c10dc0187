"""Draw a digit of your own, and see where a VAE puts it."""

from pathlib import Path

import anywidget
import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
import traitlets

from pylib import _validate, plots
from pylib.preprocessing import centre_digit
from pylib.widgets import engine
from pylib.widgets.png import figure_png

SIDE = 112  # pixels along a side of what the page sends
STROKE = 9  # width of a line there: about two pixels of MNIST's, once a digit fills the box


class DigitCanvas(anywidget.AnyWidget):
    """A square to draw on with mouse, pen or finger, or with the arrow keys and the space bar.

    Attributes
    ----------
    side : pixels along a side of the drawing
    stroke : width of a line in these pixels
    ink : the drawing as the page sends it at the end of each stroke, `side * side` bytes from 0 (paper) to 255 (ink)
    image : `(784,)` float32 in [0, 1], the drawing as `centre_digit` makes it; None while there is none
    """

    _esm = engine.javascript_module(Path(__file__).with_suffix(".js"))
    _css = Path(__file__).with_suffix(".css")
    side = traitlets.Int(SIDE).tag(sync=True)
    stroke = traitlets.Int(STROKE).tag(sync=True)
    ink = traitlets.CBytes(b"").tag(sync=True)  # arrives as a memoryview
    image = traitlets.Instance(np.ndarray, allow_none=True)

    @_validate.arguments(lambda: None)
    def __init__(self):
        super().__init__()

    def __repr__(self):  # the default would print the ink's bytes
        return "DigitCanvas()"

    @traitlets.observe("ink")
    def _centre(self, change):
        drawing = np.frombuffer(self.ink, np.uint8).reshape(-1, self.side or 1) / 255
        self.image = centre_digit(drawing) if drawing.any() else None


def _validate_plane(vae, codes, labels):
    _validate.vae(vae)
    if vae.latent_dim != 2:
        raise ValueError(f"the plane needs a VAE with latent_dim 2, not {vae.latent_dim}")
    if getattr(vae, "n_classes", None) is not None:
        raise ValueError("a drawing has no label: give a VAE without n_classes, not a conditional one")
    codes = _validate.array(codes, ("n", 2), "codes")
    _validate.labels(labels, len(codes), 10)
    return {"codes": codes, "labels": _validate.numeric(labels, "labels")}


class DrawnDigit(ipywidgets.HBox):
    """A `DigitCanvas` beside the plane of codes, where the drawing's place is shown after each stroke.

    Parameters
    ----------
    vae : with latent_dim 2, such as a `pylib.models.VAE`
    codes : `(n, 2)`, drawn as dots
    labels : `(n,)` digits from 0 to 9, which colour the dots

    Attributes
    ----------
    canvas : the `DigitCanvas`

    Raises
    ------
    ValueError : the VAE has another latent_dim, or codes and labels don't fit it
    """

    @_validate.arguments(_validate_plane)
    def __init__(self, vae, codes, labels):
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
        for _ in range(2):  # constrained layout needs two passes
            self._figure.draw_without_rendering()
        self._figure.set_layout_engine("none")  # or the axes would move from stroke to stroke
        self.canvas = DigitCanvas()
        self._picture = ipywidgets.Image(format="png", layout={"width": "400px", "height": "440px"})
        super().__init__([self.canvas, self._picture])
        self._update()
        self.canvas.observe(self._update, "image")

    def __repr__(self):  # the default would print the picture's bytes
        return "DrawnDigit()"

    @property
    def image(self):
        """The drawing as `centre_digit` makes it.

        Returns
        -------
        image : `(784,)` float32 in [0, 1], or None while there is none
        """
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
        self._picture.value = figure_png(self._figure)
