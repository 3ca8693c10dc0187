"""The plane of codes with a point to drag, whose digit the page computes."""

from pathlib import Path

import anywidget
import numpy as np
import traitlets

from pylib import _validate
from pylib.widgets import engine


def _validate_explorer(vae, codes, labels, names, pixels):
    vae = engine.with_decoder(vae, "vae")
    if vae.latent_dim < 2:
        raise ValueError("LatentExplorer shows a plane: it needs a VAE with latent_dim 2 or more, not 1")
    codes = _validate.numeric(codes, "codes")
    _validate.rows(codes, vae.latent_dim, "codes")
    names = _validate.class_names(names, vae.n_classes)
    _validate.labels(labels, len(codes), len(names))
    pixels = _validate.sides(pixels)
    engine.require_pictures(vae.decoder, pixels)
    labels = _validate.numeric(labels, "labels")
    return {"vae": vae, "codes": codes, "labels": labels, "names": names, "pixels": pixels}


class LatentExplorer(anywidget.AnyWidget):
    """The plane of codes with a point to drag, and beside it the digit that the decoder makes of the point.

    The page computes the digit: the decoder's weights go there once. Drag the point with the mouse or a
    finger, or focus the plane and use the arrow keys (with shift: larger steps) and Home, which takes it to
    the origin. "Walk" moves it along a straight line from one class to another, between codes near the
    medians of the two. Each latent number beyond the first two has a slider, a conditional VAE a menu for its
    label.

    It needs a kernel no more once it is drawn, but GitHub and paper show nothing of it: put a
    static picture beside it, such as `plots.scatters`.

    Parameters
    ----------
    vae : a trained VAE with two latent numbers or more, or the decoder alone, a Keras model; the decoder is a chain of
        dense layers, with the activations linear, relu, silu, tanh or sigmoid
    codes : `(n, latent_dim)`, the encoder's z_mean of n images; the plane shows 5,000 of them at most
    labels : `(n,)` integers from 0 on, which colour the codes
    names : of the classes in the order of their labels, 1 to 100 strings, as many as a conditional VAE has; None for
        the digits 0 to 9
    pixels : the side of a square picture, or height and width

    Attributes
    ----------
    z : where the point is, a list of `latent_dim` numbers; set it to move the point
    digit : the label given to a conditional decoder, or None
    image : what the decoder makes of it, `(height * width,)` in [0, 1]; follows `z` and `digit`

    Raises
    ------
    ValueError : the model is neither a trained VAE nor a decoder, the page can't compute one of its layers, or codes,
        labels, names or pixels don't fit it
    """

    _esm = engine.javascript_module(Path(__file__).with_suffix(".js"))
    _css = engine.stylesheet(Path(__file__).with_suffix(".css"))

    z = traitlets.TraitType().tag(sync=True)
    digit = traitlets.TraitType().tag(sync=True)
    image = traitlets.Instance(np.ndarray, read_only=True)

    _network = traitlets.Dict().tag(sync=True)
    _points = traitlets.Bytes().tag(sync=True)
    _digits = traitlets.Bytes().tag(sync=True)
    _colors = traitlets.List().tag(sync=True)
    _names = traitlets.List().tag(sync=True)
    _typical = traitlets.Dict().tag(sync=True)
    _limit = traitlets.Float().tag(sync=True)
    _n_classes = traitlets.Int().tag(sync=True)
    _pixels = traitlets.List().tag(sync=True)

    @_validate.arguments(_validate_explorer)
    def __init__(self, vae, codes, labels, names=None, pixels=28):
        self._vae = vae
        plane = engine.plane_traits(codes, labels, names)
        super().__init__(
            **plane,
            _network=_decoder(vae, plane["_limit"]),
            _typical={str(digit): _typical(codes[labels == digit]) for digit in np.unique(labels)},
            _n_classes=vae.n_classes or 0,
            _pixels=list(pixels),
            z=[0.0] * vae.latent_dim,
            digit=None if vae.n_classes is None else 0,
        )

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
        z = np.array([self.z], "float32")
        image = self._vae.decoder(z if self._vae.n_classes is None else [z, np.array([self.digit])])
        self.set_trait("image", np.asarray(image)[0])


def _decoder(vae, limit):
    """The decoder for the page, which is compared with Keras' own at random places within `limit`."""
    z = np.random.default_rng(0).uniform(-limit, limit, (500, vae.latent_dim)).astype("float32")
    if vae.n_classes is None:
        return engine.network(vae.decoder, z, name="decoder")
    labels = np.arange(500) % vae.n_classes
    return engine.network(vae.decoder, [z, labels], np.hstack([z, np.eye(vae.n_classes)[labels]]), "decoder")


def _typical(codes):
    """The code nearest to the median of `codes`, as a list: the median itself may lie where no code is."""
    distances = np.linalg.norm(codes - np.median(codes, axis=0), axis=1)
    return codes[distances.argmin()].tolist()
