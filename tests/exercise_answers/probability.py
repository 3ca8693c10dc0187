"""Answers to exercises 2, 3, 4, 7 and 12: the loss, the evidence, the divergence, the sampling, a derivation."""

import math
import sys
from decimal import Decimal

import numpy as np
import tensorflow as tf
from keras import ops
from scipy import special, stats

RIGHT, WRONG = {}, {}


# --- Exercise 2: the loss to mend


def crashes(*args):
    return np.zeros(2) + np.zeros(3)


def leaves(*args):
    sys.exit("done")


def writes_by_a_view(x, *args):
    pictures = np.reshape(x, (-1, 28, 28))
    pictures[...] = np.round(pictures)
    return numpy_loss(x, *args)


def keras_loss(x, logits, z_mean, z_log_var):
    reconstruction = ops.sum(ops.softplus(logits) - x * logits, axis=-1)
    kl = 0.5 * ops.sum(z_mean**2 + ops.exp(z_log_var) - z_log_var - 1, axis=-1)
    return ops.mean(reconstruction + kl)


def numpy_loss(x, logits, z_mean, z_log_var, mean=np.mean, over=np.sum, kl_over=np.sum, sign=1):
    reconstruction = over(np.logaddexp(0, logits) - x * logits, axis=1)
    kl = 0.5 * kl_over(z_mean**2 + np.exp(z_log_var) - 1 - z_log_var, axis=1)
    return mean(reconstruction + sign * kl)


def tensorflow_loss(x, logits, z_mean, z_log_var):
    x = tf.cast(x, tf.float64)
    logits, z_mean, z_log_var = (tf.cast(part, tf.float64) for part in (logits, z_mean, z_log_var))
    reconstruction = tf.nn.sigmoid_cross_entropy_with_logits(x, logits)
    kl = -0.5 * tf.reduce_sum(1 + z_log_var - z_mean**2 - tf.exp(z_log_var))
    return (tf.reduce_sum(reconstruction) + kl) / len(x)


def loss_by_probabilities(x, logits, z_mean, z_log_var, tiny=0.0):
    p = special.expit(logits)
    reconstruction = -np.sum(x * np.log(p + tiny) + (1 - x) * np.log(1 - p + tiny), axis=1)
    return np.mean(reconstruction + 0.5 * np.sum(z_mean**2 + np.exp(z_log_var) - 1 - z_log_var, axis=1))


def loss_with(kl):
    def loss(x, logits, z_mean, z_log_var):
        return np.mean(np.sum(np.logaddexp(0, logits) - x * logits, axis=1) + kl(z_mean, z_log_var))

    return loss


def unit_kl(m, v):
    return 0.5 * np.sum(m**2 + np.exp(v) - 1 - v, axis=1)


RIGHT["mended_loss"] = [
    keras_loss,
    numpy_loss,
    tensorflow_loss,
    lambda x, *args: numpy_loss(x.astype("float64"), *args),
    lambda *args: [numpy_loss(*args)],  # a list of one number
    lambda *args: np.reshape(numpy_loss(*args), (1, 1)),
]
WRONG["mended_loss"] = [
    (lambda *args: numpy_loss(*args, over=np.mean, kl_over=np.mean), "both terms are still means"),
    (lambda *args: numpy_loss(*args, over=np.mean), "mean over pixels; the sum is 784 times it"),
    (lambda *args: numpy_loss(*args, kl_over=np.mean), "KL is the mean over the latent numbers"),
    (lambda *args: numpy_loss(*args, mean=np.sum), "summed over the images; average it"),
    (lambda *args: numpy_loss(*args, mean=np.asarray), "one number for each image; return their mean"),
    (lambda *args: numpy_loss(*args, sign=-1), "the KL is subtracted"),
    (lambda *args: -numpy_loss(*args), "this is the ELBO; the loss is minus that"),
    (lambda *args: numpy_loss(*args, sign=0), "the KL is missing"),
    (lambda *args: numpy_loss(*args, sign=2), "twice the right one: is the factor 1/2 missing?"),
    (lambda *args: numpy_loss(*args, sign=0.5), "half of the right one"),
    (loss_with(lambda m, s: 0.5 * np.sum(m**2 + s**2 - 1 - np.log(s**2), axis=1)), "taken for sigma; it is log"),
    (loss_with(lambda m, v: unit_kl(m, 2 * v)), "taken for log sigma"),
    (lambda x, logits, *args: np.mean(unit_kl(*args)), "the reconstruction error is missing"),
    (
        lambda x, logits, *args: np.mean(np.sum((x - special.expit(logits)) ** 2, 1) + unit_kl(*args)),
        "squared error plus",
    ),
    (loss_by_probabilities, "look for the logarithm of a probability"),
    (lambda *args: loss_by_probabilities(*args, tiny=1e-12), "with logits of 100 and more the loss is"),
    (lambda *args: 3 * numpy_loss(*args), "3 times the right one in every case; so both terms are off"),
    (lambda *args: numpy_loss(*args) / np.log(2), "your loss is in bits"),
    (lambda *args: numpy_loss(*args, mean=lambda a: a.sum() / 10), "both terms are off: where the KL is 0"),
    (loss_with(lambda m, v: 1.1 * unit_kl(m, v)), "the KL is off, and the reconstruction error is right"),
    (loss_with(lambda m, v: unit_kl(m, v) + 0.5 * m.shape[1]), "in your KL, the 1 is missing"),
    (loss_with(lambda m, v: unit_kl(np.sqrt(np.abs(m)), v)), "the KL is off, and the reconstruction error is right"),
    (loss_with(lambda m, v: unit_kl(m, v) + v.sum(axis=1) / 2), "z_log_var itself is missing"),
    (loss_with(lambda m, v: 0.01 * m.shape[1] + unit_kl(m, v)), "the KL is 0, the loss is"),
    (lambda x, logits, *codes: numpy_loss(x, special.expit(logits), *codes), "through a sigmoid and are then taken"),
    (
        lambda x, logits, *codes: numpy_loss(np.round(x), logits, *codes),
        "the reconstruction error is off, and the KL is",
    ),
    (writes_by_a_view, "writes into the array that it is given"),
    (leaves, "SystemExit: done"),
    (crashes, "stops in line"),
]

# --- Exercise 3: the jackknife


def log_mean(w, axis=1):
    largest = w.max(axis=axis, keepdims=True)
    return np.log(np.mean(np.exp(w - largest), axis=axis)) + np.squeeze(largest, axis=axis)


def without_one(w, log_mean=log_mean):
    return np.stack([log_mean(np.delete(w, i, axis=1)) for i in range(w.shape[1])], axis=1)


def jackknife(w, log_mean=log_mean):
    k = w.shape[1]
    return k * log_mean(w) - (k - 1) * without_one(w, log_mean).mean(axis=1)


def jackknife_by_loops(w):
    estimates = []
    for row in w.astype("float64"):
        k, total = len(row), special.logsumexp(row) - np.log(len(row))
        rest = [special.logsumexp(np.delete(row, i)) - np.log(k - 1) for i in range(k)]
        estimates.append(k * total - (k - 1) * np.mean(rest))
    return estimates


def jackknife_by_mask(w):
    """All at once: what is left out becomes minus infinity."""
    k = w.shape[1]
    masked = np.where(np.eye(k, dtype=bool), -np.inf, w[:, None, :])
    rest = special.logsumexp(masked, axis=2) - np.log(k - 1)
    return k * (special.logsumexp(w, axis=1) - np.log(k)) - (k - 1) * rest.mean(axis=1)


def jackknife_tensorflow(w):
    k = w.shape[1]
    bounds = [
        tf.reduce_logsumexp(tf.concat([w[:, :i], w[:, i + 1 :]], axis=1), axis=1) - np.log(k - 1).astype(w.dtype.name)
        for i in range(k)
    ]
    whole = tf.reduce_logsumexp(w, axis=1) - np.log(k).astype(w.dtype.name)
    return k * whole - (k - 1) * tf.reduce_mean(tf.stack(bounds), axis=0)


def shared_largest(w):
    """A log-mean with one largest log-weight for all rows."""
    return np.log(np.mean(np.exp(w - w.max()), axis=1)) + w.max()


def largest_of_all(w):
    """Leaves one out, but subtracts the largest of all weights of the row."""
    k, largest = w.shape[1], w.max(axis=1, keepdims=True)
    u = np.exp(w - largest)
    rest = np.log((u.sum(axis=1, keepdims=True) - u) / (k - 1)) + largest
    return k * log_mean(w) - (k - 1) * rest.mean(axis=1)


RIGHT["less_biased_evidence"] = [
    jackknife,
    jackknife_by_loops,
    jackknife_by_mask,
    jackknife_tensorflow,
    lambda w: jackknife(w)[:, None],
    lambda w: jackknife_tensorflow(tf.constant(w)),
]
WRONG["less_biased_evidence"] = [
    (log_mean, "this is the bound L itself"),
    (lambda w: without_one(w).mean(axis=1), "the mean of the bounds without one draw; combine"),
    (lambda w: log_mean(w) - without_one(w).mean(axis=1), "k is missing before the bound of all draws, and k - 1"),
    (lambda w: (len(w[0]) - 1) * log_mean(w) - len(w[0]) * without_one(w).mean(axis=1), "k and k - 1 are exchanged"),
    (lambda w: 2 * len(w[0]) * log_mean(w) - jackknife(w), "the second term is added"),
    (lambda w: -jackknife(w), "the sign is turned"),
    (lambda w: jackknife(w, lambda w: special.logsumexp(w, axis=1)), "log-sums of weights instead of log-means"),
    (lambda w: jackknife(w, lambda w: w.mean(axis=1)), "the mean of the logs, which is the ELBO"),
    (lambda w: w.max(axis=1), "the largest log-weight; all k"),
    (lambda w: jackknife(w.T), "the mean is over the images, axis 0"),
    (lambda w: jackknife(w).mean(), "one number for the whole batch"),
    (lambda w: jackknife(w, lambda w: np.log(np.mean(np.exp(w), axis=1))), "log-weights are near -20,000"),
    (
        lambda w: jackknife(w, lambda w: np.log(np.mean(np.exp(w.astype(np.longdouble)), axis=1)).astype("float64")),
        "log-weights are near -20,000",
    ),
    (lambda w: jackknife(w, shared_largest), "the largest log-weight of each row, not one number for all rows"),
    (largest_of_all, "needs a largest log-weight of its own"),
    (lambda w: jackknife(w) + 0.3, "too large by 0.3 in every case; look first at one row"),
    (lambda w: jackknife(w, lambda w: w.no_such), "AttributeError"),
    (lambda w: str(w), "returns a str, which is no array of numbers"),
]

# --- Exercise 4: KL of two Gaussians


def kl_numpy(mean_q, cov_q, mean_p, cov_p):
    inverse = np.linalg.inv(cov_p)
    step = mean_p - mean_q
    log_det = np.linalg.slogdet(cov_p)[1] - np.linalg.slogdet(cov_q)[1]
    return 0.5 * (np.trace(inverse @ cov_q) + step @ inverse @ step - len(step) + log_det)


def kl_tensorflow(mean_q, cov_q, mean_p, cov_p):
    step = tf.linalg.solve(cov_p, (mean_p - mean_q)[:, None])
    trace = tf.linalg.trace(tf.linalg.solve(cov_p, cov_q))
    log_det = tf.linalg.slogdet(cov_p)[1] - tf.linalg.slogdet(cov_q)[1]
    return 0.5 * (trace + (mean_p - mean_q)[None] @ step - len(mean_q) + log_det)


def kl_by_entropy(mean_q, cov_q, mean_p, cov_p):
    """Cross-entropy minus entropy, by SciPy."""
    mean_q, cov_q, mean_p, cov_p = (np.asarray(part, "float64") for part in (mean_q, cov_q, mean_p, cov_p))
    p = stats.multivariate_normal(mean_p, cov_p)
    cross = -p.logpdf(mean_q) + 0.5 * np.trace(np.linalg.solve(cov_p, cov_q))
    return cross - stats.multivariate_normal(mean_q, cov_q).entropy()


def kl_terms(mean_q, cov_q, mean_p, cov_p, distance=1, dimension=1, log_det=1, weight=None):
    inverse = np.linalg.inv(cov_p)
    step = mean_p - mean_q
    squared_distance = step @ (inverse if weight is None else weight(cov_q)) @ step
    log_ratio = np.log(np.linalg.det(cov_p) / np.linalg.det(cov_q))
    trace = np.trace(inverse @ cov_q)
    return 0.5 * (trace + distance * squared_distance - dimension * len(step) + log_det * log_ratio)


def kl_by_parts(
    mean_q,
    cov_q,
    mean_p,
    cov_p,
    trace=lambda q, p: np.trace(np.linalg.inv(p) @ q),
    distance=lambda step, p: step @ np.linalg.inv(p) @ step,
):
    log_ratio = np.linalg.slogdet(cov_p)[1] - np.linalg.slogdet(cov_q)[1]
    return 0.5 * (trace(cov_q, cov_p) + distance(mean_p - mean_q, cov_p) - len(mean_q) + log_ratio)


def kl_by_one_determinant(mean_q, cov_q, mean_p, cov_p):
    """Right for two equal covariances, whose determinants cancel, and with a limit that keeps them from being 0."""
    log_ratio = np.log(max(np.linalg.det(cov_p), 1e-300)) - np.log(max(np.linalg.det(cov_q), 1e-300))
    inverse, step = np.linalg.inv(cov_p), mean_p - mean_q
    return 0.5 * (np.trace(inverse @ cov_q) + step @ inverse @ step - len(step) + log_ratio)


def kl_in_place(mean_q, cov_q, mean_p, cov_p):
    mean_q -= mean_p
    return kl_numpy(mean_q, cov_q, 0 * mean_p, cov_p)


def kl_by_eigenvalues(mean_q, cov_q, mean_p, cov_p):
    """With complex eigenvalues, whose imaginary parts are 0."""
    ratios = np.linalg.eigvals(np.linalg.solve(cov_p, cov_q).astype("complex128"))
    step = mean_p - mean_q
    return 0.5 * (np.sum(ratios - np.log(ratios)) + step @ np.linalg.solve(cov_p, step) - len(step))


def kl_diagonal(mean_q, cov_q, mean_p, cov_p):
    return kl_numpy(mean_q, np.diag(np.diag(cov_q)), mean_p, np.diag(np.diag(cov_p)))


RIGHT["kl_between_gaussians"] = [
    kl_numpy,
    kl_tensorflow,
    kl_by_entropy,
    lambda *gaussians: [float(kl_numpy(*gaussians))],
    lambda *gaussians: Decimal(float(kl_numpy(*gaussians))),
    lambda *gaussians: np.complex128(kl_by_eigenvalues(*gaussians).real),
]
WRONG["kl_between_gaussians"] = [
    (lambda *gaussians: 0.5 * kl_numpy(*gaussians), "half of the right one in every case"),
    (lambda *gaussians: 2 * kl_numpy(*gaussians), "twice the right one in every case"),
    (lambda *gaussians: -kl_numpy(*gaussians), "with its sign turned"),
    (lambda mq, cq, mp, cp: kl_numpy(mp, cp, mq, cq), "KL(p || q), the other direction"),
    (lambda *gaussians: kl_terms(*gaussians, log_det=-1), "the sign of the log-determinants is turned"),
    (lambda *gaussians: kl_terms(*gaussians, log_det=0), "the log-determinants are missing"),
    (lambda *gaussians: kl_terms(*gaussians, log_det=2), "1/2 is missing from the log-determinants"),
    (lambda *gaussians: kl_terms(*gaussians, dimension=0), "the dimension d is not subtracted"),
    (lambda *gaussians: kl_terms(*gaussians, dimension=-1), "the dimension d is added"),
    (
        lambda *gaussians: kl_terms(*gaussians, dimension=1 / len(gaussians[0])),
        "1 is subtracted where the dimension d should be",
    ),
    (lambda *gaussians: kl_terms(*gaussians, distance=0), "the distance of the means is missing"),
    (lambda *gaussians: kl_terms(*gaussians, weight=np.linalg.inv), "weighed by q's covariance"),
    (lambda *gaussians: kl_terms(*gaussians, weight=lambda cov: np.eye(len(cov))), "is not weighed"),
    (kl_diagonal, "only the diagonals"),
    (lambda mq, cq, mp, cp: kl_numpy(mq, cq @ cq, mp, cp @ cp), "taken for standard deviations"),
    (lambda *gaussians: kl_numpy(*gaussians) / np.log(2), "in bits"),
    (lambda *gaussians: kl_numpy(*gaussians) / len(gaussians[0]), "divided by the dimension"),
    (kl_terms, "in 200 dimensions the KL is"),
    (lambda *gaussians: kl_numpy(*gaussians) + 0.7, "too large by 0.7 in every case"),
    (lambda *gaussians: kl_by_parts(*gaussians, trace=lambda q, p: np.trace(p @ q)), "p has to be inverted"),
    (
        lambda *gaussians: kl_by_parts(*gaussians, trace=lambda q, p: np.trace(np.linalg.inv(q) @ p)),
        "q's inverse times",
    ),
    (
        lambda *gaussians: kl_by_parts(*gaussians, trace=lambda q, p: np.sum(np.linalg.inv(p) @ q)),
        "the sum of all numbers of the product",
    ),
    (
        lambda *gaussians: kl_by_parts(*gaussians, trace=lambda q, p: np.trace(np.linalg.inv(p) * q)),
        "multiplied number by number",
    ),
    (
        lambda *gaussians: kl_by_parts(*gaussians, distance=lambda step, p: step @ p @ step),
        "weigh it by the inverse of that",
    ),
    (
        lambda *gaussians: kl_by_parts(*gaussians, distance=lambda step, p: np.abs(step).sum()),
        "with equal covariances only the distance of the means is left",
    ),
    (
        lambda *gaussians: kl_by_parts(
            *gaussians, trace=lambda q, p: 1.2 * np.trace(np.linalg.inv(p) @ q) - 0.2 * len(q)
        ),
        "look at the trace and the log-determinants",
    ),
    (kl_by_one_determinant, "in 200 dimensions the KL is"),
    (kl_in_place, "writes into the array that it is given"),
    (lambda *gaussians: np.linalg.inv(np.zeros((2, 2))), "LinAlgError: Singular matrix"),
]

# --- Exercise 7: Laplace


def laplace_by_inverse(loc, log_scale, rng):
    u = rng.random(loc.shape) - 0.5
    return loc - np.exp(log_scale) * np.sign(u) * np.log1p(-2 * np.abs(u))


def laplace_of_exponentials(loc, log_scale, rng):
    e = -np.log1p(-rng.random((2, *loc.shape)))
    return loc + np.exp(log_scale) * (e[0] - e[1])


def laplace_tensorflow(loc, log_scale, rng):
    u = tf.constant(rng.random(loc.shape, dtype="float32")) - 0.5
    return loc - tf.exp(log_scale) * tf.sign(u) * tf.math.log1p(-2 * tf.abs(u))


def unit_laplace(u):
    return -np.sign(u - 0.5) * np.log1p(-2 * np.abs(u - 0.5))


def laplace_in_double_precision(loc, log_scale, rng):
    """TensorFlow does not mix the float64 that `rng` gives with float32."""
    v = tf.constant(rng.random(loc.shape)) - 0.5
    return tf.constant(loc) - tf.exp(log_scale) * tf.sign(v) * tf.math.log1p(-2 * tf.abs(v))


def laplace_in_pairs(loc, log_scale, rng):
    """The same noise for two images each, with the other sign: right on average, and not independent."""
    noise = unit_laplace(rng.random((len(loc) // 2, 2)))
    return loc + np.exp(log_scale) * np.concatenate([noise, -noise])


def laplace_with_a_side_per_image(loc, log_scale, rng):
    size = rng.exponential(size=loc.shape)
    return loc + np.exp(log_scale) * size * np.where(rng.random((len(loc), 1)) < 0.5, -1, 1)


def laplace_with(scale=np.exp, noise=unit_laplace, shape=np.shape, add=True):
    def sample(loc, log_scale, rng):
        return loc * add + scale(log_scale) * noise(rng.random(shape(loc)))

    return sample


RIGHT["sampling"] = [
    laplace_by_inverse,
    laplace_in_double_precision,
    laplace_of_exponentials,
    laplace_tensorflow,
    lambda loc, log_scale, rng: loc + np.exp(log_scale) * stats.laplace.ppf(rng.random(loc.shape)),
    lambda loc, log_scale, rng: rng.laplace(loc, np.exp(log_scale)),
]
WRONG["sampling"] = [
    (laplace_with(shape=lambda loc: loc.shape[1:]), "one noise vector for the whole batch"),
    (laplace_with(shape=lambda loc: (len(loc), 1)), "all latent numbers of an image share one noise"),
    (laplace_with(scale=lambda s: np.exp(0.5 * s)), "taken for a log-variance"),
    (laplace_with(scale=lambda s: s), "log_scale itself is used as the scale"),
    (laplace_with(scale=np.ones_like), "the scale is not used"),
    (laplace_with(scale=lambda s: np.exp(-s)), "divided by the scale"),
    (laplace_with(scale=lambda s: np.exp(2 * s)), "the scale is squared"),
    (laplace_with(noise=special.ndtri), "the noise is Gaussian"),
    (laplace_with(scale=lambda s: np.exp(0.5 * s), noise=special.ndtri), "the noise is Gaussian, and log_scale"),
    (laplace_with(noise=special.logit), "this is the logistic distribution"),
    (laplace_with(noise=lambda u: -np.log1p(-u)), "no z lies below loc"),
    (laplace_with(noise=lambda u: np.log1p(-u)), "no z lies above loc"),
    (laplace_with(noise=lambda u: u), "uniform from 0 to 1"),
    (laplace_with(noise=lambda u: u - 0.5), "uniform from -1/2 to 1/2"),
    (laplace_with(noise=lambda u: np.log(u - 0.5)), "NaN or infinite"),
    (laplace_with(noise=lambda u: unit_laplace(u) / 2), "half as wide"),
    (laplace_with(noise=lambda u: unit_laplace(u) / 2**0.5), "the noise has variance 1"),
    (laplace_with(noise=lambda u: unit_laplace(u) + 0.5), "where about"),
    (laplace_with(add=False), "loc has no influence"),
    (lambda loc, s, rng: loc * (1 + unit_laplace(rng.random(loc.shape))), "loc is not just added"),
    (lambda loc, s, rng: loc + np.exp(s) * np.random.laplace(size=loc.shape), "take all noise from rng"),
    (lambda loc, s, rng: np.random.default_rng(0).laplace(loc, np.exp(s)), "another rng gives the same draws"),
    (lambda loc, s, rng: laplace_by_inverse(loc, s, rng).mean(axis=0), "a draw for each number of loc is wanted"),
    (laplace_in_pairs, "many draws have the same noise"),
    (laplace_with_a_side_per_image, "the noises of both numbers of an image are not independent"),
    (laplace_with(noise=lambda u: np.clip(unit_laplace(u), -3, 3)), "the tails are clipped"),
    (laplace_with(noise=lambda u: unit_laplace(np.clip(u, 0.002, 0.998))), "the tails are clipped"),
    (lambda loc, s, rng: np.add(loc, laplace_by_inverse(0 * loc, s, rng), out=loc), "writes into the array"),
]


# --- Exercise 12: a derivation in three steps

RIGHT["derived_entropy"] = [
    lambda s: 1 + np.log(2 * s),
    lambda s: np.log(2 * np.e * s),
    lambda s: float(stats.laplace(scale=s).entropy()),
    lambda s: tf.math.log(2.0 * s) + 1.0,
]
WRONG["derived_entropy"] = [
    (lambda s: -1 - np.log(2 * s), "this is the mean of log q"),
    (lambda s: np.log(2 * s), "the 1 is missing"),
    (lambda s: 1 + np.log(s), "the 2 is missing inside the logarithm"),
    (lambda s: np.log(2 * s) - 1, "the sign of the 1 is turned"),
    (lambda s: 1 - np.log(2 * s), "the sign of log(2s) is turned"),
    (lambda s: 0.5 * np.log(2 * np.pi * np.e * s**2), "the entropy of a Gaussian with sigma = s"),
    (lambda s: np.log(2 * s) + s, "here s stands in its place"),
    (lambda s: (1 + np.log(2 * s)) / np.log(2), "in bits"),
    (lambda s: math.log(-s), "ValueError"),
    (lambda s: 1.5 + s**2, "write out -log q(z) first"),
]
RIGHT["derived_second_moment"] = [
    lambda m, s: m**2 + 2 * s**2,
    lambda m, s: np.array([m * m + 2 * s * s]),
    lambda m, s: stats.laplace(m, s).moment(2),
    lambda m, s: tf.constant(m) ** 2 + tf.constant(s) ** 2 * 2,
]
WRONG["derived_second_moment"] = [
    (lambda m, s: m**2 + s**2, "is 2s², not s²"),
    (lambda m, s: 2 * s**2, "this is the variance"),
    (lambda m, s: m**2, "the mean's square; the variance is missing"),
    (lambda m, s: m**2 + 2 * s, "2s², not 2s"),
    (lambda m, s: m**2 + (2 * s) ** 2, "the 2 is not squared"),
    (lambda m, s: m + 2 * s**2, "m is not squared"),
    (lambda m, s: 2 * s**2 - m**2, "subtracted where it should be added"),
    (lambda m, s: (m + s) ** 2, "multiply out its square"),
    (lambda m, s: (m, s), "has shape (2,), not ()"),
]
KL_OF_LAPLACE = 0.5 * np.log(2 * np.pi) - 1 - np.log(2)


def laplace_kl(m, s):
    return (m**2 + 2 * s**2) / 2 - np.log(s) + KL_OF_LAPLACE


def laplace_kl_by_quadrature(m, s):
    z = np.linspace(m - 40 * s, m + 40 * s, 400_001)
    log_q = stats.laplace.logpdf(z, m, s)
    return np.trapezoid(np.exp(log_q) * (log_q - stats.norm.logpdf(z)), z)


RIGHT["derived_kl"] = [
    laplace_kl,
    laplace_kl_by_quadrature,
    lambda m, s: ops.convert_to_tensor(laplace_kl(m, s)),
    lambda m, s: [laplace_kl(m, s)],
]
WRONG["derived_kl"] = [
    (lambda m, s: -laplace_kl(m, s), "the sign is turned"),
    (lambda m, s: laplace_kl(m, s) + 1 + np.log(2 * s), "this is the cross-entropy"),
    (lambda m, s: laplace_kl(m, s) + 2 + 2 * np.log(2 * s), "the entropy is added"),
    (lambda m, s: laplace_kl(m, s) - 0.5 * np.log(2 * np.pi), "of the Gaussian's density, is missing"),
    (lambda m, s: laplace_kl(m, s) + m**2 / 2 + s**2, "E[z²] needs the factor 1/2"),
    (lambda m, s: (m**2 + s**2 - 1 - np.log(s**2)) / 2, "the KL of a Gaussian with sigma = s"),
    (lambda m, s: laplace_kl(m, s) - s**2 / 2, "2s², not s²"),
    (lambda m, s: laplace_kl(m, s) / np.log(2), "in bits"),
    (lambda m, s: laplace_kl(m, s) + 0.1 * m, "put it together of"),
]
