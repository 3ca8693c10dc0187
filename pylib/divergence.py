"""How far one diagonal Gaussian is from another: the Kullback-Leibler divergence, in nats.

Means and log-variances (log sigma^2) have shape `(..., d)`, one Gaussian in each row, and broadcast;
results have shape `(...)`.
"""

import numpy as np

from pylib import _validate


def _validate_gaussians(q_mean, q_log_var, p_mean, p_log_var):
    arrays = {"q_mean": q_mean, "q_log_var": q_log_var, "p_mean": p_mean, "p_log_var": p_log_var}
    shapes = [np.shape(array) for array in arrays.values()]
    try:
        shape = np.broadcast_shapes(*shapes)
    except ValueError as error:
        raise ValueError(f"means and log-variances must have one shape (..., d), not {shapes}") from error
    if shape == () or 0 in shape:
        raise ValueError(f"means and log-variances must have shape (..., d) with d of 1 or more, not {shape}")
    for name, array in arrays.items():
        if not np.all(np.isfinite(array)):
            raise ValueError(f"{name} must hold finite numbers, but there is a NaN or infinity among them")


def _validate_monte_carlo(q_mean, q_log_var, p_mean, p_log_var, samples):
    _validate_gaussians(q_mean, q_log_var, p_mean, p_log_var)
    if not isinstance(samples, int) or samples < 2:
        raise ValueError(f"samples must be an integer of 2 or more, for a standard error, not {samples!r}")


@_validate.arguments(_validate_gaussians)
def gaussian_kl(q_mean, q_log_var, p_mean=0.0, p_log_var=0.0):
    """KL(q || p) of two Gaussians with diagonal covariance, summed over the d dimensions.

    p is the unit Gaussian unless it is given. C. M. Bishop, Pattern Recognition and Machine Learning,
    exercise 2.13; for the unit Gaussian D. P. Kingma, M. Welling (2014), appendix B.

    Parameters
    ----------
    q_mean, q_log_var : `(..., d)`, of q
    p_mean, p_log_var : `(..., d)`, of p

    Returns
    -------
    kl : `(...)`, nats

    Raises
    ------
    ValueError : shapes do not fit, or there is a NaN or infinity
    """
    variance_ratio = np.exp(np.subtract(q_log_var, p_log_var))
    squared_distance = np.subtract(q_mean, p_mean) ** 2 / np.exp(p_log_var)
    return 0.5 * np.sum(variance_ratio + squared_distance - 1 - np.subtract(q_log_var, p_log_var), axis=-1)


@_validate.arguments(_validate_monte_carlo)
def monte_carlo_kl(q_mean, q_log_var, p_mean, p_log_var, samples, seed):
    """KL(q || p) as the mean of log q(z) - log p(z) over draws from q.

    Parameters
    ----------
    q_mean, q_log_var : `(..., d)`, of q
    p_mean, p_log_var : `(..., d)`, of p
    samples : draws from each q, 2 or more
    seed : of the draws

    Returns
    -------
    estimate : `(...)`, nats
    standard_error : `(...)`, nats, of the estimate

    Raises
    ------
    ValueError : shapes do not fit, there is a NaN or infinity, or `samples` is below 2
    """
    q_mean, q_log_var, p_mean, p_log_var = np.broadcast_arrays(q_mean, q_log_var, p_mean, p_log_var)
    eps = np.random.default_rng(seed).standard_normal((samples, *q_mean.shape))
    z = q_mean + np.exp(0.5 * q_log_var) * eps
    log_ratio = log_normal(z, q_mean, q_log_var) - log_normal(z, p_mean, p_log_var)
    return log_ratio.mean(axis=0), log_ratio.std(axis=0, ddof=1) / np.sqrt(samples)


def log_normal(z, mean=0.0, log_var=0.0):
    """Log-density of a Gaussian with diagonal covariance, the unit Gaussian unless it is given.

    Parameters
    ----------
    z : `(..., d)`, where the density is asked for
    mean, log_var : `(..., d)`, of the Gaussian

    Returns
    -------
    log_density : `(...)`, nats
    """
    return -0.5 * np.sum((z - mean) ** 2 / np.exp(log_var) + log_var + np.log(2 * np.pi), axis=-1)
