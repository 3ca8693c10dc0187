import numpy as np
import pytest

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
