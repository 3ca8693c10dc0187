"""The true posterior p(z|x) on a grid of its own for each image, and the Gaussian nearest to it.

Both are sought on a coarse grid over the plane first, since a posterior may have several modes, be narrower than a
cell of any grid that holds the plane, or lie far from where the encoder puts it.
"""

import itertools
import warnings

import numpy as np
from scipy import ndimage, special

from pylib.divergence import gaussian_kl, log_normal
from pylib.likelihood import blocks, code_limit, encode, log_likelihood, log_likelihood_table, square_grid
from pylib.progress import Progress

NOTHING = 12  # nats below the peak: e^-12 of it is nothing
SEARCH_POINTS = 200  # along a side of the coarse grid
ZOOM_POINTS = 60  # along a side of a grid that looks closer
LEAST_WEIGHT = 1e-12  # of a node that counts; of 20 by 20 a third have less, 1e-11 in all
FINEST = 4  # times as many points a side as asked for, where a posterior needs them


def on_grids(vae, x, points, limit):
    """p(z|x) and its grids, in the shapes that `evidence.true_posterior` returns."""
    low, high = _boxes(vae, x, limit)
    z1, z2 = np.linspace(low, high, points, axis=-1).transpose(1, 0, 2)
    densities = [_density(vae, x[i : i + 1], z1[i], z2[i], i) for i in Progress(range(len(x)), "posteriors")]
    return z1, z2, np.stack(densities)


def _density(vae, image, z1, z2, number):
    """p(z|x) of one image at the points of its grid or, where they lie too far apart for it, its mean around each."""
    points, step1, step2 = len(z1), z1[1] - z1[0], z2[1] - z2[0]
    for fineness in (1, 2, FINEST):
        within_cell = (np.arange(fineness) - (fineness - 1) / 2) / fineness
        fine1 = np.add.outer(z1, step1 * within_cell).ravel()
        fine2 = np.add.outer(z2, step2 * within_cell).ravel()
        log_joint = _log_joint(vae, image, fine1, fine2)
        weight = np.exp(log_joint - log_joint.max())
        if _is_resolved(weight):
            break
    else:  # a warning, so that one odd image doesn't cost the pictures of all others
        warnings.warn(
            f"{points} points a side can't show the posterior of image {number}: it is far narrower than the square "
            "that holds all of its modes and the encoder's Gaussian; ask for more points",
            stacklevel=2,
        )
    cells = weight.reshape(points, fineness, points, fineness).mean(axis=(1, 3))
    return cells / (cells.sum() * step1 * step2)


def _is_resolved(weight):
    """Whether a grid is fine enough for what stands on it: each of the nine grids of every third point sums up alike.

    That is so for a Gaussian whose standard deviation is one and a half steps or more.
    """
    sums = [weight[row::3, column::3].sum() for row, column in itertools.product(range(3), repeat=2)]
    return max(sums) < 1.1 * min(sums)


def _log_joint(vae, image, z1, z2):
    """log p(x, z) of one image on the grid of `z1` (columns) and `z2` (rows)."""
    z = np.stack([mesh.ravel() for mesh in np.meshgrid(z1, z2)], axis=1)
    return _log_joint_at(vae, image, z).reshape(len(z2), len(z1))


def _log_joint_at(vae, image, z):
    return np.concatenate([log_likelihood_table(vae, block)(image)[0] for block in blocks(z, 5000)]) + log_normal(z)


def _boxes(vae, x, limit):
    """The low and the high corners, each `(n, 2)`, of a box around each posterior and its encoder's q."""
    z_mean, z_log_var = encode(vae, x)
    reach = 5 * np.exp(0.5 * z_log_var)
    low, high = z_mean - reach, z_mean + reach
    for i, (side, log_joint) in enumerate(_search(vae, x, limit)):
        box, narrow = _box_of_mass(side, side, log_joint)
        while narrow:
            z1, z2 = np.linspace(*box, ZOOM_POINTS).T
            box, narrow = _box_of_mass(z1, z2, _log_joint(vae, x[i : i + 1], z1, z2))
        low[i], high[i] = np.minimum(low[i], box[0]), np.maximum(high[i], box[1])
    return low, high


def _search(vae, x, limit, points=SEARCH_POINTS):
    """For each image the side of one coarse grid, the same for all, and log p(x, z) on it."""
    numbers = Progress(range(len(x)), "looking for posteriors")  # from here on, since the table takes a second, too
    limit = code_limit(vae, x) if limit is None else limit
    grid, _ = square_grid(points, limit)
    table, log_prior = log_likelihood_table(vae, grid), log_normal(grid)
    side = np.linspace(-limit, limit, points)
    for i in numbers:
        yield side, (table(x[i : i + 1])[0] + log_prior).reshape(points, points)


def _box_of_mass(z1, z2, log_joint):
    """The corners, low and high, of a box around all points that count, a cell wider; and whether to look closer.

    That is where few of the points count, so that those of a finer grid may show the box to be smaller.
    """
    rows, columns = np.nonzero(log_joint > _threshold(log_joint))
    cell = np.array([z1[1] - z1[0], z2[1] - z2[0]])
    low = np.array([z1[columns.min()], z2[rows.min()]]) - cell
    high = np.array([z1[columns.max()], z2[rows.max()]]) + cell
    return np.array([low, high]), min(np.ptp(rows), np.ptp(columns)) < 8


def _threshold(log_joint):
    """The height below which a point of a grid counts for nothing.

    The mode may lie between the points, and be higher than the highest of them: on a parabola by a ninth, or less, of
    what the points around that one are lower, so a quarter of it is allowed for.
    """
    highest = log_joint.max()
    row, column = np.unravel_index(log_joint.argmax(), log_joint.shape)
    around = log_joint[max(0, row - 1) : row + 2, max(0, column - 1) : column + 2]
    return highest - NOTHING - (highest - around.min()) / 4


# The best Gaussian


def expectations(vae, x, z_mean, z_log_var, nodes):
    """Of f = log p(x|z) under Gaussians q(z|x), `(n, 2)` each: E f, and the first two derivatives of that by the mean.

    By Gauss-Hermite quadrature; the derivatives by Stein's identity, E f' = E[f eps] / sigma and
    E f'' = E[f (eps^2 - 1)] / sigma^2, need none of the decoder.
    """
    sigma = np.exp(0.5 * z_log_var)
    points, weights = np.polynomial.hermite_e.hermegauss(nodes)
    eps = np.stack(np.meshgrid(points, points), axis=-1).reshape(-1, 2)
    weight = np.outer(weights, weights).ravel() / weights.sum() ** 2
    counts = weight > LEAST_WEIGHT
    eps, weight = eps[counts], weight[counts]
    value, first, second = np.zeros(len(x)), np.zeros((len(x), 2)), np.zeros((len(x), 2))
    for block in Progress(blocks(np.arange(len(eps)), max(1, 2000 // len(x))), "averaging over Gaussians"):
        z = z_mean + sigma * eps[block, None]
        repeated = np.tile(x, (len(block), 1))
        f = weight[block, None] * log_likelihood(vae, repeated, z.reshape(-1, 2)).reshape(len(block), -1)
        value += f.sum(axis=0)
        first += np.einsum("kn,kd->nd", f, eps[block])
        second += np.einsum("kn,kd->nd", f, eps[block] ** 2 - 1)
    return value, first / sigma, second / sigma**2


def ascend(vae, x, z_mean, z_log_var, nodes=8, evaluations=40, enough=1e-4):
    """Raise the ELBO of each Gaussian q until a step gains less than `enough` nats: the Gaussians, and their ELBO.

    Each step goes towards the Gaussian that would be best if log p(x|z) were quadratic, with the slope and the
    curvature that it has on average under q, and is halved where it does not raise the ELBO (M. E. Khan, D. Nielsen,
    2018, variational online Newton).
    """
    z_mean, z_log_var = z_mean.copy(), z_log_var.copy()
    value, first, second = expectations(vae, x, z_mean, z_log_var, nodes)
    elbo = value - gaussian_kl(z_mean, z_log_var)
    size = np.ones((len(x), 1))
    at_work = np.arange(len(x))
    for _ in Progress(range(evaluations), "improving Gaussians"):
        m, v, step = z_mean[at_work], np.exp(z_log_var[at_work]), size[at_work]
        precision = np.clip(1 - second[at_work], 0.25 / v, 4 / v)  # no more than twice as wide or half as wide at once
        new_v = 1 / ((1 - step) / v + step * precision)
        move = new_v * (first[at_work] - m)
        new_m = m + step * np.clip(move, -4 * np.sqrt(new_v), 4 * np.sqrt(new_v))
        value, new_first, new_second = expectations(vae, x[at_work], new_m, np.log(new_v), nodes)
        gain = value - gaussian_kl(new_m, np.log(new_v)) - elbo[at_work]
        up = gain > 0
        rows = at_work[up]
        z_mean[rows], z_log_var[rows], elbo[rows] = new_m[up], np.log(new_v[up]), elbo[rows] + gain[up]
        first[rows], second[rows] = new_first[up], new_second[up]
        size[at_work] = np.where(up[:, None], np.minimum(1, 2 * step), 0.25 * step)
        done = np.where(up, gain < enough, step[:, 0] < 1e-3)
        at_work = at_work[~done]
        if len(at_work) == 0:
            break
    return z_mean, z_log_var, elbo


def starts(vae, x, points, limit):
    """Where to look for each image's best Gaussian: the image's number, a mean and a log-variance, a row each.

    The encoder's own q; the mean and the variance of the posterior as a whole; and its highest modes.
    """
    rows = [(i, *q) for i, q in enumerate(zip(*encode(vae, x), strict=True))]
    for i, (side, log_joint) in enumerate(_search(vae, x, limit, points)):
        cell = side[1] - side[0]
        weight = special.softmax(log_joint)  # both axes at once
        marginals = weight.sum(axis=0), weight.sum(axis=1)
        mean = np.array([marginal @ side for marginal in marginals])
        variance = np.array([marginal @ side**2 for marginal in marginals]) - mean**2
        rows.append((i, mean, np.log(variance + cell**2)))
        is_mode = (log_joint == ndimage.maximum_filter(log_joint, size=5)) & (log_joint > _threshold(log_joint))
        modes = np.argwhere(is_mode)
        for row, column in modes[np.argsort(-log_joint[is_mode])[:3]]:
            rows.append((i, np.array([side[column], side[row]]), np.full(2, 2 * np.log(cell))))
    number, z_mean, z_log_var = zip(*rows, strict=True)
    return np.array(number), np.stack(z_mean), np.stack(z_log_var)
