"""Densities of codes that may stand in the prior's place: what `pylib.evidence` takes as `prior`.

A prior is any object with

    log_density(z)      codes `(n, latent_dim)` -> log r(z) `(n,)`, in nats
    sample(n, seed)     -> codes `(n, latent_dim)`

Besides those here, `pylib.diffusion.Diffusion` is one.
"""

import numpy as np
from sklearn.mixture import GaussianMixture

from pylib import _validate
from pylib.divergence import log_normal


def _validate_dimensions(latent_dim):
    _validate.positive_integer(latent_dim, "latent_dim")


def _validate_codes(self, z):
    z = _validate.numeric(z, "codes")
    _validate.rows(z, self.latent_dim, "codes")
    return {"z": z.astype("float64")}


def _validate_draws(n, seed):
    _validate.positive_integer(n, "n")
    _validate.seed(seed)


def _validate_mixture_draws(n, seed):
    _validate.positive_integer(n, "n")
    _seed_of_sklearn(seed)


def _seed_of_sklearn(seed):
    _validate.seed(seed)
    if seed >= 2**32:
        raise ValueError(f"seed must be below 2**32, since scikit-learn draws, not {seed}")


def _validate_mixture(codes, components, seed):
    _validate.positive_integer(components, "components")
    _seed_of_sklearn(seed)
    codes = _validate.numeric(codes, "codes")
    if codes.ndim != 2:
        raise ValueError(f"codes must have shape (n, latent_dim), a row each, not {codes.shape}")
    _validate.rows(codes, codes.shape[1], "codes")
    if len(codes) < max(components, 2):
        raise ValueError(f"there are {len(codes)} codes, and {max(components, 2)} are needed at least")
    return {"codes": codes.astype("float64")}


class UnitNormal:
    """The prior that a VAE is trained with: N(0, I).

    Parameters
    ----------
    latent_dim : numbers in a code

    Raises
    ------
    ValueError : `latent_dim` is no integer above 0
    """

    @_validate.arguments(_validate_dimensions)
    def __init__(self, latent_dim):
        self.latent_dim = latent_dim

    @_validate.arguments(_validate_codes)
    def log_density(self, z):
        """The log-density of codes.

        Parameters
        ----------
        z : codes `(n, latent_dim)`

        Returns
        -------
        log_density : `(n,)`, nats

        Raises
        ------
        ValueError : codes have another width, or hold a NaN or infinity
        """
        return log_normal(z)

    @_validate.arguments(_validate_draws)
    def sample(self, n, seed):
        """Draw codes.

        Parameters
        ----------
        n : how many
        seed : of the draws

        Returns
        -------
        codes : `(n, latent_dim)`

        Raises
        ------
        ValueError : `n` is no integer above 0, or `seed` none of 0 or more
        """
        return np.random.default_rng(seed).standard_normal((n, self.latent_dim))


class Mixture:
    """A mixture of Gaussians with full covariances, fitted to codes by scikit-learn's EM algorithm.

    Fit it to draws from q(z|x), not to means: the prior has to cover all that q does.

    Parameters
    ----------
    codes : `(n, latent_dim)`
    components : number of Gaussians
    seed : of their first places

    Attributes
    ----------
    latent_dim : numbers in a code
    mixture : scikit-learn's, fitted

    Raises
    ------
    ValueError : codes have another shape, hold a NaN, or are fewer than two or than the components; a number is none it
        can be
    """

    @_validate.arguments(_validate_mixture)
    def __init__(self, codes, components, seed=0):
        self.latent_dim = codes.shape[1]
        # Stopped at .01 nats, since a third of the rounds gains as much on codes that it hasn't seen.
        self.mixture = GaussianMixture(components, tol=0.01, random_state=seed).fit(codes)

    @_validate.arguments(_validate_codes)
    def log_density(self, z):
        """The log-density of codes.

        Parameters
        ----------
        z : codes `(n, latent_dim)`

        Returns
        -------
        log_density : `(n,)`, nats

        Raises
        ------
        ValueError : codes have another width, or hold a NaN or infinity
        """
        return self.mixture.score_samples(z)

    @_validate.arguments(_validate_mixture_draws)
    def sample(self, n, seed):
        """Draw codes, in random order, where scikit-learn sorts them by component.

        Parameters
        ----------
        n : how many
        seed : of the draws

        Returns
        -------
        codes : `(n, latent_dim)`

        Raises
        ------
        ValueError : `n` is no integer above 0, or `seed` none of 0 or more
        """
        codes, _ = self.mixture.set_params(random_state=seed).sample(n)
        return np.random.default_rng(seed).permutation(codes)


class Gaussian(Mixture):
    """One Gaussian with a full covariance, fitted to codes: a mixture of one.

    Parameters
    ----------
    codes : `(n, latent_dim)`

    Attributes
    ----------
    latent_dim : numbers in a code
    mixture : scikit-learn's, fitted

    Raises
    ------
    ValueError : codes have another shape, hold a NaN, or are fewer than two
    """

    @_validate.arguments(lambda: None)  # Mixture looks at the codes
    def __init__(self, codes):
        super().__init__(codes, 1)
