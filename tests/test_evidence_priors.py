"""Evidence with another prior than the unit normal, against closed forms."""

import numpy as np
import pytest
from scipy import special, stats

from pylib import evidence, pretrained
from pylib.likelihood import encode
from pylib.priors import Gaussian, Mixture, UnitNormal
from pylib.tf_utils import mnist_train
from tests.known_models import PIXELS, LinearGaussian

LINEAR = LinearGaussian(sigma=0.5)
X = LINEAR.draw(20)
FUNCTIONS = {
    "log_weights": lambda vae, x, prior: evidence.log_weights(vae, x, 3, seed=0, prior=prior),
    "elbo": lambda vae, x, prior: evidence.elbo(vae, x, 3, seed=0, prior=prior),
    "importance_weighted_bound": lambda vae, x, prior: evidence.importance_weighted_bound(
        vae, x, 3, seed=0, prior=prior
    ),
    "exact_log_likelihood": lambda vae, x, prior: evidence.exact_log_likelihood(vae, x, points=30, prior=prior),
    "quadrature_error": lambda vae, x, prior: evidence.quadrature_error(vae, x, points=30, prior=prior),
}

each_function = pytest.mark.parametrize("f", FUNCTIONS.values(), ids=FUNCTIONS)


class Known:
    """A prior N(m, S) by its parameters, where `pylib.priors.Gaussian` takes codes."""

    def __init__(self, mean=(0.7, -0.4), covariance=((0.6, 0.3), (0.3, 0.9))):
        self.latent_dim, self.mean, self.covariance = len(mean), np.array(mean), np.array(covariance)

    def log_density(self, z):
        return stats.multivariate_normal(self.mean, self.covariance).logpdf(z)

    def log_evidence(self, vae, x):
        """x is Gaussian still, with the prior's mean and covariance through W."""
        covariance = vae.w @ self.covariance @ vae.w.T + vae.sigma**2 * np.eye(PIXELS)
        return stats.multivariate_normal(vae.decoder(self.mean), covariance).logpdf(x)

    def kl(self, z_mean, z_log_var):
        """KL(q || N(m, S)), for each row of q."""
        precision, off = np.linalg.inv(self.covariance), z_mean - self.mean
        trace, square = np.exp(z_log_var) @ np.diag(precision), np.einsum("ni,ij,nj->n", off, precision, off)
        log_determinants = np.linalg.slogdet(self.covariance)[1] - z_log_var.sum(axis=1)
        return 0.5 * (trace + square - self.latent_dim + log_determinants)


def closed_elbo(vae, x, prior):
    """E_q[log p(x|z)] - KL(q || r): the first part is had from the ELBO under N(0, I), whose closed form is known."""
    z_mean, z_log_var, _ = vae.encoder(x)
    unit = Known(np.zeros(vae.latent_dim), np.eye(vae.latent_dim))
    return vae.elbo(x) + unit.kl(z_mean, z_log_var) - prior.kl(z_mean, z_log_var)


# --- A Gaussian prior -------------------------------------------------------------------------------


@pytest.mark.parametrize("sigma", [0.5, 0.1])
def test_quadrature_equals_the_closed_form(sigma):
    vae, prior = LinearGaussian(sigma=sigma, scale=3 * sigma), Known()
    x = vae.draw(20)
    expected = prior.log_evidence(vae, x)
    assert evidence.exact_log_likelihood(vae, x, prior=prior) == pytest.approx(expected, abs=1e-4)
    assert np.abs(expected - vae.log_evidence(x)).max() > 0.3, "this prior makes no difference"


@pytest.mark.parametrize("latent_dim", [1, 2, 5])
def test_elbo_equals_the_closed_form(latent_dim):
    vae = LinearGaussian(latent_dim=latent_dim)
    factor = np.random.default_rng(2).normal(size=(latent_dim, latent_dim))
    prior = Known(np.linspace(0.5, 1, latent_dim), np.eye(latent_dim) + factor @ factor.T)
    x = vae.draw(20)
    weights = evidence.log_weights(vae, x, 2000, seed=0, prior=prior)
    standard_error = weights.std(axis=1) / np.sqrt(2000)
    assert np.all(np.abs(weights.mean(axis=1) - closed_elbo(vae, x, prior)) < 4 * standard_error)
    assert np.any(np.abs(weights.mean(axis=1) - vae.elbo(x)) > 8 * standard_error), "this prior makes no difference"
    assert evidence.elbo(vae, x, 2000, seed=0, prior=prior) == pytest.approx(weights.mean(axis=1))


def test_importance_weighted_bound_rises_to_the_evidence():
    x, prior = LINEAR.draw(200), Known()
    truth = prior.log_evidence(LINEAR, x)
    bounds = [evidence.importance_weighted_bound(LINEAR, x, k, seed=0, prior=prior) for k in (1, 10, 100, 2000)]
    means = [np.mean(bound - truth) for bound in bounds]
    assert means[0] == pytest.approx(np.mean(closed_elbo(LINEAR, x, prior) - truth), abs=0.2)
    assert means[0] < means[1] < means[2]
    assert means[3] == pytest.approx(0, abs=0.005)


def test_quadrature_error_tells_the_true_one():
    vae, prior = LinearGaussian(sigma=0.1), Known()
    x = vae.draw(50)
    for points, limit in ((150, None), (40, 5.0)):  # good, coarse
        error = np.abs(evidence.exact_log_likelihood(vae, x, points, limit, prior) - prior.log_evidence(vae, x))
        mean, worst = evidence.quadrature_error(vae, x, points, limit, prior)
        if limit is None:
            assert worst < 0.01 and error.max() < 0.01
        else:  # the finer grid is nearly exact
            assert mean == pytest.approx(error.mean(), rel=0.05) and worst == pytest.approx(error.max(), rel=0.05)


# --- Identities -------------------------------------------------------------------------------------


@each_function
def test_the_unit_normal_is_none(f):
    assert np.array_equal(f(LINEAR, X, UnitNormal(2)), f(LINEAR, X, None))


@each_function
def test_another_prior_makes_another_result(f):
    assert not np.allclose(f(LINEAR, X, Known()), f(LINEAR, X, None), rtol=1e-9, atol=0)


def test_a_gain_is_the_mean_difference_of_log_densities():
    prior, samples = Known(), 7
    gain = evidence.elbo(LINEAR, X, samples, seed=3, prior=prior) - evidence.elbo(LINEAR, X, samples, seed=3)
    z_mean, z_log_var = encode(LINEAR, X)
    rng, expected = np.random.default_rng(3), np.zeros(len(X))
    for _ in range(samples):  # the same draws
        z = z_mean + np.exp(0.5 * z_log_var) * rng.standard_normal(z_mean.shape)
        expected += (prior.log_density(z) - stats.norm.logpdf(z).sum(axis=1)) / samples
    assert gain == pytest.approx(expected)


class MixtureOfQ:
    """The mean of the q(z|x) of images: a Gaussian for each of them."""

    def __init__(self, z_mean, z_log_var):
        self.latent_dim, self.log_constant = z_mean.shape[1], np.log(2 * np.pi) * z_mean.shape[1]
        self.mean, self.precision, self.log_var = z_mean, np.exp(-z_log_var), z_log_var.sum(axis=1)

    def log_density(self, z):
        square = z**2 @ self.precision.T - 2 * z @ (self.mean * self.precision).T
        square += np.sum(self.mean**2 * self.precision, axis=1)
        log_parts = -0.5 * (square + self.log_var + self.log_constant)
        return special.logsumexp(log_parts, axis=1) - np.log(len(self.mean))


def test_no_prior_is_better_than_the_mean_of_all_q():
    vae = LinearGaussian(sigma=1.0)
    x = vae.decoder(np.random.default_rng(0).choice([-2.0, 2.0], (60, 2)))  # in four heaps
    z_mean, z_log_var = encode(vae, x)
    rng = np.random.default_rng(1)
    others = {
        "unit normal": UnitNormal(2),
        "Gaussian": Gaussian(np.repeat(z_mean, 50, axis=0) + np.exp(z_log_var[0] / 2) * rng.normal(size=(3000, 2))),
        "wider": MixtureOfQ(z_mean, z_log_var + np.log(1.3)),
        "narrower": MixtureOfQ(z_mean, z_log_var - np.log(1.3)),
        "shifted": MixtureOfQ(z_mean + 0.2, z_log_var),
        "of half the images": MixtureOfQ(z_mean[:30], z_log_var[:30]),
        "stretched": MixtureOfQ(1.1 * z_mean, z_log_var),
    }
    best = evidence.log_weights(vae, x, 2000, seed=0, prior=MixtureOfQ(z_mean, z_log_var))
    for name, prior in others.items():
        # Measured: from .018 (wider) to 1.1 (unit normal), with a standard error of .001.
        lead = (best - evidence.log_weights(vae, x, 2000, seed=0, prior=prior)).mean(axis=0)  # on the same draws
        assert lead.mean() > 4 * lead.std() / np.sqrt(len(lead)), name


# --- Digits -----------------------------------------------------------------------------------------


def test_the_training_codes_own_q_is_no_prior_for_other_digits():
    vae, images = pretrained.load("vae_20"), mnist_train()[0]
    training, held_out = images[:2000], images[50_000:50_500]
    z_mean, z_log_var = encode(vae, training)
    draws = z_mean + np.exp(0.5 * z_log_var) * np.random.default_rng(0).standard_normal(z_mean.shape)
    gains = {}
    for name, prior in {"own": MixtureOfQ(z_mean, z_log_var), "fitted": Mixture(draws, 10)}.items():
        for split, x in {"training": training[:500], "held out": held_out}.items():
            gain = evidence.elbo(vae, x, 5, seed=0, prior=prior) - evidence.elbo(vae, x, 5, seed=0)
            gains[name, split] = gain.mean()
    assert gains["own", "training"] > 10  # nats; measured: 17.2
    assert gains["own", "held out"] < -10  # measured: -21.7
    assert gains["fitted", "training"] > gains["fitted", "held out"] > 1  # measured: 4.2 and 2.3


# --- Wrong priors -----------------------------------------------------------------------------------


@each_function
def test_wrong_priors_are_answered_in_a_sentence(f):
    for prior in ("normal", 0, np.zeros(2), UnitNormal, Mixture, object()):
        with pytest.raises(ValueError, match=r"prior must have log_density\(z\), such as a UnitNormal, Gaussian or M"):
            f(LINEAR, X, prior)
    with pytest.raises(ValueError, match="prior is of codes of 3 numbers, and this VAE's have 2"):
        f(LINEAR, X, UnitNormal(3))
    with pytest.raises(ValueError, match="prior is of codes of 5 numbers, and this VAE's have 2"):
        f(LINEAR, X, Gaussian(np.random.default_rng(0).normal(size=(20, 5))))


@each_function
def test_a_prior_needs_no_more_than_a_density(f):
    class Bare:
        def log_density(self, z):
            return stats.norm.logpdf(z).sum(axis=1)

    assert np.allclose(f(LINEAR, X, Bare()), f(LINEAR, X, None))
