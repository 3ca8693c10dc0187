"""Models of which the evidence and the posterior are known otherwise: oracles for tests of `pylib.evidence`."""

import numpy as np
from scipy import special, stats

PIXELS = 6
BITS = np.random.default_rng(5).integers(0, 2, (6, 5)).astype("float64")  # images for TinyBernoulli


class LinearGaussian:
    """x = W z + b + sigma eps: its evidence and posterior are known. The encoder's q is off, on purpose."""

    likelihood, n_pixels = "gaussian", PIXELS

    def __init__(self, sigma=0.3, latent_dim=2, scale=1.0, seed=0):
        rng = np.random.default_rng(seed)
        self.sigma, self.latent_dim = sigma, latent_dim
        self.w, self.b = scale * rng.normal(size=(PIXELS, latent_dim)), rng.normal(size=PIXELS)
        self.precision = np.eye(latent_dim) + self.w.T @ self.w / sigma**2
        self.covariance = np.linalg.inv(self.precision)
        self.shift, self.stretch = 0.5, 1.5  # of q, in the posterior's own standard deviations

    def decoder(self, z):
        return z @ self.w.T + self.b

    def posterior_mean(self, x):
        return (x - self.b) @ self.w @ self.covariance / self.sigma**2

    def encoder(self, x):
        deviation = np.sqrt(np.diag(self.covariance))
        z_log_var = np.full((len(x), self.latent_dim), 2 * np.log(self.stretch * deviation))
        return self.posterior_mean(x) + self.shift * deviation, z_log_var, None

    def draw(self, n, seed=1):
        rng = np.random.default_rng(seed)
        return self.decoder(rng.normal(size=(n, self.latent_dim))) + self.sigma * rng.normal(size=(n, PIXELS))

    def log_evidence(self, x):
        return stats.multivariate_normal(self.b, self.w @ self.w.T + self.sigma**2 * np.eye(PIXELS)).logpdf(x)

    def kl_to_posterior(self, x, z_mean, z_log_var):
        """KL between two Gaussians, the second with any covariance."""
        off, variance = z_mean - self.posterior_mean(x), np.exp(z_log_var)
        trace = variance @ np.diag(self.precision)
        square = np.einsum("ni,ij,nj->n", off, self.precision, off)
        log_determinants = np.linalg.slogdet(self.covariance)[1] - z_log_var.sum(axis=1)
        return 0.5 * (trace + square - self.latent_dim + log_determinants)

    def elbo(self, x):
        return self.log_evidence(x) - self.kl_to_posterior(x, *self.encoder(x)[:2])


def exact_encoder(vae):
    """Make q the posterior: for W with orthogonal columns that is possible."""
    vae.w, _ = np.linalg.qr(vae.w)
    vae.precision = np.eye(vae.latent_dim) + vae.w.T @ vae.w / vae.sigma**2
    vae.covariance = np.linalg.inv(vae.precision)
    vae.shift, vae.stretch = 0.0, 1.0
    return vae


class TinyBernoulli:
    """2-8-5 with random weights, in float64."""

    likelihood, n_pixels, latent_dim = "bernoulli", 5, 2

    def __init__(self, scale=2.0):
        rng = np.random.default_rng(3)
        self.w1, self.b1 = scale * rng.normal(size=(2, 8)), rng.normal(size=8)
        self.w2 = scale * rng.normal(size=(8, 5))

    def decoder_logits(self, z):
        return np.tanh(z @ self.w1 + self.b1) @ self.w2

    def encoder(self, x):
        return np.tanh(x[:, :2] - 0.5), np.full((len(x), 2), -1.0)

    def joint(self, x, z):
        """p(x, z) of one image, pixel by pixel as SciPy has it."""
        p = special.expit(self.decoder_logits(z))
        log_px = (special.xlogy(x, p) + special.xlog1py(1 - x, -p)).sum(axis=-1)
        return np.exp(log_px + stats.norm.logpdf(z).sum(axis=-1))
