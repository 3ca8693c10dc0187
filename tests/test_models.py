import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import special, stats

from pylib.losses import bernoulli_reconstruction, gaussian_reconstruction, kl_to_unit, sample
from pylib.models import build_autoencoder


def test_layers_and_shared_weights():
    encoder, decoder, autoencoder = build_autoencoder([256, 128])
    sizes = [784, 256, 128, 256, 784]
    kernels = [w.shape for w in autoencoder.weights if w.path.endswith("kernel")]
    assert [tuple(k) for k in kernels] == list(zip(sizes[:-1], sizes[1:], strict=True))
    x = np.random.default_rng(0).random((3, 784), dtype="float32")
    assert np.array_equal(autoencoder(x), decoder(encoder(x)))
    encoder.layers[-1].kernel.assign(encoder.layers[-1].kernel * 2)
    assert np.array_equal(autoencoder(x), decoder(encoder(x)))


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


@pytest.mark.parametrize(("activation", "code_activation"), [("sigmoid", "sigmoid"), ("relu", None)])
def test_forward_pass_against_numpy(activation, code_activation):
    encoder, decoder, autoencoder = build_autoencoder([20, 10, 3], activation, code_activation)
    hidden = {"sigmoid": sigmoid, "relu": lambda a: np.maximum(a, 0)}[activation]
    code = {"sigmoid": sigmoid, None: lambda a: a}[code_activation]
    h = x = np.random.default_rng(0).random((4, 784))
    values = [np.asarray(w, "float64") for w in autoencoder.weights]
    for f, kernel, bias in zip([hidden, hidden, code, hidden, hidden, sigmoid], values[::2], values[1::2], strict=True):
        h = f(h @ kernel + bias)
        if kernel.shape[1] == 3:
            assert np.allclose(encoder(x), h, atol=1e-5)
    assert np.allclose(autoencoder(x), h, atol=1e-5)


def test_a_single_layer_serves():
    encoder, _, _ = build_autoencoder((7,))
    assert encoder.output_shape == (None, 7)


@pytest.mark.parametrize("sizes", [[], [256, 0], [-2], [2.5], np.array([7.0]), ["8"], [True], 128, "128", None])
def test_bad_layer_sizes(sizes):
    with pytest.raises(ValueError, match="layer_sizes"):
        build_autoencoder(sizes)


# The formulas of the VAE


def random_gaussians(n=100, d=3, seed=1):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.uniform(-4, 2, (n, d))


def test_kl_to_unit_against_its_definition():
    z_mean, z_log_var = random_gaussians(d=1)
    eps, weight = np.polynomial.hermite_e.hermegauss(20)  # exact: the integrand is a polynomial
    q = stats.norm(z_mean, np.exp(z_log_var / 2))
    z = z_mean + q.std() * eps
    by_quadrature = (q.logpdf(z) - stats.norm.logpdf(z)) @ weight / weight.sum()
    assert kl_to_unit(z_mean, z_log_var).numpy() == pytest.approx(by_quadrature, abs=1e-6)


def test_kl_sums_over_dimensions():
    z_mean, z_log_var = random_gaussians()
    parts = [kl_to_unit(z_mean[:, [i]], z_log_var[:, [i]]) for i in range(3)]
    assert kl_to_unit(z_mean, z_log_var).numpy() == pytest.approx(np.sum(parts, axis=0))


def gradients(f, *arrays):
    variables = [tf.Variable(array, dtype="float64") for array in arrays]
    with tf.GradientTape() as tape:
        value = f(*variables)
    return [gradient.numpy() for gradient in tape.gradient(value, variables)]


def finite_differences(f, *arrays, step=1e-5):
    """Of a function with one value per row, all rows at once."""
    result = [np.empty_like(array) for array in arrays]
    for gradient, which in zip(result, range(len(arrays)), strict=True):
        for i in range(arrays[which].shape[1]):
            shift = np.zeros_like(arrays[which])
            shift[:, i] = step
            up = [array + shift * (j == which) for j, array in enumerate(arrays)]
            down = [array - shift * (j == which) for j, array in enumerate(arrays)]
            gradient[:, i] = (np.asarray(f(*up)) - np.asarray(f(*down))) / (2 * step)
    return result


def test_gradient_of_kl_against_finite_differences():
    gaussians = random_gaussians()
    expected = finite_differences(kl_to_unit, *gaussians)
    for gradient, difference in zip(gradients(kl_to_unit, *gaussians), expected, strict=True):
        assert gradient == pytest.approx(difference, abs=1e-6)


def test_gradient_through_sampling_with_the_noise_held():
    z_mean, z_log_var = random_gaussians()
    eps = np.random.default_rng(2).standard_normal(z_mean.shape)

    def loss(z_mean, z_log_var):
        z = sample(z_mean, z_log_var, eps)
        return keras.ops.sum(keras.ops.sin(z) + z**2, axis=-1)

    expected = finite_differences(loss, z_mean, z_log_var)
    for gradient, difference in zip(gradients(loss, z_mean, z_log_var), expected, strict=True):
        assert gradient == pytest.approx(difference, rel=1e-3, abs=1e-8)


def test_sample_has_the_mean_and_variance_asked_for():
    eps = np.random.default_rng(0).standard_normal((100_000, 2))
    z = sample(np.array([1.0, -2.0]), np.log([0.25, 9.0]), eps).numpy()
    assert z.mean(axis=0) == pytest.approx([1, -2], abs=0.05)
    assert z.var(axis=0) == pytest.approx([0.25, 9], rel=0.02)


def test_bernoulli_against_scipy():
    rng = np.random.default_rng(0)
    bits, grey, logits = rng.integers(0, 2, (5, 7)), rng.random((5, 7)), rng.normal(0, 3, (5, 7))
    p = special.expit(logits)
    expected = -stats.bernoulli.logpmf(bits, p).sum(axis=1)
    assert bernoulli_reconstruction(bits.astype(float), logits).numpy() == pytest.approx(expected)
    expected = -(special.xlogy(grey, p) + special.xlog1py(1 - grey, -p)).sum(axis=1)
    assert bernoulli_reconstruction(grey, logits).numpy() == pytest.approx(expected)


def test_bernoulli_with_logits_that_saturate_a_sigmoid():
    logits = np.float32([[200, -200]])
    assert bernoulli_reconstruction(np.float32([[0, 1]]), logits).numpy() == pytest.approx([400])
    assert bernoulli_reconstruction(np.float32([[1, 0]]), logits).numpy() == pytest.approx([0])


@pytest.mark.parametrize("sigma", [0.05, 0.19, math.sqrt(0.5), 2])
def test_gaussian_against_scipy(sigma):
    rng = np.random.default_rng(0)
    x, mean = rng.random((5, 784)), rng.random((5, 784))
    expected = -stats.norm(mean, sigma).logpdf(x).sum(axis=1)
    assert gaussian_reconstruction(x, mean, sigma).numpy() == pytest.approx(expected)
