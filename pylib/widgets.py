"""Controls that change a picture in place, fast enough to follow the hand."""

import io
from pathlib import Path

import anywidget
import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
import traitlets
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image
from scipy import special

from pylib import _check, noise, plots


def digits_png(images, scale=5, gap=10):
    """Digits `(n, 784)` in [0, 1] side by side as the bytes of one PNG, dark on light, `28 * scale` pixels a side."""
    grey = 255 - np.round(255 * np.clip(np.reshape(images, (-1, 28, 28)), 0, 1)).astype(np.uint8)
    large = np.kron(grey, np.ones((1, scale, scale), np.uint8))
    row = np.hstack([np.pad(digit, ((0, 0), (0, gap)), constant_values=255) for digit in large])
    return _png(row)


def _png(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "png", compress_level=1)  # speed before size
    return file.getvalue()


class NoiseExplorer(ipywidgets.VBox):
    """Sliders for a digit and its noise above four pictures: the digit, its reconstruction, the
    noisy digit and the reconstruction of that.

    Parameters
    ----------
    reconstruct : a function of `(n, 784)` images that returns as many, or a Keras model, such as an autoencoder
    images : `(n, 784)` in [0, 1]; the slider walks the first 101 of them
    corrupt : a noise `f(images, amount, rng)`, as in `pylib.noise`
    """

    def __init__(self, reconstruct, images, corrupt=noise.uniform):
        _check.images(images)
        # A model called layer by layer takes many times as long; `predict`, a hundred times.
        self._reconstruct = getattr(reconstruct, "predict_on_batch", reconstruct)
        self._images, self._corrupt = images, corrupt
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
    """A slider above a figure for each value, which replaces the last one in place.

    Each is drawn once and kept as a picture, so that a second visit takes no drawing. All figures get the layout
    of the first: laying out anew would take as long as drawing, and let the axes jump.

    Parameters
    ----------
    draw : a function of the value that returns a matplotlib Figure; those of all values have the same axes
    name : of the value
    low, high, step : of the slider
    value : to start with
    """

    def __init__(self, draw, name, low, high, step, value):
        self._draw, self._places, self._pictures = draw, None, {}
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
        figure.set_dpi(100)
        if self._places is not None:
            figure.set_layout_engine("none")
            for axes, place in zip(figure.axes, self._places, strict=True):
                axes.set_position(place)
        canvas = FigureCanvasAgg(figure)
        canvas.draw()  # `savefig` would draw it twice
        if self._places is None:
            self._places = [axes.get_position() for axes in figure.axes]
        return _png(np.asarray(canvas.buffer_rgba()))


# What the page can compute; here for the test that it computes the same. explorer.js has each of them, too.
ACTIVATIONS = {
    "linear": lambda x: x,
    "relu": lambda x: np.maximum(x, 0),
    "silu": lambda x: x * special.expit(x),
    "gelu": lambda x: x * special.ndtr(x),
    "tanh": np.tanh,
    "sigmoid": special.expit,
}


class LatentExplorer(anywidget.AnyWidget):
    """The plane of codes with a point to drag, and beside it the digit that the decoder makes of the point.

    The page computes the digit: the decoder's weights go there once. Drag the point with the mouse or a
    finger, or focus the plane and use the arrow keys (with shift: larger steps) and Home, which takes it to
    the origin. "Walk" moves it along a straight line from one digit to another, between codes near the
    medians of the two. Each latent number beyond the first two has a slider, a conditional VAE a menu for its
    label.

    It needs a kernel no more once it is drawn, but GitHub and paper show nothing of it: put a
    static picture beside it, such as `plots.scatters`.

    Parameters
    ----------
    vae : a trained VAE with two latent numbers or more; its decoder is a chain of dense layers, with the
        activations linear, relu, silu, gelu, tanh or sigmoid
    codes : `(n, latent_dim)`, the encoder's z_mean of n images; the plane shows 5,000 of them at most
    labels : `(n,)` digits from 0 to 9, which colour the codes

    Attributes
    ----------
    z : where the point is, a list of `latent_dim` numbers; set it to move the point
    digit : the label given to a conditional decoder, or None
    image : what the decoder makes of it, `(784,)` in [0, 1]; follows `z` and `digit`

    Raises
    ------
    ValueError : the model is no trained VAE, the page can't compute one of its layers, or codes and labels
        don't fit it
    """

    _esm = Path(__file__).parent / "explorer.js"
    _css = Path(__file__).parent / "explorer.css"

    z = traitlets.TraitType().tag(sync=True)
    digit = traitlets.TraitType().tag(sync=True)
    image = traitlets.Instance(np.ndarray, read_only=True)

    _layers = traitlets.List().tag(sync=True)
    _weights = traitlets.Bytes().tag(sync=True)
    _half = traitlets.Bool().tag(sync=True)
    _points = traitlets.Bytes().tag(sync=True)
    _digits = traitlets.Bytes().tag(sync=True)
    _colors = traitlets.List().tag(sync=True)
    _typical = traitlets.Dict().tag(sync=True)
    _limit = traitlets.Float().tag(sync=True)
    _n_classes = traitlets.Int().tag(sync=True)

    def __init__(self, vae, codes, labels):
        layers = _dense_layers(vae)
        if vae.latent_dim < 2:
            raise ValueError("LatentExplorer shows a plane: it needs a VAE with latent_dim 2 or more, not 1")
        codes, labels = np.asarray(codes), np.asarray(labels)
        _check.rows(codes, vae.latent_dim, "codes")
        _check.labels(labels, len(codes), 10)

        self._vae = vae
        limit = float(plots.symmetric_limits(codes)[1])
        some = np.random.default_rng(0).permutation(len(codes))[:5000]
        traits = {
            "_layers": [
                {"inputs": kernel.shape[0], "units": kernel.shape[1], "activation": activation}
                for kernel, _, activation in layers
            ],
            "_half": _half_is_enough(vae, layers, limit),
            "_points": codes[some, :2].astype("<f4").tobytes(),
            "_digits": labels[some].astype("u1").tobytes(),
            "_colors": plots.palette().as_hex(),
            "_typical": {str(digit): _typical(codes[labels == digit]) for digit in np.unique(labels)},
            "_limit": limit,
            "_n_classes": vae.n_classes or 0,
        }
        number = "<f2" if traits["_half"] else "<f4"
        traits["_weights"] = b"".join(array.astype(number).tobytes() for layer in layers for array in layer[:2])
        super().__init__(**traits, z=[0.0] * vae.latent_dim, digit=None if vae.n_classes is None else 0)

    def __repr__(self):  # the default would print the widget's address
        return "LatentExplorer()"

    @traitlets.validate("z")
    def _validate_z(self, proposal):
        z = np.asarray(proposal.value, dtype=float)
        if z.shape != (self._vae.latent_dim,) or not np.isfinite(z).all():
            raise ValueError(f"z must be {self._vae.latent_dim} finite numbers, not {proposal.value!r}")
        return z.tolist()

    @traitlets.validate("digit")
    def _validate_digit(self, proposal):
        n_classes = self._vae.n_classes
        if n_classes is None:
            if proposal.value is not None:
                raise ValueError("this VAE takes no label: only a VAE with n_classes can be asked for a digit")
        elif not isinstance(proposal.value, int) or not 0 <= proposal.value < n_classes:
            raise ValueError(f"digit must be a Python integer from 0 to {n_classes - 1}, not {proposal.value!r}")
        return proposal.value

    @traitlets.observe("z", "digit")
    def _update_image(self, change):
        label = None if self._vae.n_classes is None else np.array([self.digit])
        self.set_trait("image", _decode(self._vae, np.array([self.z], "float32"), label)[0])


def _decode(vae, z, labels):
    return np.asarray(vae.decoder(z if labels is None else [z, labels]))


def _typical(codes):
    """The code nearest to the median of `codes`, as a list: the median itself may lie where no code is."""
    distances = np.linalg.norm(codes - np.median(codes, axis=0), axis=1)
    return codes[distances.argmin()].tolist()


def _dense_layers(vae):
    """The decoder as a list of `(kernel, bias, activation's name)`, once it is sure that the page can compute it."""
    if not hasattr(getattr(vae, "decoder_logits", None), "operations"):
        raise ValueError(f"vae must be a trained pylib.models.VAE, not {vae!r}")
    layers = []
    for layer in vae.decoder_logits.operations:
        kind = type(layer).__name__
        if kind in ("InputLayer", "OneHot", "Concatenate"):  # a conditional decoder's label
            continue
        if kind != "Dense":
            raise ValueError(f"the page can only compute dense layers, and {layer.name!r} of the decoder is a {kind}")
        activation = getattr(layer.activation, "__name__", repr(layer.activation))
        if activation not in ACTIVATIONS:
            names = ", ".join(ACTIVATIONS)
            raise ValueError(f"{layer.name!r} of the decoder has the activation {activation}; the page has {names}")
        kernel = np.asarray(layer.kernel)
        bias = np.zeros(kernel.shape[1]) if layer.bias is None else np.asarray(layer.bias)
        layers.append((kernel, bias, activation))
    if not any(bias.any() for _, bias, _ in layers):  # Keras starts with zeros
        raise ValueError("vae is untrained: its decoder's biases are all 0, so fit it or load its weights first")
    return layers


def _half_is_enough(vae, layers, limit):
    """Whether weights in half precision change no pixel by more than 1/255, at random places within `limit`."""
    z = np.random.default_rng(0).uniform(-limit, limit, (500, vae.latent_dim)).astype("float32")
    labels = None if vae.n_classes is None else np.arange(500) % vae.n_classes
    inputs = z if labels is None else np.hstack([z, np.eye(vae.n_classes)[labels]])
    pictures = _decode(vae, z, labels)

    def error(dtype):
        h = inputs
        with np.errstate(over="ignore"):  # a weight beyond half precision makes the error infinite or NaN
            rounded = [(kernel.astype(dtype), bias.astype(dtype), activation) for kernel, bias, activation in layers]
        for kernel, bias, activation in rounded:
            h = ACTIVATIONS[activation](h @ kernel.astype("float32") + bias)
        return np.abs(special.expit(h) - pictures).max()

    if not error("float32") <= 1e-3:
        raise ValueError("the page can only compute a decoder whose dense layers form one chain")
    return bool(error("float16") <= 1 / 255)
