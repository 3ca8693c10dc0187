"""The diffusion's parts against closed forms: pairs for training, the network, its field, flow and divergence."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from pylib.diffusion import build_velocity, divergence, field, flow_log_density, follow, noised
from pylib.likelihood import square_grid
from tests.known_fields import GaussianCodes, PointCodes, spiral

END = np.pi / 2
GAUSSIAN, POINTS = GaussianCodes(), PointCodes(spiral())


def uneven(start, steps):
    """Angles from `start` to the end, in steps that grow with the angle, as the width of the density does."""
    return np.geomspace(start, END, steps + 1)


# --- A Gaussian's flow ------------------------------------------------------------------------------


def test_the_oracle_is_the_mean_velocity():
    # Least squares on draws finds the mean velocity, given that it is linear.
    rng, theta = np.random.default_rng(0), 0.7
    z = rng.multivariate_normal(GAUSSIAN.mean, GAUSSIAN.covariance, 200_000)
    eps = rng.standard_normal(z.shape)
    z_theta, v = np.cos(theta) * z + np.sin(theta) * eps, np.cos(theta) * eps - np.sin(theta) * z
    rows = np.column_stack([z_theta, np.ones(len(z))])
    coefficients = np.linalg.lstsq(rows, v, rcond=None)[0]
    at = np.array([[0.0, 0, 0], [1, 2, -1]])
    assert np.column_stack([at, [1, 1]]) @ coefficients == pytest.approx(GAUSSIAN(at, theta).numpy(), abs=0.02)


def test_density_of_a_gaussian_is_scipys_and_its_error_falls_with_the_square_of_the_step():
    z = np.random.default_rng(1).multivariate_normal(GAUSSIAN.mean, 2 * GAUSSIAN.covariance, 50)
    expected = GAUSSIAN.log_density(z)
    errors = []
    for steps in (20, 40, 80, 160):
        values = flow_log_density(GAUSSIAN, z, np.linspace(0, END, steps + 1))
        assert values.shape == (50,)
        errors.append(np.abs(values - expected).max())
    assert errors[-1] < 1e-3
    assert np.divide(errors[:-1], errors[1:]) == pytest.approx(4, abs=0.5)


def test_noise_follows_the_field_to_a_gaussians_codes_and_back():
    eps = np.random.default_rng(2).standard_normal((20_000, 3))
    errors, returns = [], []
    for steps in (20, 40, 80):
        angles = np.linspace(END, 0, steps + 1)
        path = follow(GAUSSIAN, eps, angles)
        assert path.shape == (steps + 1, 20_000, 3) and np.array_equal(path[0], eps)
        errors.append(np.abs(path[-1] - GAUSSIAN.codes(eps)).max())
        returns.append(np.abs(follow(GAUSSIAN, path[-1], angles[::-1])[-1] - eps).max())
    assert errors[-1] < 2e-3 and returns[-1] < 2e-3
    assert np.divide(errors[:-1], errors[1:]) == pytest.approx(4, abs=0.5)
    codes = path[-1]
    assert np.all(np.abs(codes.mean(axis=0) - GAUSSIAN.mean) < 4 * codes.std(axis=0) / np.sqrt(20_000))
    assert np.cov(codes.T) == pytest.approx(GAUSSIAN.covariance, abs=0.05)


def test_a_path_passes_through_the_gaussians_between():
    eps = np.random.default_rng(3).standard_normal((20_000, 3))
    angles = np.linspace(END, 0, 41)
    for theta, z in zip(angles[::10], follow(GAUSSIAN, eps, angles)[::10], strict=True):
        covariance = np.cos(theta) ** 2 * GAUSSIAN.covariance + np.sin(theta) ** 2 * np.eye(3)
        assert np.cov(z.T) == pytest.approx(covariance, abs=0.05)
        assert z.mean(axis=0) == pytest.approx(np.cos(theta) * GAUSSIAN.mean, abs=0.04)


# --- A spiral's flow --------------------------------------------------------------------------------


@pytest.mark.parametrize("start", [0.1, 0.3])
def test_density_near_the_points_of_a_spiral_is_the_mixtures(start):
    rng = np.random.default_rng(4)
    z = np.cos(start) * spiral() + np.sin(start) * rng.standard_normal((60, 2))
    z = np.concatenate([z, rng.uniform(-2, 2, (60, 2))])  # where there is no mass, too
    expected = POINTS.log_density(z, start)
    errors = [np.abs(flow_log_density(POINTS, z, uneven(start, steps)) - expected).max() for steps in (100, 400)]
    assert errors[1] < 0.01 and errors[0] / errors[1] == pytest.approx(16, rel=0.5)


def test_mass_of_a_spiral_is_one():
    grid, log_area = square_grid(60, 2.6)  # a step below the width of .1, at which a sum is as good as the integral
    log_density = flow_log_density(POINTS, grid, uneven(0.1, 150))
    assert np.exp(log_density + log_area).sum() == pytest.approx(1, abs=0.01)


def test_noise_follows_the_field_to_the_spiral():
    eps = np.random.default_rng(5).standard_normal((500, 2))
    codes = follow(POINTS, eps, uneven(0.1, 100)[::-1])[-1]
    nearest = np.linalg.norm(codes[:, None] - np.cos(0.1) * spiral(), axis=-1).min(axis=1)
    assert np.mean(nearest < 3 * np.sin(0.1)) > 0.98
    of_samples = POINTS.log_density(codes, 0.1)
    rng = np.random.default_rng(6)
    draws = np.cos(0.1) * spiral()[rng.integers(0, 60, 500)] + np.sin(0.1) * rng.standard_normal((500, 2))
    exact = POINTS.log_density(draws, 0.1)
    assert of_samples.mean() == pytest.approx(exact.mean(), abs=4 * np.hypot(of_samples.std(), exact.std()) / 500**0.5)


# --- Divergence -------------------------------------------------------------------------------------


@pytest.mark.parametrize("theta", [0.1, 0.4, 1.5])
def test_divergence_of_a_linear_field_is_its_trace(theta):
    z = np.random.default_rng(0).normal(size=(7, 3))
    v, value = divergence(GAUSSIAN, z, theta)
    assert v == pytest.approx(GAUSSIAN(z, theta).numpy(), rel=1e-12)
    assert value == pytest.approx(np.full(7, np.trace(GAUSSIAN.slope(tf.constant(theta, tf.float64)))), rel=1e-10)


def test_divergence_is_that_of_each_point():
    def swirl(z, theta):  # the slopes across do not count
        return tf.stack([z[:, 0] ** 3 + 5 * z[:, 1], tf.sin(z[:, 1]) * z[:, 0] + theta], axis=1)

    z = np.random.default_rng(0).normal(size=(9, 2))
    assert divergence(swirl, z, 0.3)[1] == pytest.approx(3 * z[:, 0] ** 2 + np.cos(z[:, 1]) * z[:, 0], rel=1e-10)
    # Integers are made floats, by which there are derivatives.
    assert divergence(swirl, np.array([[2, 0]]), 0.3)[1] == pytest.approx([14])


def test_a_field_is_compiled_once_for_any_number_of_points_and_any_angle():
    traced = []

    def turning(z, theta):
        traced.append(z.shape)
        return theta * z

    for n, theta in ((3, 0.1), (3, 0.2), (4, 0.3), (5, 0.4)):
        z = np.ones((n, 2))
        v, value = divergence(turning, z, theta)
        assert v == pytest.approx(theta * z) and value == pytest.approx(np.full(n, 2 * theta))
    assert len(traced) == 2


# --- The network ------------------------------------------------------------------------------------


def random_network(latent_dim=3, n_classes=4, seed=0):
    """A network whose biases are no zeros, with slopes of about 1."""
    network, rng = build_velocity(latent_dim, (16, 8), n_classes), np.random.default_rng(seed)
    weights = network.get_weights()
    network.set_weights([rng.normal(size=w.shape) / np.sqrt(w.shape[0] if w.ndim == 2 else 4) for w in weights])
    return network


def by_hand(network, z, theta, label):
    """The network in NumPy and float64."""
    n_classes = network.get_layer("row").output.shape[1] - z.shape[1] - 17
    waves = theta * np.arange(1, 9)
    one_hot = np.eye(n_classes + 1)[label + 1]
    row = h = np.column_stack([z, np.tile(np.concatenate([np.cos(waves), np.sin(waves)]), (len(z), 1)), one_hot])
    weights = [np.asarray(w, "float64") for w in network.get_weights()]
    *hidden, last = zip(weights[::2], weights[1::2], strict=True)
    for kernel, bias in hidden:
        a = h @ kernel + bias
        h = np.column_stack([a / (1 + np.exp(-a)), row])
    return h @ last[0] + last[1]


LABELS = np.array([-1, 0, 3, 1, 2])
Z = np.random.default_rng(7).normal(size=(5, 3))


def test_network_equals_the_same_in_numpy():
    network = random_network()
    seen = network([Z.astype("float32"), np.full(5, 0.8, "float32"), LABELS])
    assert seen.shape == (5, 3)
    assert np.asarray(seen) == pytest.approx(by_hand(network, Z, 0.8, LABELS), abs=1e-5)
    without = random_network(n_classes=0)
    seen = without([Z.astype("float32"), np.full(5, 0.8, "float32"), np.full(5, -1)])
    assert np.asarray(seen) == pytest.approx(by_hand(without, Z, 0.8, np.full(5, -1)), abs=1e-5)


def test_each_label_has_a_number_of_its_own():
    network = random_network()
    row = keras.Model(network.inputs, network.get_layer("row").output)
    one_hot = np.asarray(row([Z.astype("float32"), np.zeros(5, "float32"), LABELS]))[:, 3 + 16 :]
    assert one_hot.tolist() == np.eye(5)[LABELS + 1].tolist()


def test_each_layer_sees_the_input_once_more():
    network = random_network()
    inputs = [Z.astype("float32"), np.full(5, 0.8, "float32"), LABELS]
    before, width = np.asarray(network(inputs)), 3 + 16 + 5
    kernels = [layer.kernel for layer in network.layers if hasattr(layer, "kernel")]
    assert [kernel.shape[0] for kernel in kernels] == [width, 16 + width, 8 + width]
    for kernel in kernels[1:]:
        was = kernel.numpy()
        kernel.assign(np.where(np.arange(len(was))[:, None] < len(was) - width, was, 0))
        assert np.abs(np.asarray(network(inputs)) - before).max() > 0.1
        kernel.assign(was)
    assert np.array_equal(np.asarray(network(inputs)), before)


def test_it_can_be_saved_and_loaded(tmp_path):
    network = random_network()
    network.save(tmp_path / "velocity.keras")
    again = keras.models.load_model(tmp_path / "velocity.keras")
    inputs = [Z.astype("float32"), np.full(5, 0.8, "float32"), LABELS]
    assert np.array_equal(np.asarray(again(inputs)), np.asarray(network(inputs)))
    assert np.array_equal(field(again, label=2)(Z, 0.3), field(network, label=2)(Z, 0.3))


# --- The field of a network -------------------------------------------------------------------------


def test_field_is_the_network_at_one_angle_and_label():
    network = random_network()
    for theta in (0.0, 0.8, 1.5):
        for label in (0, 3, None):
            expected = by_hand(network, Z, theta, np.full(5, -1 if label is None else label))
            assert np.asarray(field(network, label)(Z, theta)) == pytest.approx(expected, abs=1e-5)


def test_guidance_leads_away_from_no_label():
    network = random_network()
    plain, none = field(network, label=2)(Z, 0.8), field(network)(Z, 0.8)
    assert np.array_equal(field(network, 2, guidance=0)(Z, 0.8), plain)
    assert np.array_equal(field(network, 2, guidance=-1)(Z, 0.8), none)
    expected = plain + 1.5 * (plain - none)
    assert np.asarray(field(network, 2, guidance=1.5)(Z, 0.8)) == pytest.approx(np.asarray(expected), abs=1e-5)


@pytest.mark.parametrize("guidance", [0, 1.5])
def test_a_label_for_each_row_is_as_each_label_alone(guidance):
    network, labels = random_network(), np.array([0, 3, 1, 2, 3])
    together = field(network, labels, guidance)
    v, value = divergence(together, Z, 0.8)
    for i, label in enumerate(labels):
        alone = field(network, int(label), guidance)
        assert np.asarray(together(Z, 0.8))[i] == pytest.approx(np.asarray(alone(Z[i : i + 1], 0.8))[0], abs=1e-5)
        one_v, one = divergence(alone, Z[i : i + 1], 0.8)
        assert v[i] == pytest.approx(one_v[0], abs=1e-5) and value[i] == pytest.approx(one[0], abs=1e-4)


def test_divergence_of_a_network_against_finite_differences():
    # Differences are taken in float64 of the same network in NumPy, since float32 would leave three digits of them.
    network, h = random_network(), 1e-5
    for theta in (0.1, 1.2):
        expected = np.zeros(5)
        for i in range(3):
            step = h * np.eye(3)[i]
            ahead, behind = (by_hand(network, z, theta, np.full(5, 1)) for z in (Z + step, Z - step))
            expected += (ahead - behind)[:, i] / (2 * h)
        v, value = divergence(field(network, label=1), Z, theta)
        assert value == pytest.approx(expected, abs=1e-4)  # float32's own rounding, of slopes near 1
        assert np.abs(expected).max() > 0.1
        assert v == pytest.approx(by_hand(network, Z, theta, np.full(5, 1)), abs=1e-5)


def test_what_is_compiled_follows_the_weights():
    network = random_network()
    velocity = field(network, label=1)
    before = divergence(velocity, Z, 0.8)[1]
    network.set_weights(random_network(seed=1).get_weights())
    after = divergence(velocity, Z, 0.8)[1]
    assert after == pytest.approx(divergence(field(random_network(seed=1), label=1), Z, 0.8)[1], abs=1e-6)
    assert np.abs(after - before).min() > 1e-3


# --- Pairs for training -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pairs():
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    z, label = rng.normal(size=(50_000, 2)).astype("float32") * [1, 3], rng.integers(0, 5, 50_000)
    (z_theta, theta, dropped), v = noised(tf.constant(z, "float32"), tf.constant(label, "int32"))
    return z, label, z_theta.numpy(), theta.numpy(), dropped.numpy(), v.numpy()


def test_code_and_noise_come_back_from_a_pair(pairs):
    z, _, z_theta, theta, _, v = pairs
    cos, sin = np.cos(theta)[:, None], np.sin(theta)[:, None]
    assert z_theta.shape == v.shape == (50_000, 2) and theta.shape == (50_000,)
    assert cos * z_theta - sin * v == pytest.approx(z, abs=1e-4)
    eps = sin * z_theta + cos * v
    assert eps.mean(axis=0) == pytest.approx(0, abs=4 / 50_000**0.5)
    products = np.cov(eps.T)
    assert products == pytest.approx(np.eye(2), abs=4 * (2 / 50_000) ** 0.5)
    assert np.corrcoef(eps[:, 0], z[:, 0])[0, 1] == pytest.approx(0, abs=4 / 50_000**0.5)


def test_angles_are_uniform_and_each_rows_own(pairs):
    theta = pairs[3]
    assert stats.kstest(theta, stats.uniform(0, END).cdf).pvalue > 1e-3
    assert len(np.unique(theta)) > 49_000


def test_half_of_the_labels_are_left_out_whatever_they_are(pairs):
    _, label, _, theta, dropped, _ = pairs
    out = dropped == -1
    assert np.array_equal(dropped[~out], label[~out])
    for part in (*(label == i for i in range(5)), theta < END / 2):
        assert out[part].mean() == pytest.approx(0.5, abs=4 * 0.5 / part.sum() ** 0.5)


def test_each_call_draws_anew():
    draws = []
    for _ in range(2):
        (z_theta, theta, label), v = noised(tf.ones((50, 2)), tf.zeros(50, "int32"))
        eps = tf.sin(theta)[:, None] * z_theta + tf.cos(theta)[:, None] * v
        draws.append((theta.numpy(), label.numpy(), eps.numpy()))
    (theta, label, eps), (theta_2, label_2, eps_2) = draws
    assert not np.any(theta == theta_2) and not np.allclose(eps, eps_2, atol=0.1) and np.any(label != label_2)


def test_training_pairs_of_any_numbers():
    (z_theta, theta, label), v = noised(np.eye(3), np.array([0, 1, 2]))
    assert z_theta.dtype == theta.dtype == v.dtype == "float32" and label.dtype == "int32"
    noised(tf.constant([[1, 2]]), [1])
