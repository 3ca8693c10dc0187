"""What a VAE says of pixels under given codes, and the sums over codes that evidence is made of.

Log-likelihoods are in nats; images `(n, n_pixels)`, codes `(n, latent_dim)`. `vae` is any object with

    latent_dim, n_pixels    integers
    encoder(x)              z_mean and z_log_var, and whatever follows them
    likelihood              "bernoulli", which needs decoder_logits(z) -> logits of the pixels `(n, n_pixels)`,
                            or "gaussian", which needs decoder(z) -> means of the pixels, and sigma

such as a `pylib.models.VAE`; a conditional one goes through `evidence.given_label` first.
"""

import numpy as np

from pylib import _validate

IN_CACHE = 500  # rows at a time whose pixels a core's cache holds: a sum over them takes a quarter of the time


def _validate_encode(vae, x):
    _validate.vae(vae)
    x = _validate.numeric(x, "images")
    _validate.row_shape(x, vae.n_pixels)
    return {"x": x}


def _validate_codes(vae, z):
    _validate.vae(vae)
    z = _validate.numeric(z, "codes")
    _validate.row_shape(z, vae.latent_dim, "codes")
    return {"z": z}


def _validate_pairs(vae, x, z):
    pairs = _validate_encode(vae, x) | _validate_codes(vae, z)
    if len(pairs["x"]) != len(pairs["z"]):
        raise ValueError(f"give a code for each image, not {len(pairs['z'])} codes for {len(pairs['x'])} images")
    return pairs


def _validate_numbers(a):
    a = _validate.numeric(a, "a")
    if a.size == 0:
        raise ValueError("a is empty: give at least one number")
    return {"a": a}


def _validate_rows_of_numbers(a):
    if np.ndim(a) == 0:
        raise ValueError(f"a must have at least one axis, over which is summed, not be {_validate.shown(a)}")
    return _validate_numbers(a)


def _validate_square(points, limit):
    _validate.grid_points(points)
    _validate.number(limit, "limit, half a side of the grid,", above=0)


def _validate_blocks(array, size):
    if not hasattr(array, "shape") or len(array.shape) == 0:
        raise ValueError(f"array must be an array with rows, not {_validate.shown(array)}")
    _validate.positive_integer(size, "size")


@_validate.arguments(_validate_encode)
def encode(vae, x):
    """The encoder's Gaussian for each image.

    Parameters
    ----------
    vae : see the top of the module
    x : images `(n, n_pixels)`

    Returns
    -------
    z_mean, z_log_var : `(n, latent_dim)` float64

    Raises
    ------
    ValueError : images or the model do not suit; NaN gives NaN
    """
    z_mean, z_log_var = vae.encoder(x)[:2]
    return np.asarray(z_mean, "float64"), np.asarray(z_log_var, "float64")


@_validate.arguments(_validate_pairs)
def log_likelihood(vae, x, z):
    """log p(x|z) of each image under its own code.

    Parameters
    ----------
    vae, x : as `encode` takes them
    z : codes `(n, latent_dim)`

    Returns
    -------
    log_likelihood : `(n,)`, nats

    Raises
    ------
    ValueError : images, codes or the model do not suit; NaN gives NaN
    """
    if vae.likelihood == "bernoulli":
        pairs = zip(blocks(x, IN_CACHE), blocks(np.asarray(vae.decoder_logits(z)), IN_CACHE), strict=True)
        return np.concatenate([np.sum(x * logits, axis=1) - np.sum(softplus(logits), axis=1) for x, logits in pairs])
    squares = np.square(x - np.asarray(vae.decoder(z))).sum(axis=1, dtype="float64")
    return -0.5 * (squares / vae.sigma**2 + vae.n_pixels * np.log(2 * np.pi * vae.sigma**2))


@_validate.arguments(_validate_codes)
def log_likelihood_table(vae, z):
    """Decode the codes `z` once, for log p(x|z) of any images under each of them by one matrix product.

    Parameters
    ----------
    vae : see the top of the module
    z : codes `(m, latent_dim)`

    Returns
    -------
    table : a function of images `(n, n_pixels)` that gives `(n, m)`, nats

    Raises
    ------
    ValueError : codes or the model do not suit; NaN gives NaN
    """
    if vae.likelihood == "bernoulli":
        logits = np.asarray(vae.decoder_logits(z))
        constant = np.concatenate([np.sum(softplus(rows), axis=1) for rows in blocks(logits, IN_CACHE)])
        return lambda x: np.asarray(x, logits.dtype) @ logits.T - constant

    mean = np.asarray(vae.decoder(z))
    if vae.sigma < 0.1:  # the squares are divided by sigma^2, and so is what float32 loses in them
        mean = mean.astype("float64")
    constant = 0.5 * vae.n_pixels * np.log(2 * np.pi * vae.sigma**2)
    centre = mean.mean(axis=0)
    mean = (mean - centre) / vae.sigma
    half_square = 0.5 * np.sum(mean**2, axis=1) + constant

    def table(x):
        x = (np.asarray(x, mean.dtype) - centre) / mean.dtype.type(vae.sigma)
        result = x @ mean.T
        result -= half_square
        result -= 0.5 * np.sum(x**2, axis=1, keepdims=True)
        return result

    return table


@_validate.arguments(_validate_numbers)
def softplus(a):
    """log(1 + exp(a)), where exp(a) might overflow.

    By hand, since `np.logaddexp(0, a)` takes 1.6 times as long.

    Parameters
    ----------
    a : array of any shape

    Returns
    -------
    softplus : of the same shape

    Raises
    ------
    ValueError : there are no numbers; NaN gives NaN
    """
    return np.maximum(a, 0) + np.log(1 + np.exp(-np.abs(a)))


@_validate.arguments(_validate_rows_of_numbers)
def log_sum_exp(a):
    """log of the sum of exp over the last axis.

    By hand, since SciPy's makes more copies of an array that may be large.

    Parameters
    ----------
    a : `(..., m)`, which is overwritten

    Returns
    -------
    log_sum : `(...)`

    Raises
    ------
    ValueError : there is no axis to sum over, or nothing on it; NaN gives NaN
    """
    highest = a.max(axis=-1, keepdims=True)
    a -= highest
    np.exp(a, out=a)
    return np.log(a.sum(axis=-1)) + highest[..., 0]


@_validate.arguments(_validate_encode)
def code_limit(vae, x):
    """Half the side of a square that holds the codes of `x` with 4 standard deviations, and the prior's mass.

    Parameters
    ----------
    vae, x : as `encode` takes them

    Returns
    -------
    limit : a number, 4 or more

    Raises
    ------
    ValueError : images or the model do not suit
    """
    z_mean, z_log_var = encode(vae, x)
    return max(4.0, float(np.max(np.abs(z_mean) + 4 * np.exp(0.5 * z_log_var))))


@_validate.arguments(_validate_square)
def square_grid(points, limit):
    """The points of a square grid on the plane of codes.

    Parameters
    ----------
    points : those along a side
    limit : half the side, which goes from -`limit` to `limit`

    Returns
    -------
    grid : `(points**2, 2)`
    log_area : the log of a cell's area

    Raises
    ------
    ValueError : `points` is below 2, or `limit` not above 0
    """
    side = np.linspace(-limit, limit, points)
    z1, z2 = np.meshgrid(side, side)
    return np.stack([z1.ravel(), z2.ravel()], axis=1), 2 * np.log(side[1] - side[0])


@_validate.arguments(_validate_blocks)
def blocks(array, size):
    """The rows of an array piece by piece, to bound the memory that a computation takes.

    Parameters
    ----------
    array : `(n, ...)`
    size : rows in a piece, the last of which may have fewer

    Returns
    -------
    pieces : a list of views of them

    Raises
    ------
    ValueError : there is no array, or `size` is not above 0
    """
    return [array[start : start + size] for start in range(0, len(array), size)]
