"""Answers to exercises 10 and 11: which digit is half hidden, and the missing half."""

import keras
import numpy as np
import tensorflow as tf
from keras import ops
from scipy import special

from tests.exercise_answers.data_and_models import conditional_2, held_out_images, reconstruct, vae_20

RIGHT, WRONG = {}, {}

# --- Exercise 10: which digit is half hidden


def log_table(x, known, z):
    """log p(x_known|z, y), `(n, m, 10)`."""
    tables = []
    for y in range(10):
        logits = np.asarray(conditional_2().decoder_logits([z, np.full(len(z), y)]))[:, known]
        tables.append(x[:, known] @ logits.T - np.logaddexp(0, logits).sum(axis=1))
    return np.stack(tables, axis=2)


def probabilities(x, known, log_prior, z, table=log_table, over_draws=lambda t: special.logsumexp(t, axis=1)):
    return special.softmax(over_draws(table(x, known, z)) + log_prior, axis=1)


def probabilities_by_tensorflow(x, known, log_prior, z):
    scores = []
    for y in range(10):
        logits = conditional_2().decoder_logits([tf.constant(z), tf.fill([len(z)], y)])
        pixels = x[:, None] * logits[None] - tf.nn.softplus(logits)[None]
        log_p = tf.reduce_sum(tf.where(known, pixels, 0.0), axis=2)
        scores.append(tf.reduce_logsumexp(log_p, axis=1) + log_prior[y])
    return tf.nn.softmax(tf.stack(scores, axis=1))


def probabilities_by_loops(x, known, log_prior, z):
    """Image by image, with largest exponents subtracted by hand."""
    rows = []
    for t in log_table(x, known, z):
        joint = np.exp(t - t.max()).mean(axis=0) * np.exp(log_prior)
        rows.append((joint / joint.sum()).tolist())
    return rows


def of_probabilities(x, known, log_prior, z):
    """Made of each pixel's probability, rather than of logits."""
    scores = []
    for y in range(10):
        p = np.clip(np.asarray(conditional_2().decoder([z, np.full(len(z), y)]), "float64")[:, known], 1e-12, 1 - 1e-12)
        log_p = x[:, known] @ np.log(p).T + (1 - x[:, known]) @ np.log1p(-p).T
        scores.append(special.logsumexp(log_p, axis=1))
    return special.softmax(np.stack(scores, axis=1) + log_prior, axis=1)


def too_small(x, known, log_prior, z):
    joint = np.exp(log_table(x, known, z).astype("float32")).mean(axis=1) * np.exp(log_prior)
    return joint / joint.sum(axis=1, keepdims=True)


def hidden_in_place(x, known, log_prior, z):
    x[:, ~known] = 0
    return probabilities(x, known, log_prior, z)


ALL = np.ones(784, bool)
LEFT_HALF = np.tile(np.arange(28) < 14, 28)
RIGHT["which_digit"] = [
    probabilities,
    probabilities_by_tensorflow,
    probabilities_by_loops,
    of_probabilities,
    lambda *args: ops.convert_to_tensor(probabilities(*args)),
]
WRONG["which_digit"] = [
    (lambda x, known, p, z: probabilities(x, known, 0 * p, z), "log_prior is missing"),
    (lambda x, known, p, z: probabilities(x, known, -p, z), "log_prior is subtracted"),
    (lambda x, known, p, z: probabilities(x, known, np.exp(p), z), "p(y) is added where log p(y) should be"),
    (lambda x, known, p, z: probabilities(x, known, p.mean(), z), "log_prior"),
    (lambda x, known, p, z: probabilities(x, ALL, p, z), "the hidden pixels count, too"),
    (lambda x, known, p, z: probabilities(np.where(known, x, 0), ALL, p, z), "count as 0, which is white paper"),
    (lambda x, known, p, z: probabilities(x, ~known, p, z), "the pixels that are hidden are used"),
    (lambda x, known, p, z: probabilities(x, LEFT_HALF, p, z), "use `known` as it is given"),
    (lambda *args: probabilities(*args, over_draws=lambda t: t.max(axis=1)), "only the best draw counts"),
    (
        lambda *args: probabilities(*args, over_draws=lambda t: t.mean(axis=1)),
        "the mean of the logarithms over the draws",
    ),
    (lambda *args: probabilities(*args, over_draws=lambda t: t[:, 0]), "only the first draw counts"),
    (lambda *args: np.log(probabilities(*args)), "these are log p(y | x); take their exponential"),
    (lambda *args: probabilities(*args).argmax(axis=1), "the most probable digit; give the probabilities"),
    (lambda *args: probabilities(*args).T, "is it the transpose?"),
    (
        lambda *args: probabilities(*args, table=lambda *a: log_table(*a) / 784),
        "pixels are averaged; log p(x | z, y) is their sum",
    ),
    (lambda *args: 0.9 * probabilities(*args), "each row must sum to 1"),
    (too_small, "0 / 0 is NaN"),
    (hidden_in_place, "writes into the array that it is given"),
    (lambda *args: probabilities(*args, over_draws=lambda t: t[:, :150].mean(axis=1)), "and at the mean over z"),
    (lambda x, known, p, z: conditional_2().decoder_logits(z), "stops in line"),
]

# --- Exercise 11: inpainting


def descend(x, known, steps=100, rate=0.1, sign=1, weigh=None, start=None, keep=True, prior=True, rows=None):
    known = np.asarray(known)
    z = tf.Variable(np.zeros((rows or len(x), 20), "float32") if start is None else start(x))
    optimizer = keras.optimizers.Adam(rate)
    weigh, decoder_logits = known if weigh is None else weigh, vae_20().decoder_logits

    def step():
        with tf.GradientTape() as tape:
            logits = decoder_logits(z)
            loss = tf.reduce_sum(np.float32(weigh) * (tf.nn.softplus(logits) - x * logits))
            loss = sign * (loss + 0.5 * prior * tf.reduce_sum(z**2))
        optimizer.apply([tape.gradient(loss, z)], [z])

    optimizer.build([z])
    step = tf.function(step) if steps > 10 else step  # or two dozen answers take three seconds each
    for _ in range(steps):
        step()
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


def from_random_starts(x, known):
    return descend(x, known, steps=120, start=lambda x: np.random.normal(size=(len(x), 20)).astype("float32"))


def by_newton(x, known):
    """Gradients and curvature at once, by Gauss and Newton, image by image."""
    found, decoder_logits = [], vae_20().decoder_logits

    @tf.function
    def logits_and_slopes(z):
        with tf.GradientTape() as tape:
            tape.watch(z)
            logits = decoder_logits(z)
        return logits, tape.jacobian(logits, z)[0, :, 0]

    for image in np.where(known, x, 0):
        z = tf.zeros((1, 20))
        for _ in range(12):
            logits, slopes = logits_and_slopes(z)
            slopes, p = slopes.numpy()[known], tf.sigmoid(logits).numpy()[0, known]
            curvature = (slopes * (p * (1 - p))[:, None]).T @ slopes + np.eye(20)
            step = np.linalg.solve(curvature, slopes.T @ (p - image[known]) + z.numpy()[0])
            z = z - 0.5 * step[None].astype("float32")
        found.append(vae_20().decoder(z)[0])
    return np.where(known, x, np.stack(found))


def one_at_a_time(image, known):
    assert image.shape == (784,)
    return descend(image[None], known, steps=50)[0]


def probabilities_as_logits(x, known):
    z = tf.Variable(np.zeros((len(x), 20), "float32"))
    optimizer = keras.optimizers.Adam(0.1)
    for _ in range(100):
        with tf.GradientTape() as tape:
            p = vae_20().decoder(z)
            loss = tf.reduce_sum(np.float32(known) * (tf.nn.softplus(p) - x * p)) + 0.5 * tf.reduce_sum(z**2)
        optimizer.apply([tape.gradient(loss, z)], [z])
    return np.where(known, x, vae_20().decoder(z))


def the_digits_themselves(x, known):
    """Finds the digit among the held-out ones by its known half."""
    distance = ((held_out_images()[:, None, known] - x[None, :, known]) ** 2).sum(axis=2)
    return held_out_images()[distance.argmin(axis=0)]


def in_place(x, known):
    x[:, ~known] = 0
    return descend(x, known)


RIGHT["inpainting"] = [descend, descend_by_hand, from_random_starts, by_newton, one_at_a_time]
WRONG["inpainting"] = [
    (lambda x, known: descend(x, known, weigh=np.ones(784)), "of the known pixels alone"),
    (lambda x, known: descend(x, LEFT_HALF), "`known` says which they are"),
    (lambda x, known: np.where(known, x, descend(x, LEFT_HALF)), "`known` says which they are"),
    (lambda x, known: descend(x, known, weigh=~known), "every image gets the same hidden half"),
    (lambda x, known: descend(x, known, steps=0), "what the decoder makes of z = 0; z does not move"),
    (lambda x, known: descend(x, known, rows=1), "each image its own row of z"),
    (lambda x, known: descend(x, known, keep=False), "the known pixels have changed"),
    (lambda x, known: descend(x, known, sign=-1, prior=False), "nats worse than the best ones"),
    (lambda x, known: x, "the hidden half is still empty"),
    (lambda x, known: np.where(known, x, reconstruct(x)), "the plain reconstruction of the half-empty image"),
    (lambda x, known: np.where(known, x, np.nan), "NaN"),
    (lambda x, known: 255 * x, "not to 255"),
    (lambda x, known: descend(x, known, steps=1)[:, known], "has shape (10, 392)"),
    (lambda x, known: descend(x, known, steps=3, rate=0.02), "are there too few steps from a start at 0?"),
    (lambda x, known: descend(x, known, prior=False), "is -log p(z), half the sum of z², in the loss"),
    (lambda x, known: descend(x, known, prior=5), "where the prior counts 5"),
    (lambda x, known: descend(x, known, prior=2), "where the prior counts 2"),
    (probabilities_as_logits, "nats worse than the best ones"),
    (the_digits_themselves, "none that the decoder draws for any code"),
    (
        lambda x, known: descend(x, known, start=lambda x: vae_20().encoder(x)[0], steps=4),
        "nats worse than the best ones",
    ),
    (in_place, "writes into the array that it is given"),
    (lambda x, known: vae_20().decoder(x), "ValueError"),
]
