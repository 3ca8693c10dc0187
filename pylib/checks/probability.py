"""Checks of exercises 2, 3, 4, 7 and 12, probability: the loss, the evidence, divergence, sampling."""

import numpy as np
from scipy import special

from pylib import evidence
from pylib.checks import _given
from pylib.checks._answers import WrongError
from pylib.checks._judge import (
    check,
    compare,
    evaluate,
    explain_difference,
    in_shape,
    is_close,
    recognise,
    require_finite,
    require_functions,
    require_shape,
)

# --- Exercise 2 -------------------------------------------------------------------------------------


def _cross_entropy(x, logits):
    """Of each pixel, exact for any logits."""
    return np.log1p(np.exp(-np.abs(logits))) + np.maximum(logits, 0) - x * logits


def _squared_error(x, logits):
    return (x - special.expit(logits)) ** 2


def _unit_kl(z_mean, z_log_var):
    """Of each latent number, to the unit Gaussian."""
    return (z_mean**2 + np.expm1(z_log_var) - z_log_var) / 2


def _loss(
    over_pixels=np.sum, over_latents=np.sum, over_images=np.mean, error=_cross_entropy, kl=_unit_kl, weights=(1, 1)
):
    """The loss as a function of what `vae_loss` takes; the defaults are right. Weights are of error and KL."""

    def loss(x, logits, z_mean, z_log_var):
        x, logits, z_mean, z_log_var = (part.astype("float64") for part in (x, logits, z_mean, z_log_var))
        reconstruction = over_pixels(error(x, logits), axis=1)
        divergence = over_latents(kl(z_mean, z_log_var), axis=1)
        return over_images(weights[0] * reconstruction + weights[1] * divergence)

    return loss


LOSS_MISTAKES = [
    (
        "both terms are still means: the one over pixels must be a sum of 784, and so must the one over the "
        "latent numbers be a sum",
        _loss(over_pixels=np.mean, over_latents=np.mean),
    ),
    ("your reconstruction error is the mean over pixels; the sum is 784 times it", _loss(over_pixels=np.mean)),
    ("your KL is the mean over the latent numbers; sum it over them", _loss(over_latents=np.mean)),
    (
        "the loss is summed over the images; average it over them, or the step size depends on the batch",
        _loss(over_images=np.sum),
    ),
    ("this is one number for each image; return their mean", _loss(over_images=np.asarray)),
    ("the KL is subtracted; minus the ELBO is reconstruction error plus KL", _loss(weights=(1, -1))),
    ("this is the ELBO; the loss is minus that", _loss(weights=(-1, -1))),
    ("the sign of the reconstruction error is turned", _loss(weights=(-1, 1))),
    ("the KL is missing", _loss(weights=(1, 0))),
    ("the reconstruction error is missing", _loss(weights=(0, 1))),
    ("your KL is exactly twice the right one: is the factor 1/2 missing?", _loss(weights=(1, 2))),
    ("your KL is exactly half of the right one: is the factor 1/2 there twice?", _loss(weights=(1, 0.5))),
    (
        "this is squared error plus KL; here the pixels are Bernoulli, which gives cross-entropy",
        _loss(error=_squared_error),
    ),
    (
        "the logits are taken for probabilities; the cross-entropy of logits is softplus(logits) - x * logits",
        _loss(
            error=lambda x, p: -x * np.log(np.clip(p, 1e-7, 1 - 1e-7)) - (1 - x) * np.log1p(-np.clip(p, 1e-7, 1 - 1e-7))
        ),
    ),
    (
        "the logits go through a sigmoid and are then taken for logits once more",
        _loss(error=lambda x, logits: _cross_entropy(x, special.expit(logits))),
    ),
]
# Mistakes in the KL alone: of each latent number
KL_TERM_MISTAKES = [
    (
        "in your KL, z_log_var is taken for sigma; it is log sigma², so sigma² = exp(z_log_var)",
        lambda m, s: (m**2 + s**2 - 1 - np.log(s**2)) / 2,
    ),
    (
        "in your KL, z_log_var is taken for log sigma; it is log sigma², so sigma² = exp(z_log_var)",
        lambda m, s: _unit_kl(m, 2 * s),
    ),
    (
        "in your KL, z_log_var is taken for sigma²; sigma² is exp(z_log_var)",
        lambda m, s: (m**2 + s - 1 - np.log(s)) / 2,
    ),
    ("in your KL, z_mean is not squared", lambda m, s: _unit_kl(0, s) + m / 2),
    ("in your KL, z_mean² is missing", lambda m, s: _unit_kl(0, s)),
    ("in your KL, the 1 is missing: the KL of N(0, 1) to itself would not be 0", lambda m, s: _unit_kl(m, s) + 0.5),
    ("in your KL, the 1 is added where it should be subtracted", lambda m, s: _unit_kl(m, s) + 1),
    ("in your KL, z_log_var is added where it should be subtracted", lambda m, s: _unit_kl(m, s) + s),
    ("in your KL, z_log_var itself is missing; exp(z_log_var) is there", lambda m, s: _unit_kl(m, s) + s / 2),
    ("in your KL, exp(z_log_var) is missing", lambda m, s: _unit_kl(m, s) - np.exp(s) / 2),
]


@check
def mended_loss(vae_loss, hidden=False):  # numpydoc ignore=PR01
    """Check minus the ELBO of Bernoulli pixels, the mean over the images: exercise 2 of lesson 05.

    Parameters
    ----------
    vae_loss : the learner's `vae_loss(x, logits, z_mean, z_log_var)`, of images and logits `(n, 784)` and codes
        `(n, d)`, to one number, nats

    Returns
    -------
    verdict : a `Verdict`, whose message is printed
    """
    require_functions(vae_loss=vae_loss)
    rng = _given.generator(2, hidden)

    def case(n, d, pixels, codes):
        # Pixels and codes contribute nothing where they are switched off.
        x, logits = rng.random((n, 784)), rng.normal(size=(n, 784))
        z_mean, z_log_var = rng.normal(size=(n, d)) * 2, rng.normal(size=(n, d)) - 1
        if not pixels:
            x = np.round(x)
            logits = 40 * x - 20
        return [a.astype("float32") for a in (x, logits, codes * z_mean, codes * z_log_var)]

    whole = [case(3, 2, 1, 1), case(5, 4, 1, 1)]
    pixels_only, codes_only = [case(3, 2, 1, 0), case(5, 4, 1, 0)], [case(3, 2, 0, 1), case(5, 4, 0, 1)]
    cases, right = whole + pixels_only + codes_only, _loss()
    x, logits, *codes = whole[0]
    values = [evaluate(vae_loss, *each) for each in cases]
    large = evaluate(vae_loss, x, 100 * logits, *codes)
    rights = [np.asarray(right(*each)) for each in cases]
    values = [in_shape(value, ()) for value in values]
    tolerance = {"rtol": 2e-5, "atol": 2e-3}

    def matches(values, cases, mistake):
        wrong = [np.asarray(mistake(*each)) for each in cases]
        return all(is_close(v, in_shape(w, v.shape), **tolerance) for v, w in zip(values, wrong, strict=True))

    if not all(is_close(v, r, **tolerance) for v, r in zip(values, rights, strict=True)):
        with np.errstate(all="ignore"):
            recognise(lambda mistake: matches(values, cases, mistake), LOSS_MISTAKES)
            recognise(lambda kl: matches(values, cases, _loss(kl=kl)), KL_TERM_MISTAKES)
        for value in values:
            require_shape(value, (), "one number for the batch")
            require_finite(
                value,
                "loss",
                "look for the logarithm of a probability, which rounds to 0 or 1 where logits are 20, and use softplus",
            )
        _explain_term(values, rights)
    right_large = right(x, 100 * logits, *codes)
    if not is_close(in_shape(large, ()), right_large, rtol=1e-4):
        raise WrongError(
            f"with logits of 100 and more the loss is {large.ravel()[0]:.5g} where {right_large:.5g} is right; "
            f"look for "
            "an exp that overflows there, or the logarithm of a probability, which rounds to 0 or 1, and use softplus"
        )
    return "sums over pixels and latent numbers, a mean over images, and exact for large logits"


def _explain_term(values, rights):
    """Raise which of both terms is wrong, told by cases in which the other is 0."""
    ratios = np.array(values) / np.array(rights)
    if np.ptp(ratios) < 1e-3 * abs(ratios[0]):
        explain_difference(np.array(values), np.array(rights), "loss", "so both terms are off in the same way")

    def seen(term, other):
        worst = max(term, key=lambda i: abs(values[i] / rights[i] - 1))
        text = f"where the {other} is 0, the loss is {values[worst]:.5g} and should be {rights[worst]:.5g}"
        return text, not is_close(values[worst], rights[worst], 2e-5, 2e-3)

    (pixel_text, pixels_wrong), (code_text, codes_wrong) = seen((2, 3), "KL"), seen((4, 5), "reconstruction error")
    if pixels_wrong and codes_wrong:
        raise WrongError(f"both terms are off: {pixel_text}, and {code_text}; mend the reconstruction error first")
    if pixels_wrong:
        raise WrongError(f"the reconstruction error is off, and the KL is right: {pixel_text}")
    if codes_wrong:
        raise WrongError(f"the KL is off, and the reconstruction error is right: {code_text}")
    raise WrongError(
        f"each term is right where the other is 0, and together they give {values[0]:.5g} where {rights[0]:.5g} is "
        "right; look at how they are put together"
    )


# --- Exercise 3 -------------------------------------------------------------------------------------


def _log_mean(w, axis=1):
    return special.logsumexp(w, axis=axis) - np.log(w.shape[axis])


def _without_one(w):
    """The log-mean of each row without one of its weights, for each of them, `(n, k)`."""
    return np.stack([_log_mean(np.delete(w, i, axis=1)) for i in range(w.shape[1])], axis=1)


def _jackknife(w, without=_without_one):
    k = w.shape[1]
    return k * _log_mean(w) - (k - 1) * without(w).mean(axis=1)


def _k(w):
    return w.shape[1]


# Usual mistakes, as functions of the log-weights w
JACKKNIFE_MISTAKES = [
    ("this is the bound L itself, which has still to be corrected by those without one draw", _log_mean),
    (
        "this is the mean of the bounds without one draw; combine it with the bound of all",
        lambda w: _without_one(w).mean(1),
    ),
    (
        "k and k - 1 are exchanged",
        lambda w: (_k(w) - 1) * _log_mean(w) - _k(w) * _without_one(w).mean(1),
    ),
    ("the sign is turned", lambda w: -_jackknife(w)),
    (
        "the second term is added where it should be subtracted",
        lambda w: _k(w) * _log_mean(w) + (_k(w) - 1) * _without_one(w).mean(1),
    ),
    (
        "the bounds without one draw are summed; take their mean",
        lambda w: _k(w) * _log_mean(w) - (_k(w) - 1) * _without_one(w).sum(1),
    ),
    ("k is missing before the bound of all draws", lambda w: _log_mean(w) - (_k(w) - 1) * _without_one(w).mean(1)),
    (
        "k is missing before the bound of all draws, and k - 1 before the other",
        lambda w: _log_mean(w) - _without_one(w).mean(1),
    ),
    (
        "what is left without one draw is divided by k; it has k - 1 weights",
        lambda w: _jackknife(w, lambda w: _without_one(w) - np.log(_k(w) / (_k(w) - 1))),
    ),
    (
        "this uses log-sums of weights instead of log-means: log k and log(k - 1) are missing",
        lambda w: _k(w) * (_log_mean(w) + np.log(_k(w))) - (_k(w) - 1) * (_without_one(w) + np.log(_k(w) - 1)).mean(1),
    ),
    (
        "the mean of the bounds without one draw is taken inside the logarithm; first the logarithms, then their mean",
        lambda w: _k(w) * _log_mean(w) - (_k(w) - 1) * _log_mean(_without_one(w)),
    ),
    (
        "L is the mean of the logs here; the log of the mean of the weights is wanted",
        lambda w: _k(w) * w.mean(1) - (_k(w) - 1) * _without_one(w).mean(1),
    ),
    ("this is the mean of the logs, which is the ELBO", lambda w: w.mean(1)),
    ("this is the largest log-weight; all k of them count", lambda w: w.max(1)),
    ("the logarithm is missing: this is the weights' own jackknife", lambda w: np.exp(w).mean(1)),
    ("the mean is over the images, axis 0; each image has its k weights along axis 1", lambda w: _jackknife(w.T)),
    (
        "only the first draw is left out; leave out each in turn, and take the mean",
        lambda w: _jackknife(w, lambda w: _without_one(w)[:, :1]),
    ),
    (
        "only the last draw is left out; leave out each in turn, and take the mean",
        lambda w: _jackknife(w, lambda w: _without_one(w)[:, -1:]),
    ),
    ("this is one number for the whole batch; each image has its own", lambda w: _jackknife(w.reshape(1, -1))[0]),
    ("this is one number for the whole batch; each image has its own", lambda w: _jackknife(w).mean()),
]


@check
def less_biased_evidence(less_biased, hidden=False):  # numpydoc ignore=PR01
    """Check the jackknife estimate of log p(x): exercise 3 of lesson 05.

    Parameters
    ----------
    less_biased : the learner's `less_biased(log_weights)`, `(n, k)` to an estimate for each image, `(n,)`, nats

    Returns
    -------
    verdict : a `Verdict`, whose message is printed
    """
    require_functions(less_biased=less_biased)
    rng = _given.generator(3, hidden)
    look = "look first at one row of two weights, which you can compute by hand"
    precisions = ("float64", "float32")
    cases = [(rng.normal(size=(4, 7)),), (rng.normal(-3, 2, size=(3, 10)),), (rng.normal(size=(5, 2)),)]
    low = rng.normal(0, 2, size=(3, 6)) - 20_000
    far = rng.normal(0, 2, size=(4, 5)) + np.array([[-20_000.0], [-3.0], [-700.0], [900.0]])
    lonely = rng.normal(0, 1, size=(3, 4)) - 20_000
    lonely[np.arange(3), [2, 0, 3]] = [-5.0, -10_000.0, 3.0]
    model, images = _given.model("vae_2"), _given.images(200, hidden)
    of_model = evidence.log_weights(model, images, 10, seed=0)
    of_toy = rng.normal(size=(2000, 10))  # log-normal weights, whose mean is exp(1/2)
    estimates = [evaluate(less_biased, w, precisions=precisions) for w in (of_toy, of_model)]
    compare(
        less_biased,
        cases,
        _jackknife,
        JACKKNIFE_MISTAKES,
        "estimate",
        "one for each image",
        look,
        precisions,
        atol=1e-2,
    )
    extremes = [
        (
            low,
            "where all log-weights are near -20,000",
            "exp gives 0 there, and log 0 is minus infinity; subtract each row's largest log-weight before exp",
        ),
        (
            far,
            "where the rows of a batch lie far apart, from -20,000 to 900",
            "subtract the largest log-weight of each row, not one number for all rows, before exp",
        ),
        (
            lonely,
            "where one weight of a row is far above all others",
            "without that weight, the rest needs a largest log-weight of its own",
        ),
    ]
    values = [evaluate(less_biased, w, precisions=precisions) for w, *_ in extremes]
    for value, (w, where, remedy) in zip(values, extremes, strict=True):
        value, right = in_shape(value, (len(w),)), _jackknife(w)
        close = np.abs(value - right) <= 1e-2 + 3e-6 * np.abs(w).max(axis=1) * w.shape[1]
        if not close.all():
            bad = np.argmin(close)
            raise WrongError(f"{where}, the estimate is {value[bad]:.6g} and should be {right[bad]:.6g}: {remedy}")
    shown = {"images": images, "bounds": [_log_mean(of_toy), _log_mean(of_model)], "estimates": estimates}
    return "the jackknife of the log of the mean weight, also where weights underflow", shown


# --- Exercise 4 -------------------------------------------------------------------------------------
# The right value is computed from eigenvalues, rather than by the formula that is taught.


def _kl_terms(mean_q, cov_q, mean_p, cov_p):
    """Trace, distance, dimensions and log-determinant, in coordinates in which p is the unit Gaussian."""
    mean_q, cov_q, mean_p, cov_p = (part.astype("float64") for part in (mean_q, cov_q, mean_p, cov_p))
    root = np.linalg.cholesky(cov_p)
    whitened = np.linalg.solve(root, np.linalg.solve(root, cov_q).T)
    eigenvalues = np.linalg.eigvalsh((whitened + whitened.T) / 2)
    step = np.linalg.solve(root, mean_q - mean_p)
    return np.array([eigenvalues.sum(), step @ step, len(step), np.log(eigenvalues).sum()])


def _kl_with(*weights):
    """The KL with these weights of its four terms, as a function of both Gaussians."""
    return lambda *case: float(np.dot(weights, _kl_terms(*case)) / 2)


_gaussian_kl = _kl_with(1, 1, -1, -1)


def _kl_with_distance(distance):
    """The KL with `distance(step, cov_q, cov_p)` as the squared distance of the means."""
    without = _kl_with(1, 0, -1, -1)
    return lambda *case: without(*case) + distance(case[0] - case[2], case[1], case[3]) / 2


def _kl_with_trace(trace):
    """The KL with `trace(cov_q, cov_p)` in the place of the trace."""
    without = _kl_with(0, 1, -1, -1)
    return lambda *case: without(*case) + trace(case[1], case[3]) / 2


def _kl_with_log_det(log_det):
    """The KL with `log_det(cov_q, cov_p)` in the place of log det of p minus log det of q."""
    without = _kl_with(1, 1, -1, 0)
    return lambda *case: without(*case) + log_det(case[1], case[3]) / 2


def _kl_with_covariances(change):
    """The KL with both covariances changed."""
    return lambda mean_q, cov_q, mean_p, cov_p: _gaussian_kl(mean_q, change(cov_q), mean_p, change(cov_p))


def _other_direction(mean_q, cov_q, mean_p, cov_p):
    return _gaussian_kl(mean_p, cov_p, mean_q, cov_q)


def _log_det(cov):
    return np.linalg.slogdet(cov)[1]


KL_MISTAKES = [
    ("this is KL(p || q), the other direction; the mean is over q", _other_direction),
    ("the sign of the log-determinants is turned: it is log det of p minus log det of q", _kl_with(1, 1, -1, 1)),
    ("the log-determinants are missing", _kl_with(1, 1, -1, 0)),
    ("the dimension d is not subtracted, so KL(q || q) would not be 0", _kl_with(1, 1, 0, -1)),
    ("the dimension d is added where it should be subtracted", _kl_with(1, 1, 1, -1)),
    ("1 is subtracted where the dimension d should be", lambda *case: _gaussian_kl(*case) + (len(case[0]) - 1) / 2),
    ("the distance of the means is missing", _kl_with(1, 0, -1, -1)),
    ("the distance of the means is subtracted where it should be added", _kl_with(1, -1, -1, -1)),
    ("the factor 1/2 is missing from the distance of the means", _kl_with(1, 2, -1, -1)),
    ("the trace is missing", _kl_with(0, 1, -1, -1)),
    ("the factor 1/2 is missing from the log-determinants", _kl_with(1, 1, -1, -2)),
    ("the factor 1/2 is missing from the trace", _kl_with(2, 1, -1, -1)),
    ("the factor 1/2 is missing from d", _kl_with(1, 1, -2, -1)),
    ("the factor 1/2 is only before the log-determinants; all four terms have it", _kl_with(2, 2, -2, -1)),
    ("the factor 1/2 is only before the trace; all four terms have it", _kl_with(1, 2, -2, -2)),
    ("the log-determinants count half: a Cholesky factor has the root of the determinant", _kl_with(1, 1, -1, -0.5)),
    (
        "the logarithm of the determinants is missing: their ratio itself is there",
        _kl_with_log_det(lambda cov_q, cov_p: np.exp(_log_det(cov_p) - _log_det(cov_q))),
    ),
    (
        "the ratio of the log-determinants is there; it is the log of the ratio, a difference of log-determinants",
        _kl_with_log_det(lambda cov_q, cov_p: _log_det(cov_p) / _log_det(cov_q)),
    ),
    ("only the log-determinant of q is there; add that of p", _kl_with_log_det(lambda cov_q, cov_p: -_log_det(cov_q))),
    (
        "only the log-determinant of p is there; subtract that of q",
        _kl_with_log_det(lambda cov_q, cov_p: _log_det(cov_p)),
    ),
    (
        "the trace is that of q's inverse times p; it is that of p's inverse times q",
        _kl_with_trace(lambda cov_q, cov_p: np.trace(np.linalg.solve(cov_q, cov_p))),
    ),
    (
        "the trace is that of p times q; p has to be inverted",
        _kl_with_trace(lambda cov_q, cov_p: np.trace(cov_p @ cov_q)),
    ),
    (
        "the trace is that of q alone; multiply by the inverse of p first",
        _kl_with_trace(lambda cov_q, cov_p: np.trace(cov_q)),
    ),
    (
        "in the trace both matrices are multiplied number by number; multiply them as matrices, with @",
        _kl_with_trace(lambda cov_q, cov_p: np.trace(np.linalg.inv(cov_p) * cov_q)),
    ),
    (
        "in the trace there is the sum of all numbers of the product; the trace is the sum of its diagonal",
        _kl_with_trace(lambda cov_q, cov_p: np.sum(np.linalg.solve(cov_p, cov_q))),
    ),
    (
        "in the trace p is divided by number by number; multiply by its inverse",
        _kl_with_trace(lambda cov_q, cov_p: np.trace(cov_q / cov_p)),
    ),
    (
        "the distance of the means is weighed by q's covariance; use the inverse of p's",
        _kl_with_distance(lambda step, cov_q, cov_p: step @ np.linalg.solve(cov_q, step)),
    ),
    (
        "the distance of the means is not weighed; use the inverse of p's covariance",
        _kl_with_distance(lambda step, cov_q, cov_p: step @ step),
    ),
    (
        "the distance of the means is weighed by p's covariance; weigh it by the inverse of that",
        _kl_with_distance(lambda step, cov_q, cov_p: step @ cov_p @ step),
    ),
    (
        "the distance of the means only has the diagonal of p's inverse",
        _kl_with_distance(lambda step, cov_q, cov_p: step**2 @ np.diag(np.linalg.inv(cov_p))),
    ),
    (
        "the sum of both means is there where their difference should be",
        lambda *case: (
            _kl_with(1, 0, -1, -1)(*case) + (case[0] + case[2]) @ np.linalg.solve(case[3], case[0] + case[2]) / 2
        ),
    ),
    ("only the diagonals of the covariances are used", _kl_with_covariances(lambda cov: np.diag(np.diag(cov)))),
    (
        "the covariances are taken for standard deviations and squared; they are covariances already",
        _kl_with_covariances(lambda cov: cov @ cov),
    ),
    (
        "this is the mean of both directions; only KL(q || p) is wanted",
        lambda *case: (_gaussian_kl(*case) + _other_direction(*case)) / 2,
    ),
    (
        "this is the sum of both directions; only KL(q || p) is wanted",
        lambda *case: _gaussian_kl(*case) + _other_direction(*case),
    ),
    ("your KL is divided by the dimension; sum it", lambda *case: _gaussian_kl(*case) / len(case[0])),
    (
        "this is KL(q || N(0, I)), without p",
        lambda mean_q, cov_q, *_: _gaussian_kl(mean_q, cov_q, 0 * mean_q, np.eye(len(mean_q))),
    ),
]


@check
def kl_between_gaussians(kl, hidden=False):  # numpydoc ignore=PR01
    """Check KL(q || p) of two Gaussians with full covariance: exercise 4 of lesson 05.

    Parameters
    ----------
    kl : the learner's `kl(mean_q, cov_q, mean_p, cov_p)`, of means `(d,)` and covariances `(d, d)`, to one number, nats

    Returns
    -------
    verdict : a `Verdict`, whose message is printed
    """
    require_functions(kl=kl)
    rng = _given.generator(4, hidden)

    def gaussian(d, scale=1.0):
        root = rng.normal(size=(d, d + 2))
        mean, cov = rng.normal(size=d), root @ root.T / d + 0.5 * np.eye(d)
        return (np.sqrt(scale) * mean).astype("float32"), (scale * cov).astype("float32")

    cases = [(*gaussian(d), *gaussian(d)) for d in (2, 3, 3, 5)]
    large = [(*gaussian(200, 1e-3), *gaussian(200, 2e-3)), (*gaussian(200, 30.0), *gaussian(200, 10.0))]
    parts = [_equal_covariances(*case) for case in cases], [_equal_means(*case) for case in cases]
    in_large = [evaluate(kl, *case) for case in large]
    try:
        compare(kl, cases, _gaussian_kl, KL_MISTAKES, "KL", "one number", "", rtol=1e-3)
    except WrongError as problem:
        if not str(problem).endswith("; "):  # a mistake that is known
            raise
        in_parts = [[in_shape(evaluate(kl, *case), ()) for case in each] for each in parts]
        _explain_kl(str(problem), in_parts, [[_gaussian_kl(*case) for case in each] for each in parts])
    for case, value in zip(large, in_large, strict=True):
        right = _gaussian_kl(*case)
        if not is_close(in_shape(value, ()), right, rtol=3e-3):
            raise WrongError(
                f"in 200 dimensions the KL is {value.ravel()[0]:.5g} where {right:.5g} is right; look at the "
                "determinants first, which are far too small or too large for a number there: take their logarithms "
                "from np.linalg.slogdet"
            )
    return "KL(q || p) for any covariances, in 2 dimensions as in 200"


def _equal_covariances(mean_q, _, mean_p, cov_p):
    return mean_q, cov_p, mean_p, cov_p


def _equal_means(mean_q, _, __, cov_p):
    return mean_q, 2 * cov_p, mean_q, cov_p


def _explain_kl(problem, values, rights):
    """Raise which term to look at first, told by Gaussians for which other terms are 0."""
    close = [
        all(is_close(v, r, rtol=1e-3) for v, r in zip(*pair, strict=True)) for pair in zip(values, rights, strict=True)
    ]
    if not close[0]:
        raise WrongError(
            f"{problem}with equal covariances only the distance of the means is left, and there yours is "
            f"{values[0][0]:.5g} where {rights[0][0]:.5g} is right, so look at that term first, and at d, which "
            "the trace cancels"
        )
    if not close[1]:
        raise WrongError(
            f"{problem}with equal means, and q's covariance twice p's, yours is {values[1][0]:.5g} where "
            f"{rights[1][0]:.5g} is right, while the distance of the means is right; so look at the trace and the "
            "log-determinants"
        )
    raise WrongError(
        f"{problem}it is right where both covariances are equal and where q's is twice p's; so look at how two "
        "different matrices are multiplied in the trace"
    )


# --- Exercise 7 -------------------------------------------------------------------------------------
# The noise is recognised by its distribution function, at e.


def _laplace_with_gap(e):
    return np.where(e < -1, 0.5 * np.exp(e + 1), np.where(e > 1, 1 - 0.5 * np.exp(1 - e), 0.5))


def _laplace(e):
    return np.where(e < 0, np.exp(np.minimum(e, 0)) / 2, 1 - np.exp(-np.maximum(e, 0)) / 2)


def _exponential(e):
    return -np.expm1(-np.maximum(e, 0))


def _uniform(low, high):
    return lambda e: np.clip((e - low) / (high - low), 0, 1)


# Usual mistakes: the distribution of the noise, and what is used as the scale s, unless it is the right one
SAMPLING_MISTAKES = [
    ("the noise is Gaussian; that is the sampling of lesson 03, and Laplace is wanted", special.ndtr),
    ("the noise is Gaussian, and log_scale is taken for a log-variance, as in lesson 03", special.ndtr, np.sqrt),
    ("log_scale is taken for a log-variance: the scale is exp(log_scale), not its root", _laplace, np.sqrt),
    ("log_scale itself is used as the scale; take its exponential", _laplace, lambda s: np.abs(np.log(s))),
    ("the scale is not used; z is loc plus scale times noise", _laplace, np.ones_like),
    ("the noise is divided by the scale; multiply it", _laplace, np.reciprocal),
    ("the scale is squared", _laplace, np.square),
    ("the noise is half as wide as it should be", _laplace, lambda s: s / 2),
    ("the noise is twice as wide as it should be", _laplace, lambda s: 2 * s),
    ("the noise has variance 1; a Laplace distribution of scale 1 has variance 2", _laplace, lambda s: s / 2**0.5),
    (
        "no z lies below loc: this is the exponential distribution; half of the draws need the other sign",
        _exponential,
    ),
    (
        "no z lies above loc: this is the exponential distribution; half of the draws need the other sign",
        lambda e: 1 - _exponential(-e),
    ),
    ("the noise is uniform from 0 to 1; turn it into Laplace noise first", _uniform(0, 1)),
    (
        "the noise is uniform from -1/2 to 1/2; turn it into Laplace noise by the inverse of its distribution function",
        _uniform(-0.5, 0.5),
    ),
    ("the noise is uniform from -1 to 1; turn it into Laplace noise", _uniform(-1, 1)),
    ("this is the logistic distribution; Laplace has |u - 1/2| inside the logarithm", special.expit),
    ("this is the Gumbel distribution", lambda e: np.exp(-np.exp(-e))),
    (
        "the draws lack the middle, where Laplace has its peak: is there a 2 too few inside the logarithm?",
        _laplace_with_gap,
    ),
]


@check
def sampling(sample_laplace, hidden=False):  # numpydoc ignore=PR01
    """Check draws from Laplace distributions by reparameterization: exercise 7 of lesson 05.

    Parameters
    ----------
    sample_laplace : the learner's `sample_laplace(loc, log_scale, rng)`, of locations and logarithms of scales
        `(n, d)`, to a draw for each, `(n, d)`

    Returns
    -------
    verdict : a `Verdict`, whose message is printed
    """
    require_functions(sample_laplace=sample_laplace)
    rng, seed = _given.generator(7, hidden), 100 if hidden else 0
    loc = rng.normal(0, 3, (20_000, 2)).astype("float32")
    log_scale = rng.uniform(-2, 1, (20_000, 2)).astype("float32")

    def draw(seed, loc=loc, log_scale=log_scale):
        return in_shape(evaluate(sample_laplace, loc, log_scale, np.random.default_rng(seed)), loc.shape)

    z, again, other = draw(seed), draw(seed), draw(seed + 1)
    moved = {step: draw(seed, loc + np.float32(step)) for step in (1, -1)}
    _require_draws(z, loc)
    if not np.array_equal(z, again):
        raise WrongError("the same rng gives other draws the second time; take all noise from rng")
    if np.array_equal(z, other):
        raise WrongError("another rng gives the same draws; use the rng that you are given, not one of your own")
    for step, there in moved.items():
        if np.allclose(there, z, atol=1e-3):
            raise WrongError("loc has no influence; z is loc plus scale times noise")
        if not np.allclose(there - z, step, atol=1e-3):
            raise WrongError(
                f"with the same noise, loc {step:+d} should move every z by {step:+d}: loc is not just added"
            )
    _judge_noise(z - loc, np.exp(log_scale.astype("float64")))
    return "Laplace draws, each with noise of its own, and loc and log_scale can be moved under them"


def _require_draws(z, loc):
    if z.shape != loc.shape and z.shape in ((1, 2), (2,), (20_000,), (20_000, 1), ()):
        raise WrongError(f"the result has shape {z.shape}, not {loc.shape}: a draw for each number of loc is wanted")
    require_shape(z, loc.shape, "as loc has")
    if not np.isfinite(z).all():
        share = np.mean(~np.isfinite(z))
        raise WrongError(
            f"{share:.1%} of the draws are NaN or infinite: look for a logarithm of a number that is not above 0"
        )


def _judge_noise(centred, right_scale):
    """Raise unless the draws, less loc, are independent and follow Laplace distributions of this scale."""
    standard = centred / right_scale
    recognise(
        lambda axis: np.max(np.ptp(standard, axis=axis)) < 1e-2 * np.abs(standard).max(),
        [
            ("every image gets the same noise: one noise vector for the whole batch; draw it with the shape of loc", 0),
            ("all latent numbers of an image share one noise; draw it with the shape of loc", 1),
        ],
    )

    def fits(distribution, scale=np.positive):
        """Whether the draws are as near to the distribution as chance allows: the Kolmogorov-Smirnov distance."""
        e = np.sort((centred / scale(right_scale)).ravel())
        return np.max(np.abs(distribution(e) - (np.arange(e.size) + 0.5) / e.size)) < 0.015

    # Noise that two draws share shows as equal values; float32 alone makes a few of them equal.
    sorted_noise = np.sort(np.abs(standard).ravel())
    shared = np.mean(np.diff(sorted_noise) < 1e-5 * (0.05 + sorted_noise[1:]))
    if fits(_laplace):
        if shared > 0.2:
            raise WrongError(
                "many draws have the same noise, up to its sign: draw noise of its own for each number, with "
                "the shape of loc"
            )
        _require_independence(standard)
        _judge_tails(standard)
        return
    recognise(fits, SAMPLING_MISTAKES)
    _judge_tails(standard)
    raise WrongError(
        f"these are not Laplace draws: in units of the scale, |z - loc| has the mean {np.abs(standard).mean():.3g} "
        f"where 1 is right, and {np.mean(centred < 0):.0%} of the draws lie below loc where 50% is right"
    )


def _require_independence(standard):
    """Raise where noise goes together with that of the number beside it, or of the next image, in sign or in size."""
    neighbours = {
        "both numbers of an image": (standard[:, 0], standard[:, 1]),
        "one image and the next": (standard[1:], standard[:-1]),
    }
    for name, (one, other) in neighbours.items():
        for what, part in {"signs": np.sign, "sizes": np.abs}.items():
            together = np.corrcoef(part(one).ravel(), part(other).ravel())[0, 1]
            if abs(together) > 0.05:
                raise WrongError(
                    f"the noises of {name} are not independent (their {what} have a correlation of "
                    f"{together:.2f}); draw noise of its own for each number, with the shape of loc"
                )


def _judge_tails(standard):
    """Raise unless large noise is as frequent as it should be, to five standard deviations."""
    largest = np.abs(standard).max()
    at_the_end = np.sum(np.abs(standard) > largest * (1 - 1e-4))
    if at_the_end > 5:
        raise WrongError(
            f"{at_the_end} of {standard.size:,} draws lie {largest:.2f} scales from loc, and none "
            "farther out: the tails are clipped"
        )
    for size in (3, 5, 6.5):
        for side, name in ((standard, "above"), (-standard, "below")):
            found, wanted = np.sum(side > size), standard.size * np.exp(-size) / 2
            if abs(found - wanted) > 5 * np.sqrt(wanted) + 2:
                raise WrongError(
                    f"{found} of {standard.size:,} draws lie more than {size} scales {name} loc, where about "
                    f"{wanted:.0f} should: are the tails clipped, or is it another distribution?"
                )


# --- Exercise 12 ------------------------------------------------------------------------------------
# Right values are integrals, computed by quadrature rather than by the formulas that are to be found.

_NODES, _WEIGHTS = np.polynomial.laguerre.laggauss(40)


def _laplace_mean(function, loc, scale):
    """The mean of a function of z over the Laplace distribution, by Gauss-Laguerre quadrature on either side."""
    return sum(_WEIGHTS @ function(loc + sign * scale * _NODES) for sign in (1, -1)) / 2


def _entropy(scale):
    # The density's exponent is linear on either side, where the quadrature is exact.
    return _laplace_mean(lambda z: np.log(2 * scale) + np.abs(z) / scale, 0.0, scale)


def _second_moment(loc, scale):
    return _laplace_mean(np.square, loc, scale)


def _laplace_kl(loc, scale):
    return _laplace_mean(lambda z: (z**2 + np.log(2 * np.pi)) / 2, loc, scale) - _entropy(scale)


ENTROPY_MISTAKES = [
    ("this is the mean of log q; the entropy is minus that", lambda s: -_entropy(s)),
    ("the 1 is missing, the mean of |z - m| / s", lambda s: _entropy(s) - 1),
    (
        "the 2 is missing inside the logarithm: the density is exp(-|z - m| / s) / (2s)",
        lambda s: _entropy(s) - np.log(2),
    ),
    ("the sign of the 1 is turned", lambda s: _entropy(s) - 2),
    ("the sign of log(2s) is turned", lambda s: 2 - _entropy(s)),
    ("this is the entropy of a Gaussian with sigma = s", lambda s: 0.5 * np.log(2 * np.pi * np.e * s**2)),
    ("this is the entropy of a Gaussian with the same variance", lambda s: 0.5 * np.log(4 * np.pi * np.e * s**2)),
    ("the mean of |z - m| / s is 1, whatever s is; here s stands in its place", lambda s: np.log(2 * s) + s),
    ("the mean of |z - m| / s is 1, whatever s is; here 1 / s stands in its place", lambda s: np.log(2 * s) + 1 / s),
]
MOMENT_MISTAKES = [
    ("the variance of a Laplace distribution is 2s², not s²", lambda m, s: m**2 + s**2),
    ("this is the variance, E[(z - m)²]; E[z²] has the mean's square, too", lambda m, s: 2 * s**2 + 0 * m),
    ("this is the mean's square; the variance is missing", lambda m, s: m**2 + 0 * s),
    ("the variance is 2s², not 2s", lambda m, s: m**2 + 2 * s),
    ("the variance is 2s², not 4s²: the 2 is not squared", lambda m, s: m**2 + 4 * s**2),
    ("the variance is 2s², not s² / 2", lambda m, s: m**2 + s**2 / 2),
    ("m is not squared", lambda m, s: m + 2 * s**2),
    ("the mean's square is subtracted where it should be added", lambda m, s: 2 * s**2 - m**2),
]
LAPLACE_KL_MISTAKES = [
    ("the sign is turned", lambda m, s: -_laplace_kl(m, s)),
    ("this is the cross-entropy; subtract the entropy", lambda m, s: _laplace_kl(m, s) + _entropy(s)),
    ("the entropy is added where it should be subtracted", lambda m, s: _laplace_kl(m, s) + 2 * _entropy(s)),
    ("log(2 pi) / 2, of the Gaussian's density, is missing", lambda m, s: _laplace_kl(m, s) - np.log(2 * np.pi) / 2),
    ("log(2 pi) counts twice what it should", lambda m, s: _laplace_kl(m, s) + np.log(2 * np.pi) / 2),
    ("E[z²] needs the factor 1/2", lambda m, s: _laplace_kl(m, s) + _second_moment(m, s) / 2),
    ("the sign of log(2 pi) / 2 is turned", lambda m, s: _laplace_kl(m, s) - np.log(2 * np.pi)),
    (
        "this is the KL of a Gaussian with sigma = s",
        lambda m, s: (m**2 + s**2 - 1 - np.log(s**2)) / 2,
    ),
    (
        "this is the KL of a Gaussian with the same variance 2s²",
        lambda m, s: (m**2 + 2 * s**2 - 1 - np.log(2 * s**2)) / 2,
    ),
    ("the variance of a Laplace distribution is 2s², not s²", lambda m, s: _laplace_kl(m, s) - s**2 / 2),
]


def _positions(hidden):
    rng = _given.generator(12, hidden)
    return [(float(m), float(s)) for m, s in zip(rng.normal(0, 2, 5), rng.uniform(0.2, 3, 5), strict=True)]


@check
def derived_entropy(entropy, hidden=False):  # numpydoc ignore=PR01
    """Check the first step of a derivation, the entropy of a Laplace distribution: exercise 12 of lesson 05.

    Parameters
    ----------
    entropy : the learner's `entropy(s)`, of the scale, to one number, nats

    Returns
    -------
    verdict : a `Verdict`, whose message is printed
    """
    require_functions(entropy=entropy)
    cases = [(s,) for _, s in _positions(hidden)]
    look = "write out -log q(z) first, and take the mean of each term"
    compare(entropy, cases, _entropy, ENTROPY_MISTAKES, "entropy", "one number", look)
    return "the integral of -q log q, to four digits, for five scales"


@check
def derived_second_moment(second_moment, hidden=False):  # numpydoc ignore=PR01
    """Check the second step of a derivation, E[z²] of a Laplace distribution: exercise 12 of lesson 05.

    Parameters
    ----------
    second_moment : the learner's `second_moment(m, s)`, of location and scale, to one number

    Returns
    -------
    verdict : a `Verdict`, whose message is printed
    """
    require_functions(second_moment=second_moment)
    look = "write z = m + s e, and multiply out its square"
    compare(second_moment, _positions(hidden), _second_moment, MOMENT_MISTAKES, "moment", "one number", look)
    return "the integral of z² q, to four digits, for five places and scales"


@check
def derived_kl(kl, hidden=False):  # numpydoc ignore=PR01
    """Check the last step of a derivation, KL(Laplace || N(0, 1)): exercise 12 of lesson 05.

    Parameters
    ----------
    kl : the learner's function of location m and scale s, to one number, nats

    Returns
    -------
    verdict : a `Verdict`, whose message is printed
    """
    require_functions(kl=kl)
    scales = np.linspace(0.3, 1.5, 25)
    curve = [in_shape(evaluate(kl, 0.0, float(scale)), ()) for scale in scales]
    look = "put it together of the entropy and of the mean of -log p, each of which you have"
    compare(kl, _positions(hidden), _laplace_kl, LAPLACE_KL_MISTAKES, "KL", "one number", look)
    shown = {"standard deviation": np.sqrt(2) * scales, "KL": np.array(curve)}
    return "the integral of q log(q / p), to four digits, for five places and scales", shown
