"""Four noises, some networks, and a digit with what they make of it, which the page computes."""

from pathlib import Path

import anywidget
import numpy as np
import traitlets

from pylib import _validate, noise
from pylib.widgets import engine

# By name: the noise, what its amount is, and the largest of the slider.
NOISES = {
    "uniform": (noise.uniform, "fraction of pixels", 0.4),
    "Gaussian": (noise.gaussian, "sigma", 0.6),
    "salt and pepper": (noise.salt_and_pepper, "fraction of pixels", 0.4),
    "missing block": (noise.block, "fraction of image", 0.4),
}
STEP = 0.05  # from one amount to the next
MOST_IMAGES = 101
PATTERNS = 10  # of each noise: the digits 0, 10, 20, ... share one, which keeps stored notebooks small


def _validate_explorer(reconstruct, images, pixels):
    height, width = _validate.sides(pixels)
    images = _validate.numeric(images, "images")
    _validate.images(images, height * width)
    return {
        "reconstruct": engine.autoencoders(reconstruct, (height, width)),
        "images": images,
        "pixels": (height, width),
    }


class NoiseExplorer(anywidget.AnyWidget):
    """Menus for noise and network, sliders for a digit and the amount of noise, and four pictures.

    They are the input, its reconstruction, the noisy input, and the reconstruction of that, each with its PSNR.

    The page computes them: pixels and weights go there once. It needs a kernel no more once it is drawn, but GitHub
    and paper show nothing of it: put a static picture beside it, such as `plots.digit_rows`.

    Parameters
    ----------
    reconstruct : a Keras model from `(n, height * width)` images to as many, such as an autoencoder; or a dict of
        names to several of them, for a menu. They are chains of dense layers, with the activations linear, relu, silu,
        tanh or sigmoid; what they return is clipped to [0, 1]
    images : `(n, height * width)` in [0, 1]; the slider walks the first 101 of them, rounded to MNIST's 256 levels of
        grey
    pixels : the side of a square image, or height and width

    Attributes
    ----------
    noise : the name of one of the four noises of `pylib.noise`: uniform, Gaussian, salt and pepper, or missing block
    network : the name of the network; "reconstruct" where there is one without a name
    index : of the digit, from 0; its noise is that of `np.random.default_rng(index % 10)`
    amount : of the noise, a multiple of 0.05 up to 0.4, or to 0.6 of the Gaussian; is lowered where another noise
        doesn't go so far

    Raises
    ------
    ValueError : images are empty, of another shape, outside [0, 1], or hold NaN; a network is no Keras model, or the
        page can't compute one of its layers
    """

    _esm = engine.javascript_module(Path(__file__).with_suffix(".js"))
    _css = engine.stylesheet(Path(__file__).with_suffix(".css"))

    noise = traitlets.TraitType().tag(sync=True)
    network = traitlets.TraitType().tag(sync=True)
    index = traitlets.TraitType().tag(sync=True)
    amount = traitlets.TraitType().tag(sync=True)

    _images = traitlets.Bytes().tag(sync=True)
    _networks = traitlets.Dict().tag(sync=True)
    _amounts = traitlets.Dict().tag(sync=True)
    _step = traitlets.Float(STEP).tag(sync=True)
    _draws = traitlets.Dict().tag(sync=True)
    _pixels = traitlets.List().tag(sync=True)

    @_validate.arguments(_validate_explorer)
    def __init__(self, reconstruct, images, pixels=28):
        greys = np.rint(255 * images[:MOST_IMAGES]).astype("u1")
        examples = _examples((greys / 255).astype("float32"), pixels)
        self._last = len(greys) - 1
        super().__init__(
            _images=greys.tobytes(),
            _pixels=list(pixels),
            _networks={name: engine.network(network, examples, name=name) for name, network in reconstruct.items()},
            _amounts={name: [amount, largest] for name, (_, amount, largest) in NOISES.items()},
            _draws=_draws(pixels),
            noise="uniform",
            network=next(iter(reconstruct)),
            index=0,
            amount=0.2,
        )

    def __repr__(self):  # the default would print the widget's address
        return "NoiseExplorer()"

    @traitlets.validate("noise")
    def _validate_noise(self, proposal):
        return _one_of(NOISES, proposal.value, "noise")

    @traitlets.validate("network")
    def _validate_network(self, proposal):
        return _one_of(self._networks, proposal.value, "network")

    @traitlets.validate("index")
    def _validate_index(self, proposal):
        if not _validate.is_integer(proposal.value) or not 0 <= proposal.value <= self._last:
            shown = _validate.shown(proposal.value)
            raise ValueError(f"index must be an integer from 0 to {self._last}, not {shown}")
        return int(proposal.value)

    @traitlets.validate("amount")
    def _validate_amount(self, proposal):
        amount, largest = proposal.value, NOISES[self.noise][2]
        steps = amount / STEP if _validate.is_number(amount) else -1
        if not 0 <= steps <= largest / STEP + 1e-6 or abs(steps - round(steps)) > 1e-6:
            allowed = f"a multiple of {STEP} from 0 to {largest}"
            raise ValueError(f"amount of {self.noise} noise must be {allowed}, not {_validate.shown(amount)}")
        return round(amount, 2)

    @traitlets.observe("noise")
    def _lower_amount(self, change):
        self.amount = min(self.amount, NOISES[self.noise][2])


def _one_of(names, value, what):
    if not isinstance(value, str) or value not in names:
        raise ValueError(f"{what} must be one of {', '.join(names)}, not {_validate.shown(value)}")
    return value


def _examples(images, pixels):
    """The images, and all of them with the most of each noise."""
    rng = np.random.default_rng(0)
    size = {noise.block: {"pixels": pixels}}  # the other noises take rows of any length
    spoilt = (spoil(images, largest, rng, **size.get(spoil, {})) for spoil, _, largest in NOISES.values())
    return np.concatenate([images, *spoilt])


def _draws(pixels):
    """What the noises draw for each pixel of each pattern, as bytes.

    So more noise is the same noise and more of it, and the page needs no generator of NumPy's.
    """
    amounts = [STEP * i for i in range(round(NOISES["missing block"][2] / STEP) + 1)]

    def of_all(draw):
        return np.concatenate([draw(np.random.default_rng(pattern)) for pattern in range(PATTERNS)])

    n_pixels = pixels[0] * pixels[1]
    black, white = np.zeros((1, n_pixels), "float32"), np.ones((1, n_pixels), "float32")
    floats = {
        "chances": of_all(lambda rng: rng.random((1, n_pixels), dtype="float32")),  # below the amount, the pixel is hit
        "additions": of_all(lambda rng: noise.uniform(black, 1, rng)),
        "normals": of_all(lambda rng: rng.standard_normal((1, n_pixels), dtype="float32")),
    }
    bits = {
        "extremes": of_all(lambda rng: noise.salt_and_pepper(black, 1, rng)),
        "kept": np.concatenate(
            [of_all(lambda rng, amount=amount: noise.block(white, amount, rng, pixels)) for amount in amounts]
        ),
    }
    sent = {name: draws.astype("<f4").tobytes() for name, draws in floats.items()}
    return sent | {name: np.packbits(draws == 1, bitorder="little").tobytes() for name, draws in bits.items()}
