"""Checks of exercises 13 and 14, in which a VAE is changed and trained: a learned sigma, importance weights."""

import contextlib

import numpy as np
from scipy import special

from pylib.checks import _given
from pylib.checks._answers import Answer, WrongError
from pylib.checks._judge import (
    as_array,
    check,
    compare,
    evaluate,
    in_shape,
    is_close,
    kind_of,
    recognise,
    require_finite,
    require_functions,
    require_shape,
)

# --- Exercise 13 ------------------------------------------------------------------------------------


def _sigma_loss(
    half=0.5,
    logs=784,
    constant=True,
    squares=np.sum,
    kl_weight=1,
    power=2,
    over_images=np.mean,
    log_weight=1,
    kl_sum=np.sum,
):
    """Minus the ELBO with Gaussian pixels as a function of what `sigma_loss` takes; the defaults are right."""

    def loss(x, x_hat, z_mean, z_log_var, log_sigma):
        x, x_hat, z_mean, z_log_var, log_sigma = (
            np.asarray(a, "float64") for a in (x, x_hat, z_mean, z_log_var, log_sigma)
        )
        error = half * squares((x - x_hat) ** 2, axis=1) * np.exp(-power * log_sigma)
        logarithm = logs * (log_weight * log_sigma + constant * np.log(2 * np.pi) / 2)
        kl = kl_sum(z_mean**2 + np.exp(z_log_var) - z_log_var - 1, axis=1) / 2
        return over_images(error + logarithm + kl_weight * kl)

    return loss


SIGMA_LOSS_MISTAKES = [
    ("784 log sigma is missing: without it the loss falls for ever as sigma grows", _sigma_loss(log_weight=0)),
    ("log sigma and its constant count once; there is one for each of the 784 pixels", _sigma_loss(logs=1)),
    ("log sigma counts once; there is one for each of the 784 pixels", _sigma_loss(log_weight=1 / 784)),
    ("log sigma has a factor 1/2; half of log sigma² is log sigma", _sigma_loss(log_weight=0.5)),
    ("log sigma counts twice; half of log sigma² is log sigma", _sigma_loss(log_weight=2)),
    ("the sign of log sigma is turned", _sigma_loss(log_weight=-1)),
    ("the constant log(2 pi) / 2 of each pixel is missing", _sigma_loss(constant=False)),
    ("the constant counts twice: it is log(2 pi) / 2 for each pixel", _sigma_loss(constant=2)),
    ("the constant log(2 pi) / 2 counts once; there is one for each of the 784 pixels", _sigma_loss(constant=1 / 784)),
    ("the factor 1/2 is missing before the squared error", _sigma_loss(half=1)),
    ("the squared error is divided by sigma, not by sigma²", _sigma_loss(power=1)),
    ("the squared error is multiplied by sigma²; divide by it", _sigma_loss(power=-2)),
    ("the squared error is not divided by sigma²", _sigma_loss(power=0)),
    ("log_sigma is taken for log sigma²: sigma² is exp(2 log_sigma)", _sigma_loss(power=1, log_weight=0.5)),
    ("the squared error is a mean over the pixels; sum it", _sigma_loss(squares=np.mean)),
    (
        "all of the pixels' terms are means; sum them over the 784 pixels",
        _sigma_loss(squares=np.mean, logs=1),
    ),
    ("the KL is missing", _sigma_loss(kl_weight=0)),
    ("the KL is subtracted; minus the ELBO is reconstruction error plus KL", _sigma_loss(kl_weight=-1)),
    ("the KL counts twice: is its factor 1/2 missing?", _sigma_loss(kl_weight=2)),
    ("the KL is a mean over the latent numbers; sum it", _sigma_loss(kl_sum=np.mean)),
    ("the loss is summed over the images; take their mean", _sigma_loss(over_images=np.sum)),
    ("this is one number for each image; return their mean", _sigma_loss(over_images=np.asarray)),
    ("this is the ELBO; the loss is minus that", lambda *case: -_sigma_loss()(*case)),
]


@contextlib.contextmanager
def _inside_program(what):
    """Say of what goes wrong that it does so in a compiled program alone."""
    try:
        yield
    except WrongError as problem:
        raise WrongError(f"called by itself it works, but not inside tf.function, in which {what}: {problem}") from None


def _slope_by_sigma(sigma_loss):
    """The derivative of a learner's loss by log_sigma, in a compiled program as `fit` makes one."""
    import tensorflow as tf

    loss = tf.function(sigma_loss)

    def slope(x, x_hat, z_mean, z_log_var, log_sigma):
        log_sigma = tf.Variable(log_sigma)
        with tf.GradientTape() as tape:
            value = tf.reduce_sum(loss(*(tf.constant(a) for a in (x, x_hat, z_mean, z_log_var)), log_sigma))
        gradient = tape.gradient(value, log_sigma)
        return np.nan if gradient is None else gradient

    return slope


@check
def loss_with_sigma(sigma_loss, hidden=False):  # numpydoc ignore=PR01
    """Check minus the ELBO of Gaussian pixels whose sigma is learned: exercise 13 of lesson 05.

    Parameters
    ----------
    sigma_loss : the learner's `sigma_loss(x, x_hat, z_mean, z_log_var, log_sigma)`, of images and their
        reconstructions `(n, 784)`, codes `(n, d)` and one number, to one number, nats

    Returns
    -------
    verdict : a `Verdict`, whose message is printed
    """
    require_functions(sigma_loss=sigma_loss)
    rng = _given.generator(13, hidden)
    cases = [
        tuple(
            np.asarray(a, "float32")
            for a in (
                rng.random((n, 784)),
                rng.random((n, 784)),
                rng.normal(size=(n, d)),
                rng.normal(size=(n, d)) - 1,
                s,
            )
        )
        for n, d, s in ((3, 2, -1.5), (5, 4, 0.3), (4, 2, 0.0), (4, 20, -2.3))
    ]
    x, x_hat, zero, _, log_sigma = cases[0]
    cases.append((x, x_hat, 0 * zero, 0 * zero, log_sigma))  # without a KL

    def look(is_right):
        if is_right[-1]:
            return (
                "where z_mean and z_log_var are 0, it is right, so look at the KL: the sum over the latent numbers of "
                "(z_mean² + exp(z_log_var) - z_log_var - 1) / 2, for each image"
            )
        return "write down -log of one pixel's Gaussian density first, then its sum over 784 pixels"

    compare(
        sigma_loss,
        cases,
        _sigma_loss(),
        SIGMA_LOSS_MISTAKES,
        "loss",
        "one number for the batch",
        look,
        rtol=1e-5,
        atol=5e-3,
    )
    with _inside_program("fit trains"):
        slopes = [as_array(sigma_loss.derived(_slope_by_sigma)(*case), "the derivative") for case in cases]
    for (x, x_hat, _, _, log_sigma), slope in zip(cases, slopes, strict=True):
        right = 784 - np.mean(np.sum((x - x_hat) ** 2, axis=1, dtype="float64")) * np.exp(-2.0 * log_sigma)
        if np.isnan(slope).any():
            raise WrongError(
                "the values are right, but no gradient reaches log_sigma; use TensorFlow or Keras for all of it"
            )
        if not is_close(in_shape(slope, ()), right, rtol=1e-3, atol=0.1):
            raise WrongError(
                f"the values are right, but the slope by log_sigma is {slope:.5g} where {right:.5g} is right"
            )
    return "-log of a Gaussian for each of 784 pixels, and the KL; its slope reaches log_sigma"


@check
def learned_sigma(train_sigma, hidden=False):  # numpydoc ignore=PR01
    """Check that a trained sigma is the root of the mean squared residual: exercise 13 of lesson 05.

    Parameters
    ----------
    train_sigma : the learner's `train_sigma()`, which trains a VAE and returns a function of images `(n, 784)` that
        decodes a draw of their codes, `(n, 784)`, and sigma, in units of a pixel

    Returns
    -------
    verdict : a `Verdict`, whose message is printed
    """
    require_functions(train_sigma=train_sigma)
    result = train_sigma.trained(again=hidden)
    if not isinstance(result, tuple) or len(result) != 2 or not isinstance(result[0], Answer):
        raise WrongError(f"train_sigma must return a function that reconstructs, and sigma, not {kind_of(result)}")
    reconstruct, sigma = result
    if not isinstance(sigma, np.ndarray) or sigma.size != 1:
        raise WrongError(f"sigma must be one number above 0, not {kind_of(sigma)}")
    sigma = float(sigma.item())
    if not (np.isfinite(sigma) and sigma > 0):
        raise WrongError(
            f"sigma must be one number above 0, not {sigma:.3g}; is it log_sigma, or did training go wrong?"
        )
    images = _given.images(1000, hidden)
    decoded = evaluate(reconstruct, images)
    require_shape(decoded, images.shape, "a row of 784 pixels for each image")
    require_finite(decoded, "reconstruction", "training went wrong; try a smaller step size")
    residual = np.sqrt(np.mean((decoded - images) ** 2))
    seen = f"sigma is {sigma:.3f}, and the root of the mean squared residual {residual:.3f}"
    if residual > 0.27:
        raise WrongError(
            f"{seen}, which is more than the mean image has (0.260): train for longer; and is it `ops.sigmoid` of the "
            "logits that the loss compares with the images?"
        )
    if residual > 0.25:
        raise WrongError(f"{seen}, which the mean image nearly has, too (0.260): train for longer")
    _require_agreement(sigma, residual, seen)
    few = images[:100]  # a record of more would be large
    noise = 0.05 * _given.generator(131, hidden).normal(size=few.shape).astype("float32")
    moved = evaluate(reconstruct, few + noise) - decoded[:100]
    followed = np.sum(moved * noise) / np.sum(noise**2, dtype="float64")
    if followed > 0.3:
        raise WrongError(
            f"{seen}, but the reconstruction follows the noise of single pixels, which a code of two numbers can't "
            "hold; decode a draw of the code"
        )
    return f"{seen}, to {abs(sigma / residual - 1):.1%}"


def _require_agreement(sigma, residual, seen):
    """Raise where sigma is not the root of the mean squared residual, and what it is instead, if that is known."""
    if 0.87 < sigma / residual < 1.15:
        return
    others = {
        "it is near the mean squared residual itself, so is it a variance?": residual**2,
        "it is near the square root of 2 times that: is the factor 1/2 missing before the squared error?": (
            2**0.5 * residual
        ),
    }
    recognise(
        lambda other: abs(sigma / other - 1) < 0.12, [(f"{seen}: {text}", other) for text, other in others.items()]
    )
    raise WrongError(
        f"{seen}: they should agree to 15 %. Does compute_loss return sigma_loss with self.log_sigma? If so, sigma has "
        "not arrived yet: train for longer"
    )


# --- Exercise 14 ------------------------------------------------------------------------------------

RATE = 1e-4  # of the plain gradient descent by which a step is judged


def _log_weights(vae, x, eps, noise=True):
    """log p(x, z) - log q(z|x) for given noise, `(k, n)`, and what it is made of, as tensors."""
    import tensorflow as tf

    k, n, d = eps.shape
    z_mean, z_log_var = vae.encoder(x)[:2]
    z = z_mean + noise * tf.exp(z_log_var / 2) * eps
    logits = tf.reshape(vae.decoder_logits(tf.reshape(z, [-1, d])), [k, n, 784])
    log_likelihood = tf.reduce_sum(x * logits - tf.nn.softplus(logits), axis=2)
    log_prior = -0.5 * tf.reduce_sum(z**2 + np.log(2 * np.pi).astype("float32"), axis=2)
    log_q = -0.5 * tf.reduce_sum(noise * eps**2 + z_log_var + np.log(2 * np.pi).astype("float32"), axis=2)
    kl = 0.5 * tf.reduce_sum(z_mean**2 + tf.exp(z_log_var) - z_log_var - 1, axis=1)
    return log_likelihood, log_prior, log_q, kl


def _bound(log_w):
    import tensorflow as tf

    return tf.reduce_mean(tf.reduce_logsumexp(log_w, axis=0) - np.log(log_w.shape[0]).astype("float32"))


def _right_loss(vae, x, eps):
    log_likelihood, log_prior, log_q, _ = _log_weights(vae, x, eps)
    return -_bound(log_likelihood + log_prior - log_q)


def _of_weights(loss):
    """A mistake that is a function of log-likelihood, log-prior, log q, each `(k, n)`, and the KL `(n,)`."""
    return lambda vae, x, eps: float(loss(*_log_weights(vae, x, eps)))


def _mean(a):
    return np.mean(np.asarray(a, "float64"))


IW_MISTAKES = [
    ("this is the bound; the loss is minus that", _of_weights(lambda a, b, c, kl: _bound(a + b - c))),
    (
        "this is the mean of the log-weights, the ELBO; the log of the mean of the weights is wanted",
        _of_weights(lambda a, b, c, kl: -_mean(a + b - c)),
    ),
    (
        "this is the mean ELBO with the KL in closed form; importance weights are of single draws, log p(x, z) "
        "- log q(z|x)",
        _of_weights(lambda a, b, c, kl: -_mean(a) + _mean(kl)),
    ),
    (
        "the KL is in closed form; an importance weight has log p(z) - log q(z|x) at its own draw",
        _of_weights(lambda a, b, c, kl: -_bound(a - kl)),
    ),
    (
        "log k is missing: this is the log of the sum of the weights",
        _of_weights(lambda a, b, c, kl: -_bound(a + b - c) - np.log(len(a))),
    ),
    (
        "log k is added where it should be subtracted",
        _of_weights(lambda a, b, c, kl: -_bound(a + b - c) - 2 * np.log(len(a))),
    ),
    ("log q(z|x) is missing from the weights", _of_weights(lambda a, b, c, kl: -_bound(a + b))),
    ("log p(z) is missing from the weights", _of_weights(lambda a, b, c, kl: -_bound(a - c))),
    (
        "log p(x|z) alone is there; log p(z) - log q(z|x) is missing from the weights",
        _of_weights(lambda a, b, c, kl: -_bound(a)),
    ),
    ("log q(z|x) is added where it should be subtracted", _of_weights(lambda a, b, c, kl: -_bound(a + b + c))),
    ("log p(z) is subtracted where it should be added", _of_weights(lambda a, b, c, kl: -_bound(a - b - c))),
    (
        "only the largest weight of each image counts",
        _of_weights(lambda a, b, c, kl: -np.mean(np.max(a + b - c, axis=0))),
    ),
    ("only the first of the k draws is used", _of_weights(lambda a, b, c, kl: -_mean((a + b - c)[0]))),
    (
        "the loss is summed over the images; take their mean",
        _of_weights(lambda a, b, c, kl: -_bound(a + b - c) * a.shape[1]),
    ),
    ("pixels are averaged; log p(x|z) is their sum", _of_weights(lambda a, b, c, kl: -_bound(a / 784 + b - c))),
    (
        "the mean over the draws is taken over the images, too, inside the logarithm; each image has a bound "
        "of its own",
        _of_weights(lambda a, b, c, kl: -(special.logsumexp(a + b - c) - np.log(np.size(a)))),
    ),
]


def _one_step(iw_step):
    """A learner's step on a VAE of the check's own: the loss that it returns, and how its weights move."""

    def step(name, x, eps, compiled):
        import keras
        import tensorflow as tf

        vae = _given.fresh(name)
        optimizer = keras.optimizers.SGD(RATE)
        optimizer.build(vae.trainable_variables)
        before = vae.get_weights()
        run = tf.function(lambda x, eps: iw_step(vae, optimizer, x, eps)) if compiled else None
        loss = run(tf.constant(x), tf.constant(eps)) if compiled else iw_step(vae, optimizer, x, eps)
        if loss is None or loss is ...:
            return None
        moved = [(new - old) / RATE for new, old in zip(vae.get_weights(), before, strict=True)]
        return loss, _summary(moved)

    return step


def _summary(moved):
    """What moved, as one array: three sums with different weights for each array of the VAE's weights."""
    sums = []
    for part in moved:
        flat, place = part.ravel().astype("float64"), np.arange(part.size)
        sums.append([flat.sum(), flat @ np.cos(place), flat @ np.sin(0.1 * place)])
    return np.array(sums)


def _gradient(loss, name, x, eps):
    """Minus the gradient of a loss, summed up as `_summary` does."""
    import tensorflow as tf

    vae = _given.model(name)
    with tf.GradientTape() as tape:
        value = loss(vae, x, eps)
    gradients = zip(vae.trainable_variables, tape.gradient(value, vae.trainable_variables), strict=True)
    moves = {id(v): -np.asarray(g) for v, g in gradients if g is not None}
    return _summary([moves.get(id(v), np.zeros(v.shape)) for v in vae.weights])


@check
def importance_weighted_training(iw_step, hidden=False):  # numpydoc ignore=PR01
    """Check a training step on the importance-weighted bound: exercise 14 of lesson 05.

    Parameters
    ----------
    iw_step : the learner's `iw_step(vae, optimizer, x, eps)`, of a VAE, a Keras optimizer, images `(n, 784)` and noise
        `(k, n, d)`, which changes the VAE's weights and returns the loss before the step, one number, nats

    Returns
    -------
    verdict : a `Verdict`, whose message is printed
    """
    require_functions(iw_step=iw_step)
    rng = _given.generator(14, hidden)
    cases = []
    for i, (name, k, n, d) in enumerate(
        (("vae_2", 5, 6, 2), ("vae_2", 1, 4, 2), ("vae_20", 5, 4, 20), ("vae_20", 3, 3, 20))
    ):
        eps = rng.normal(size=(k, n, d)).astype("float32")
        cases.append((name, _given.images(n, hidden, start=20 * i), eps))
    step = iw_step.derived(_one_step)
    results = [_result(step(*case, False)) for case in cases]
    with _inside_program("the cell below trains"):
        compiled = _result(step(*cases[0], True))
    losses = [in_shape(as_array(loss, iw_step.name), ()) for loss, _ in results]
    rights = [float(_right_loss(_given.model(name), x, eps)) for name, x, eps in cases]

    def matches(wrong):
        return all(is_close(v, w, rtol=1e-5, atol=5e-3) for v, w in zip(losses, wrong, strict=True))

    if not matches(rights):
        with np.errstate(all="ignore"):
            for message, mistake in IW_MISTAKES:
                wrong = [mistake(_given.model(name), x, eps) for name, x, eps in cases]
                if matches(wrong):
                    raise WrongError(message)
        _explain_loss(losses, rights)
    _judge_moves([moved for _, moved in results], cases)
    if not is_close(in_shape(compiled[0], ()), rights[0], rtol=1e-4):
        raise WrongError(
            f"inside tf.function, in which the cell below trains, the loss is {compiled[0]} where "
            f"{rights[0]:.5g} is right"
        )
    return "one step down the importance-weighted bound for k = 5 and 3; with k = 1, down the one-draw ELBO"


def _result(value):
    """The loss and the moves of one step; a tape has arrays alone."""
    if not isinstance(value, tuple) or len(value) != 2:
        raise WrongError(f"return the loss, one number, not {kind_of(value)}")
    return value


def _explain_loss(losses, rights):
    """Raise what is seen of a wrong loss, the simplest case first."""
    for value in losses:
        require_shape(value, (), "one number for the batch")
        require_finite(value, "loss", "take the logarithm of a mean of weights with tf.reduce_logsumexp")
    if is_close(losses[1], rights[1], rtol=1e-5, atol=5e-3):
        raise WrongError(
            f"with one draw an image the loss is right, and with five it is {losses[0]:.5g} where {rights[0]:.5g} is "
            "right; look at how the k weights of an image are put together"
        )
    raise WrongError(
        f"with one draw an image, k = 1, the loss is {losses[1]:.5g} where {rights[1]:.5g} is right; mend that "
        "first: it is minus log p(x|z) + log p(z) - log q(z|x), the mean over the images"
    )


def _judge_moves(moves, cases):
    """Raise unless the weights moved down the gradient of the right loss."""
    import tensorflow as tf

    rights = [_gradient(_right_loss, *case) for case in cases]

    def near(values, others):
        return all(
            np.allclose(v, o, rtol=2e-2, atol=2e-3 * np.abs(o).max() + 1e-3)
            for v, o in zip(values, others, strict=True)
        )

    if near(moves, rights):
        return
    if all(np.abs(moved).max() < 1e-6 for moved in moves):
        raise WrongError(
            "the loss is right, but no weight moved: is the gradient applied, with optimizer.apply(gradients, "
            "variables)?"
        )
    if near(moves, [-right for right in rights]):
        raise WrongError("the loss is right, but the step goes uphill; give the optimizer the gradient of the loss")

    def elbo_loss(vae, x, eps):
        log_likelihood, log_prior, log_q, _ = _log_weights(vae, x, eps)
        return -tf.reduce_mean(log_likelihood + log_prior - log_q)

    def still_codes(vae, x, eps):
        """As where z is a constant for the gradient, so that the encoder learns by log q alone."""
        z_mean, z_log_var = vae.encoder(x)[:2]
        z = tf.stop_gradient(z_mean + tf.exp(z_log_var / 2) * eps)
        k, n, d = eps.shape
        logits = tf.reshape(vae.decoder_logits(tf.reshape(z, [-1, d])), [k, n, 784])
        log_q = -0.5 * tf.reduce_sum((z - z_mean) ** 2 / tf.exp(z_log_var) + z_log_var, axis=2)
        return -_bound(
            tf.reduce_sum(x * logits - tf.nn.softplus(logits), axis=2) - 0.5 * tf.reduce_sum(z**2, axis=2) - log_q
        )

    recognise(
        lambda loss: near(moves, [_gradient(loss, *case) for case in cases]),
        [
            ("the loss is right, but the step follows the mean of the log-weights, the ELBO", elbo_loss),
            (
                "the loss is right, but its gradient doesn't go through z; z = z_mean + exp(z_log_var / 2) * "
                "eps must be inside the tape",
                still_codes,
            ),
        ],
    )
    still = [i for i in range(len(rights[0])) if np.abs(moves[0][i]).max() < 1e-6 < np.abs(rights[0][i]).max()]
    if still:
        raise WrongError(
            f"the loss is right, but {len(still)} of {len(rights[0])} arrays of weights did not move; apply the "
            "gradient to all of vae.trainable_variables"
        )
    raise WrongError(
        "the loss is right, but the weights did not move down its gradient; take one plain step with the "
        "optimizer that is given"
    )
