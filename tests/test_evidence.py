import tracemalloc

import keras
import numpy as np
import pytest
from scipy import integrate, special, stats

from pylib import evidence
from pylib.models import VAE

PIXELS = 6


class LinearGaussian:
    """x = W z + b + sigma eps: its evidence and posterior are known. The encoder's q is off, on purpose."""

    likelihood, pixels = "gaussian", PIXELS

    def __init__(self, sigma=0.3, latent_dim=2, scale=1.0, seed=0):
        rng = np.random.default_rng(seed)
        self.sigma, self.latent_dim = sigma, latent_dim
        self.w, self.b = scale * rng.normal(size=(PIXELS, latent_dim)), rng.normal(size=PIXELS)
        self.precision = np.eye(latent_dim) + self.w.T @ self.w / sigma**2
        self.covariance = np.linalg.inv(self.precision)
        self.shift, self.stretch = 0.5, 1.5  # of q, in the posterior's own standard deviations

    def decoder(self, z):
        return z @ self.w.T + self.b

    def posterior_mean(self, x):
        return (x - self.b) @ self.w @ self.covariance / self.sigma**2

    def encoder(self, x):
        deviation = np.sqrt(np.diag(self.covariance))
        z_log_var = np.full((len(x), self.latent_dim), 2 * np.log(self.stretch * deviation))
        return self.posterior_mean(x) + self.shift * deviation, z_log_var, None

    def draw(self, n, seed=1):
        rng = np.random.default_rng(seed)
        return self.decoder(rng.normal(size=(n, self.latent_dim))) + self.sigma * rng.normal(size=(n, PIXELS))

    def log_evidence(self, x):
        return stats.multivariate_normal(self.b, self.w @ self.w.T + self.sigma**2 * np.eye(PIXELS)).logpdf(x)

    def kl_to_posterior(self, x, z_mean, z_log_var):
        """KL between two Gaussians, the second with any covariance."""
        off, variance = z_mean - self.posterior_mean(x), np.exp(z_log_var)
        trace = variance @ np.diag(self.precision)
        square = np.einsum("ni,ij,nj->n", off, self.precision, off)
        log_determinants = np.linalg.slogdet(self.covariance)[1] - z_log_var.sum(axis=1)
        return 0.5 * (trace + square - self.latent_dim + log_determinants)

    def elbo(self, x):
        return self.log_evidence(x) - self.kl_to_posterior(x, *self.encoder(x)[:2])


def exact_encoder(vae):
    """Make q the posterior: for W with orthogonal columns that is possible."""
    vae.w, _ = np.linalg.qr(vae.w)
    vae.precision = np.eye(vae.latent_dim) + vae.w.T @ vae.w / vae.sigma**2
    vae.covariance = np.linalg.inv(vae.precision)
    vae.shift, vae.stretch = 0.0, 1.0
    return vae


class TinyBernoulli:
    """2-8-5 with random weights, in float64."""

    likelihood, pixels, latent_dim = "bernoulli", 5, 2

    def __init__(self, scale=2.0):
        rng = np.random.default_rng(3)
        self.w1, self.b1 = scale * rng.normal(size=(2, 8)), rng.normal(size=8)
        self.w2 = scale * rng.normal(size=(8, 5))

    def decoder_logits(self, z):
        return np.tanh(z @ self.w1 + self.b1) @ self.w2

    def encoder(self, x):
        return np.tanh(x[:, :2] - 0.5), np.full((len(x), 2), -1.0)

    def joint(self, x, z):
        """p(x, z) of one image, pixel by pixel as SciPy has it."""
        p = special.expit(self.decoder_logits(z))
        log_px = (special.xlogy(x, p) + special.xlog1py(1 - x, -p)).sum(axis=-1)
        return np.exp(log_px + stats.norm.logpdf(z).sum(axis=-1))


@pytest.fixture(scope="module")
def linear():
    return LinearGaussian()


@pytest.fixture(scope="module")
def bernoulli():
    return TinyBernoulli()


BITS = np.random.default_rng(5).integers(0, 2, (6, 5)).astype("float64")


# Bounds


@pytest.mark.parametrize("latent_dim", [1, 2, 5])
def test_elbo_is_the_evidence_less_the_kl(latent_dim):
    vae = LinearGaussian(latent_dim=latent_dim)
    x = vae.draw(20)
    weights = evidence.log_weights(vae, x, 2000, seed=0)
    standard_error = weights.std(axis=1) / np.sqrt(2000)
    assert np.all(np.abs(weights.mean(axis=1) - vae.elbo(x)) < 4 * standard_error)
    assert evidence.elbo(vae, x, 2000, seed=0) == pytest.approx(weights.mean(axis=1))


def test_importance_weighted_bound_rises_to_the_evidence(linear):
    x = linear.draw(200)
    truth = linear.log_evidence(x)
    means = [np.mean(evidence.importance_weighted_bound(linear, x, k, seed=0) - truth) for k in (1, 10, 100, 2000)]
    assert means[0] == pytest.approx(np.mean(linear.elbo(x) - truth), abs=0.2)
    assert means[0] < means[1] < means[2]
    assert means[3] == pytest.approx(0, abs=0.005)


def test_weights_of_the_true_posterior_are_the_evidence():
    vae = exact_encoder(LinearGaussian())
    x = vae.draw(10)
    truth = vae.log_evidence(x)
    assert evidence.log_weights(vae, x, 7, seed=0) == pytest.approx(np.repeat(truth[:, None], 7, axis=1))
    assert evidence.elbo(vae, x, 1, seed=0) == pytest.approx(truth)
    assert evidence.importance_weighted_bound(vae, x, 5, seed=0) == pytest.approx(truth)


def test_bounds_of_a_bernoulli(bernoulli):
    weights = evidence.log_weights(bernoulli, BITS, 5000, seed=0)
    truth = evidence.exact_log_likelihood(bernoulli, BITS)
    assert np.all(weights.mean(axis=1) < truth)
    assert evidence.importance_weighted_bound(bernoulli, BITS, 5000, seed=0) == pytest.approx(truth, abs=0.1)


def test_one_seed_one_result(linear):
    x = linear.draw(3)
    for f in (evidence.log_weights, evidence.elbo, evidence.importance_weighted_bound):
        assert np.array_equal(f(linear, x, 4, seed=1), f(linear, x, 4, seed=1))
        assert not np.array_equal(f(linear, x, 4, seed=1), f(linear, x, 4, seed=2))


def test_bound_is_stable_far_down(linear):
    x = linear.draw(4) + 1000  # a log-likelihood of about -10^7
    bound = evidence.importance_weighted_bound(linear, x, 10, seed=0)
    assert np.isfinite(bound).all() and bound.max() < -1e5


# Quadratures


@pytest.mark.parametrize("sigma", [0.3, 0.05, 0.02])
def test_exact_log_likelihood_of_a_linear_gaussian(sigma):
    vae = LinearGaussian(sigma=sigma, scale=3 * sigma)
    x = vae.draw(20)
    assert evidence.exact_log_likelihood(vae, x) == pytest.approx(vae.log_evidence(x), abs=1e-4)


class Single(LinearGaussian):
    """As a Keras model does it: float32, and here with as many pixels."""

    pixels = 784

    def __init__(self, sigma):
        rng = np.random.default_rng(0)
        self.sigma, self.latent_dim, self.b = sigma, 2, rng.random(784)
        self.w = 5 * sigma * rng.normal(size=(784, 2)) / 28

    def decoder(self, z):
        return (np.asarray(z, "float32") @ self.w.T.astype("float32") + self.b.astype("float32")).astype("float32")

    def encoder(self, x):
        return np.zeros((len(x), 2)), np.zeros((len(x), 2))


@pytest.mark.parametrize("sigma", [0.5, 0.19, 0.1, 0.0625, 0.01])
def test_float32_is_exact_enough(sigma):
    vae = Single(sigma)
    rng = np.random.default_rng(1)
    x = vae.decoder(rng.normal(size=(5, 2))) + (sigma * rng.normal(size=(5, 784))).astype("float32")
    # By the matrix determinant lemma and Woodbury's identity, as 784 x 784 would be slow.
    precision, off = np.eye(2) + vae.w.T @ vae.w / sigma**2, np.asarray(x, "float64") - vae.b
    square = np.sum(off**2, axis=1) / sigma**2
    projected = off @ vae.w / sigma**2
    square -= np.einsum("ni,ij,nj->n", projected, np.linalg.inv(precision), projected)
    log_determinant = np.linalg.slogdet(precision)[1] + 784 * np.log(2 * np.pi * sigma**2)
    truth = -0.5 * (square + log_determinant)
    assert evidence.exact_log_likelihood(vae, x) == pytest.approx(truth, abs=0.005)


def test_exact_log_likelihood_of_a_bernoulli_on_another_grid(bernoulli):
    side = np.linspace(-8.5, 8.5, 777)
    z = np.stack(np.meshgrid(side, side), axis=-1)
    for x, value in zip(BITS, evidence.exact_log_likelihood(bernoulli, BITS), strict=True):
        joint = bernoulli.joint(x, z)
        expected = np.log(integrate.trapezoid(integrate.trapezoid(joint, side), side))
        assert value == pytest.approx(expected, abs=1e-3)


def test_evidence_of_all_images_sums_to_one(bernoulli):
    every = np.array([[int(bit) for bit in f"{i:05b}"] for i in range(32)], dtype="float64")
    assert np.exp(evidence.exact_log_likelihood(bernoulli, every)).sum() == pytest.approx(1, abs=1e-3)


def test_more_images_than_a_block(linear):
    x = linear.draw(1100)
    assert evidence.exact_log_likelihood(linear, x, points=100) == pytest.approx(linear.log_evidence(x), abs=1e-3)


def test_limit_comes_from_the_codes(linear):
    x = linear.draw(20)
    z_mean, z_log_var, _ = linear.encoder(x)
    far = np.max(np.abs(z_mean) + 4 * np.exp(z_log_var / 2))
    assert evidence.code_limit(linear, x) == max(4, far)
    assert evidence.code_limit(linear, linear.b[None]) == 4, "the prior's mass is in it, whatever the codes"
    away = linear.decoder(np.array([[9.0, -1.0]]))
    assert evidence.code_limit(linear, away) > 9
    assert evidence.exact_log_likelihood(linear, away) == pytest.approx(linear.log_evidence(away), abs=1e-4)
    assert evidence.exact_log_likelihood(linear, away, limit=5.0) < linear.log_evidence(away) - 1


def test_quadrature_error_tells_the_true_one():
    vae = LinearGaussian(sigma=0.1)
    x = vae.draw(50)
    for points, limit in ((150, None), (40, 5.0), (100, 1.5)):  # good, coarse, narrow
        error = np.abs(evidence.exact_log_likelihood(vae, x, points, limit) - vae.log_evidence(x))
        mean, worst = evidence.quadrature_error(vae, x, points, limit)
        if limit is None:
            assert worst < 0.01 and error.max() < 0.01
        else:
            assert worst >= mean > 0.3 * error.mean() > 0.003


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


def test_memory_stays_bounded(linear):
    x = linear.draw(2000)
    tracemalloc.start()
    evidence.exact_log_likelihood(linear, x)  # all at once would take 640 MB and more
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100e6


# Keras models


def weights_of(network):
    return [np.asarray(w, "float64") for w in network.weights]


def numpy_logits(vae, z, label=None):
    if label is not None:
        z = np.hstack([z, np.tile(np.eye(vae.n_classes)[label], (len(z), 1))])
    kernel, bias, kernel_2, bias_2 = weights_of(vae.decoder)
    return np.maximum(z @ kernel + bias, 0) @ kernel_2 + bias_2


@pytest.mark.parametrize(
    "options", [{}, {"likelihood": "gaussian", "sigma": 0.2}, {"n_classes": 3}], ids=["bernoulli", "gaussian", "label"]
)
def test_keras_model_in_float64(options):
    keras.utils.set_random_seed(0)
    vae = VAE(hidden=(16,), **options)
    x = np.random.default_rng(0).random((4, 784), dtype="float32")
    label = 1 if "n_classes" in options else None
    given = vae if label is None else evidence.given_label(vae, label)

    side = np.linspace(-5, 5, 101)
    z = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    logits = numpy_logits(vae, z, label)
    if vae.likelihood == "bernoulli":
        log_px = np.stack([(row * logits - np.logaddexp(0, logits)).sum(axis=1) for row in x])
    else:
        squares = np.stack([((row - special.expit(logits)) ** 2).sum(axis=1) for row in x])
        log_px = -0.5 * (squares / 0.04 + 784 * np.log(2 * np.pi * 0.04))
    log_joint = log_px + stats.norm.logpdf(z).sum(axis=1)
    expected = special.logsumexp(log_joint, axis=1) + 2 * np.log(side[1] - side[0])
    assert evidence.exact_log_likelihood(given, x, points=101, limit=5.0) == pytest.approx(expected, abs=2e-3)
    assert np.all(evidence.gaussian_elbo(given, x, *evidence.encode(given, x), nodes=10) < expected)


def test_elbo_is_minus_the_loss():
    keras.utils.set_random_seed(0)
    vae = VAE(latent_dim=5, hidden=(16,))
    vae.compile("adam")
    x = np.random.default_rng(0).random((500, 784), dtype="float32")
    weights = evidence.log_weights(vae, x, 20, seed=0)
    loss = vae.evaluate(x, verbose=0, return_dict=True)["loss"]
    assert -loss == pytest.approx(weights.mean(), abs=4 * weights.std() / np.sqrt(500))


def test_one_label_for_each_image():
    keras.utils.set_random_seed(0)
    vae = VAE(hidden=(16,), n_classes=3)
    vae.decoder.set_weights([5 * w for w in vae.decoder.get_weights()])
    x, y = np.random.default_rng(0).random((4, 784), dtype="float32"), np.array([2, 0, 1, 2])
    q = np.zeros((4, 2)), np.full((4, 2), -1.0)
    values = evidence.gaussian_elbo(evidence.given_label(vae, y), x, *q, nodes=5)
    for i in range(4):
        one = evidence.gaussian_elbo(evidence.given_label(vae, int(y[i])), x, *q, nodes=5)
        assert values[i] == pytest.approx(one[i], abs=1e-3)
    assert np.isfinite(evidence.elbo(evidence.given_label(vae, y), x, 2, seed=0)).all()
    with pytest.raises(ValueError, match="one label at a time"):
        evidence.exact_log_likelihood(evidence.given_label(vae, y), x)


# Bad input


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
