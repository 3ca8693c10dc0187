"""The true posterior, and the ELBO of a Gaussian q, against what is known of them."""

import numpy as np
import pytest
from scipy import integrate, stats

from pylib import evidence
from tests.known_models import BITS, LinearGaussian


def check_true_posterior(vae, x):
    z1, z2, density = evidence.true_posterior(vae, x, points=150)
    assert z1.shape == z2.shape == (len(x), 150) and density.shape == (len(x), 150, 150)
    for i, mean in enumerate(vae.posterior_mean(x)):
        z = np.stack(np.meshgrid(z1[i], z2[i]), axis=-1)
        expected = stats.multivariate_normal(mean, vae.covariance).pdf(z)
        assert density[i] == pytest.approx(expected, abs=1e-3 * expected.max())
        assert integrate.trapezoid(integrate.trapezoid(density[i], z1[i]), z2[i]) == pytest.approx(1, abs=1e-4)


def test_true_posterior_of_a_linear_gaussian(linear):
    check_true_posterior(linear, linear.draw(4))


def test_true_posterior_is_wider_than_a_narrow_q_far_out():
    vae = LinearGaussian(sigma=1.0)
    vae.shift, vae.stretch = 0.0, 0.01
    check_true_posterior(vae, vae.decoder(np.array([[4.0, -3.0]])))


def test_true_posterior_finds_a_narrow_one():
    vae = LinearGaussian(sigma=0.003)  # less than a tenth of the coarse grid's step
    x = vae.draw(3)
    z1, z2, density = evidence.true_posterior(vae, x, limit=5.0)
    for i, mean in enumerate(vae.posterior_mean(x)):
        weight = density[i] / density[i].sum()
        assert [(weight.sum(0) * z1[i]).sum(), (weight.sum(1) * z2[i]).sum()] == pytest.approx(mean, abs=1e-4)
        z = np.stack(np.meshgrid(z1[i], z2[i]), axis=-1) - mean
        covariance = np.einsum("ab,abi,abj->ij", weight, z, z)
        assert covariance == pytest.approx(vae.covariance, rel=0.01, abs=1e-8)


def test_true_posterior_holds_both_modes():
    class TwoModes(LinearGaussian):
        def decoder(self, z):  # z and its mirror image look the same
            return np.abs(z) @ self.w.T + self.b

    vae = TwoModes()
    x = vae.decoder(np.array([[1.5, 1.5]]))
    z1, z2, density = evidence.true_posterior(vae, x)
    weight = density[0] / density[0].sum()
    assert weight[:, z1[0] < 0].sum() == pytest.approx(0.5, abs=0.02)
    assert weight[z2[0] < 0].sum() == pytest.approx(0.5, abs=0.02)


def test_gaussian_elbo_in_closed_form(linear):
    x = linear.draw(10)
    q = linear.encoder(x)[:2]
    assert evidence.gaussian_elbo(linear, x, *q) == pytest.approx(linear.elbo(x), abs=1e-8)
    other = np.full((10, 2), 0.3), np.full((10, 2), -2.0)
    expected = linear.log_evidence(x) - linear.kl_to_posterior(x, *other)
    assert evidence.gaussian_elbo(linear, x, *other) == pytest.approx(expected, abs=1e-8)


def test_gaussian_elbo_is_what_elbo_estimates(bernoulli):
    weights = evidence.log_weights(bernoulli, BITS, 5000, seed=0)
    value = evidence.gaussian_elbo(bernoulli, BITS, *bernoulli.encoder(BITS))
    assert np.all(np.abs(weights.mean(axis=1) - value) < 4 * weights.std(axis=1) / np.sqrt(5000))


def test_best_gaussian_of_a_linear_gaussian(linear):
    x = linear.draw(8)
    z_mean, z_log_var = evidence.best_gaussian(linear, x)
    deviation = np.sqrt(np.diag(linear.covariance))
    assert z_mean / deviation == pytest.approx(linear.posterior_mean(x) / deviation, abs=0.01)
    best = -np.log(np.diag(linear.precision))  # the mean field of a Gaussian has the precision's diagonal
    assert z_log_var == pytest.approx(np.tile(best, (8, 1)), abs=0.01)
    approximation = linear.log_evidence(x) - evidence.gaussian_elbo(linear, x, z_mean, z_log_var)
    expected = 0.5 * (np.linalg.slogdet(linear.covariance)[1] - best.sum())
    assert approximation == pytest.approx(np.full(8, expected), abs=1e-3)


def test_best_gaussian_is_no_worse_than_any_other(bernoulli):
    best = evidence.best_gaussian(bernoulli, BITS)
    value = evidence.gaussian_elbo(bernoulli, BITS, *best)
    assert np.all(value <= evidence.exact_log_likelihood(bernoulli, BITS) + 1e-3)
    assert np.all(value >= evidence.gaussian_elbo(bernoulli, BITS, *bernoulli.encoder(BITS)))
    rng = np.random.default_rng(0)
    for _ in range(20):
        other = [part + 0.3 * rng.normal(size=part.shape) for part in best]
        assert np.all(value >= evidence.gaussian_elbo(bernoulli, BITS, *other) - 0.01)


def test_the_grid_holds_the_encoders_gaussian_too(linear):
    x = linear.draw(3)
    z_mean, z_log_var, _ = linear.encoder(x)
    low, high = z_mean - 5 * np.exp(z_log_var / 2), z_mean + 5 * np.exp(z_log_var / 2)
    for axis, z in enumerate(evidence.true_posterior(linear, x, points=60)[:2]):
        assert np.all(z[:, 0] <= low[:, axis] + 1e-9) and np.all(z[:, -1] >= high[:, axis] - 1e-9)


def test_the_grid_is_close_around_a_narrow_posterior():
    vae = LinearGaussian(sigma=0.003)
    vae.shift, vae.stretch = 0.0, 1.0
    deviation = np.sqrt(np.diag(vae.covariance))
    for axis, z in enumerate(evidence.true_posterior(vae, vae.draw(3), points=60)[:2]):
        assert np.all(z[:, -1] - z[:, 0] < 16 * deviation[axis])
