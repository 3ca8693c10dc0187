"""Answers to exercises 10 and 11: which digit it is, and the missing half."""

import keras
import numpy as np
import tensorflow as tf
from keras import ops
from scipy import special

from pylib import evidence
from tests.exercise_answers.data_and_models import conditional_2, held_out_images, reconstruct, vae_20

KNOWN = np.tile(np.arange(28) < 14, 28)
RIGHT, WRONG = {}, {}
EXTRA = {
    "which_digit": lambda: (conditional_2(), held_out_images()),
    "inpainting": lambda: (vae_20(), held_out_images(), KNOWN),
}

# --- Exercise 10: which digit


def scores_by_pylib(x, log_prior):
    bounds = [evidence.elbo(evidence.given_label(conditional_2(), y), x, 5, seed=1) for y in range(10)]
    return np.stack(bounds, axis=1) + log_prior


def scores_by_keras(x, log_prior, kl_sign=1, mean=False, sign=1, label=None, draws=2, at_mean=False):
    x, columns = ops.convert_to_tensor(x), []
    for y in range(10):
        labels = ops.full((len(x),), y if label is None else label, dtype="int32")
        bound = 0
        for _ in range(draws):
            z_mean, z_log_var, z = conditional_2().encoder([x, labels])
            logits = conditional_2().decoder_logits([z_mean if at_mean else z, labels])
            pixels = ops.softplus(logits) - x * logits
            reconstruction = ops.mean(pixels, axis=1) if mean else ops.sum(pixels, axis=1)
            kl = 0.5 * ops.sum(z_mean**2 + ops.exp(z_log_var) - z_log_var - 1, axis=1)
            bound += (-sign * reconstruction - kl_sign * kl) / draws
        columns.append(bound + log_prior[y])
    return ops.stack(columns, axis=1)


RIGHT["which_digit"] = [
    scores_by_pylib,
    scores_by_keras,
    lambda x, log_prior: tf.cast(scores_by_keras(x, log_prior), tf.float64),
]
WRONG["which_digit"] = [
    (lambda x, log_prior: scores_by_pylib(x, 0 * log_prior), "log_prior is missing"),
    (lambda x, log_prior: scores_by_pylib(x, -log_prior), "log_prior is added -1 times; add it once"),
    (lambda x, log_prior: scores_by_pylib(x, np.exp(log_prior)), "p(y) is added where log p(y) should be"),
    (lambda x, log_prior: -scores_by_pylib(x, log_prior), "these are losses"),
    (lambda x, log_prior: -scores_by_pylib(x, -log_prior), "turn the sign of the bound"),
    (lambda x, log_prior: scores_by_keras(x, log_prior, kl_sign=0), "the KL is missing from the bound"),
    (lambda x, log_prior: scores_by_keras(x, log_prior, kl_sign=-1), "the KL is added"),
    (lambda x, log_prior: scores_by_keras(x, log_prior, kl_sign=2), "the KL is subtracted twice"),
    (lambda x, log_prior: scores_by_pylib(x, log_prior) / 784, "is it the mean over pixels?"),
    (lambda x, log_prior: scores_by_keras(x, log_prior, mean=True), "is it the mean over pixels?"),
    (lambda x, log_prior: scores_by_keras(x, log_prior, at_mean=True), "the mean code is decoded"),
    (lambda x, log_prior: scores_by_keras(x, log_prior, at_mean=True, kl_sign=0), "draw z, and subtract the KL"),
    (lambda x, log_prior: scores_by_keras(x, log_prior, label=3), "all ten digits get nearly the same bound"),
    (lambda x, log_prior: special.softmax(scores_by_pylib(x, log_prior), axis=1), "these are probabilities"),
    (lambda x, log_prior: special.log_softmax(scores_by_pylib(x, log_prior), axis=1), "these are log p(y | x)"),
    (lambda x, log_prior: scores_by_pylib(x, log_prior).T, "it is the transpose"),
    (lambda x, log_prior: scores_by_pylib(x, log_prior).argmax(axis=1), "has shape (50,), not (50, 10)"),
    (lambda x, log_prior: evidence.elbo(conditional_2(), x, 5, seed=1), "ValueError: this VAE is conditional"),
]

# --- Exercise 11: inpainting


def descend(x, known, steps=100, rate=0.1, sign=1, weigh=None, start=None, keep=True, prior=True, rows=None):
    known = np.asarray(known)
    z = tf.Variable(np.zeros((rows or len(x), 20), "float32") if start is None else start(x))
    optimizer = keras.optimizers.Adam(rate)
    weigh = known if weigh is None else weigh
    for _ in range(steps):
        with tf.GradientTape() as tape:
            logits = vae_20().decoder_logits(z)
            loss = tf.reduce_sum(np.float32(weigh) * (tf.nn.softplus(logits) - x * logits))
            loss = sign * (loss + 0.5 * prior * tf.reduce_sum(z**2))
        optimizer.apply([tape.gradient(loss, z)], [z])
    x_hat = np.asarray(vae_20().decoder(z)) + np.zeros_like(x)
    return np.where(known, x, x_hat) if keep else x_hat


def descend_by_hand(x, known):
    """Plain gradient steps on the mean code, from the encoder's view of the known half."""
    start = np.asarray(vae_20().encoder(np.where(known, x, 0).astype("float32"))[0])
    z = tf.Variable(start)
    for _ in range(120):
        with tf.GradientTape() as tape:
            squares = tf.where(known, (vae_20().decoder(z) - x) ** 2, 0.0)
            loss = 5 * tf.reduce_sum(squares) + 0.5 * tf.reduce_sum(z**2)
        z.assign_sub(0.02 * tape.gradient(loss, z))
    return tf.where(known, x, vae_20().decoder(z))


RIGHT["inpainting"] = [descend, descend_by_hand]
WRONG["inpainting"] = [
    (lambda x, known: descend(x, known, weigh=np.ones(784)), "the result changes with what stands in the hidden"),
    (lambda x, known: descend(x, known, weigh=~known), "does the loss look at the hidden pixels"),
    (lambda x, known: descend(x, known, steps=0), "every image gets the same hidden half"),
    (lambda x, known: descend(x, known, rows=1), "each image its own row of z"),
    (lambda x, known: descend(x, known, keep=False), "the known pixels have changed"),
    (lambda x, known: descend(x, known, sign=-1, prior=False), "does the step go downhill"),
    (lambda x, known: descend(x, known, sign=-1, steps=30, prior=False, rate=100.0), "downhill"),
    (lambda x, known: x, "the hidden half is still empty"),
    (lambda x, known: np.where(known, x, reconstruct(x)), "the plain reconstruction of the half-empty image"),
    (lambda x, known: np.where(known, x, np.nan), "NaN"),
    (lambda x, known: 255 * x, "not to 255"),
    (lambda x, known: descend(x, known, steps=1)[:, known], "has shape (20, 392)"),
    (lambda x, known: descend(x, known, steps=3, rate=0.02), "little better than a mean digit"),
]
