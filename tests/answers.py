"""Right answers to the exercises of lesson 05, and wrong ones with a part of the message that fits each.

`RIGHT` and `WRONG` have an entry for each check. A wrong answer is a pair of the answer and the text.
"""

import keras
import numpy as np
import tensorflow as tf
from keras import ops
from scipy import special, stats
from scipy.ndimage import median_filter
from scipy.spatial.transform import Rotation

from pylib import evidence, pretrained
from pylib.tf_utils import mnist_train

IMAGES, LABELS = (array[50_000:] for array in mnist_train())
VAE_2, VAE_20, CONDITIONAL = (pretrained.load(name) for name in ("vae_2", "vae_20", "conditional_2"))
CODES, CODE_LABELS = np.asarray(VAE_2.encoder(IMAGES[:2000])[0]), LABELS[:2000]
KNOWN = np.tile(np.arange(28) < 14, 28)
RIGHT, WRONG = {}, {}

# What each check takes beside the answer
EXTRA = {
    "new_numbers": (IMAGES,),
    "own_noise": (IMAGES,),
    "drawn_digit": (VAE_2, IMAGES[2000:], CODES, CODE_LABELS),
    "which_digit": (CONDITIONAL, IMAGES),
    "inpainting": (VAE_20, IMAGES, KNOWN),
}


def crashes(*args):
    return np.zeros(2) + np.zeros(3)


# --- new numbers


def halves_of_one(a, b):
    """Written for one image of 784 pixels."""
    return np.concatenate([a[:392], b[392:]])


def halves(a, b):
    return np.where(np.arange(784) < 392, a, b)


def changes_its_input(a, b):
    a += b
    return np.clip(a, 0, 1, out=a)


RIGHT["new_numbers"] = [
    lambda a, b: np.clip(a + b, 0, 1),
    np.maximum,
    halves,
    halves_of_one,
    lambda a, b: tf.clip_by_value(a + b, 0, 1),
    lambda a, b: (a + b).astype("float64") / 2,
    lambda a, b: ops.absolute(a - b),
]
WRONG["new_numbers"] = [
    (lambda a, b: a + b, "reach 2.00, and ink can't be more than 1; clip"),
    (lambda a, b: a - b, "go down to -1.00, and ink can't be negative; clip"),
    (lambda a, b: 255 * np.maximum(a, b), "not to 255"),
    (lambda a, b: a, "this is the first digit as it was"),
    (lambda a, b: b, "this is the second digit as it was"),
    (lambda a, b: np.sqrt(a), "the second digit makes no difference"),
    (lambda a, b: b**2, "the first digit makes no difference"),
    (lambda a, b: a / b, "NaN or infinity; is there a division by 0?"),
    (lambda a, b: (a + b) / 784, "too faint to see"),
    (lambda a, b: np.concatenate([a, b]), "has shape (40, 784), not (20, 784)"),
    (lambda a, b: np.clip(a + b, 0, 1).mean(), "has shape (), not (20, 784)"),
    (changes_its_input, "changes the digits it is given"),
    (lambda a, b: "ab", "no array of numbers"),
]

# --- the loss to mend


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
    lambda x, *of: numpy_loss(x.astype("float64"), *of),
]
WRONG["mended_loss"] = [
    (lambda *of: numpy_loss(*of, over=np.mean, kl_over=np.mean), "both terms are still means"),
    (lambda *of: numpy_loss(*of, over=np.mean), "mean over pixels; the sum is 784 times it"),
    (lambda *of: numpy_loss(*of, kl_over=np.mean), "KL is the mean over the latent numbers"),
    (lambda *of: numpy_loss(*of, mean=np.sum), "summed over the images; average it"),
    (lambda *of: numpy_loss(*of, mean=np.asarray), "one number for each image; return their mean"),
    (lambda *of: numpy_loss(*of, sign=-1), "the KL is subtracted"),
    (lambda *of: -numpy_loss(*of), "this is the ELBO; the loss is minus that"),
    (lambda *of: numpy_loss(*of, sign=0), "the KL is missing"),
    (lambda *of: numpy_loss(*of, sign=2), "twice the right one: is the factor 1/2 missing?"),
    (lambda *of: numpy_loss(*of, sign=0.5), "half of the right one"),
    (loss_with(lambda m, s: 0.5 * np.sum(m**2 + s**2 - 1 - np.log(s**2), axis=1)), "taken for sigma; it is log"),
    (loss_with(lambda m, v: unit_kl(m, 2 * v)), "taken for log sigma"),
    (lambda x, logits, *of: np.mean(unit_kl(*of)), "the reconstruction error is missing"),
    (lambda x, logits, *of: np.mean(np.sum((x - special.expit(logits)) ** 2, 1) + unit_kl(*of)), "squared error plus"),
    (loss_by_probabilities, "with logits of 100 or more the loss is"),
    (lambda *of: loss_by_probabilities(*of, tiny=1e-7), "with logits of 100 or more the loss is"),
    (lambda *of: 3 * numpy_loss(*of), "is 3 times the right one in every case"),
    (crashes, "stops in line"),
]

# --- the bound from log-weights


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

# --- KL of two Gaussians


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


def kl_terms(mean_q, cov_q, mean_p, cov_p, trace=1, distance=1, d=1, dets=1, weight=None):
    inverse = np.linalg.inv(cov_p)
    step = mean_p - mean_q
    log_det = np.log(np.linalg.det(cov_p) / np.linalg.det(cov_q))
    weight = inverse if weight is None else weight(cov_q)
    far = step @ weight @ step
    return 0.5 * (trace * np.trace(inverse @ cov_q) + distance * far - d * len(step) + dets * log_det)


def kl_diagonal(mean_q, cov_q, mean_p, cov_p):
    return kl_numpy(mean_q, np.diag(np.diag(cov_q)), mean_p, np.diag(np.diag(cov_p)))


RIGHT["kl_between_gaussians"] = [kl_numpy, kl_tensorflow, kl_by_entropy, lambda *g: [float(kl_numpy(*g))]]
WRONG["kl_between_gaussians"] = [
    (lambda *g: 0.5 * kl_numpy(*g), "exactly half of the right one: is a factor missing?"),
    (lambda *g: 2 * kl_numpy(*g), "exactly twice the right one: is the factor 1/2 missing?"),
    (lambda *g: -kl_numpy(*g), "with the sign turned"),
    (lambda mq, cq, mp, cp: kl_numpy(mp, cp, mq, cq), "KL(p || q), the other direction"),
    (lambda *g: kl_terms(*g, dets=-1), "the sign of the log-determinants is turned"),
    (lambda *g: kl_terms(*g, dets=0), "the log-determinants are missing"),
    (lambda *g: kl_terms(*g, dets=2), "1/2 is missing from the log-determinants"),
    (lambda *g: kl_terms(*g, d=0), "the dimension d is not subtracted"),
    (lambda *g: kl_terms(*g, d=-1), "the dimension d is added"),
    (lambda *g: kl_terms(*g, d=1 / len(g[0])), "1 is subtracted where the dimension d should be"),
    (lambda *g: kl_terms(*g, distance=0), "the distance of the means is missing"),
    (lambda *g: kl_terms(*g, weight=np.linalg.inv), "weighed by q's covariance"),
    (lambda *g: kl_terms(*g, weight=lambda c: np.eye(len(c))), "is not weighed"),
    (kl_diagonal, "only the diagonals"),
    (lambda mq, cq, mp, cp: kl_numpy(mq, cq @ cq, mp, cp @ cp), "taken for standard deviations"),
    (lambda *g: kl_numpy(*g) / np.log(2), "in bits"),
    (lambda *g: kl_numpy(*g) / len(g[0]), "divided by the dimension"),
    (kl_terms, "the determinant underflows to 0"),
    (lambda *g: kl_numpy(*g) + 0.7, "is 0.7 too large in every case"),
    (lambda *g: np.linalg.inv(np.zeros((2, 2))), "LinAlgError: Singular matrix"),
]

# --- compression: the answers are what a function measured

PLAUSIBLE = {2: 0.043, 8: 0.025, 32: 0.011}
RIGHT["different_compression"] = [
    PLAUSIBLE,
    {4: np.float32(0.036), 16: np.float32(0.019), 64: np.float32(0.0085), 128: np.float32(0.0067)},
    {size: tf.constant(error) for size, error in PLAUSIBLE.items()},
]
WRONG["different_compression"] = [
    ({k: 784 * v for k, v in PLAUSIBLE.items()}, "the squared error per image; the MSE per pixel is a 784th"),
    ({k: v**0.5 for k, v in PLAUSIBLE.items()}, "the root of the mean squared error"),
    ({k: 255**2 * v for k, v in PLAUSIBLE.items()}, "loss in nats"),
    ({2: 150.2, 8: 120.1, 32: 104.0}, "looks like a loss in nats"),
    ({k: -v for k, v in PLAUSIBLE.items()}, "is the sign turned"),
    ({2: 0.043, 8: 0.025, 32: 0.031}, "32 numbers give a larger error than 8 do"),
    ({2: 0.068, 8: 0.067, 32: 0.068}, "those of the mean image"),
    ({2: 0.043, 8: 0.0429, 32: 0.0425}, "does latent_dim reach your network?"),
    ({2: 0.043, 8: 0.025}, "2 sizes make no curve"),
    ({2: 0.043, 3: 0.040, 4: 0.036}, "are too near"),
    ({2: 0.043, 8: np.nan, 32: 0.01}, "NaN"),
    ({2: 0.0, 8: 0.0, 32: 0.0}, "too good to be true"),
    ({k: np.full(784, v) for k, v in PLAUSIBLE.items()}, "average it over pixels and images"),
    ([0.04, 0.02, 0.01], "give a dict"),
]

# --- slerp


def slerp_numpy(a, b, t):
    omega = np.arccos(np.clip(a @ b / np.linalg.norm(a) / np.linalg.norm(b), -1, 1))
    t = t[:, None]
    if np.sin(omega) < 1e-3:
        return (1 - t) * a + t * b
    return (np.sin((1 - t) * omega) * a + np.sin(t * omega) * b) / np.sin(omega)


def slerp_tensorflow(a, b, t):
    omega = tf.acos(tf.clip_by_value(tf.reduce_sum(a * b) / (tf.norm(a) * tf.norm(b)), -1.0, 1.0))
    if omega < 1e-2:
        return (1 - t[:, None]) * a + t[:, None] * b
    weights = tf.stack([tf.sin((1 - t) * omega), tf.sin(t * omega)], axis=1) / tf.sin(omega)
    return weights @ tf.stack([a, b])


def slerp_turning(a, b, t):
    """Turns the direction and changes the length evenly."""
    a, b, t = (np.asarray(part, "float64") for part in (a, b, t))
    length = (1 - t) * np.linalg.norm(a) + t * np.linalg.norm(b)
    along = a / np.linalg.norm(a)
    across = b - (b @ along) * along
    if np.linalg.norm(across) < 1e-3:
        return length[:, None] * along
    angle = np.arctan2(np.linalg.norm(across), b @ along)
    across = across / np.linalg.norm(across)
    return length[:, None] * (np.cos(t * angle)[:, None] * along + np.sin(t * angle)[:, None] * across)


def slerp_unsafe(a, b, t, cosine=None, unit=False, divide=True, turn=1.0):
    cosine = a @ b / np.linalg.norm(a) / np.linalg.norm(b) if cosine is None else cosine(a, b)
    omega = np.arccos(cosine) * turn
    if unit:
        a, b = a / np.linalg.norm(a), b / np.linalg.norm(b)
    t = t[:, None]
    return (np.sin((1 - t) * omega) * a + np.sin(t * omega) * b) / (np.sin(omega) if divide else 1)


def lerp(a, b, t):
    return (1 - t[:, None]) * a + t[:, None] * b


def pushed_out(a, b, t):
    line = lerp(a, b, t)
    length = (1 - t) * np.linalg.norm(a) + t * np.linalg.norm(b)
    return line / np.linalg.norm(line, axis=1, keepdims=True) * length[:, None]


RIGHT["spherical_interpolation"] = [slerp_numpy, slerp_tensorflow, slerp_turning]
WRONG["spherical_interpolation"] = [
    (lerp, "this is lerp, the straight line"),
    (lambda a, b, t: slerp_numpy(b, a, t), "the two ends are swapped"),
    (lambda a, b, t: slerp_turning(b, a, t), "the two ends are swapped"),
    (lambda a, b, t: slerp_unsafe(a, b, t, unit=True), "all codes have length 1"),
    (pushed_out, "pushed out to the arc"),
    (lambda a, b, t: slerp_unsafe(a, b, t, divide=False), "not divided by the sine"),
    (lambda a, b, t: slerp_unsafe(a, b, t, cosine=np.dot), "once it is divided by both lengths"),
    (
        lambda a, b, t: slerp_unsafe(a, b, t, cosine=lambda a, b: np.clip(a @ b, -1, 1)),
        "once it is divided by both lengths",
    ),
    (lambda a, b, t: slerp_unsafe(a, b, t, turn=180 / np.pi), "in degrees"),
    (lambda a, b, t: slerp_numpy(a, b, t).T, "the transpose"),
    (slerp_unsafe, "fall back on lerp there"),
    (lambda a, b, t: slerp_numpy(a, b, t)[0], "has shape (20,), not (5, 20)"),
    (lambda a, b, t: Rotation.identity().apply(a), "ValueError"),
]

# --- Laplace


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

# --- a noise of one's own: pairs of spoil and restore


def stripes(images, rng):
    """Whitens half of the rows of pixels, at random."""
    pictures = images.reshape(-1, 28, 28).copy()
    pictures[rng.random((len(pictures), 28)) < 0.5] = 0
    return pictures.reshape(-1, 784)


def fill_rows(noisy):
    """Empty rows become the mean of their neighbours."""
    pictures = np.pad(np.reshape(noisy, (-1, 28, 28)), ((0, 0), (1, 1), (0, 0)))
    middle, around = pictures[:, 1:-1], (pictures[:, :-2] + pictures[:, 2:]) / 2
    return np.where(middle.max(axis=2, keepdims=True) == 0, around, middle).reshape(-1, 784)


def specks(images, rng):
    return np.clip(images + (rng.random(images.shape) < 0.1), 0, 1)


def specks_of_one(image, rng):
    assert image.shape == (784,)
    return specks(image, rng)


def by_vae(noisy):
    return VAE_20.decoder(VAE_20.encoder(noisy)[0])


def by_median(noisy):
    return median_filter(np.reshape(noisy, (-1, 28, 28)), size=(1, 3, 3)).reshape(-1, 784)


def by_median_of_one(noisy):
    return median_filter(np.reshape(noisy, (28, 28)), size=3).ravel()


RIGHT["own_noise"] = [
    (stripes, fill_rows),
    (specks, by_median),
    (specks_of_one, by_median_of_one),
    (lambda images, rng: tf.cast(specks(images, rng), tf.float64), by_vae),
]
WRONG["own_noise"] = [
    ((lambda images, rng: images + rng.normal(0, 0.5, images.shape), by_vae), "ink can't be more than 1; clip"),
    ((lambda images, rng: images, by_vae), "returns the digits as they were"),
    ((lambda images, rng: np.clip(images + 0.01 * rng.random(images.shape), 0, 1), by_vae), "too faint"),
    ((lambda images, rng: rng.random(images.shape), by_vae), "the digits make no difference"),
    ((lambda images, rng: 1 - images, by_vae), "nothing is left of the digits"),
    ((lambda images, rng: specks(images, np.random.default_rng(0)), by_vae), "another rng gives the same noise"),
    ((lambda images, rng: specks(images, np.random.default_rng()), by_vae), "take all randomness from rng"),
    (
        (lambda images, rng: np.clip(images + (rng.random(784) < 0.1), 0, 1), by_median),
        "one noise vector for the whole batch",
    ),
    ((specks, lambda noisy: noisy), "restore returns the noisy digits as they are"),
    ((specks, lambda noisy: np.clip(noisy**0.5 + 0.3, 0, 1)), "restore makes it worse"),
    ((specks, lambda noisy: np.clip(0.98 * noisy, 0, 1)), "find a way to gain 1 dB"),
    ((specks, lambda noisy: np.tile(IMAGES.mean(axis=0), (len(noisy), 1))), "the same picture for every digit"),
    ((specks, lambda noisy: 1.2 * by_median(noisy)), "reach 1.20"),
    ((specks, lambda noisy: by_median(noisy).mean(axis=1)), "has shape (100,), not (100, 784)"),
]

# --- the drawn digit


def nearest(z, count=10, codes=CODES):
    return np.argsort(np.linalg.norm(codes - z, axis=1))[:count]


def read_numpy(image):
    z = np.asarray(VAE_2.encoder(image[None])[0])[0]
    return z, np.bincount(CODE_LABELS[nearest(z)]).argmax()


def read_tensorflow(image):
    z = VAE_2.encoder(tf.convert_to_tensor(image)[None])[0]
    distances = tf.norm(CODES - z, axis=1)
    near = tf.gather(CODE_LABELS, tf.argsort(distances)[:10])
    return z, tf.argmax(tf.math.bincount(tf.cast(near, tf.int32)))


def read_with(place=lambda outputs: outputs[0], vote=lambda z: np.bincount(CODE_LABELS[nearest(z)]).argmax()):
    def read(image):
        z = np.asarray(place(VAE_2.encoder(image[None])))[0]
        return z, vote(z)

    return read


def mean_label(z):
    return round(CODE_LABELS[nearest(z)].mean())


RIGHT["drawn_digit"] = [read_numpy, read_tensorflow, lambda image: [part for part in read_numpy(image)]]
WRONG["drawn_digit"] = [
    (read_with(place=lambda outputs: outputs[2]), "it is the encoder's sample; take the mean"),
    (read_with(place=lambda outputs: outputs[1]), "the log-variance; the mean is the first"),
    (read_with(place=lambda outputs: np.asarray(outputs[0])[:, ::-1]), "the two latent numbers are swapped"),
    (read_with(vote=lambda z: CODE_LABELS[nearest(z, 1)[0]]), "only the nearest neighbour decides"),
    (read_with(vote=lambda z: np.bincount(CODE_LABELS[nearest(z, 2000)[-10:]]).argmax()), "the farthest codes"),
    (
        read_with(vote=lambda z: np.bincount(CODE_LABELS[np.argsort(np.abs(CODES - z)[:, 0])[:10]]).argmax()),
        "along the first latent number only",
    ),
    (
        read_with(vote=lambda z: np.bincount(CODE_LABELS[np.argsort(np.abs(CODES - z)[:, 1])[:10]]).argmax()),
        "along the second latent number only",
    ),
    (read_with(vote=lambda z: np.bincount(CODE_LABELS[:10]).argmax()), "the first ten codes vote"),
    (read_with(vote=mean_label), "digits are names, and can't be averaged"),
    (read_with(vote=lambda z: nearest(z)[0]), "the number of the nearest code, not its label"),
    (read_with(vote=lambda z: np.bincount(CODE_LABELS[nearest(z)], minlength=10)), "your digit is ten numbers"),
    (read_with(vote=lambda z: 5), "of the digits are what the ten nearest codes vote for"),
    (lambda image: read_numpy(image)[::-1], "the two results are swapped"),
    (lambda image: read_numpy(image)[0], "return two things"),
    (lambda image: (np.zeros(2), 1), "z is the same for every image"),
    (lambda image: VAE_2.encoder(image), "stops in line"),
]

# --- which digit


def scores_by_pylib(x, log_prior):
    bounds = [evidence.elbo(evidence.given_label(CONDITIONAL, y), x, 5, seed=1) for y in range(10)]
    return np.stack(bounds, axis=1) + log_prior


def scores_by_keras(x, log_prior, kl_sign=1, mean=False, sign=1, label=None, draws=2, at_mean=False):
    x, columns = ops.convert_to_tensor(x), []
    for y in range(10):
        labels = ops.full((len(x),), y if label is None else label, dtype="int32")
        bound = 0
        for _ in range(draws):
            z_mean, z_log_var, z = CONDITIONAL.encoder([x, labels])
            logits = CONDITIONAL.decoder_logits([z_mean if at_mean else z, labels])
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
    (lambda x, log_prior: evidence.elbo(CONDITIONAL, x, 5, seed=1), "ValueError: this VAE is conditional"),
]

# --- inpainting


def descend(x, known, steps=100, rate=0.1, sign=1, weigh=None, start=None, keep=True, prior=True, rows=None):
    known = np.asarray(known)
    z = tf.Variable(np.zeros((rows or len(x), 20), "float32") if start is None else start(x))
    optimizer = keras.optimizers.Adam(rate)
    weigh = known if weigh is None else weigh
    for _ in range(steps):
        with tf.GradientTape() as tape:
            logits = VAE_20.decoder_logits(z)
            loss = tf.reduce_sum(np.float32(weigh) * (tf.nn.softplus(logits) - x * logits))
            loss = sign * (loss + 0.5 * prior * tf.reduce_sum(z**2))
        optimizer.apply([tape.gradient(loss, z)], [z])
    x_hat = np.asarray(VAE_20.decoder(z)) + np.zeros_like(x)
    return np.where(known, x, x_hat) if keep else x_hat


def descend_by_hand(x, known):
    """Plain gradient steps on the mean code, from the encoder's view of the known half."""
    start = np.asarray(VAE_20.encoder(np.where(known, x, 0).astype("float32"))[0])
    z = tf.Variable(start)
    for _ in range(120):
        with tf.GradientTape() as tape:
            squares = tf.where(known, (VAE_20.decoder(z) - x) ** 2, 0.0)
            loss = 5 * tf.reduce_sum(squares) + 0.5 * tf.reduce_sum(z**2)
        z.assign_sub(0.02 * tape.gradient(loss, z))
    return tf.where(known, x, VAE_20.decoder(z))


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
    (lambda x, known: np.where(known, x, by_vae(x)), "the plain reconstruction of the half-empty image"),
    (lambda x, known: np.where(known, x, np.nan), "NaN"),
    (lambda x, known: 255 * x, "not to 255"),
    (lambda x, known: descend(x, known, steps=1)[:, known], "has shape (20, 392)"),
    (lambda x, known: descend(x, known, steps=3, rate=0.02), "little better than a mean digit"),
]
