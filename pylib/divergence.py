"""How far one diagonal Gaussian is from another: the Kullback-Leibler divergence, in nats.

Means and log-variances (log sigma^2) have shape `(..., d)`, one Gaussian in each row, and broadcast;
results have shape `(...)`.
"""

import numpy as np

from pylib import _validate


def _validate_gaussians(q_mean, q_log_var, p_mean, p_log_var):
    return _fitting(q_mean=q_mean, q_log_var=q_log_var, p_mean=p_mean, p_log_var=p_log_var)


def _validate_density(z, mean, log_var):
    return _fitting(z=z, mean=mean, log_var=log_var)


def _fitting(**arrays):
    """The arrays as floats, once they are finite and broadcast to `(..., d)`."""
    arrays = {name: _validate.numeric(array, name) for name, array in arrays.items()}
    shapes = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
    try:
        shape = np.broadcast_shapes(*(array.shape for array in arrays.values()))
    except ValueError as error:
        raise ValueError(f"arrays must have one shape (..., d), but they are {shapes}") from error
    if shape == () or 0 in shape:
        raise ValueError(f"arrays must have shape (..., d) with d of 1 or more, but they are {shapes}")
    for name, array in arrays.items():
        _validate.finite(array, name)
    # As floats, since integers without a sign would wrap around below 0, and booleans can't be subtracted.
    return {name: array if array.dtype.kind == "f" else array.astype("float64") for name, array in arrays.items()}


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


@_validate.arguments(_validate_density)
def log_normal(z, mean=0.0, log_var=0.0):
    """Log-density of a Gaussian with diagonal covariance, the unit Gaussian unless it is given.

    Parameters
    ----------
    z : `(..., d)`, where the density is asked for
    mean, log_var : `(..., d)`, of the Gaussian

    Returns
    -------
    log_density : `(...)`, nats

    Raises
    ------
    ValueError : shapes do not fit, or there is a NaN or infinity
    """
    return -0.5 * np.sum((z - mean) ** 2 / np.exp(log_var) + log_var + np.log(2 * np.pi), axis=-1)
