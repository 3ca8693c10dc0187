"""What is no image, no model, no grid or no label is answered in one sentence."""

import numpy as np
import pytest

from pylib import evidence
from pylib.models import VAE
from tests.known_models import BITS, PIXELS, LinearGaussian

ALL = [
    lambda vae, x: evidence.log_weights(vae, x, 2, seed=0),
    lambda vae, x: evidence.elbo(vae, x, 2, seed=0),
    lambda vae, x: evidence.importance_weighted_bound(vae, x, 2, seed=0),
    lambda vae, x: evidence.exact_log_likelihood(vae, x, points=5),
    lambda vae, x: evidence.quadrature_error(vae, x, points=5),
    lambda vae, x: evidence.true_posterior(vae, x, points=5),
    lambda vae, x: evidence.best_gaussian(vae, x, points=5),
    lambda vae, x: evidence.gaussian_elbo(vae, x, np.zeros((len(x), 2)), np.zeros((len(x), 2))),
]


@pytest.mark.parametrize("f", ALL)
def test_bad_images(f, bernoulli, linear):
    for x, message in (
        (BITS[:, 1:], r"shape \(n, 5\)"),
        (BITS[0], r"use x\[None\]"),
        (BITS[:0], "empty"),
        (2 * BITS, r"must lie in \[0, 1\]"),
        (BITS - 0.5, r"must lie in \[0, 1\]"),
        (np.where(BITS == 0, np.nan, BITS), "NaN"),
    ):
        with pytest.raises(ValueError, match=message):
            f(bernoulli, x)
    with pytest.raises(ValueError, match="NaN"):
        f(linear, np.full((2, PIXELS), np.nan))


@pytest.mark.parametrize("f", ALL)
def test_conditional_model_without_a_label(f):
    vae = VAE(hidden=(4,), n_classes=3)
    with pytest.raises(ValueError, match=r"given_label\(vae, y\)"):
        f(vae, np.zeros((2, 784)))


@pytest.mark.parametrize("f", ALL[3:])
@pytest.mark.parametrize("latent_dim", [1, 20])
def test_a_grid_needs_a_plane(f, latent_dim):
    vae = LinearGaussian(latent_dim=latent_dim)
    with pytest.raises(ValueError, match=rf"latent_dim 2, not {latent_dim}: use importance_weighted_bound"):
        f(vae, vae.draw(2))


@pytest.mark.parametrize("bad", [0, -1, 1.5, True])
def test_too_few_samples(bad, linear):
    x = linear.draw(2)
    with pytest.raises(ValueError, match="samples must be a Python integer above 0"):
        evidence.elbo(linear, x, bad, seed=0)
    for f in (evidence.importance_weighted_bound, evidence.log_weights):
        with pytest.raises(ValueError, match="k must be a Python integer above 0"):
            f(linear, x, bad, seed=0)


@pytest.mark.parametrize(
    "f",
    [
        evidence.exact_log_likelihood,
        evidence.quadrature_error,
        evidence.true_posterior,
        evidence.best_gaussian,
    ],
)
def test_bad_grid(f, linear):
    x = linear.draw(2)
    for points in (1, 0, 2.5):
        with pytest.raises(ValueError, match="points .* 2 or more"):
            f(linear, x, points=points)
    for limit in (0, -1, np.nan):
        with pytest.raises(ValueError, match="limit, half a side of the grid, must be a finite number above 0"):
            f(linear, x, limit=limit)


def test_bad_q(linear):
    x = linear.draw(3)
    good = np.zeros((3, 2))
    with pytest.raises(ValueError, match=r"z_mean must have shape \(3, 2\)"):
        evidence.gaussian_elbo(linear, x, good[:2], good)
    with pytest.raises(ValueError, match=r"z_log_var must have shape \(3, 2\)"):
        evidence.gaussian_elbo(linear, x, good, np.zeros(2))
    with pytest.raises(ValueError, match="nodes"):
        evidence.gaussian_elbo(linear, x, good, good, nodes=0)


@pytest.mark.parametrize("y", [3, -1, np.array([0, 3]), 1.0])
def test_bad_labels(y):
    with pytest.raises(ValueError, match="labels must"):
        evidence.given_label(VAE(hidden=(4,), n_classes=3), y)


def test_a_label_for_a_model_without():
    with pytest.raises(ValueError, match="n_classes"):
        evidence.given_label(VAE(hidden=(4,)), 1)
