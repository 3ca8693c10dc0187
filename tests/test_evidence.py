import tracemalloc

import keras
import numpy as np
import pytest
from scipy import integrate, special, stats

from pylib import evidence
from pylib.likelihood import code_limit, encode, log_likelihood, log_likelihood_table, square_grid
from pylib.models import VAE
from tests.known_models import BITS, LinearGaussian, exact_encoder

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

    n_pixels = 784

    def __init__(self, sigma):
        rng = np.random.default_rng(0)
        self.sigma, self.latent_dim, self.b = sigma, 2, rng.random(784)
        self.w = 5 * sigma * rng.normal(size=(784, 2)) / 28

    def decoder(self, z):
        return (np.asarray(z, "float32") @ self.w.T.astype("float32") + self.b.astype("float32")).astype("float32")

    def encoder(self, x):
        return np.zeros((len(x), 2)), np.zeros((len(x), 2))


def log_evidence_of_single(vae, x):
    # By the matrix determinant lemma and Woodbury's identity, as 784 x 784 would be slow.
    precision, off = np.eye(2) + vae.w.T @ vae.w / vae.sigma**2, np.asarray(x, "float64") - vae.b
    square = np.sum(off**2, axis=1) / vae.sigma**2
    projected = off @ vae.w / vae.sigma**2
    square -= np.einsum("ni,ij,nj->n", projected, np.linalg.inv(precision), projected)
    log_determinant = np.linalg.slogdet(precision)[1] + 784 * np.log(2 * np.pi * vae.sigma**2)
    return -0.5 * (square + log_determinant)


@pytest.mark.parametrize("sigma", [0.5, 0.19, 0.1, 0.0625, 0.01])
def test_float32_is_exact_enough(sigma):
    vae = Single(sigma)
    rng = np.random.default_rng(1)
    x = vae.decoder(rng.normal(size=(5, 2))) + (sigma * rng.normal(size=(5, 784))).astype("float32")
    assert evidence.exact_log_likelihood(vae, x) == pytest.approx(log_evidence_of_single(vae, x), abs=0.005)


class TwoHalves(Single):
    """Each half of the plane has pictures of its own, far from the mean of all pictures, as digits are."""

    apart = 0.3  # in each pixel, from that mean

    def decoder(self, z):
        side = np.where(np.asarray(z)[:, :1] > 0, self.apart, -self.apart).astype("float32")
        return super().decoder(z) + side


def test_float32_is_exact_enough_far_from_the_mean_picture():
    vae = TwoHalves(0.01)
    rng = np.random.default_rng(1)
    codes = np.abs(rng.normal(size=(5, 2))) + 1.5  # so that the other half of the plane has no share in the evidence
    x = vae.decoder(codes) + (0.01 * rng.normal(size=(5, 784))).astype("float32")
    assert evidence.exact_log_likelihood(vae, x) == pytest.approx(log_evidence_of_single(vae, x - 0.3), abs=0.005)


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
    assert code_limit(linear, x) == max(4, far)
    assert code_limit(linear, linear.b[None]) == 4, "the prior's mass is in it, whatever the codes"
    away = linear.decoder(np.array([[9.0, -1.0]]))
    z_mean, z_log_var, _ = linear.encoder(away)
    assert code_limit(linear, away) == pytest.approx(9 + np.max((np.abs(z_mean) - 9) + 4 * np.exp(z_log_var / 2)))
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
        elif limit == 5.0:  # the finer grid is nearly exact
            assert mean == pytest.approx(error.mean(), rel=0.05) and worst == pytest.approx(error.max(), rel=0.05)
        else:  # a wider one still misses some of the codes
            assert worst >= mean > 0.3 * error.mean() > 0.003


def test_a_grid_reaches_both_ends_of_its_square():
    grid, log_area = square_grid(5, 2.0)
    assert grid.tolist() == [[a, b] for b in (-2, -1, 0, 1, 2) for a in (-2, -1, 0, 1, 2)]
    assert np.exp(square_grid(9, 2.0)[1]) == pytest.approx(0.25) and np.exp(log_area) == pytest.approx(1)


def test_memory_stays_bounded(linear):
    x = linear.draw(2000)
    tracemalloc.start()
    evidence.exact_log_likelihood(linear, x)  # all at once would take 640 MB and more
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100e6


def test_pixels_are_summed_without_copies_of_all_logits(bernoulli, monkeypatch):
    rng = np.random.default_rng(0)
    logits, x = rng.normal(0, 3, (100_001, 5)), rng.random((100_001, 5))
    monkeypatch.setattr(bernoulli, "decoder_logits", lambda z: logits)
    z = np.zeros((len(x), 2))
    tracemalloc.start()
    pairs, table = log_likelihood(bernoulli, x, z), log_likelihood_table(bernoulli, z)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < logits.nbytes  # the sums are two fifths of it; at once, softplus alone takes three times as much
    log_p = x * logits - np.logaddexp(0, logits)
    assert pairs == pytest.approx(log_p.sum(axis=1), rel=1e-12)
    of_first = x[0] * logits - np.logaddexp(0, logits)
    assert table(x[:1])[0] == pytest.approx(of_first.sum(axis=1), rel=1e-10, abs=1e-10)


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
    assert np.all(evidence.gaussian_elbo(given, x, *encode(given, x), nodes=10) < expected)


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
