"""Draw a digit of your own, and see what networks make of it."""

from pathlib import Path

import anywidget
import numpy as np
import traitlets

from pylib import _validate
from pylib.preprocessing import centre_digit
from pylib.widgets import engine

SIDE = 112  # pixels along a side of what the page sends
STROKE = 9  # width of a line there: about two pixels of MNIST's, once a digit fills the box
LARGEST_SIGMA = 0.6  # of the slider


class DigitCanvas(anywidget.AnyWidget):
    """A square to draw on with mouse, pen or finger, or with the arrow keys and the space bar.

    Parameters
    ----------
    pixels : of the image that the drawing becomes: the side of a square, or height and width

    Attributes
    ----------
    side : pixels along a side of the drawing
    stroke : width of a line in these pixels
    ink : the drawing as the page sends it at the end of each stroke, `side * side` bytes from 0 (paper) to 255 (ink)
    image : `(height * width,)` float32 in [0, 1], the drawing as `centre_digit` makes it; None while there is none
    """

    _esm = engine.javascript_module(Path(__file__).with_suffix(".js"))
    _css = engine.stylesheet(Path(__file__).with_suffix(".css"))
    side = traitlets.Int(SIDE).tag(sync=True)
    stroke = traitlets.Int(STROKE).tag(sync=True)
    ink = traitlets.CBytes(b"").tag(sync=True)  # arrives as a memoryview
    image = traitlets.Instance(np.ndarray, allow_none=True)
    _pixels = traitlets.List().tag(sync=True)

    @_validate.arguments(lambda pixels: {"pixels": _validate.sides(pixels)})
    def __init__(self, pixels=28):
        super().__init__(_pixels=list(pixels))

    def __repr__(self):  # the default would print the ink's bytes
        return f"{type(self).__name__}()"

    @traitlets.observe("ink")
    def _centre(self, change):
        drawing = np.frombuffer(self.ink, np.uint8).reshape(-1, self.side or 1) / 255
        self.image = centre_digit(drawing, self._pixels) if drawing.any() else None


def _validate_plane(vae, codes, labels, names, pixels):
    _validate.vae(vae)
    if vae.latent_dim != 2:
        raise ValueError(f"the plane needs a VAE with latent_dim 2, not {vae.latent_dim}")
    if getattr(vae, "n_classes", None) is not None:
        raise ValueError("a drawing has no label: give a VAE without n_classes, not a conditional one")
    codes = _validate.array(codes, ("n", 2), "codes")
    names = _validate.named_labels(labels, len(codes), names)
    pixels = _validate.sides(pixels)
    engine.require_pictures(vae.decoder, pixels)
    return {"codes": codes, "labels": _validate.numeric(labels, "labels"), "names": names, "pixels": pixels}


class DrawnDigit(DigitCanvas):
    """A `DigitCanvas` beside its reconstruction and the plane of codes, where a star follows the drawing.

    The page computes encoder and decoder while the hand moves.

    Parameters
    ----------
    vae : with latent_dim 2, such as a `pylib.models.VAE`; its encoder and decoder are chains of dense layers
    codes : `(n, 2)`, drawn as dots, 5,000 of them at most
    labels : `(n,)` integers from 0 on, which colour the dots
    names : of the classes in the order of their labels, 1 to 100 strings; None for the digits 0 to 9
    pixels : the side of a square image, or height and width

    Attributes
    ----------
    image : `(height * width,)` float32 in [0, 1], the drawing as `centre_digit` makes it; None while there is none

    Raises
    ------
    ValueError : the VAE has another latent_dim, the page can't compute one of its layers, or codes, labels, names
        or pixels don't fit it
    """

    _encoder = traitlets.Dict().tag(sync=True)
    _decoder = traitlets.Dict().tag(sync=True)
    _points = traitlets.Bytes().tag(sync=True)
    _digits = traitlets.Bytes().tag(sync=True)
    _colors = traitlets.List().tag(sync=True)
    _names = traitlets.List().tag(sync=True)
    _limit = traitlets.Float().tag(sync=True)

    @_validate.arguments(_validate_plane)
    def __init__(self, vae, codes, labels, names=None, pixels=28):
        import keras  # takes seconds, and whoever has a VAE has it

        plane = engine.plane_traits(codes, labels, names)
        limit = plane["_limit"]
        to_mean = keras.Model(vae.encoder.input, vae.encoder.outputs[0])
        places = np.random.default_rng(0).uniform(-limit, limit, (500, 2)).astype("float32")
        super().__init__(pixels)
        # Half a dot's width in the plane is what the encoder's rounding may change.
        self._encoder = engine.network(to_mean, _examples(*pixels), name="encoder", rounding=limit / 400)
        self._decoder = engine.network(vae.decoder, places, name="decoder")
        for name, value in plane.items():
            self.set_trait(name, value)


def _validate_networks(reconstruct, pixels):
    pixels = _validate.sides(pixels)
    return {"reconstruct": engine.autoencoders(reconstruct, pixels), "pixels": pixels}


class DenoisedDrawing(DigitCanvas):
    """A `DigitCanvas` beside the drawing with noise and what a network makes of that, such as a denoiser.

    The page computes the network while the hand moves.

    Parameters
    ----------
    reconstruct : a Keras model, a chain of dense layers that takes `(n, height * width)` images and returns as many,
        or a dict of names to several of them, for a menu
    pixels : the side of a square image, or height and width

    Attributes
    ----------
    sigma : standard deviation of the Gaussian noise, from 0 to 0.6 in units of a pixel
    network : the name of the chosen network
    image : `(height * width,)` float32 in [0, 1], the drawing as `centre_digit` makes it, without noise; None while
        there is none

    Raises
    ------
    ValueError : the page can't compute one of the networks
    """

    _networks = traitlets.Dict().tag(sync=True)
    _noise = traitlets.Bytes().tag(sync=True)
    network = traitlets.Unicode().tag(sync=True)
    sigma = traitlets.Float(0.3).tag(sync=True)

    @_validate.arguments(_validate_networks)
    def __init__(self, reconstruct, pixels=28):
        super().__init__(pixels)
        examples = _examples(*pixels)
        self._networks = {name: engine.network(model, examples, name=name) for name, model in reconstruct.items()}
        self._noise = np.random.default_rng(0).standard_normal(examples.shape[1], dtype="float32").tobytes()
        self.network = next(iter(reconstruct))

    @traitlets.validate("network")
    def _validate_network(self, proposal):
        if proposal.value not in self._networks:
            raise ValueError(f"network must be one of {', '.join(self._networks)}, not {proposal.value!r}")
        return proposal.value

    @traitlets.validate("sigma")
    def _validate_sigma(self, proposal):
        if not 0 <= proposal.value <= LARGEST_SIGMA:
            raise ValueError(f"sigma must lie between 0 and {LARGEST_SIGMA}, not at {proposal.value!r}")
        return proposal.value


def _examples(height, width):
    """Images on which half-precision weights are tried: noise, and strokes of any width, thick as thin."""
    rng = np.random.default_rng(0)
    row, column = np.linspace(0, 27, height)[:, None], np.linspace(0, 27, width)  # in MNIST's pixels
    angle, distance, stroke = rng.random((3, 200, 1, 1)) * [[[[np.pi]]], [[[8]]], [[[3]]]]
    strokes = np.abs((row - 14) * np.cos(angle) + (column - 14) * np.sin(angle) - distance) <= stroke
    return np.vstack([rng.random((50, height * width)), strokes.reshape(200, -1)]).astype("float32")
