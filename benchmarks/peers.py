"""What the lessons' VAE is compared with, each written afresh after its documentation, at its own default settings.

A contestant is a function that builds one and returns `epoch()`, which trains one epoch on the images; the
first call compiles. Dense networks are 784-512-2-512-784 with relu, trained by Adam on batches of 128.
"""

import math

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from pylib.models import VAE, Sampling
from pylib.tf_utils import compile_settings


def ours(x, epochs=10):
    vae = VAE()
    vae.compile(**compile_settings(len(x), epochs))
    return lambda: vae.fit(x, batch_size=128, verbose=0)


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
    return lambda: vae.fit(x, batch_size=128, verbose=0)


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


def products(x):
    """The matrix products of training and nothing else, in NumPy, whose BLAS uses all cores: near the limit."""
    rng = np.random.default_rng(0)
    layers_ = [
        [rng.random(s, dtype="float32") for s in ((128, rows), (rows, columns), (128, columns))]
        for rows, columns in [(784, 512), (512, 4), (2, 512), (512, 784)]
    ]

    def epoch():
        for _ in range(math.ceil(len(x) / 128)):
            for i, (a, w, out) in enumerate(layers_):
                a @ w
                a.T @ out
                if i > 0:  # nothing needs the gradient of the image
                    out @ w.T

    return epoch


def jax(x):
    """JAX: the whole epoch as one compiled scan, optax's Adam."""
    import jax
    import jax.numpy as jnp
    import optax

    shapes = {"h": (784, 512), "m": (512, 2), "v": (512, 2), "g": (2, 512), "o": (512, 784)}
    keys = jax.random.split(jax.random.key(0), len(shapes))
    weights = {}
    for key, (name, shape) in zip(keys, shapes.items(), strict=True):
        limit = math.sqrt(6 / sum(shape))
        weights[name] = (jax.random.uniform(key, shape, minval=-limit, maxval=limit), jnp.zeros(shape[1]))
    optimizer = optax.adam(1e-3)

    def loss(weights, x, key):
        dense = lambda name, a: a @ weights[name][0] + weights[name][1]  # noqa: E731
        h = jax.nn.relu(dense("h", x))
        mean, log_var = dense("m", h), dense("v", h)
        z = mean + jnp.exp(0.5 * log_var) * jax.random.normal(key, mean.shape)
        logits = dense("o", jax.nn.relu(dense("g", z)))
        reconstruction = jnp.sum(jax.nn.softplus(logits) - x * logits, axis=1)
        return jnp.mean(reconstruction + 0.5 * jnp.sum(mean**2 + jnp.exp(log_var) - log_var - 1, axis=1))

    def step(carry, batch):
        weights, state, key = carry
        key, noise = jax.random.split(key)
        value, gradient = jax.value_and_grad(loss)(weights, batch, noise)
        updates, state = optimizer.update(gradient, state)
        return (optax.apply_updates(weights, updates), state, key), value

    @jax.jit
    def train(carry, x):
        key, order = jax.random.split(carry[2])
        batches = x[jax.random.permutation(order, len(x))[: len(x) // 128 * 128]].reshape(-1, 128, 784)
        return jax.lax.scan(step, (*carry[:2], key), batches)

    images = jnp.asarray(x)
    state = {"carry": (weights, optimizer.init(weights), jax.random.key(1))}

    def epoch():
        state["carry"], values = train(state["carry"], images)
        values.block_until_ready()

    return epoch


def pytorch(x):
    """PyTorch: a loop over slices of one tensor, fused Adam."""
    import torch
    from torch.nn import functional

    images = torch.from_numpy(x)
    encoder = torch.nn.Sequential(torch.nn.Linear(784, 512), torch.nn.ReLU(), torch.nn.Linear(512, 4))
    decoder = torch.nn.Sequential(torch.nn.Linear(2, 512), torch.nn.ReLU(), torch.nn.Linear(512, 784))
    optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], fused=True)

    def epoch():
        for rows in torch.randperm(len(images)).split(128):
            batch = images[rows]
            mean, log_var = encoder(batch).chunk(2, dim=1)
            logits = decoder(mean + torch.exp(0.5 * log_var) * torch.randn_like(mean))
            reconstruction = functional.binary_cross_entropy_with_logits(logits, batch, reduction="sum")
            kl = 0.5 * torch.sum(mean**2 + torch.exp(log_var) - log_var - 1)
            optimizer.zero_grad()
            ((reconstruction + kl) / len(batch)).backward()
            optimizer.step()

    return epoch
