"""What a VAE says of an image: bounds on log p(x), log p(x) itself, and the true posterior p(z|x).

All values are in nats, one per image; images `(n, pixels)`, codes `(n, latent_dim)`. Quadratures are
for latent_dim 2. `vae` is any object with

    latent_dim, pixels      integers
    encoder(x)              z_mean and z_log_var, and whatever follows them
    likelihood              "bernoulli", which needs decoder_logits(z) -> logits of the pixels `(n, pixels)`,
                            or "gaussian", which needs decoder(z) -> means of the pixels, and sigma

such as a `pylib.models.VAE`; a conditional one goes through `given_label` first.
All functions raise ValueError where images do not suit the model or a number is out of range.
"""

import itertools

import numpy as np
from scipy import optimize, special

from pylib import _check
from pylib.divergence import gaussian_kl_to_unit, log_normal


def _check_images(vae, x):
    if getattr(vae, "n_classes", None) is not None:
        raise ValueError("this VAE is conditional: say which label is meant, with given_label(vae, y)")
    if vae.likelihood == "bernoulli":
        _check.images(x, width=vae.pixels)
    else:
        _check.rows(x, vae.pixels)


def _check_samples(vae, x, samples, seed):
    _check_images(vae, x)
    _check.positive_integer(samples, "samples")


def _check_k(vae, x, k, seed):
    _check_images(vae, x)
    _check.positive_integer(k, "k")


def _check_plane(vae, x):
    _check_images(vae, x)
    if vae.latent_dim != 2:
        raise ValueError(
            f"a grid needs latent_dim 2, not {vae.latent_dim}: use importance_weighted_bound(vae, x, k, seed), "
            "which any latent_dim allows"
        )


def _check_grid(vae, x, points=200, limit=None):
    _check_plane(vae, x)
    if not isinstance(points, int) or points < 2:
        raise ValueError(f"points are those along a side of the grid, an integer of 2 or more, not {points!r}")
    if limit is not None:
        _check.number(limit, "limit, half a side of the grid,", above=0)
    if np.ndim(getattr(vae, "y", 0)) > 0:
        raise ValueError("a grid is decoded with one label for all its points: give given_label one label at a time")


def _check_q(vae, x, z_mean, z_log_var, nodes=20):
    _check_plane(vae, x)
    _check.positive_integer(nodes, "nodes")
    for name, array in {"z_mean": z_mean, "z_log_var": z_log_var}.items():
        if np.shape(array) != (len(x), 2):
            raise ValueError(f"{name} must have shape ({len(x)}, 2), a row per image, not {np.shape(array)}")


@_check.checked(_check_k)
def log_weights(vae, x, k, seed):
    """log p(x, z) - log q(z|x) at `k` codes drawn from each image's q(z|x), `(n, k)`.

    Y. Burda, R. Grosse, R. Salakhutdinov (2016), equation 8.
    """
    z_mean, z_log_var = encode(vae, x)
    rng = np.random.default_rng(seed)
    weights = np.empty((len(x), k))
    for i in range(k):
        z = z_mean + np.exp(0.5 * z_log_var) * rng.standard_normal(z_mean.shape)
        weights[:, i] = log_likelihood(vae, x, z) + log_normal(z) - log_normal(z, z_mean, z_log_var)
    return weights


@_check.checked(_check_samples)
def elbo(vae, x, samples, seed):
    """The evidence lower bound, estimated as the mean of `samples` log-weights, `(n,)`.

    D. P. Kingma, M. Welling (2014), equation 2.
    """
    return np.mean(log_weights(vae, x, samples, seed), axis=1)


@_check.checked(_check_k)
def importance_weighted_bound(vae, x, k, seed):
    """The log of the mean of `k` weights, `(n,)`: a bound that rises to log p(x) as k grows, in expectation.

    Y. Burda, R. Grosse, R. Salakhutdinov (2016), equation 8.
    """
    return special.logsumexp(log_weights(vae, x, k, seed), axis=1) - np.log(k)


@_check.checked(_check_grid)
def exact_log_likelihood(vae, x, points=200, limit=None):
    """log p(x) by quadrature: p(x|z) p(z), summed over a square grid and times the area of a cell, `(n,)`.

    `points` are those along a side, from -`limit` to `limit`; None takes the limit from the codes of `x`.
    `quadrature_error` tells how exact it is.
    """
    limit = code_limit(vae, x) if limit is None else limit
    grid, log_area = square_grid(points, limit)
    total = np.full(len(x), -np.inf)
    for z in blocks(grid, 5000):
        log_prior = log_normal(z)
        log_likelihood_at_z = log_likelihood_table(vae, z)
        for rows in blocks(np.arange(len(x)), 500):
            log_joint = log_likelihood_at_z(x[rows])
            log_joint += log_prior
            total[rows] = np.logaddexp(total[rows], log_sum_exp(log_joint))
    return total + log_area


def quadrature_error(vae, x, points=200, limit=None):
    """How far `exact_log_likelihood` is from its value on a grid twice as fine and a quarter wider.

    Returns
    -------
    mean, worst : of the absolute difference over the images, nats
    """
    value = exact_log_likelihood(vae, x, points, limit)
    limit = code_limit(vae, x) if limit is None else limit
    finer = exact_log_likelihood(vae, x, round(2.5 * (points - 1)) + 1, 1.25 * limit)
    error = np.abs(finer - value)
    return float(error.mean()), float(error.max())


@_check.checked(_check_grid)
def true_posterior(vae, x, points=200, limit=None):
    """The density p(z|x) of each image, on a grid laid over the place where its mass is.

    The place is sought in the square from -`limit` to `limit` (None: as in `exact_log_likelihood`), and
    also holds the encoder's mean and 5 of its standard deviations around it.

    Returns
    -------
    z1, z2 : `(n, points)`, the grid's columns and rows in the plane
    density : `(n, points, points)`, at `z2` along axis 1 and `z1` along axis 2, as `contour` takes it;
        it sums to 1 over the grid, times the area of a cell
    """
    z1, z2, log_density = _log_posterior(vae, x, points, limit)
    return z1, z2, np.exp(log_density)


@_check.checked(_check_q)
def gaussian_elbo(vae, x, z_mean, z_log_var, nodes=20):
    """The ELBO of any Gaussian q(z|x), without sampling: E_q[log p(x|z)] - KL(q || p(z)), `(n,)`.

    Expectations are by Gauss-Hermite quadrature with `nodes` in each of the two dimensions.
    """
    z_mean, z_log_var = np.asarray(z_mean, "float64"), np.asarray(z_log_var, "float64")
    eps, weight = np.polynomial.hermite_e.hermegauss(nodes)
    weight /= weight.sum()
    value = -gaussian_kl_to_unit(z_mean, z_log_var)
    for i, j in itertools.product(range(nodes), repeat=2):
        z = z_mean + np.exp(0.5 * z_log_var) * eps[[i, j]]
        value += weight[i] * weight[j] * log_likelihood(vae, x, z)
    return value


@_check.checked(_check_grid)
def best_gaussian(vae, x, points=60, limit=None):
    """The q(z|x) that an encoder with no other image to serve would choose: the least KL(q || p(z|x)).

    `points` and `limit` are those of `true_posterior`, whose density it uses.
    C. Cremer, X. Li, D. Duvenaud (2018).

    Returns
    -------
    z_mean, z_log_var : `(n, 2)`
    """
    z1, z2, log_density = _log_posterior(vae, x, points, limit)
    starts = zip(*encode(vae, x), strict=True)
    best = [_fit_gaussian(*image) for image in zip(z1, z2, log_density, starts, strict=True)]
    return np.stack([mean for mean, _ in best]), np.stack([log_var for _, log_var in best])


def given_label(vae, y):
    """A conditional `vae` with its label fixed, for the functions here: their p(x) is then p(x|y).

    `y` is one label, or `(n,)` with one per image; the quadratures take one label only.
    """
    if getattr(vae, "n_classes", None) is None:
        raise ValueError("this VAE has no labels: given_label needs one with n_classes")
    labels = np.atleast_1d(y)
    _check.labels(labels, len(labels), vae.n_classes)
    return _GivenLabel(vae, y)


class _GivenLabel:
    def __init__(self, vae, y):
        self.vae, self.y = vae, y
        self.latent_dim, self.pixels, self.likelihood, self.sigma = (
            vae.latent_dim,
            vae.pixels,
            vae.likelihood,
            vae.sigma,
        )

    def _with_label(self, rows):
        return [rows, np.broadcast_to(self.y, len(rows))]

    def encoder(self, x):
        return self.vae.encoder(self._with_label(x))

    def decoder(self, z):
        return self.vae.decoder(self._with_label(z))

    def decoder_logits(self, z):
        return self.vae.decoder_logits(self._with_label(z))


def encode(vae, x):
    """The encoder's z_mean and z_log_var, `(n, latent_dim)` float64."""
    z_mean, z_log_var = vae.encoder(x)[:2]
    return np.asarray(z_mean, "float64"), np.asarray(z_log_var, "float64")


def log_likelihood(vae, x, z):
    """log p(x|z) of each image under its own code, `(n, pixels)` and `(n, latent_dim)` -> `(n,)`."""
    if vae.likelihood == "bernoulli":
        logits = np.asarray(vae.decoder_logits(z))
        return np.sum(x * logits, axis=1) - np.sum(softplus(logits), axis=1)
    squares = np.square(x - np.asarray(vae.decoder(z))).sum(axis=1, dtype="float64")
    return -0.5 * (squares / vae.sigma**2 + vae.pixels * np.log(2 * np.pi * vae.sigma**2))


def log_likelihood_table(vae, z):
    """Decode the codes `z` once: a function that gives log p(x|z) of each image under each code, `(n, len(z))`."""
    if vae.likelihood == "bernoulli":
        logits = np.asarray(vae.decoder_logits(z))
        constant = np.sum(softplus(logits), axis=1)
        return lambda x: np.asarray(x, logits.dtype) @ logits.T - constant

    mean = np.asarray(vae.decoder(z))
    if vae.sigma < 0.1:  # the squares are divided by sigma^2, and so is what float32 loses in them
        mean = mean.astype("float64")
    constant = 0.5 * vae.pixels * np.log(2 * np.pi * vae.sigma**2)
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


def softplus(a):
    """log(1 + exp(a)) where exp(a) might overflow."""
    return np.maximum(a, 0) + np.log(1 + np.exp(-np.abs(a)))


def log_sum_exp(a):
    """log of the sum of exp over the last axis, which it may overwrite; SciPy's makes more copies."""
    highest = a.max(axis=-1, keepdims=True)
    a -= highest
    np.exp(a, out=a)
    return np.log(a.sum(axis=-1)) + highest[..., 0]


def code_limit(vae, x):
    """Half the side of a square that holds the codes of `x` with 4 standard deviations, and the prior's mass."""
    z_mean, z_log_var = encode(vae, x)
    return max(4.0, float(np.max(np.abs(z_mean) + 4 * np.exp(0.5 * z_log_var))))


def square_grid(points, limit):
    """The points of a square from -`limit` to `limit`, `(points**2, 2)`, and the log of a cell's area."""
    side = np.linspace(-limit, limit, points)
    z1, z2 = np.meshgrid(side, side)
    return np.stack([z1.ravel(), z2.ravel()], axis=1), 2 * np.log(side[1] - side[0])


def blocks(array, size):
    """The rows of `array` in pieces of `size` or fewer, to bound the memory."""
    return (array[start : start + size] for start in range(0, len(array), size))


def _log_posterior(vae, x, points, limit):
    """log p(z|x) and its grids, as `true_posterior` returns them."""
    low, high = _boxes(vae, x, limit)
    z1, z2 = np.linspace(low, high, points, axis=-1).transpose(1, 0, 2)
    log_density = np.empty((len(x), points, points))
    for i in range(len(x)):
        z = np.stack([mesh.ravel() for mesh in np.meshgrid(z1[i], z2[i])], axis=1)
        log_joint = log_likelihood_table(vae, z)(x[i : i + 1])[0] + log_normal(z)
        log_area = np.log((z1[i, 1] - z1[i, 0]) * (z2[i, 1] - z2[i, 0]))
        log_density[i] = (log_joint - special.logsumexp(log_joint) - log_area).reshape(points, points)
    return z1, z2, log_density


def _boxes(vae, x, limit):
    """The low and the high corners, each `(n, 2)`, of a box around each posterior and its encoder's q."""
    grid, log_area = square_grid(200, code_limit(vae, x) if limit is None else limit)
    cell = np.exp(0.5 * log_area)
    log_likelihood_at_grid, log_prior = log_likelihood_table(vae, grid), log_normal(grid)
    z_mean, z_log_var = encode(vae, x)
    log_joint_at_mean = log_likelihood(vae, x, z_mean) + log_normal(z_mean)
    low = z_mean - 5 * np.exp(0.5 * z_log_var)
    high = z_mean + 5 * np.exp(0.5 * z_log_var)
    for i in range(len(x)):
        log_joint = log_likelihood_at_grid(x[i : i + 1])[0] + log_prior
        peak = max(log_joint.max(), log_joint_at_mean[i])  # the mode may lie between the points
        mass = grid[log_joint > peak - 12]  # e^-12 of the peak is nothing
        if len(mass) > 0:
            low[i] = np.minimum(low[i], mass.min(axis=0) - cell)
            high[i] = np.maximum(high[i], mass.max(axis=0) + cell)
    return low, high


def _fit_gaussian(z1, z2, log_density, start):
    """The mean and the log-variance of the Gaussian with the least KL to a density on a grid."""
    weight = special.softmax(log_density)  # both axes at once
    moments = [(np.sum(w * z), np.sum(w * z**2)) for w, z in ((weight.sum(0), z1), (weight.sum(1), z2))]
    mean, square = np.transpose(moments)
    posterior = mean, np.log(square - mean**2)
    fits = [_descend(z1, z2, log_density, *q) for q in (start, posterior)]  # two, where there are two modes
    return min(fits, key=lambda fit: fit[0])[1:]


def _descend(z1, z2, log_density, mean, log_var):
    def at(step):  # in units in which a step of 1 is large
        return mean + np.exp(0.5 * log_var) * step[:2], log_var + step[2:]

    def kl(step):
        m, v = at(step)
        q1, q2 = (special.softmax(-0.5 * (z - m_) ** 2 / np.exp(v_)) for z, m_, v_ in zip((z1, z2), m, v, strict=True))
        entropy = 0.5 * np.sum(v + np.log(2 * np.pi) + 1)
        return -entropy - q2 @ log_density @ q1

    found = optimize.minimize(kl, np.zeros(4), method="L-BFGS-B", bounds=[(-20, 20)] * 2 + [(-8, 8)] * 2)
    return found.fun, *at(found.x)
