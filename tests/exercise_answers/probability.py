"""Answers to exercises 2, 3, 4 and 7: the loss, the bound, the divergence, the sampling."""

import numpy as np
import tensorflow as tf
from keras import ops
from scipy import special, stats

RIGHT, WRONG, EXTRA = {}, {}, {}


# --- Exercise 2: the loss to mend


def crashes(*args):
    return np.zeros(2) + np.zeros(3)


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
    (loss_by_probabilities, "with logits of 100 or more the loss is"),
    (lambda *args: loss_by_probabilities(*args, tiny=1e-7), "with logits of 100 or more the loss is"),
    (lambda *args: 3 * numpy_loss(*args), "is 3 times the right one in every case"),
    (crashes, "stops in line"),
]

# --- Exercise 3: the bound from log-weights


def bound_by_largest(w):
    largest = w.max(axis=1, keepdims=True)
    return np.log(np.mean(np.exp(w - largest), axis=1)) + largest[:, 0]


RIGHT["evidence_bound"] = [
    bound_by_largest,
    lambda w: special.logsumexp(w, axis=1) - np.log(w.shape[1]),
    lambda w: tf.reduce_logsumexp(w, axis=-1) - tf.math.log(tf.cast(tf.shape(w)[1], w.dtype)),
    lambda w: tf.reduce_logsumexp(tf.cast(w, tf.float64), axis=1) - np.log(w.shape[1]),
    lambda w: ops.logsumexp(w, axis=1) - ops.log(float(w.shape[1])),
    lambda w: [special.logsumexp(row, b=1 / len(row)) for row in w],
]
WRONG["evidence_bound"] = [
    (lambda w: special.logsumexp(w, axis=1), "the log of the sum of the weights"),
    (lambda w: special.logsumexp(w, axis=1) + np.log(w.shape[1]), "log k is added"),
    (lambda w: special.logsumexp(w, axis=1) - w.shape[1], "k is subtracted instead of log k"),
    (lambda w: w.mean(axis=1), "the mean of the logs, which is the ELBO"),
    (lambda w: special.logsumexp(w, axis=0) - np.log(w.shape[0]), "the mean is over the images, axis 0"),
    (lambda w: special.logsumexp(w) - np.log(w.size), "one number for the whole batch"),
    (lambda w: np.mean(bound_by_largest(w)), "one number for the whole batch"),
    (lambda w: w.max(axis=1), "the largest log-weight; all k"),
    (lambda w: bound_by_largest(w) - w.max(axis=1), "not added again after the logarithm"),
    (lambda w: np.mean(np.exp(w), axis=1), "the mean weight itself"),
    (lambda w: -bound_by_largest(w), "the sign turned"),
    (lambda w: np.log(np.mean(np.exp(w), axis=1)), "log-weights near -10,000 the bound is -inf"),
    (lambda w: np.log(np.mean(np.exp(w), axis=1) + 1e-30), "log-weights near -10,000 the bound is -69"),
    (lambda w: np.log(np.mean(np.exp(np.maximum(w, -700)), axis=1)), "log-weights near -10,000"),
    (lambda w: np.log(np.mean(np.exp(w - w.mean()), axis=1)) + w.mean(), "each image's largest"),
    (lambda w: bound_by_largest(w)[:, None], "has shape (4, 1), not (4,)"),
    (lambda w: w.argmax(1) + 0.123, "where"),
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


def kl_diagonal(mean_q, cov_q, mean_p, cov_p):
    return kl_numpy(mean_q, np.diag(np.diag(cov_q)), mean_p, np.diag(np.diag(cov_p)))


RIGHT["kl_between_gaussians"] = [
    kl_numpy,
    kl_tensorflow,
    kl_by_entropy,
    lambda *gaussians: [float(kl_numpy(*gaussians))],
]
WRONG["kl_between_gaussians"] = [
    (lambda *gaussians: 0.5 * kl_numpy(*gaussians), "exactly half of the right one: is a factor missing?"),
    (lambda *gaussians: 2 * kl_numpy(*gaussians), "exactly twice the right one: is the factor 1/2 missing?"),
    (lambda *gaussians: -kl_numpy(*gaussians), "with the sign turned"),
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
    (kl_terms, "the determinant underflows to 0"),
    (lambda *gaussians: kl_numpy(*gaussians) + 0.7, "is 0.7 too large in every case"),
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


def laplace_with(scale=np.exp, noise=unit_laplace, shape=np.shape, add=True):
    def sample(loc, log_scale, rng):
        return loc * add + scale(log_scale) * noise(rng.random(shape(loc)))

    return sample


RIGHT["sampling"] = [
    laplace_by_inverse,
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
    (laplace_with(noise=lambda u: u - 0.5), "uniform around 0"),
    (laplace_with(noise=lambda u: np.log(u - 0.5)), "NaN or infinite"),
    (laplace_with(noise=lambda u: unit_laplace(u) / 2), "half as wide"),
    (laplace_with(noise=lambda u: unit_laplace(u) / 2**0.5), "the noise has variance 1"),
    (laplace_with(noise=lambda u: unit_laplace(u) + 0.5), "these are not Laplace draws"),
    (laplace_with(add=False), "loc has no influence"),
    (lambda loc, s, rng: loc * (1 + unit_laplace(rng.random(loc.shape))), "loc is not just added"),
    (lambda loc, s, rng: loc + np.exp(s) * np.random.laplace(size=loc.shape), "take all noise from rng"),
    (lambda loc, s, rng: np.random.default_rng(0).laplace(loc, np.exp(s)), "another rng gives the same draws"),
    (lambda loc, s, rng: laplace_by_inverse(loc, s, rng).mean(axis=0), "a code for each image is wanted"),
]
