"""Checks of exercises 2, 3, 4 and 7, probability: the loss, the bound, divergence, sampling."""

import numpy as np

from pylib.checks._judge import WrongError, check, compare, evaluate, is_close, recognise, require_shape, seeded

# --- Exercise 2 -------------------------------------------------------------------------------------


def _cross_entropy(x, logits):
    """Of each pixel, exact for any logits."""
    return np.log1p(np.exp(-np.abs(logits))) + np.maximum(logits, 0) - x * logits


def _squared_error(x, logits):
    return (x - 1 / (1 + np.exp(-logits))) ** 2


def _unit_kl(z_mean, z_log_var):
    """Of each latent number, to the unit Gaussian."""
    return (z_mean**2 + np.expm1(z_log_var) - z_log_var) / 2


def _kl_of_sigma(z_mean, sigma):
    return (z_mean**2 + sigma**2 - 1 - np.log(sigma**2)) / 2


def _kl_of_log_sigma(z_mean, log_sigma):
    return _unit_kl(z_mean, 2 * log_sigma)


def _loss(
    over_pixels=np.sum, over_latents=np.sum, over_images=np.mean, error=_cross_entropy, kl=_unit_kl, weights=(1, 1)
):
    """The loss as a function of what `vae_loss` takes; the defaults are right. Weights are of error and KL."""

    def loss(x, logits, z_mean, z_log_var):
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
    ("z_log_var is taken for sigma; it is log sigma², so sigma² = exp(z_log_var)", _loss(kl=_kl_of_sigma)),
    ("z_log_var is taken for log sigma; it is log sigma², so sigma² = exp(z_log_var)", _loss(kl=_kl_of_log_sigma)),
    (
        "this is squared error plus KL; here the pixels are Bernoulli, which gives cross-entropy",
        _loss(error=_squared_error),
    ),
]


@check
def mended_loss(vae_loss):
    """Check minus the ELBO of Bernoulli pixels, the mean over the images: exercise 2 of lesson 05.

    Parameters
    ----------
    vae_loss : the learner's `vae_loss(x, logits, z_mean, z_log_var)`, of images and logits `(n, 784)` and codes
        `(n, d)`, to one number, nats

    Returns
    -------
    verdict : a `Verdict`, whose message is printed
    """
    rng = np.random.default_rng(0)
    cases = [
        (rng.random((n, 784)), rng.normal(size=(n, 784)), rng.normal(size=(n, d)), rng.normal(size=(n, d)) - 1)
        for n, d in ((3, 2), (5, 4))
    ]
    compare(vae_loss, cases, [_loss()], LOSS_MISTAKES, "loss", "one number for the batch")
    x, logits, *codes = cases[0]
    value, right = evaluate(vae_loss, x, 100 * logits, *codes), _loss()(x, 100 * logits, *codes)
    if not (np.isfinite(value).all() and np.isclose(value.ravel()[0], right, rtol=1e-3)):
        raise WrongError(
            f"with logits of 100 or more the loss is {value.ravel()[0]:.5g} where {right:.5g} is right: a probability "
            "rounds to 0 or 1 and its logarithm is lost, so work on the logits, as lesson 03 does"
        )
    return "sums over pixels and latent numbers, a mean over images, and exact for large logits"


# --- Exercise 3 -------------------------------------------------------------------------------------


def _bound(log_weights):
    return np.logaddexp.reduce(log_weights, axis=1) - _log_k(log_weights)


def _log_k(log_weights):
    return np.log(log_weights.shape[1])


# Usual mistakes, as functions of the log-weights w
BOUND_MISTAKES = [
    (
        "this is the log of the sum of the weights, and the mean is wanted: log k is missing",
        lambda w: _bound(w) + _log_k(w),
    ),
    ("log k is added where it should be subtracted", lambda w: _bound(w) + 2 * _log_k(w)),
    ("k is subtracted instead of log k", lambda w: _bound(w) + _log_k(w) - w.shape[1]),
    ("this is the mean of the logs, which is the ELBO; the log of the mean is wanted", lambda w: w.mean(axis=1)),
    ("this is the sum of the logs; the log of the mean of the weights is wanted", lambda w: w.sum(axis=1)),
    ("this is the mean weight itself; its logarithm is wanted", lambda w: np.exp(_bound(w))),
    ("this is the largest log-weight; all k of them count", lambda w: w.max(axis=1)),
    (
        "the largest log-weight was subtracted to be safe, but not added again after the logarithm",
        lambda w: _bound(w) - w.max(axis=1),
    ),
    ("the mean is over the images, axis 0; each image has its k weights along axis 1", lambda w: _bound(w.T)),
    ("this is one number for the whole batch; each image has its own bound", lambda w: np.log(np.exp(w).mean())),
    ("this is one number for the whole batch; each image has its own bound", lambda w: _bound(w).mean()),
    ("this has the sign turned: a bound on log p(x), not on minus that, is wanted", lambda w: -_bound(w)),
]


@check
def evidence_bound(bound):
    """Check the importance-weighted bound, the log of the mean weight: exercise 3 of lesson 05.

    Parameters
    ----------
    bound : the learner's `bound(log_weights)`, `(n, k)` to a bound for each image, `(n,)`, nats

    Returns
    -------
    verdict : a `Verdict`, whose message is printed
    """
    rng = np.random.default_rng(1)
    cases = [(rng.normal(size=(4, 7)),), (rng.normal(-3, 2, size=(3, 10)),)]
    compare(bound, cases, [_bound], BOUND_MISTAKES, "bound", "one bound for each image")
    for shift, problem in ((-10_000, "every exp is 0, and log 0 is minus infinity"), (800, "exp overflows")):
        shifted = cases[1][0] + shift
        value, right = evaluate(bound, shifted), _bound(shifted)
        if not is_close(value, right, rtol=1e-6, atol=2e-2):
            raise WrongError(
                f"with log-weights near {shift:,} the bound is {value.ravel()[0]:.5g} where {right[0]:.5g} is right: "
                f"{problem}; subtract the largest log-weight first"
            )
    far_apart = np.array([[-10_000.0, -10.0, -12.0], [-5.0, -20_000.0, -6.0]])
    value, right = evaluate(bound, far_apart), _bound(far_apart)
    if not is_close(value, right, atol=2e-2):
        raise WrongError(
            f"for log-weights {far_apart[0].tolist()} the bound is {value.ravel()[0]:.5g} where {right[0]:.5g} is "
            "right; subtract each image's largest log-weight, not the smallest, the mean, or another image's"
        )
    return "the log of the mean weight, also where every weight underflows"


# --- Exercise 4 -------------------------------------------------------------------------------------
# The right value is computed from eigenvalues, rather than by the formula that is taught.


def _kl_terms(mean_q, cov_q, mean_p, cov_p):
    """Trace, distance, dimensions and log-determinant, in coordinates in which p is the unit Gaussian."""
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
    """The KL with `distance(step, cov_q)` as the squared distance of the means."""
    without = _kl_with(1, 0, -1, -1)
    return lambda *case: without(*case) + distance(case[0] - case[2], case[1]) / 2


def _kl_with_covariances(change):
    """The KL with both covariances changed."""
    return lambda mean_q, cov_q, mean_p, cov_p: _gaussian_kl(mean_q, change(cov_q), mean_p, change(cov_p))


def _other_direction(mean_q, cov_q, mean_p, cov_p):
    return _gaussian_kl(mean_p, cov_p, mean_q, cov_q)


KL_MISTAKES = [
    ("this is KL(p || q), the other direction; the mean is over q", _other_direction),
    ("the sign of the log-determinants is turned: it is log det of p minus log det of q", _kl_with(1, 1, -1, 1)),
    ("the log-determinants are missing", _kl_with(1, 1, -1, 0)),
    ("the dimension d is not subtracted, so KL(q || q) would not be 0", _kl_with(1, 1, 0, -1)),
    ("the dimension d is added where it should be subtracted", _kl_with(1, 1, 1, -1)),
    ("1 is subtracted where the dimension d should be", lambda *case: _gaussian_kl(*case) + (len(case[0]) - 1) / 2),
    ("the distance of the means is missing", _kl_with(1, 0, -1, -1)),
    ("the distance of the means is subtracted where it should be added", _kl_with(1, -1, -1, -1)),
    ("the trace is missing", _kl_with(0, 1, -1, -1)),
    ("the factor 1/2 is missing from the log-determinants", _kl_with(1, 1, -1, -2)),
    (
        "the distance of the means is weighed by q's covariance; use the inverse of p's",
        _kl_with_distance(lambda step, cov_q: step @ np.linalg.solve(cov_q, step)),
    ),
    (
        "the distance of the means is not weighed; use the inverse of p's covariance",
        _kl_with_distance(lambda step, cov_q: step @ step),
    ),
    (
        "only the diagonals of the covariances are used; the digits' latent numbers may be correlated",
        _kl_with_covariances(lambda cov: np.diag(np.diag(cov))),
    ),
    (
        "the covariances are taken for standard deviations and squared; they are covariances already",
        _kl_with_covariances(lambda cov: cov @ cov),
    ),
    (
        "this is the mean of both directions; only KL(q || p) is wanted",
        lambda *case: (_gaussian_kl(*case) + _other_direction(*case)) / 2,
    ),
    ("your KL is divided by the dimension; sum it", lambda *case: _gaussian_kl(*case) / len(case[0])),
]


@check
def kl_between_gaussians(kl):
    """Check KL(q || p) of two Gaussians with full covariance: exercise 4 of lesson 05.

    Parameters
    ----------
    kl : the learner's `kl(mean_q, cov_q, mean_p, cov_p)`, of means `(d,)` and covariances `(d, d)`, to one number, nats

    Returns
    -------
    verdict : a `Verdict`, whose message is printed
    """
    rng = np.random.default_rng(2)

    def gaussian(d):
        root = rng.normal(size=(d, d + 2))
        return rng.normal(size=d), root @ root.T / d + 0.2 * np.eye(d)

    cases = [(*gaussian(d), *gaussian(d)) for d in (2, 3, 3)]
    compare(kl, cases, [_gaussian_kl], KL_MISTAKES, "KL", "one number", rtol=1e-3)
    mean, cov = np.zeros(200), 1e-3 * np.eye(200)
    value, right = evaluate(kl, mean + 0.1, cov, mean, cov), _gaussian_kl(mean + 0.1, cov, mean, cov)
    if not np.isclose(value.ravel()[0], right, rtol=1e-2):
        raise WrongError(
            f"in 200 dimensions the KL is {value.ravel()[0]:.5g} where {right:.5g} is right: the determinant "
            "underflows to 0, so take its logarithm from np.linalg.slogdet"
        )
    return "KL(q || p) for any covariances, in 2 dimensions as in 200"


# --- Exercise 7 -------------------------------------------------------------------------------------
# The noise is recognised by its distribution function, at e.


def _laplace(e):
    return np.where(e < 0, np.exp(np.minimum(e, 0)) / 2, 1 - np.exp(-np.maximum(e, 0)) / 2)


def _normal(e):
    grid = np.linspace(-6, 6, 2001)
    density = np.exp(-(grid**2) / 2)
    return np.interp(e, grid, np.cumsum(density) / density.sum())


def _logistic(e):
    return 1 / (1 + np.exp(-np.clip(e, -500, 500)))


def _laplace_with_gap(e):
    return np.where(e < -1, 0.5 * np.exp(e + 1), np.where(e > 1, 1 - 0.5 * np.exp(1 - e), 0.5))


# Usual mistakes: the distribution of the noise, and what is used as the scale s, unless it is the right one
SAMPLING_MISTAKES = [
    ("the noise is Gaussian; that is the sampling of lesson 03, and Laplace is wanted", _normal),
    ("the noise is Gaussian, and log_scale is taken for a log-variance, as in lesson 03", _normal, np.sqrt),
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
        lambda e: 1 - np.exp(-np.maximum(e, 0)),
    ),
    (
        "no z lies above loc: this is the exponential distribution; half of the draws need the other sign",
        lambda e: np.exp(np.minimum(e, 0)),
    ),
    ("the noise is uniform from 0 to 1; turn it into Laplace noise first", lambda e: np.clip(e, 0, 1)),
    (
        "the noise is uniform around 0; turn it into Laplace noise by the inverse of its distribution function",
        lambda e: np.clip(e + 0.5, 0, 1),
    ),
    ("this is the logistic distribution; Laplace has |u - 1/2| inside the logarithm", _logistic),
    ("the draws are clipped or lack the sign: the middle is empty, where Laplace has its peak", _laplace_with_gap),
]


@check
def sampling(sample_laplace):
    """Check draws from Laplace distributions by reparameterization: exercise 7 of lesson 05.

    Parameters
    ----------
    sample_laplace : the learner's `sample_laplace(loc, log_scale, rng)`, of locations and logarithms of scales
        `(n, d)`, to a draw for each, `(n, d)`

    Returns
    -------
    verdict : a `Verdict`, whose message is printed
    """
    rng = np.random.default_rng(4)
    loc, log_scale = rng.normal(0, 3, (6000, 2)), rng.uniform(-2, 1, (6000, 2))
    loc, log_scale = loc.astype("float32").astype("float64"), log_scale.astype("float32").astype("float64")

    def draw(loc, seed=0):
        return evaluate(seeded(sample_laplace, seed), loc, log_scale)

    z = draw(loc)
    _require_draws(z, loc)
    if not np.array_equal(z, draw(loc)):
        raise WrongError("the same rng gives other draws the second time; take all noise from rng")
    if np.array_equal(z, draw(loc, seed=1)):
        raise WrongError("another rng gives the same draws; use the rng you are given, not one with a seed of its own")
    for name, step in {"one way": 1.0, "the other way": -1.0}.items():
        moved = draw(loc + step)
        if np.allclose(moved, z, atol=1e-3):
            raise WrongError("loc has no influence; z is loc plus scale times noise")
        if not np.allclose(moved - z, step, atol=1e-3):
            raise WrongError(f"with the same noise, loc + 1 should move every z by 1 ({name}): loc is not just added")
    _judge_noise(z - loc, np.exp(log_scale))
    return "Laplace draws, each image with noise of its own, and loc and log_scale can be moved under them"


def _require_draws(z, loc):
    if z.shape != loc.shape and z.shape in ((1, 2), (2,), (6000,), (6000, 1), ()):
        raise WrongError(f"the result has shape {z.shape}, not {loc.shape}: a code for each image is wanted")
    require_shape(z, loc.shape, "as loc has")
    if not np.isfinite(z).all():
        share = np.mean(~np.isfinite(z))
        raise WrongError(
            f"{share:.0%} of the draws are NaN or infinite: a logarithm was taken of a number that is not above 0"
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
        return np.max(np.abs(distribution(e) - (np.arange(e.size) + 0.5) / e.size)) < 0.025

    if fits(_laplace):
        return
    recognise(fits, SAMPLING_MISTAKES)
    raise WrongError(
        f"these are not Laplace draws: in units of the scale, |z - loc| has the mean {np.abs(standard).mean():.3g} "
        f"where 1 is right, and {np.mean(centred < 0):.0%} of the draws lie below loc where 50% is right"
    )
