"""What a VAE says of an image: bounds on log p(x), log p(x) itself, and the true posterior p(z|x).

All values are in nats, one per image; images `(n, n_pixels)`, codes `(n, latent_dim)`. Quadratures are
for latent_dim 2. `vae` is a `pylib.models.VAE`, or any object that `pylib.likelihood` describes; a conditional
one goes through `given_label` first. `prior` is None for the unit normal, or one that `pylib.priors` describes.
"""

import numpy as np
from scipy import special

from pylib import _posterior, _validate
from pylib.divergence import gaussian_kl, log_normal
from pylib.likelihood import (
    blocks,
    code_limit,
    encode,
    log_likelihood,
    log_likelihood_table,
    log_sum_exp,
    square_grid,
)
from pylib.progress import Progress


def _validate_images(vae, x):
    """The images as an array, once they suit the model."""
    _validate.vae(vae)
    if getattr(vae, "n_classes", None) is not None:
        raise ValueError("this VAE is conditional: say which label is meant, with given_label(vae, y)")
    if vae.likelihood == "bernoulli":
        _validate.images(x, vae.n_pixels)
    else:
        _validate.rows(x, vae.n_pixels)
    if isinstance(vae, _GivenLabel) and np.ndim(vae.label) > 0 and len(vae.label) != len(x):
        raise ValueError(
            f"given_label has {len(vae.label)} labels for {len(x)} images: give one label, or one per image"
        )
    return {"x": _validate.numeric(x, "images")}


def _validate_prior(vae, prior):
    if prior is None:
        return
    if isinstance(prior, type) or not callable(getattr(prior, "log_density", None)):
        known = "UnitNormal, Gaussian or Mixture of pylib.priors, or a pylib.diffusion.Diffusion"
        raise ValueError(f"prior must have log_density(z), such as a {known}, not {_validate.shown(prior)}")
    width = getattr(prior, "latent_dim", vae.latent_dim)
    if width != vae.latent_dim:
        raise ValueError(f"prior is of codes of {width} numbers, and this VAE's have {vae.latent_dim}")


def _validate_samples(vae, x, samples, seed, prior):
    _validate.positive_integer(samples, "samples")
    _validate.seed(seed)
    images = _validate_images(vae, x)
    _validate_prior(vae, prior)
    return images


def _validate_k(vae, x, k, seed, prior):
    _validate.positive_integer(k, "k")
    _validate.seed(seed)
    images = _validate_images(vae, x)
    _validate_prior(vae, prior)
    return images


def _validate_plane(vae, x):
    images = _validate_images(vae, x)
    if vae.latent_dim != 2:
        raise ValueError(
            f"a grid needs latent_dim 2, not {vae.latent_dim}: use importance_weighted_bound(vae, x, k, seed), "
            "which any latent_dim allows"
        )
    return images


def _validate_grid(vae, x, points, limit):
    _validate.grid_points(points)
    if limit is not None:
        _validate.number(limit, "limit, half a side of the grid,", above=0)
    if isinstance(vae, _GivenLabel) and np.ndim(vae.label) > 0:
        raise ValueError("a grid is decoded with one label for all its points: give given_label one label at a time")
    return _validate_plane(vae, x)


def _validate_quadrature(vae, x, points, limit, prior):
    images = _validate_grid(vae, x, points, limit)
    _validate_prior(vae, prior)
    return images


def _validate_q(vae, x, z_mean, z_log_var, nodes):
    images = _validate_plane(vae, x)
    _validate.positive_integer(nodes, "nodes")
    q = {"z_mean": z_mean, "z_log_var": z_log_var}
    return images | {name: _validate.array(part, (len(images["x"]), 2), name) for name, part in q.items()}


def _validate_given_label(vae, y):
    _validate.vae(vae)
    if getattr(vae, "n_classes", None) is None:
        raise ValueError("this VAE has no labels: given_label needs one with n_classes")
    labels = np.atleast_1d(_validate.numeric(y, "labels"))
    _validate.labels(labels, len(labels), vae.n_classes)


@_validate.arguments(_validate_k)
def log_weights(vae, x, k, seed, prior=None):
    """log p(x, z) - log q(z|x) at codes drawn from each image's q(z|x).

    Taught in lesson 03. Y. Burda, R. Grosse, R. Salakhutdinov (2016), equation 8.

    Parameters
    ----------
    vae : see the top of the module
    x : images `(n, n_pixels)`
    k : draws for each image
    seed : of the draws
    prior : whose log p(z) is taken; see the top of the module

    Returns
    -------
    log_weights : `(n, k)`, nats

    Raises
    ------
    ValueError : images or the prior do not suit the model, `k` is not an integer above 0, or `seed` none of 0 or more
    """
    z_mean, z_log_var = encode(vae, x)
    rng = np.random.default_rng(seed)
    weights = np.empty((len(x), k))
    for i in Progress(range(k), "drawing codes"):
        z = z_mean + np.exp(0.5 * z_log_var) * rng.standard_normal(z_mean.shape)
        log_prior = log_normal(z) if prior is None else prior.log_density(z)
        weights[:, i] = log_likelihood(vae, x, z) + log_prior - log_normal(z, z_mean, z_log_var)
    return weights


@_validate.arguments(_validate_samples)
def elbo(vae, x, samples, seed, prior=None):
    """The evidence lower bound, estimated as the mean of log-weights.

    Taught in lesson 03. D. P. Kingma, M. Welling (2014), equation 2.

    Parameters
    ----------
    vae, x : as `log_weights` takes them
    samples : draws for each image
    seed, prior : as `log_weights` takes them

    Returns
    -------
    elbo : `(n,)`, nats

    Raises
    ------
    ValueError : images do not suit the model, or a number is none that it can be
    """
    return np.mean(log_weights(vae, x, samples, seed, prior), axis=1)


@_validate.arguments(_validate_k)
def importance_weighted_bound(vae, x, k, seed, prior=None):
    """The log of the mean of `k` weights: a bound that rises to log p(x) as k grows, in expectation.

    Taught in lesson 03. Y. Burda, R. Grosse, R. Salakhutdinov (2016), equation 8.

    Parameters
    ----------
    vae, x, k, seed, prior : as `log_weights` takes them

    Returns
    -------
    bound : `(n,)`, nats

    Raises
    ------
    ValueError : as `log_weights` does
    """
    return special.logsumexp(log_weights(vae, x, k, seed, prior), axis=1) - np.log(k)


@_validate.arguments(_validate_quadrature)
def exact_log_likelihood(vae, x, points=200, limit=None, prior=None):
    """log p(x) by quadrature: p(x|z) p(z), summed over a square grid and times the area of a cell.

    `quadrature_error` tells how exact it is. Taught in lesson 03.

    Parameters
    ----------
    vae : with latent_dim 2; see the top of the module
    x : images `(n, n_pixels)`
    points : those along a side of the grid
    limit : half the side; None takes it from the codes of `x`
    prior : whose p(z) is taken; see the top of the module

    Returns
    -------
    log_likelihood : `(n,)`, nats

    Raises
    ------
    ValueError : images or `latent_dim` do not suit a grid, or the grid has no points or no size
    """
    limit = code_limit(vae, x) if limit is None else limit
    grid, log_area = square_grid(points, limit)
    total = np.full(len(x), -np.inf)
    for z in Progress(blocks(grid, 5000), "integrating"):
        log_prior = log_normal(z) if prior is None else prior.log_density(z)
        log_likelihood_at_z = log_likelihood_table(vae, z)
        for rows in blocks(np.arange(len(x)), 500):
            log_joint = log_likelihood_at_z(x[rows])
            log_joint += log_prior
            total[rows] = np.logaddexp(total[rows], log_sum_exp(log_joint))
    return total + log_area


@_validate.arguments(_validate_quadrature)
def quadrature_error(vae, x, points=200, limit=None, prior=None):
    """How far `exact_log_likelihood` is from its value on a grid twice as fine and a quarter wider.

    Parameters
    ----------
    vae, x, points, limit, prior : as `exact_log_likelihood` takes them

    Returns
    -------
    mean, worst : of the absolute difference over the images, nats

    Raises
    ------
    ValueError : as `exact_log_likelihood` does
    """
    value = exact_log_likelihood(vae, x, points, limit, prior)
    limit = code_limit(vae, x) if limit is None else limit
    finer = exact_log_likelihood(vae, x, round(2.5 * (points - 1)) + 1, 1.25 * limit, prior)
    error = np.abs(finer - value)
    return float(error.mean()), float(error.max())


@_validate.arguments(_validate_grid)
def true_posterior(vae, x, points=200, limit=None):
    """The density p(z|x) of each image, on a grid laid over the place where its mass is.

    Where the points of the grid are too far apart for a narrow posterior, the density is its mean over each cell;
    where that can't be had either, a warning names the image.

    Parameters
    ----------
    vae : with latent_dim 2; see the top of the module
    x : images `(n, n_pixels)`
    points : those along a side of each image's grid
    limit : half the side of the square in which the place is sought, which also holds the encoder's mean and 5 of
        its standard deviations around it; None takes it from the codes of `x`

    Returns
    -------
    z1, z2 : `(n, points)`, the grid's columns and rows in the plane
    density : `(n, points, points)`, at `z2` along axis 1 and `z1` along axis 2, as `contour` takes it;
        it sums to 1 over the grid, times the area of a cell

    Raises
    ------
    ValueError : as `exact_log_likelihood` does
    """
    return _posterior.on_grids(vae, x, points, limit)


@_validate.arguments(_validate_q)
def gaussian_elbo(vae, x, z_mean, z_log_var, nodes=20):
    """The ELBO of any Gaussian q(z|x), without sampling: E_q[log p(x|z)] - KL(q || p(z)).

    Expectations are by Gauss-Hermite quadrature.

    Parameters
    ----------
    vae : with latent_dim 2; see the top of the module
    x : images `(n, n_pixels)`
    z_mean, z_log_var : `(n, 2)`, of q
    nodes : of the quadrature, in each of the two dimensions

    Returns
    -------
    elbo : `(n,)`, nats

    Raises
    ------
    ValueError : images or `latent_dim` do not suit, q has another shape, or `nodes` is not an integer above 0
    """
    z_mean, z_log_var = np.asarray(z_mean, "float64"), np.asarray(z_log_var, "float64")
    value, _, _ = _posterior.expectations(vae, x, z_mean, z_log_var, nodes)
    return value - gaussian_kl(z_mean, z_log_var)


@_validate.arguments(_validate_grid)
def best_gaussian(vae, x, points=200, limit=None):
    """The q(z|x) that an encoder with no other image to serve would choose: the largest `gaussian_elbo`.

    It is sought from the encoder's q, from the posterior's mean and variance and from its highest modes, so that it is
    never worse than the encoder's. C. Cremer, X. Li, D. Duvenaud (2018).

    Parameters
    ----------
    vae : with latent_dim 2; see the top of the module
    x : images `(n, n_pixels)`
    points : those along a side of the grid on which modes are sought
    limit : half the side; None takes it from the codes of `x`

    Returns
    -------
    z_mean, z_log_var : `(n, 2)`

    Raises
    ------
    ValueError : as `exact_log_likelihood` does
    """
    number, *starts = _posterior.starts(vae, x, points, limit)
    z_mean, z_log_var, value = _posterior.ascend(vae, x[number], *starts)
    # Those that several starts led to count once, and the encoder's own, which come first, as they were.
    _, different = np.unique(np.stack([number, np.round(value, 2)]), axis=1, return_index=True)
    number = np.concatenate([np.arange(len(x)), number[different]])
    z_mean = np.concatenate([starts[0][: len(x)], z_mean[different]])
    z_log_var = np.concatenate([starts[1][: len(x)], z_log_var[different]])
    value = gaussian_elbo(vae, x[number], z_mean, z_log_var)
    best = [rows[value[rows].argmax()] for rows in (np.flatnonzero(number == i) for i in range(len(x)))]
    return z_mean[best], z_log_var[best]


@_validate.arguments(_validate_given_label)
def given_label(vae, y):
    """A conditional `vae` with its label fixed, for the functions here: their p(x) is then p(x|y).

    Parameters
    ----------
    vae : with `n_classes`
    y : one label, or `(n,)` with one per image; the quadratures take one label only

    Returns
    -------
    vae : takes images and codes alone

    Raises
    ------
    ValueError : the VAE has no labels, or `y` is none of them
    """
    return _GivenLabel(vae, y)


class _GivenLabel:
    """A conditional VAE that puts the same label, or one per row, beside all that it is given."""

    def __init__(self, vae, label):
        self.vae, self.label = vae, np.asarray(label)
        self.latent_dim, self.n_pixels = vae.latent_dim, vae.n_pixels
        self.likelihood, self.sigma = vae.likelihood, vae.sigma

    def _with_label(self, rows):
        return [rows, np.resize(self.label, len(rows))]  # all images again for each node of a quadrature

    def encoder(self, x):
        return self.vae.encoder(self._with_label(x))

    def decoder(self, z):
        return self.vae.decoder(self._with_label(z))

    def decoder_logits(self, z):
        return self.vae.decoder_logits(self._with_label(z))
