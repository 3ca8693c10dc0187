"""Answers to exercises 13 and 14: a sigma that is learned, and training with importance weights."""

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from pylib.models import VAE
from pylib.training import fit_vae
from tests.exercise_answers.data_and_models import training_images

RIGHT, WRONG = {}, {}
LOG_2_PI = float(np.log(2 * np.pi))

# --- Exercise 13: the loss


def unit_kl(z_mean, z_log_var):
    return 0.5 * ops.sum(z_mean**2 + ops.exp(z_log_var) - z_log_var - 1, axis=-1)


def loss_with(pixels, kl=1.0, mean=ops.mean):
    """A loss whose pixels' part is a function of the sum of squared errors and log sigma."""

    def sigma_loss(x, x_hat, z_mean, z_log_var, log_sigma):
        squares = ops.sum((x - x_hat) ** 2, axis=-1)
        return mean(pixels(squares, log_sigma) + kl * unit_kl(z_mean, z_log_var))

    return sigma_loss


def right_pixels(squares, s):
    return 0.5 * squares * ops.exp(-2 * s) + 784 * (s + LOG_2_PI / 2)


def loss_tensorflow(x, x_hat, z_mean, z_log_var, log_sigma):
    sigma = tf.exp(log_sigma)
    log_density = -0.5 * ((x - x_hat) / sigma) ** 2 - tf.math.log(sigma) - 0.5 * LOG_2_PI
    kl = 0.5 * tf.reduce_sum(tf.square(z_mean) + tf.exp(z_log_var) - 1.0 - z_log_var, axis=1)
    return -tf.reduce_mean(tf.reduce_sum(log_density, axis=1) - kl)


def loss_of_variance(x, x_hat, z_mean, z_log_var, log_sigma):
    variance = ops.exp(log_sigma) ** 2
    each = 0.5 * (x - x_hat) ** 2 / variance + 0.5 * ops.log(2 * np.float32(np.pi) * variance)
    return ops.mean(ops.sum(each, axis=1)) + ops.mean(unit_kl(z_mean, z_log_var))


def loss_by_numpy(x, x_hat, z_mean, z_log_var, log_sigma):
    each = 0.5 * np.sum((x - x_hat) ** 2, axis=1) * np.exp(-2 * log_sigma) + 784 * (log_sigma + LOG_2_PI / 2)
    return np.mean(each + 0.5 * np.sum(z_mean**2 + np.exp(z_log_var) - z_log_var - 1, axis=1))


def loss_with_still_sigma(*args):
    return loss_with(lambda squares, s: right_pixels(squares, tf.stop_gradient(s)))(*args)


def loss_with_mean_kl(x, x_hat, z_mean, z_log_var, log_sigma):
    pixels = loss_with(right_pixels, kl=0)(x, x_hat, z_mean, z_log_var, log_sigma)
    return pixels + ops.mean(unit_kl(z_mean, z_log_var)) / z_mean.shape[1]


RIGHT["loss_with_sigma"] = [
    loss_with(right_pixels),
    loss_tensorflow,
    loss_of_variance,
    lambda *args: ops.reshape(loss_tensorflow(*args), (1,)),
]
WRONG["loss_with_sigma"] = [
    (loss_with(lambda q, s: right_pixels(q, s) - 784 * s), "784 log sigma is missing"),
    (loss_with(lambda q, s: right_pixels(q, s) - 783 * s), "log sigma counts once; there is one for each"),
    (loss_with(lambda q, s: right_pixels(q, s) - 392 * s), "log sigma has a factor 1/2"),
    (
        loss_with(lambda q, s: right_pixels(q, s) - 392 * LOG_2_PI),
        "the constant log(2 pi) / 2 of each pixel is missing",
    ),
    (loss_with(lambda q, s: right_pixels(2 * q, s)), "the factor 1/2 is missing before the squared error"),
    (loss_with(lambda q, s: right_pixels(q * ops.exp(s), s)), "divided by sigma, not by sigma²"),
    (loss_with(lambda q, s: right_pixels(q * ops.exp(4 * s), s)), "multiplied by sigma²; divide"),
    (loss_with(lambda q, s: right_pixels(q / 784, s)), "the squared error is a mean over the pixels"),
    (loss_with(lambda q, s: right_pixels(q, s) / 784), "all of the pixels' terms are means"),
    (loss_with(right_pixels, kl=0), "the KL is missing"),
    (loss_with(right_pixels, kl=-1), "the KL is subtracted"),
    (lambda *a: loss_tensorflow(*a[:3], 2 * a[3], a[4]), "so look at the KL"),
    (lambda *a: loss_tensorflow(*a[:2], a[2][:1], a[3], a[4]), "so look at the KL"),
    (loss_with_mean_kl, "the KL is a mean over the latent numbers"),
    (loss_with(right_pixels, mean=ops.sum), "the loss is summed over the images"),
    (loss_with(right_pixels, mean=ops.abs), "one number for each image; return their mean"),
    (lambda *args: -loss_with(right_pixels)(*args), "this is the ELBO; the loss is minus that"),
    (loss_with_still_sigma, "no gradient reaches log_sigma"),
    (loss_by_numpy, "called by itself it works, but not inside tf.function"),
    (loss_with(lambda q, s: 1.01 * right_pixels(q, s)), "write down -log of one pixel's Gaussian density first"),
]

# --- Exercise 13: the training


class LearnedSigma(VAE):
    def __init__(self, loss, start=-1.2):
        super().__init__(latent_dim=2, hidden=(256,), likelihood="gaussian", sigma=1.0)
        self.loss_of_sigma = loss
        self.log_sigma = self.add_weight(name="log_sigma", initializer=keras.initializers.Constant(start))

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        x_hat = ops.sigmoid(y_pred["logits"])
        return self.loss_of_sigma(x, x_hat, y_pred["z_mean"], y_pred["z_log_var"], self.log_sigma)


def trained(loss, start=-1.2, n=20_000, epochs=3, give=None):
    def train_sigma():
        vae, x = LearnedSigma(loss, start), training_images(n)
        fit_vae(vae, (x,), (x[:100],), epochs)
        return (lambda x: vae.decoder(vae.encoder(x)[2])), np.exp(vae.log_sigma) if give is None else give

    return train_sigma


def trained_by_hand():
    """A loop of its own, and sigma from its best value for each batch, rather than by gradient."""
    vae, optimizer, x = VAE(latent_dim=2, hidden=(256,)), keras.optimizers.Adam(2e-3), training_images(20_000)
    sigma = tf.Variable(0.3)

    @tf.function
    def step(batch):
        with tf.GradientTape() as tape:
            z_mean, z_log_var, z = vae.encoder(batch)
            squares = tf.reduce_sum((batch - vae.decoder(z)) ** 2, axis=1)
            loss = tf.reduce_mean(squares / (2 * sigma**2) + unit_kl(z_mean, z_log_var))
        variables = vae.encoder.trainable_variables + vae.decoder.trainable_variables
        optimizer.apply(tape.gradient(loss, variables), variables)
        sigma.assign(0.98 * sigma + 0.02 * tf.sqrt(tf.reduce_mean(squares) / 784))

    optimizer.build(vae.encoder.trainable_variables + vae.decoder.trainable_variables)
    for _ in range(4):
        for batch in np.split(np.random.permutation(x)[:19_968], 156):
            step(tf.constant(batch))
    return lambda x: vae.decoder(vae.encoder(x)[2]), sigma


def stops_in_fit(*args):
    raise ValueError("no such loss")


def noisy_copy(x):
    return x + 0.23 * np.random.default_rng(0).standard_normal(np.shape(x)).astype("float32")


RIGHT["learned_sigma"] = [
    trained(loss_with(right_pixels)),
    trained_by_hand,
    lambda: list(trained(loss_tensorflow)()),
    trained(loss_of_variance, start=-1.5),
]
WRONG["learned_sigma"] = [
    (trained(loss_with(lambda q, s: right_pixels(q, s) - 392 * s)), "is the factor 1/2 missing"),
    (trained(loss_with(right_pixels), n=1280, epochs=1), "train for longer"),
    (trained(loss_with(right_pixels), give=0.15), "Does compute_loss return sigma_loss with self.log_sigma?"),
    (trained(loss_with(right_pixels), give=0.05), "so is it a variance?"),
    (trained(loss_with(right_pixels), give=-1.5), "sigma must be one number above 0, not -1.5; is it log_sigma"),
    (lambda: (noisy_copy, 0.23), "the reconstruction follows the noise of single pixels"),
    (lambda: (lambda x: 1 - x, 0.9), "which is more than the mean image has"),
    (trained(loss_with(right_pixels), give=np.full(784, 0.2)), "not an array of shape (784,)"),
    (lambda: trained(loss_with(right_pixels))()[1], "train_sigma must return a function that reconstructs"),
    (lambda: (lambda x: 0 * x + x.mean(axis=0), 0.26), "which the mean image nearly has, too"),
    (trained(stops_in_fit), "`raise ValueError("),
    (trained(loss_with(right_pixels), start=[0.1]), "stops in line"),
]

# --- Exercise 14: importance-weighted training


def log_weights(vae, x, eps):
    """log p(x|z), log p(z) and log q(z|x), each `(k, n)`, and the KL, `(n,)`."""
    k, n, d = eps.shape
    z_mean, z_log_var, _ = vae.encoder(x)
    z = z_mean + tf.exp(0.5 * z_log_var) * eps
    logits = tf.reshape(vae.decoder_logits(tf.reshape(z, (k * n, d))), (k, n, 784))
    log_x = -tf.reduce_sum(tf.nn.sigmoid_cross_entropy_with_logits(tf.broadcast_to(x, logits.shape), logits), axis=-1)
    log_p = -0.5 * tf.reduce_sum(z**2 + LOG_2_PI, axis=-1)
    log_q = -0.5 * tf.reduce_sum(eps**2 + z_log_var + LOG_2_PI, axis=-1)
    return log_x, log_p, log_q, unit_kl(z_mean, z_log_var)


def bound(log_w):
    return tf.reduce_mean(tf.reduce_logsumexp(log_w, axis=0) - tf.math.log(float(log_w.shape[0])))


def stepping(loss, variables=lambda vae: vae.trainable_variables, sign=1, give=None, steps=1):
    """A step down a loss that is a function of what `log_weights` gives."""

    def iw_step(vae, optimizer, x, eps):
        with tf.GradientTape() as tape:
            value = loss(*log_weights(vae, x, eps))
            downhill = sign * value
        found = tape.gradient(downhill, variables(vae))
        gradients = [tf.zeros_like(v) if g is None else g for g, v in zip(found, variables(vae), strict=True)]
        for _ in range(steps):
            optimizer.apply(gradients, variables(vae))
        return value if give is None else give(value)

    return iw_step


def right_loss(log_x, log_p, log_q, kl):
    return -bound(log_x + log_p - log_q)


def by_loop_over_draws(vae, optimizer, x, eps):
    """One draw at a time, with `eps` as NumPy's or TensorFlow's, and the step by `apply_gradients`."""
    with tf.GradientTape() as tape:
        z_mean, z_log_var, _ = vae.encoder(x)
        each = []
        for i in range(eps.shape[0]):
            z = z_mean + ops.exp(z_log_var / 2) * eps[i]
            logits = vae.decoder_logits(z)
            log_x = ops.sum(x * logits - ops.softplus(logits), axis=1)
            log_q = -0.5 * ops.sum((z - z_mean) ** 2 / ops.exp(z_log_var) + z_log_var, axis=1)
            each.append(log_x - 0.5 * ops.sum(z**2, axis=1) - log_q)
        log_w = ops.stack(each)
        loss = -ops.mean(ops.logsumexp(log_w, axis=0)) + float(np.log(eps.shape[0]))
    gradients = tape.gradient(loss, vae.trainable_variables)
    optimizer.apply_gradients(zip(gradients, vae.trainable_variables, strict=True))
    return loss


def by_normalised_weights(vae, optimizer, x, eps):
    """The gradient as the mean of those of the log-weights, weighed by the weights themselves."""
    with tf.GradientTape() as tape:
        log_x, log_p, log_q, _ = log_weights(vae, x, eps)
        log_w = log_x + log_p - log_q
        share = tf.stop_gradient(tf.nn.softmax(log_w, axis=0))
        surrogate = -tf.reduce_mean(tf.reduce_sum(share * log_w, axis=0))
    optimizer.apply(tape.gradient(surrogate, vae.trainable_variables), vae.trainable_variables)
    return -bound(log_w)


def not_compiled(vae, optimizer, x, eps):
    return stepping(right_loss)(vae, optimizer, x, eps).numpy()


def with_still_codes(vae, optimizer, x, eps):
    """z is computed outside the tape."""
    z_mean, z_log_var, _ = vae.encoder(x)
    z = z_mean + tf.exp(0.5 * z_log_var) * eps
    with tf.GradientTape() as tape:
        z_mean, z_log_var, _ = vae.encoder(x)
        k, n, d = eps.shape
        logits = tf.reshape(vae.decoder_logits(tf.reshape(z, (k * n, d))), (k, n, 784))
        log_x = tf.reduce_sum(x * logits - tf.nn.softplus(logits), axis=-1)
        log_q = -0.5 * tf.reduce_sum((z - z_mean) ** 2 / tf.exp(z_log_var) + z_log_var, axis=-1)
        loss = -bound(log_x - 0.5 * tf.reduce_sum(z**2, axis=-1) - log_q)
    optimizer.apply(tape.gradient(loss, vae.trainable_variables), vae.trainable_variables)
    return loss


RIGHT["importance_weighted_training"] = [
    stepping(right_loss),
    by_loop_over_draws,
    by_normalised_weights,
    stepping(right_loss, give=lambda value: tf.reshape(value, (1,))),
    stepping(right_loss, variables=lambda vae: vae.encoder.trainable_variables + vae.decoder.trainable_variables),
]
WRONG["importance_weighted_training"] = [
    (stepping(lambda a, b, c, kl: bound(a + b - c), sign=-1), "this is the bound; the loss is minus that"),
    (stepping(lambda a, b, c, kl: -tf.reduce_mean(a + b - c)), "the mean of the log-weights, the ELBO"),
    (stepping(lambda a, b, c, kl: tf.reduce_mean(kl) - tf.reduce_mean(a)), "the mean ELBO with the KL in closed form"),
    (stepping(lambda a, b, c, kl: -bound(a - kl)), "the KL is in closed form; an importance weight"),
    (stepping(lambda a, b, c, kl: -tf.reduce_mean(tf.reduce_logsumexp(a + b - c, axis=0))), "log k is missing"),
    (stepping(lambda a, b, c, kl: -bound(a + b)), "log q(z|x) is missing from the weights"),
    (stepping(lambda a, b, c, kl: -bound(a - c)), "log p(z) is missing from the weights"),
    (stepping(lambda a, b, c, kl: -bound(a)), "log p(x|z) alone is there"),
    (stepping(lambda a, b, c, kl: -bound(a + b + c)), "log q(z|x) is added"),
    (stepping(lambda a, b, c, kl: -bound(a + b - c) * a.shape[1]), "the loss is summed over the images"),
    (stepping(lambda a, b, c, kl: -tf.reduce_mean((a + b - c)[0])), "only the first of the k draws is used"),
    (stepping(lambda a, b, c, kl: -bound(0.9 * a + b - c)), "with one draw an image, k = 1, the loss is"),
    (stepping(lambda a, b, c, kl: -bound((a + b - c) / len(a)) * len(a)), "with one draw an image the loss is right"),
    (stepping(right_loss, sign=-1), "the step goes uphill"),
    (stepping(right_loss, steps=0), "no weight moved"),
    (stepping(right_loss, steps=2), "take one plain step with the optimizer that is given"),
    (stepping(right_loss, variables=lambda vae: vae.decoder.trainable_variables), "did not move; apply the gradient"),
    (with_still_codes, "its gradient doesn't go through z"),
    (lambda *args: stepping(lambda a, b, c, kl: -tf.reduce_mean(a + b - c), give=None)(*args), "the ELBO"),
    (not_compiled, "works, but not inside tf.function, in which the cell below trains"),
    (stepping(right_loss, give=lambda value: "done"), "returns a str, which is no array of numbers"),
]
