"""Priors of codes against SciPy, and their samples against their densities."""

import numpy as np
import pytest
from scipy import special, stats
from sklearn.mixture import GaussianMixture

from pylib.likelihood import square_grid
from pylib.priors import Gaussian, Mixture, UnitNormal

MEANS = np.array([[-2.0, 0.0], [2.0, 1.0], [0.0, -2.0]])
FACTORS = np.array([[[0.5, 0.0], [0.3, 0.4]], [[0.8, 0.0], [0.0, 0.2]], [[0.3, 0.0], [-0.6, 0.5]]])


def draw(n, seed):
    """Codes of three clusters, in random order."""
    rng = np.random.default_rng(seed)
    cluster = rng.integers(0, 3, n)
    return MEANS[cluster] + np.einsum("nij,nj->ni", FACTORS[cluster], rng.standard_normal((n, 2)))


CODES = draw(1500, seed=0)
Z = np.random.default_rng(1).uniform(-4, 4, (40, 2))
PRIORS = {"unit": UnitNormal(2), "Gaussian": Gaussian(CODES), "mixture": Mixture(CODES, 3)}

each_prior = pytest.mark.parametrize("prior", PRIORS.values(), ids=PRIORS)


def components(mixture):
    """The Gaussians of a mixture as SciPy has them, and their shares."""
    parts = zip(mixture.means_, mixture.covariances_, strict=True)
    return [stats.multivariate_normal(mean, covariance) for mean, covariance in parts], mixture.weights_


def moments(prior):
    """The mean and the covariance of a prior, from its parameters."""
    if isinstance(prior, UnitNormal):
        return np.zeros(prior.latent_dim), np.eye(prior.latent_dim)
    means, shares = prior.mixture.means_, prior.mixture.weights_
    mean = shares @ means
    second = np.einsum("k,kij->ij", shares, prior.mixture.covariances_ + np.einsum("ki,kj->kij", means, means))
    return mean, second - np.outer(mean, mean)


# --- Densities --------------------------------------------------------------------------------------


@pytest.mark.parametrize("latent_dim", [1, 2, 20])
def test_unit_normal_against_scipy(latent_dim):
    z = np.random.default_rng(0).normal(size=(30, latent_dim)) * 2
    expected = stats.multivariate_normal(np.zeros(latent_dim)).logpdf(z)
    assert UnitNormal(latent_dim).log_density(z) == pytest.approx(expected)


def test_gaussian_is_that_of_the_codes_own_mean_and_covariance():
    mean, covariance = CODES.mean(axis=0), np.cov(CODES.T, bias=True)
    expected = stats.multivariate_normal(mean, covariance).logpdf(Z)
    assert Gaussian(CODES).log_density(Z) == pytest.approx(expected, abs=1e-4)  # scikit-learn adds 1e-6 to variances


@pytest.mark.parametrize("n", [1, 2, 5])
def test_mixture_against_scipy(n):
    prior = Mixture(CODES, n)
    gaussians, shares = components(prior.mixture)
    assert len(gaussians) == n
    expected = special.logsumexp([gaussian.logpdf(Z) for gaussian in gaussians], axis=0, b=shares[:, None])
    assert prior.log_density(Z) == pytest.approx(expected)


def test_mixture_finds_the_clusters():
    prior = PRIORS["mixture"]
    found = prior.mixture.means_[np.argmin(np.linalg.norm(prior.mixture.means_[:, None] - MEANS, axis=-1), axis=0)]
    assert found == pytest.approx(MEANS, abs=0.15)
    assert prior.mixture.weights_ == pytest.approx(1 / 3, abs=0.05)
    # Full covariances: the numbers of a code hang together within a cluster.
    held_out = draw(3000, seed=9)
    diagonal = GaussianMixture(3, covariance_type="diag", random_state=0).fit(CODES)
    assert prior.log_density(held_out).mean() > diagonal.score(held_out) + 0.1  # measured: .25


@each_prior
def test_mass_is_one(prior):
    grid, log_area = square_grid(200, 8.0)
    assert np.exp(special.logsumexp(prior.log_density(grid)) + log_area) == pytest.approx(1, abs=0.01)


# --- Samples ----------------------------------------------------------------------------------------


@each_prior
def test_moments_of_samples(prior):
    mean, covariance = moments(prior)
    codes = prior.sample(20_000, seed=3)
    assert codes.shape == (20_000, 2)
    off = codes - mean
    assert np.all(np.abs(off.mean(axis=0)) < 4 * np.sqrt(np.diag(covariance) / 20_000))
    products = np.einsum("ni,nj->nij", off, off)
    assert np.all(np.abs(products.mean(axis=0) - covariance) < 4 * products.std(axis=0) / np.sqrt(20_000))


@each_prior
def test_samples_follow_the_density(prior):
    # The mean log-density of samples is minus the entropy, which is had from the density alone, on a grid.
    grid, log_area = square_grid(300, 8.0)
    log_density = prior.log_density(grid)
    expected = np.sum(np.exp(log_density + log_area) * log_density)
    of_samples = prior.log_density(prior.sample(20_000, seed=4))
    assert of_samples.mean() == pytest.approx(expected, abs=4 * of_samples.std() / np.sqrt(20_000))


def test_samples_of_a_mixture_are_in_random_order():
    # The first samples must do for all: sorted by component, they would come from one cluster, and so do neighbours.
    codes = PRIORS["mixture"].sample(3000, seed=0)
    cluster = np.linalg.norm(codes[:, None] - MEANS, axis=-1).argmin(axis=1)
    assert np.mean(cluster[1:] == cluster[:-1]) == pytest.approx(1 / 3, abs=0.05)
    assert np.bincount(cluster[:300], minlength=3) == pytest.approx(100, abs=33)


@each_prior
def test_one_seed_one_result(prior):
    assert np.array_equal(prior.sample(50, seed=1), prior.sample(50, seed=1))
    assert not np.any(np.isin(prior.sample(50, seed=1), prior.sample(50, seed=2)))


def test_one_seed_one_mixture():
    first, again, other = (Mixture(CODES, 8, seed).log_density(Z) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.allclose(first, other)


def test_density_is_not_moved_by_sampling():
    prior = Mixture(CODES, 3)
    before = prior.log_density(Z)
    prior.sample(10, seed=5)
    assert np.array_equal(prior.log_density(Z), before)


# --- Wrong calls ------------------------------------------------------------------------------------


@each_prior
def test_bad_codes_for_a_density(prior):
    for z, message in (
        (np.full((2, 2), np.nan), "codes must hold finite numbers, but there is a NaN"),
        (np.full((2, 2), np.inf), "codes must hold finite numbers"),
        (np.zeros((2, 3)), r"codes must have shape \(n, 2\)"),
        (np.zeros(2), r"codes must have shape \(n, 2\).*: use x\[None\] for one"),
        (np.zeros((0, 2)), "codes is empty"),
        ("text", "codes must be an array of numbers, not 'text'"),
        (None, "codes must be an array of numbers, not None"),
    ):
        with pytest.raises(ValueError, match=message):
            prior.log_density(z)


@each_prior
def test_bad_numbers_for_samples(prior):
    for n in (0, -1, 2.0, True, None):
        with pytest.raises(ValueError, match="n must be a Python integer above 0, not"):
            prior.sample(n, seed=0)
    for seed in (-1, 0.5, None, True):
        with pytest.raises(ValueError, match="seed, which makes the draws repeatable, must be an integer of 0 or more"):
            prior.sample(3, seed=seed)
    with pytest.raises(TypeError, match=r"sample\(n, seed\): missing a required argument: 'seed'"):
        prior.sample(3)


@pytest.mark.parametrize("f", [lambda seed: Mixture(CODES, 2, seed), lambda seed: PRIORS["mixture"].sample(3, seed)])
def test_seeds_that_scikit_learn_can_not_take(f):
    with pytest.raises(ValueError, match="seed must be below 2.*32, since scikit-learn draws, not 4294967296"):
        f(2**32)
    f(2**32 - 1)


@pytest.mark.parametrize("latent_dim", [0, -2, 2.0, None, "2", True])
def test_bad_dimensions(latent_dim):
    with pytest.raises(ValueError, match="latent_dim must be a Python integer above 0, not"):
        UnitNormal(latent_dim)


def test_bad_codes_for_a_fit():
    for fit in (Gaussian, lambda codes: Mixture(codes, 2)):
        for codes, message in (
            (np.where(CODES == CODES[7, 1], np.nan, CODES), "codes must hold finite numbers, but there is a NaN"),
            (CODES[0], r"codes must have shape \(n, latent_dim\), a row each, not \(2,\)"),
            (CODES[None], r"codes must have shape \(n, latent_dim\)"),
            (CODES[:0], "codes is empty"),
            (CODES[:1], "there are 1 codes, and 2 are needed at least"),
            (None, "codes must be an array of numbers"),
            ([[1.0, 2.0], [3.0]], "codes must be an array of numbers in rows of one length"),
        ):
            with pytest.raises(ValueError, match=message):
                fit(codes)


def test_bad_numbers_of_components():
    for n in (0, -1, 1.5, None, True):
        with pytest.raises(ValueError, match="components must be a Python integer above 0, not"):
            Mixture(CODES, n)
    with pytest.raises(ValueError, match="there are 3 codes, and 4 are needed at least"):
        Mixture(CODES[:3], 4)
    with pytest.raises(ValueError, match="there are 1 codes, and 2 are needed at least"):
        Mixture(CODES[:1], 1)
    Mixture(CODES[:4], 4)
    with pytest.raises(ValueError, match="seed, which makes the draws repeatable, must be an integer of 0 or more"):
        Mixture(CODES, 2, seed=-1)
