"""The way from noise to a digit, which the page computes."""

from pathlib import Path

import anywidget
import numpy as np
import traitlets

from pylib import _validate
from pylib.widgets import engine

MOST_STEPS = 40
TOLERANCE = 0.25 / 255  # of the rounded decoder, for its examples: half a grey level for every other code


def _validate_walk(prior, decoder, names, pixels):
    # Also the class of the same text that the lesson builds, which doesn't look at what it gets.
    needed = ("network", "mean", "scale", "latent_dim", "path")
    if isinstance(prior, type) or not all(hasattr(prior, name) for name in needed):
        raise ValueError(f"prior must be a pylib.diffusion.Diffusion, not {_validate.shown(prior)}")
    from pylib import diffusion  # here, since it loads Keras, which other widgets need not

    diffusion.Diffusion(prior.network, prior.mean, prior.scale)
    names = _validate.class_names(names, diffusion._shape(prior.network)[1] or None)  # one without labels asks for none
    vae = engine.with_decoder(decoder, "decoder")
    if vae.n_classes is not None:
        raise ValueError("decoder takes labels, and a walk has only codes for it: give a VAE without n_classes")
    if vae.latent_dim != prior.latent_dim:
        raise ValueError(f"prior has codes of {prior.latent_dim} numbers, and decoder takes codes of {vae.latent_dim}")
    pixels = _validate.sides(pixels)
    engine.require_pictures(vae.decoder, pixels)
    return {"decoder": vae.decoder, "names": names, "pixels": pixels}


class DiffusionWalk(anywidget.AnyWidget):
    """The way from noise to a digit, step by step, and what each step's code looks like when it is decoded.

    The page computes the way: the weights of both networks go there once. "New noise" draws noise and walks from it to
    a digit. The menu asks for a class, and the sliders set the number of steps and the guidance; all of them start
    from the same noise again. "Along the way" goes back to any step, with the mouse, a finger or the arrow keys.

    It needs a kernel no more once it is drawn, but GitHub and paper show nothing of it: put a static picture beside
    it, such as `plots.digit_rows`.

    Parameters
    ----------
    prior : a `pylib.diffusion.Diffusion`
    decoder : a trained VAE without labels, or its decoder alone, a Keras model from codes to pixels; the decoder is
        a chain of dense layers, with the activations linear, relu, silu, tanh or sigmoid
    names : of the classes in the order of their labels, 1 to 100 strings, as many as the prior has; None for the digits
        0 to 9
    pixels : the side of a square picture, or height and width

    Attributes
    ----------
    noise : where the walk starts, a list of `latent_dim` numbers
    digit : the label asked for, or None for any
    steps : of the midpoint rule, from 1 to 40
    guidance : w of `pylib.diffusion.field`, 0 or more; without a digit it does nothing
    step : the one shown, from 0, the noise, to `steps`, the code; goes with `steps` where it is the last
    image : the code of this step decoded, `(height * width,)` in [0, 1]; follows the others

    Raises
    ------
    ValueError : `prior` is none, the model is neither a trained VAE nor a decoder, the page can't compute one of the
        layers, or they don't fit each other
    """

    _esm = engine.javascript_module(Path(__file__).with_suffix(".js"))
    _css = engine.stylesheet(Path(__file__).with_suffix(".css"))

    noise = traitlets.TraitType().tag(sync=True)
    digit = traitlets.TraitType().tag(sync=True)
    steps = traitlets.TraitType().tag(sync=True)
    guidance = traitlets.TraitType().tag(sync=True)
    step = traitlets.TraitType().tag(sync=True)
    image = traitlets.Instance(np.ndarray, read_only=True)

    _velocity = traitlets.Dict().tag(sync=True)
    _decoder = traitlets.Dict().tag(sync=True)
    _mean = traitlets.List().tag(sync=True)
    _scale = traitlets.List().tag(sync=True)
    _waves = traitlets.Int().tag(sync=True)
    _n_classes = traitlets.Int().tag(sync=True)
    _names = traitlets.List().tag(sync=True)
    _pixels = traitlets.List().tag(sync=True)

    @_validate.arguments(_validate_walk)
    def __init__(self, prior, decoder, names=None, pixels=28):
        from pylib import diffusion

        self._prior, self._keras_decoder = prior, decoder
        self._way = self._way_of = None
        rng = np.random.default_rng(0)
        examples = prior.path(rng.standard_normal((100, prior.latent_dim)), 5).reshape(-1, prior.latent_dim)
        n_classes = diffusion._shape(prior.network)[1]
        super().__init__(
            _velocity=_velocity(prior.network, prior.latent_dim, n_classes),
            _decoder=engine.network(decoder, examples.astype("float32"), name="decoder", rounding=TOLERANCE),
            _mean=np.asarray(prior.mean, dtype=float).tolist(),
            _scale=np.asarray(prior.scale, dtype=float).tolist(),
            _waves=diffusion.WAVES,
            _pixels=list(pixels),
            _n_classes=n_classes,
            _names=engine.sent_names(names),
            noise=rng.standard_normal(prior.latent_dim).tolist(),
            digit=None,
            steps=20,
            guidance=0.0,
            step=20,
        )

    def __repr__(self):  # the default would print the widget's address
        return "DiffusionWalk()"

    @traitlets.validate("noise")
    def _validate_noise(self, proposal):
        noise = _validate.array(proposal.value, (self._prior.latent_dim,), "noise")
        return noise.astype(float).tolist()

    @traitlets.validate("digit")
    def _validate_digit(self, proposal):
        if proposal.value is None:
            return None
        if self._n_classes == 0:
            raise ValueError("this prior knows no labels: build_velocity(n_classes=10) makes one that can be asked")
        if not _validate.is_integer(proposal.value) or not 0 <= proposal.value < self._n_classes:
            allowed = f"None or an integer from 0 to {self._n_classes - 1}"
            raise ValueError(f"digit must be {allowed}, not {_validate.shown(proposal.value)}")
        return int(proposal.value)

    @traitlets.validate("steps")
    def _validate_steps(self, proposal):
        if not _validate.is_integer(proposal.value) or not 1 <= proposal.value <= MOST_STEPS:
            raise ValueError(f"steps must be an integer from 1 to {MOST_STEPS}, not {_validate.shown(proposal.value)}")
        return int(proposal.value)

    @traitlets.validate("guidance")
    def _validate_guidance(self, proposal):
        _validate.number(proposal.value, "guidance", at_least=0)
        return float(proposal.value)

    @traitlets.validate("step")
    def _validate_step(self, proposal):
        if not _validate.is_integer(proposal.value) or not 0 <= proposal.value <= self.steps:
            allowed = f"an integer from 0 to {self.steps}, the number of steps"
            raise ValueError(f"step must be {allowed}, not {_validate.shown(proposal.value)}")
        return int(proposal.value)

    @traitlets.observe("noise", "digit", "steps", "guidance", "step")
    def _update_image(self, change):
        # The page does the same, and sends both at once: then there is nothing left to do here.
        if change.name == "steps" and (self.step == change.old or self.step > self.steps):
            self.step = self.steps  # which comes here again
            return
        code = self._path()[self.step]
        self.set_trait("image", np.asarray(self._keras_decoder(code[None].astype("float32")))[0])

    def _path(self):
        """The codes from the noise on, `(steps + 1, latent_dim)`; a tenth of a second, so only where they are new."""
        guidance = 0.0 if self.digit is None else self.guidance
        way_of = (self.noise, self.steps, self.digit, guidance)
        if way_of != self._way_of:
            noise, *how = way_of
            self._way, self._way_of = self._prior.path([noise], *how)[:, 0], way_of
        return self._way


def _velocity(network, latent_dim, n_classes):
    """The network for the velocity, for the page.

    Its error adds up along the way, and guidance multiplies it: weights are rounded only where that changes nothing.
    """
    import keras

    from pylib.diffusion import NO_LABEL

    rng = np.random.default_rng(1)
    z = rng.standard_normal((500, latent_dim)).astype("float32")
    theta = rng.uniform(0, np.pi / 2, 500).astype("float32")
    label = np.arange(500) % (n_classes + 1) + NO_LABEL
    rows = keras.Model(network.inputs, network.get_layer("row").output)([z, theta, label])
    return engine.network(network, [z, theta, label], rows, "velocity network", rounding=1e-4)
