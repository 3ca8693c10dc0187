"""The true posterior p(z|x) on a grid of its own for each image, and the Gaussian nearest to it."""

import numpy as np
from scipy import optimize, special

from pylib.divergence import log_normal
from pylib.likelihood import code_limit, encode, log_likelihood, log_likelihood_table, square_grid


def on_grids(vae, x, points, limit):
    """log p(z|x) and its grids, in the shapes that `evidence.true_posterior` returns."""
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


def fit_gaussian(z1, z2, log_density, start):
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
