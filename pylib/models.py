"""The networks of the lessons, as Keras models."""

import keras
from keras import layers

from pylib import _check


def _check_autoencoder(layer_sizes, activation="sigmoid", code_activation="sigmoid"):
    if isinstance(layer_sizes, (int, float, str)):
        raise ValueError(f"layer_sizes must be a list such as [256, 128], not {layer_sizes!r}")
    _check.positive_integers(layer_sizes, "layer_sizes")


@_check.checked(_check_autoencoder)
def build_autoencoder(layer_sizes, activation="sigmoid", code_activation="sigmoid"):
    """Build a symmetric dense autoencoder for images of 784 pixels.

    Parameters
    ----------
    layer_sizes : units of the encoder's layers, the code's size last: `[256, 128]` gives
        784-256-128-256-784
    activation : of the hidden layers
    code_activation : of the code; None leaves it linear

    Returns
    -------
    encoder : `(n, 784)` -> `(n, layer_sizes[-1])`
    decoder : `(n, layer_sizes[-1])` -> `(n, 784)` in [0, 1], through a sigmoid
    autoencoder : the decoder after the encoder; the three share their weights

    Raises
    ------
    ValueError : `layer_sizes` is empty or holds anything but whole numbers above 0
    """
    *hidden_sizes, code_size = layer_sizes

    x = h = keras.Input((784,), name="image")
    for size in hidden_sizes:
        h = layers.Dense(size, activation=activation)(h)
    code = layers.Dense(code_size, activation=code_activation, name="code")(h)
    encoder = keras.Model(x, code, name="encoder")

    z = h = keras.Input((code_size,), name="code")
    for size in reversed(hidden_sizes):
        h = layers.Dense(size, activation=activation)(h)
    x_hat = layers.Dense(784, activation="sigmoid", name="reconstruction")(h)
    decoder = keras.Model(z, x_hat, name="decoder")

    autoencoder = keras.Model(x, decoder(encoder(x)), name="autoencoder")
    return encoder, decoder, autoencoder
