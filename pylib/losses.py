"""The terms of a VAE's loss, and the draw between encoder and decoder, as Keras tensors.

NaN gives NaN: inside a training step there are no values to look at.
"""

import math

from pylib import _backend  # noqa: F401  # isort: skip
from keras import ops

from pylib import _validate


@_validate.arguments(lambda z_mean, z_log_var, eps: _validate.same_shapes(z_mean=z_mean, z_log_var=z_log_var, eps=eps))
def sample(z_mean, z_log_var, eps):
    """Draw codes from the encoder's Gaussian: turn unit normal `eps` into z, differentiably in the other two.

    Taught in lesson 03. D. P. Kingma, M. Welling (2014), section 2.4.

    Parameters
    ----------
    z_mean : `(n, latent_dim)`
    z_log_var : `(n, latent_dim)`, log sigma^2
    eps : `(n, latent_dim)`, drawn from the unit Gaussian

    Returns
    -------
    z : `(n, latent_dim)`

    Raises
    ------
    ValueError : shapes do not fit each other, or something is no array of numbers
    """
    return z_mean + ops.exp(0.5 * z_log_var) * eps


@_validate.arguments(lambda z_mean, z_log_var: _validate.same_shapes(z_mean=z_mean, z_log_var=z_log_var))
def kl_to_unit(z_mean, z_log_var):
    """KL(N(z_mean, exp(z_log_var)) || N(0, I)), summed over the latent dimensions, as a Keras tensor.

    Taught in lesson 03. D. P. Kingma, M. Welling (2014), appendix B.

    Parameters
    ----------
    z_mean : `(n, latent_dim)`
    z_log_var : `(n, latent_dim)`, log sigma^2

    Returns
    -------
    kl : `(n,)`, nats

    Raises
    ------
    ValueError : shapes do not fit each other, or something is no array of numbers
    """
    return 0.5 * ops.sum(z_mean**2 + ops.exp(z_log_var) - z_log_var - 1, axis=-1)


@_validate.arguments(lambda x, logits: _validate.same_shapes(x=x, logits=logits))
def bernoulli_reconstruction(x, logits):
    """-log p(x|z) where each pixel is 1 with probability sigmoid(logit), as a Keras tensor.

    It is the cross-entropy -x log p - (1 - x) log(1 - p), written so that no probability rounds to 0 or 1.
    Taught in lesson 03.

    Parameters
    ----------
    x : images `(n, pixels)` in [0, 1]
    logits : `(n, pixels)`, of the decoder

    Returns
    -------
    reconstruction : `(n,)`, nats

    Raises
    ------
    ValueError : shapes do not fit each other, or something is no array of numbers
    """
    return ops.sum(ops.softplus(logits) - x * logits, axis=-1)


def _validate_gaussian(x, mean, sigma):
    _validate.same_shapes(x=x, mean=mean)
    _validate.number(sigma, "sigma", above=0)


@_validate.arguments(_validate_gaussian)
def gaussian_reconstruction(x, mean, sigma):
    """-log p(x|z) where each pixel is N(mean, sigma^2), its constant included, as a Keras tensor.

    Taught in lesson 03.

    Parameters
    ----------
    x : images `(n, pixels)`
    mean : `(n, pixels)`, of the decoder
    sigma : standard deviation, in units of a pixel

    Returns
    -------
    reconstruction : `(n,)`, nats

    Raises
    ------
    ValueError : as `bernoulli_reconstruction`, or sigma is not a number above 0
    """
    return 0.5 * ops.sum(((x - mean) / sigma) ** 2 + math.log(2 * math.pi * sigma**2), axis=-1)
