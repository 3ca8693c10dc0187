"""What the lessons' VAE is compared with, each written afresh after its documentation, at its own default settings.

`ours`, `our_diffusion` and `keras_tutorial` are contestants, as in engines.py, where the others are. Dense networks are
784-512-2-512-784 with relu, trained by Adam on batches of 128.
"""

import keras
import numpy as np
import tensorflow as tf
from engines import codes_and_labels
from keras import layers, ops

from pylib._networks import Sampling
from pylib.diffusion import build_velocity, noised
from pylib.models import VAE
from pylib.training import TrainingProgress, batches, compile_settings


def ours(x, epochs=10):
    vae = VAE()
    vae.compile(**compile_settings(len(x), epochs))
    data = batches(x)
    return lambda epochs: vae.fit(data, epochs=epochs, shuffle=False, verbose=0, callbacks=[TrainingProgress()])


def our_diffusion(x, epochs=30):
    codes, labels = codes_and_labels(len(x))
    network = build_velocity(20, n_classes=10)
    network.compile(loss="mse", **compile_settings(len(codes), epochs, batch_size=512))
    pairs = batches(codes, labels, batch_size=512).map(noised).prefetch(2)  # as fit_velocity has them
    return lambda epochs: network.fit(pairs, epochs=epochs, shuffle=False, verbose=0, callbacks=[TrainingProgress()])


class TutorialVAE(keras.Model):
    """A VAE as the Keras tutorials write it: `train_step` with a gradient tape, and three means."""

    def __init__(self, encoder, decoder, reconstruction):
        super().__init__()
        self.encoder, self.decoder, self.reconstruction = encoder, decoder, reconstruction
        self.means = [keras.metrics.Mean(name=name) for name in ("loss", "reconstruction", "kl")]

    @property
    def metrics(self):
        return self.means

    def losses_of(self, x):
        z_mean, z_log_var, z = self.encoder(x)
        reconstruction = ops.mean(self.reconstruction(x, self.decoder(z)))
        kl = ops.mean(ops.sum(-0.5 * (1 + z_log_var - ops.square(z_mean) - ops.exp(z_log_var)), axis=1))
        return reconstruction + kl, reconstruction, kl

    def train_step(self, x):
        with tf.GradientTape() as tape:
            losses = self.losses_of(x)
        gradients = tape.gradient(losses[0], self.trainable_weights)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_weights, strict=True))
        for mean, value in zip(self.means, losses, strict=True):
            mean.update_state(value)
        return {mean.name: mean.result() for mean in self.means}

    def minus_elbo(self, x):
        return float(np.mean([self.losses_of(x[i : i + 1000])[0] for i in range(0, len(x), 1000)]))


def tutorial_dense():
    x = h = keras.Input((784,))
    h = layers.Dense(512, activation="relu")(h)
    z_mean, z_log_var = layers.Dense(2)(h), layers.Dense(2)(h)
    encoder = keras.Model(x, [z_mean, z_log_var, Sampling()(z_mean, z_log_var)])
    z = keras.Input((2,))
    h = layers.Dense(512, activation="relu")(z)
    decoder = keras.Model(z, layers.Dense(784, activation="sigmoid")(h))
    vae = TutorialVAE(encoder, decoder, lambda x, p: 784 * keras.losses.binary_crossentropy(x, p))
    vae.compile(optimizer=keras.optimizers.Adam())
    return vae


def keras_tutorial(x):
    vae = tutorial_dense()
    return lambda epochs: vae.fit(x, batch_size=128, epochs=epochs, verbose=0)


def tutorial_convolutional():
    """The network of Keras' VAE example: two strided convolutions, 16 units, two numbers, and back."""
    x = h = keras.Input((28, 28, 1))
    for filters in (32, 64):
        h = layers.Conv2D(filters, 3, activation="relu", strides=2, padding="same")(h)
    h = layers.Dense(16, activation="relu")(layers.Flatten()(h))
    z_mean, z_log_var = layers.Dense(2)(h), layers.Dense(2)(h)
    encoder = keras.Model(x, [z_mean, z_log_var, Sampling()(z_mean, z_log_var)])
    z = keras.Input((2,))
    h = layers.Reshape((7, 7, 64))(layers.Dense(7 * 7 * 64, activation="relu")(z))
    for filters in (64, 32):
        h = layers.Conv2DTranspose(filters, 3, activation="relu", strides=2, padding="same")(h)
    decoder = keras.Model(z, layers.Conv2DTranspose(1, 3, activation="sigmoid", padding="same")(h))

    def cross_entropy(x, p):
        return ops.sum(keras.losses.binary_crossentropy(x, p), axis=(1, 2))

    vae = TutorialVAE(encoder, decoder, cross_entropy)
    vae.compile(optimizer=keras.optimizers.Adam())
    return vae
