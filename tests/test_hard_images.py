"""The best Gaussian and the true posterior of images that a VAE was not made for, against brute force in float64."""

import warnings

import numpy as np
import pytest
from scipy import ndimage, special

from pylib import evidence, pretrained
from pylib.likelihood import encode
from pylib.mnist_dataset import load
from tests.known_models import LinearGaussian

pytestmark = pytest.mark.slow


class Double:
    """A trained VAE in float64, with any likelihood."""

    latent_dim, n_pixels = 2, 784

    def __init__(self, vae, likelihood="bernoulli", sigma=None):
        self.vae, self.likelihood, self.sigma = vae, likelihood, sigma
        self.weights = [weight.astype("float64") for weight in vae.decoder_logits.get_weights()]

    def encoder(self, x):
        return self.vae.encoder(np.asarray(x, "float32"))

    def decoder_logits(self, z):
        *hidden, kernel, bias = self.weights
        for k, b in zip(hidden[::2], hidden[1::2], strict=True):
            z = z @ k + b
            z = z * special.expit(z)
        return z @ kernel + bias

    def decoder(self, z):
        return special.expit(self.decoder_logits(z))


class TwoModes(LinearGaussian):
    """z and its mirror image look the same, and the encoder is in the middle, wide enough for both."""

    def decoder(self, z):
        return np.abs(z) @ self.w.T + self.b

    def encoder(self, x):
        return np.zeros((len(x), 2)), np.ones((len(x), 2))


class EncoderElsewhere(TwoModes):
    def encoder(self, x):
        return np.full((len(x), 2), 2.5), np.full((len(x), 2), -4.0)


def log_likelihood(vae, image, z):
    """log p(x|z) of one image, with a formula of its own: the cross-entropy from probabilities, or the squares."""
    if vae.likelihood == "bernoulli":
        logits = vae.decoder_logits(z)
        p = 1 / (1 + np.exp(-logits))
        return np.log1p(-p).sum(axis=1) + logits @ image
    squares = ((image - vae.decoder(z)) / vae.sigma) ** 2
    return -0.5 * (squares.sum(axis=1) + vae.n_pixels * np.log(2 * np.pi * vae.sigma**2))


def on_grid(vae, image, side1, side2):
    codes = np.stack([mesh.ravel() for mesh in np.meshgrid(side1, side2)], axis=1)
    values = [log_likelihood(vae, image, block) for block in np.array_split(codes, 20)]
    return np.concatenate(values).reshape(len(side2), len(side1))


def brute_force(vae, image, centre=(0.0, 0.0), half=6.0, closer=2):
    """The largest ELBO of a Gaussian q: of all means on a grid and widths on a scale, by blurring log p(x|z).

    Then the same in windows around the highest modes, whose grids are ten and a hundred times as fine.
    """
    side = np.linspace(-half, half, 101)
    z1, z2 = np.meshgrid(centre[0] + side, centre[1] + side)
    f = on_grid(vae, image, z1[0], z2[:, 0])
    step, best = side[1] - side[0], -np.inf
    widths = np.geomspace(1.5 * step, half / 5, 10)
    for width1 in widths:
        blurred = ndimage.gaussian_filter1d(f, width1 / step, axis=1)
        for width2 in widths:
            expected = ndimage.gaussian_filter1d(blurred, width2 / step, axis=0)
            kl = 0.5 * (z1**2 + z2**2 + width1**2 + width2**2 - np.log(width1**2 * width2**2) - 2)
            inside = np.abs(side) < half - 4 * max(width1, width2)  # where the blur sees no edge
            best = max(best, (expected - kl)[np.ix_(inside, inside)].max(initial=-np.inf))
    if closer:
        joint = f - 0.5 * (z1**2 + z2**2)
        modes = np.argwhere((joint == ndimage.maximum_filter(joint, 9)) & (joint > joint.max() - 200))
        modes = modes[np.argsort([-joint[row, column] for row, column in modes])][:2]
        for row, column in modes:
            best = max(best, brute_force(vae, image, (z1[row, column], z2[row, column]), half / 10, closer - 1))
    return best


def hard_cases():
    vae = pretrained.load("vae_2")
    digits = load("test")[0][:2].astype("float64")
    noise = np.random.default_rng(0).random((6, 784))[5:]
    two, elsewhere = TwoModes(sigma=0.3), EncoderElsewhere(sigma=0.3)
    narrow = LinearGaussian(sigma=0.003)
    narrow.shift, narrow.stretch = 8.0, 10.0
    return {
        "noise": (Double(vae), noise),
        "two digits at once": (Double(vae), digits.mean(axis=0, keepdims=True)),
        "sigma of .05": (Double(vae, "gaussian", 0.05), digits[:1]),
        "two modes, the encoder between": (two, two.decoder(np.array([[1.5, 1.2], [0.2, 0.1]]))),
        "two near modes, best under one wide q": (elsewhere, elsewhere.decoder(np.array([[0.4, 0.4], [0.35, 0.35]]))),
        "a narrow posterior, the encoder's wide and off": (narrow, narrow.draw(1)),
    }


CASES = ["noise", "two digits at once", "sigma of .05", "two modes, the encoder between"]
CASES += ["two near modes, best under one wide q", "a narrow posterior, the encoder's wide and off"]


@pytest.fixture(scope="module")
def cases():
    return hard_cases()


@pytest.mark.parametrize("name", CASES)
def test_best_gaussian_is_brute_forces_and_never_below_its_start(cases, name):
    vae, x = cases[name]
    value = evidence.gaussian_elbo(vae, x, *evidence.best_gaussian(vae, x), nodes=30)
    assert np.all(value >= evidence.gaussian_elbo(vae, x, *encode(vae, x), nodes=30) - 1e-6)
    expected = [brute_force(vae, image) for image in x]
    assert np.all(value > np.array(expected) - 0.01)  # a grid's best may lie a little below
    assert np.all(value <= [log_evidence(vae, image) + 0.01 for image in x])


def log_evidence(vae, image):
    """By a grid over the plane and, where it is too coarse for that, by one over the highest mode."""
    totals, centre, half = [], np.zeros(2), 6.0
    for _ in range(3):
        side = np.linspace(-half, half, 201)
        z1, z2 = np.meshgrid(centre[0] + side, centre[1] + side)
        joint = on_grid(vae, image, z1[0], z2[:, 0]) - 0.5 * (z1**2 + z2**2) - np.log(2 * np.pi)
        totals.append(special.logsumexp(joint) + 2 * np.log(side[1] - side[0]))
        highest = np.unravel_index(joint.argmax(), joint.shape)
        centre, half = np.array([z1[highest], z2[highest]]), half / 10
    return max(totals)


@pytest.mark.parametrize("name", CASES)
def test_true_posterior_resolves_what_it_draws(cases, name):
    """Its mean and its spread are those of a grid over the plane that is fine enough for them."""
    vae, x = cases[name]
    image = x[:1]
    with warnings.catch_warnings(action="error"):
        z1, z2, density = (part[0] for part in evidence.true_posterior(vae, image, points=80))
    cell = np.array([z1[1] - z1[0], z2[1] - z2[0]])
    assert density.sum() * cell.prod() == pytest.approx(1)
    fine1, fine2 = (np.linspace(z[0] - size / 2, z[-1] + size / 2, 400) for z, size in zip((z1, z2), cell, strict=True))
    joint = on_grid(vae, image[0], fine1, fine2) - 0.5 * (fine1**2 + fine2[:, None] ** 2)
    theirs = moments(fine1, fine2, special.softmax(joint))
    off = np.abs(moments(z1, z2, density / density.sum()) - theirs) / np.tile(cell, 2)
    assert np.all(off[:2] < 0.2) and np.all(off[2:] < 0.5)  # the mean over a cell is as wide as the cell


def test_true_posterior_says_what_it_cannot_draw():
    vae = TwoModes(sigma=0.001)  # modes far apart, each a thousandth as wide
    with pytest.warns(UserWarning, match="80 points a side can't show the posterior of image 0"):
        evidence.true_posterior(vae, vae.decoder(np.array([[1.5, 1.2]])), points=80)


def moments(z1, z2, weight):
    """The means and the standard deviations along both axes of a density on a grid."""
    axes = [(weight.sum(axis=0), z1), (weight.sum(axis=1), z2)]
    means = [w @ z for w, z in axes]
    return np.array(means + [np.sqrt(w @ (z - mean) ** 2) for (w, z), mean in zip(axes, means, strict=True)])
