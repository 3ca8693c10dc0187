"""A diffusion trained on codes of two clusters: its mass, density, samples and labels, and evidence with it."""

import itertools

import keras
import numpy as np
import pytest
from scipy import special, stats

from pylib import evidence
from pylib.diffusion import Diffusion, build_velocity, divergence, field, fit_velocity, flow_log_density, follow
from pylib.likelihood import square_grid
from pylib.priors import Gaussian
from tests.known_models import LinearGaussian

pytestmark = pytest.mark.slow

CLUSTERS = [
    stats.multivariate_normal([-1.5, 0], [[0.25, 0.15], [0.15, 0.25]]),
    stats.multivariate_normal([1.5, 1], [[0.09, -0.12], [-0.12, 0.52]]),
]
ANGLES = np.linspace(0, np.pi / 2, 21)


def draw(n, seed):
    """Codes of the two clusters in random order, and which they are of."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 2, n)
    codes = np.stack([cluster.rvs(n, random_state=rng) for cluster in CLUSTERS])
    return codes[label, np.arange(n)], label


def log_densities(z):
    """Of each cluster, `(2, n)`."""
    return np.stack([cluster.logpdf(z) for cluster in CLUSTERS])


CODES, LABELS = draw(5120, seed=0)
HELD_OUT, HELD_OUT_LABELS = draw(500, seed=1)
MEAN, SCALE = CODES.mean(axis=0), CODES.std(axis=0)


def fitted(epochs):
    keras.utils.set_random_seed(0)
    network = build_velocity(2, (64, 64), n_classes=2)
    return network, fit_velocity(network, (CODES - MEAN) / SCALE, LABELS, epochs)


@pytest.fixture(scope="module")
def network():
    network, history = fitted(epochs=60)
    assert len(history["loss"]) == 60 and history["loss"][-1] < 0.8 * history["loss"][0]
    return network


@pytest.fixture(scope="module")
def diffusion(network):
    return Diffusion(network, MEAN, SCALE)


# --- Density ----------------------------------------------------------------------------------------


def test_mass_is_one(diffusion):
    grid, log_area = square_grid(50, 5.0)
    assert np.exp(diffusion.log_density(grid) + log_area).sum() == pytest.approx(1, abs=0.01)


def test_density_is_near_the_codes_and_a_null_models_is_not(diffusion, network):
    truth = special.logsumexp(log_densities(HELD_OUT), axis=0) - np.log(2)
    gaussian = Gaussian(CODES).log_density(HELD_OUT).mean()
    value = diffusion.log_density(HELD_OUT).mean()
    barely, _ = fitted(epochs=1)
    null = Diffusion(barely, MEAN, SCALE).log_density(HELD_OUT).mean()
    shuffled = keras.models.clone_model(network)
    rng = np.random.default_rng(0)
    shuffled.set_weights([rng.permutation(w.ravel()).reshape(w.shape) for w in network.get_weights()])
    broken = Diffusion(shuffled, MEAN, SCALE).log_density(HELD_OUT).mean()
    # Measured: the codes' own density -1.91, this one -2.03, a Gaussian -2.84, the null models -2.89 and -3.65.
    assert gaussian + 0.5 < value < truth.mean() + 0.05
    assert null < gaussian + 0.1 and broken < gaussian


def test_density_with_a_label_is_that_of_its_cluster(diffusion):
    z, label = HELD_OUT[:100], HELD_OUT_LABELS[:100]
    truth = log_densities(z)[label, np.arange(100)]
    own, other = diffusion.log_density(z, label=label), diffusion.log_density(z, label=1 - label)
    assert own.mean() == pytest.approx(truth.mean(), abs=0.3)
    assert own.mean() > other.mean() + 3  # measured: 66


def test_labels_go_with_their_codes_through_all_blocks(diffusion):
    z, label = np.concatenate([HELD_OUT, HELD_OUT[:7]]), np.concatenate([HELD_OUT_LABELS, HELD_OUT_LABELS[:7]])
    together = diffusion.log_density(z, steps=2, label=label)
    assert together.shape == (507,)
    for i in (0, 1):
        alone = diffusion.log_density(z[label == i], steps=2, label=i)
        assert together[label == i] == pytest.approx(alone, abs=1e-3)
    assert together[500:] == pytest.approx(together[:7], abs=1e-3)


def test_density_is_the_flows_less_the_log_of_the_scale(diffusion, network):
    z = HELD_OUT[:50]
    standardised = (z - MEAN) / SCALE
    flow = flow_log_density(field(network), standardised, ANGLES)
    assert diffusion.log_density(z) == pytest.approx(flow - np.log(SCALE).sum(), abs=1e-12)
    plain = Diffusion(network, np.zeros(2), np.ones(2))
    assert plain.log_density(standardised) == pytest.approx(flow, abs=1e-12)
    assert plain.log_density(standardised, steps=5) == pytest.approx(flow, abs=0.3)
    assert not np.allclose(plain.log_density(standardised, steps=5), flow, atol=1e-4)


def test_density_is_the_same_on_the_way_from_the_noise(network):
    velocity, steps = field(network), 80
    eps = np.random.default_rng(2).standard_normal((100, 2))
    z, log_density = eps, stats.norm.logpdf(eps).sum(axis=1)
    for theta, then in itertools.pairwise(np.linspace(np.pi / 2, 0, steps + 1)):
        half_way = z + (then - theta) / 2 * np.asarray(velocity(z, theta), "float64")
        v, trace = divergence(velocity, half_way, (theta + then) / 2)
        z, log_density = z + (then - theta) * v, log_density - (then - theta) * trace
    assert z == pytest.approx(follow(velocity, eps, np.linspace(np.pi / 2, 0, steps + 1))[-1], abs=1e-4)
    back = flow_log_density(velocity, z, np.linspace(0, np.pi / 2, steps + 1))
    assert back == pytest.approx(log_density, abs=0.005)  # measured: 4e-5


# --- Samples ----------------------------------------------------------------------------------------


def test_samples_have_the_codes_moments_and_density(diffusion):
    codes = diffusion.sample(4000, seed=0)
    assert codes.shape == (4000, 2)
    assert codes.mean(axis=0) == pytest.approx(MEAN, abs=0.1)
    assert np.cov(codes.T) == pytest.approx(np.cov(CODES.T), abs=0.15)
    of_samples, of_codes = (diffusion.log_density(z).mean() for z in (codes[:500], HELD_OUT))
    assert of_samples == pytest.approx(of_codes, abs=0.25)
    # By the clusters' own density, of which few codes between them take much. Measured with five seeds: .4 to .9 nats
    # below that of codes, and a Gaussian's samples 4.2.
    exact, own, null = (
        special.logsumexp(log_densities(z), axis=0).mean() for z in (HELD_OUT, codes, Gaussian(CODES).sample(4000, 0))
    )
    assert exact - 1.5 < own < exact + 0.2 and null < exact - 3


def test_path_leads_from_the_noise_to_the_sample(diffusion):
    eps = np.random.default_rng(5).standard_normal((10, 2))
    path = diffusion.path(eps, steps=7)
    assert path.shape == (8, 10, 2)
    assert path[0] == pytest.approx(MEAN + SCALE * eps)
    assert np.array_equal(path[-1], diffusion.sample(10, seed=5, steps=7))
    assert diffusion.sample(10, seed=5) == pytest.approx(diffusion.sample(10, seed=5, steps=200), abs=0.05)


def test_one_seed_one_result(diffusion):
    assert np.array_equal(diffusion.sample(20, seed=1), diffusion.sample(20, seed=1))
    assert not np.any(np.isin(diffusion.sample(20, seed=1), diffusion.sample(20, seed=2)))


# --- Labels -----------------------------------------------------------------------------------------


def share_of_first(z):
    return np.mean(log_densities(z).argmax(axis=0) == 0)


def test_a_label_is_where_its_cluster_is(diffusion):
    for label, share in ((0, 1), (1, 0)):
        codes = diffusion.sample(1000, seed=1, label=label)
        assert share_of_first(codes) == pytest.approx(share, abs=0.05)  # measured: 1 and .002
        assert codes.mean(axis=0) == pytest.approx(CLUSTERS[label].mean, abs=0.15)
    assert share_of_first(diffusion.sample(1000, seed=1)) == pytest.approx(0.5, abs=0.1)  # measured: .53
    each = np.arange(1000) % 2
    codes = diffusion.sample(1000, seed=1, label=each)
    assert np.mean(log_densities(codes).argmax(axis=0) == each) > 0.95


def test_guidance_narrows_the_spread(diffusion):
    plain, guided = (diffusion.sample(1000, 1, label=0, guidance=w) for w in (0, 1.0))
    assert guided.var(axis=0).sum() < 0.9 * plain.var(axis=0).sum()  # measured: .29 and .50
    assert share_of_first(guided) > 0.95
    assert np.array_equal(plain, diffusion.sample(1000, 1, label=0))
    assert np.array_equal(diffusion.sample(50, 1, label=0, guidance=-1), diffusion.sample(50, 1))


# --- Evidence ---------------------------------------------------------------------------------------


def test_quadrature_and_importance_weights_agree(diffusion):
    vae = LinearGaussian(sigma=1.0)
    vae.shift, vae.stretch = 0.0, 1.2  # a q near the posterior, or few of the weights would count
    x = vae.decoder(HELD_OUT[:5])
    exact = evidence.exact_log_likelihood(vae, x, points=40, limit=5.0, prior=diffusion)
    # Many samples at once: the mean of 100 bounds' weights is the bound of 100 times as many samples.
    bounds = evidence.importance_weighted_bound(vae, np.repeat(x, 100, axis=0), k=6, seed=0, prior=diffusion)
    weights = np.exp(bounds.reshape(5, 100) - exact[:, None])
    assert np.all(np.abs(weights.mean(axis=1) - 1) < 4 * weights.std(axis=1) / 10)
    assert np.all(weights.std(axis=1) / 10 < 0.1)  # measured: .05 to .07
    assert np.abs(exact - vae.log_evidence(x)).max() > 0.3, "this prior makes no difference"
