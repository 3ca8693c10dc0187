"""Coloured pictures of 32 x 32 pixels, for a VAE of dense layers and one of convolutions, measured beside each other.

`python colour_pictures.py [epochs] [picture.png]`. See the last part of PICTURES.md.
"""

import argparse
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import matplotlib.pyplot as plt
import numpy as np
from keras import layers, ops

from pylib.losses import sample
from pylib.models import VAE
from pylib.training import fit_vae

SIDE = 32
ROW = (SIDE, 3 * SIDE)  # a VAE takes rows of numbers: red, green and blue of the first pixel, then of the second, ...
SIGMA = 0.1  # of the Gaussian likelihood; a Bernoulli is for grey that is nearly black or white


def shapes(n, rng):
    """Discs, squares and triangles in one colour on paper of another, `(n, 3072)` float32 in [0, 1]."""
    kind, size = rng.integers(0, 3, (n, 1, 1)), rng.uniform(5, 10, (n, 1, 1))
    top, left = rng.uniform(10, SIDE - 10, (2, n, 1, 1))
    down, across = np.arange(SIDE)[:, None] - top, np.abs(np.arange(SIDE) - left)
    disc, square = down**2 + across**2 - size**2, np.maximum(np.abs(down), across) - size
    triangle = np.maximum(2 * across - (down + size), np.abs(down) - size)
    inside = np.choose(kind, [disc, square, triangle])[..., None] < 0
    ink, paper = rng.random((2, n, 1, 1, 3))
    return np.where(inside, ink, paper).reshape(n, -1).astype("float32")


class Sampling(layers.Layer):
    """Draws codes, as in lesson 03."""

    def __init__(self):
        super().__init__()
        self.seed_generator = keras.random.SeedGenerator()

    def call(self, z_mean, z_log_var):
        return sample(z_mean, z_log_var, keras.random.normal(ops.shape(z_mean), seed=self.seed_generator))


class ConvolutionalVAE(VAE):
    """The VAE of the lessons with other networks: each layer looks at 3 x 3 places, and knows no place from another."""

    def build_networks(self):
        x = keras.Input((self.n_pixels,))
        h = layers.Reshape((SIDE, SIDE, 3))(x)
        for filters in (32, 64, 128):  # 16 x 16, 8 x 8 and 4 x 4 places
            h = layers.Conv2D(filters, 3, strides=2, padding="same", activation=self.activation)(h)
        h = layers.Flatten()(h)
        z_mean, z_log_var = layers.Dense(self.latent_dim)(h), layers.Dense(self.latent_dim)(h)
        encoder = keras.Model(x, [z_mean, z_log_var, Sampling()(z_mean, z_log_var)])

        z = keras.Input((self.latent_dim,))
        h = layers.Reshape((4, 4, 128))(layers.Dense(4 * 4 * 128, activation=self.activation)(z))
        for filters in (64, 32):
            h = layers.Conv2DTranspose(filters, 3, strides=2, padding="same", activation=self.activation)(h)
        logits = layers.Flatten()(layers.Conv2DTranspose(3, 3, strides=2, padding="same")(h))
        return encoder, keras.Model(z, logits), keras.Model(z, ops.sigmoid(logits))


def picture(rows):
    """Rows of coloured pictures below each other."""
    figure, axes = plt.subplots(len(rows), squeeze=False, figsize=(8, 0.9 * len(rows)), layout="constrained")
    for (name, images), axis in zip(rows.items(), axes[:, 0], strict=True):
        axis.imshow(np.hstack(images.reshape(-1, SIDE, SIDE, 3)))
        axis.set(xticks=[], yticks=[])
        axis.set_ylabel(name, rotation=0, ha="right", va="center")
    return figure


def main(epochs, file, n=12_800):
    rng = np.random.default_rng(0)
    x, x_test = shapes(n, rng), shapes(2000, rng)
    rows = {"pictures": x_test[:12]}
    mse = np.mean((x_test - x.mean(axis=0)) ** 2)
    density = 0.5 * x.shape[1] * (mse / SIGMA**2 + np.log(2 * np.pi * SIGMA**2))
    print(f"the mean picture: -log p(x) {density:.0f} nats, MSE {mse:.4f}")
    for name, kind, hidden in (("dense", VAE, (512, 256)), ("convolutions", ConvolutionalVAE, (512,))):
        keras.utils.set_random_seed(0)
        networks = {"latent_dim": 16, "hidden": hidden, "activation": "silu", "pixels": ROW}
        vae = kind(**networks, likelihood="gaussian", sigma=SIGMA)
        start = time.perf_counter()
        fit_vae(vae, (x,), (x_test,), epochs)
        seconds = time.perf_counter() - start
        logs = vae.evaluate(x_test, verbose=0, return_dict=True)
        x_hat = vae.predict(x_test, verbose=0)
        print(
            f"{name}: {vae.encoder.count_params() + vae.decoder.count_params():,} weights, {seconds:.0f} s, "
            f"-ELBO {logs['loss']:.0f} nats, KL {logs['kl']:.1f}, MSE {np.mean((x_test - x_hat) ** 2):.4f}"
        )
        rows[name] = x_hat[:12]
        draws = np.asarray(vae.decoder(rng.standard_normal((12, 16)).astype("float32")))
        rows[f"draws, {name}"] = draws
    if file:
        picture(rows).savefig(file, dpi=144)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("epochs", nargs="?", type=int, default=15)
    parser.add_argument("picture", nargs="?", help="a file for it")
    arguments = parser.parse_args()
    main(arguments.epochs, arguments.picture)
