"""What is no network, no code, no label or no angle is answered in one sentence by `pylib.diffusion`."""

from dataclasses import dataclass

import keras
import numpy as np
import pytest
import tensorflow as tf

from pylib.diffusion import (
    Diffusion,
    build_velocity,
    divergence,
    field,
    fit_velocity,
    flow_log_density,
    follow,
    noised,
)
from pylib.models import build_autoencoder

Z = np.random.default_rng(0).normal(size=(6, 2))
ANGLES = np.linspace(0, 1, 3)


def random_network(n_classes=3):
    network = build_velocity(2, (4,), n_classes)
    network.set_weights([np.cos(np.arange(w.size)).reshape(w.shape) for w in network.get_weights()])
    return network


NETWORK, WITHOUT = random_network(), random_network(n_classes=0)
DIFFUSION = Diffusion(NETWORK, np.zeros(2), np.ones(2))
PLAIN = Diffusion(WITHOUT, np.zeros(2), np.ones(2))
VELOCITY = field(NETWORK)


@dataclass(frozen=True)
class Shift:
    """A field with a state of its own, which can be hashed if its state can."""

    by: float | np.ndarray

    def __call__(self, z, theta):
        return z + self.by


NO_POINTS = [
    (np.full((2, 2), np.nan), "must hold finite numbers, but there is a NaN"),
    (np.zeros((2, 3)), r"must have shape \(n, 2\)"),
    (np.zeros(2), r"must have shape \(n, "),
    (np.zeros((0, 2)), "empty"),
    ("text", "must be an array of numbers, not 'text'"),
    (None, "must be an array of numbers, not None"),
]
WRONG_LABELS = [
    (3, "labels must lie in 0 to 2, not in 3 to 3"),
    (-1, "labels must lie in 0 to 2, not in -1 to -1"),
    (np.array([0, 1, 2, 0, 1, 5]), "labels must lie in 0 to 2, not in 0 to 5"),
    (0.5, "labels must be .* integers"),
    ("two", "label must be an array of numbers, not 'two'"),
    ([[0, 1], [2]], "label must be an array of numbers in rows of one length"),
    (np.array([[0, 1, 2, 0, 1, 2]]), "labels must be 6 integers of shape"),
    (np.array([], int), "labels are empty"),
]
NO_NETWORKS = [None, build_velocity, build_autoencoder([4])[2], keras.Model, [NETWORK], "network"]


def test_bad_sizes_of_a_network():
    for bad in (0, -1, 2.0, None, True):
        with pytest.raises(ValueError, match="latent_dim must be a Python integer above 0, not"):
            build_velocity(bad)
    for bad, message in ((16, "hidden must be a list such as"), ((), "hidden is empty"), ((4, 0), "hidden must hold")):
        with pytest.raises(ValueError, match=message):
            build_velocity(2, bad)
    for bad in (-1, 1.5, None):
        with pytest.raises(ValueError, match="n_classes must be an integer of 0 or more, not"):
            build_velocity(2, (4,), bad)


@pytest.mark.parametrize(
    "f",
    [
        lambda network: fit_velocity(network, Z, None, 1),
        lambda network: field(network),
        lambda network: Diffusion(network, np.zeros(2), np.ones(2)),
    ],
)
def test_no_network(f):
    for network in NO_NETWORKS:
        with pytest.raises(ValueError, match=r"network must be a build_velocity\(\), not"):
            f(network)


@pytest.mark.parametrize("f", [field, lambda network: Diffusion(network, np.zeros(2), np.ones(2))])
def test_a_network_that_is_not_trained(f):
    with pytest.raises(ValueError, match="network is untrained: its biases are all 0, so train it with fit_velocity"):
        f(build_velocity(2, (4,)))
    failed = random_network()
    failed.weights[0].assign(np.full(failed.weights[0].shape, np.nan))
    with pytest.raises(ValueError, match="network has a weight that is a NaN or infinity: its training failed"):
        f(failed)


def test_bad_codes_for_a_fit():
    for z, message in NO_POINTS:
        with pytest.raises(ValueError, match=message):
            fit_velocity(random_network(), z, None, 1)
    for label, message in WRONG_LABELS:
        with pytest.raises(ValueError, match=message):
            fit_velocity(random_network(), Z, label, 1)
    with pytest.raises(ValueError, match=r"labels must be 6 integers of shape \(6,\)"):
        fit_velocity(random_network(), Z, np.array([0, 1]), 1)
    with pytest.raises(ValueError, match="this network knows no labels"):
        fit_velocity(WITHOUT, Z, np.zeros(6, int), 1)
    with pytest.raises(ValueError, match="epochs must be a Python integer above 0"):
        fit_velocity(random_network(), Z, None, 0)
    with pytest.raises(ValueError, match="learning_rate must be a finite number above 0"):
        fit_velocity(random_network(), Z, None, 1, learning_rate=0)
    with pytest.raises(ValueError, match="callbacks must be a list of Keras callbacks"):
        fit_velocity(random_network(), Z, None, 1, callbacks=keras.callbacks.Callback())


def test_bad_pairs():
    for z, label in ((Z, np.zeros(5, int)), (Z[0], np.zeros(2, int)), (Z, 0), (Z[None], np.zeros(1, int))):
        with pytest.raises(ValueError, match=r"z must have shape \(n, latent_dim\) and label \(n,\), not"):
            noised(z, label)
    with pytest.raises(ValueError, match="z must be an array or tensor of numbers, not 'text'"):
        noised("text", np.zeros(6, int))
    for label in (None, "text"):
        with pytest.raises(ValueError, match="label must be an array or tensor of numbers, not"):
            noised(Z, label)
    with pytest.raises(ValueError, match="label must hold integers, not float64"):
        noised(Z, np.zeros(6))


# --- A field ----------------------------------------------------------------------------------------


def test_bad_labels_for_a_field():
    for label, message in WRONG_LABELS:
        with pytest.raises(ValueError, match=message):
            field(NETWORK, label)
    with pytest.raises(ValueError, match=r"this network knows no labels: build_velocity\(n_classes=10\) makes one"):
        field(WITHOUT, 0)


def test_bad_guidance():
    for f in (
        lambda label, guidance: field(NETWORK, label, guidance),
        lambda label, guidance: DIFFUSION.sample(3, 0, label=label, guidance=guidance),
        lambda label, guidance: DIFFUSION.path(Z, label=label, guidance=guidance),
    ):
        with pytest.raises(ValueError, match="guidance needs a label, since it leads away from codes of no label"):
            f(None, 1.0)
        for guidance in (np.nan, None, "strong", np.inf):
            with pytest.raises(ValueError, match="guidance must be a finite number, not"):
                f(1, guidance)


def test_bad_points_for_a_field():
    for z, message in NO_POINTS[1:]:
        with pytest.raises(ValueError, match=message.replace("an array", "an array or tensor")):
            VELOCITY(z, 0.5)
    with pytest.raises(ValueError, match=r"points must have shape \(n, 2\), a row each, not \(6, 3\)"):
        VELOCITY(tf.zeros((6, 3)), 0.5)
    for theta in (None, np.nan, ANGLES):
        with pytest.raises(ValueError, match="theta must be a finite number, not"):
            VELOCITY(Z, theta)
    labelled = field(NETWORK, np.array([0, 1, 2, 0]))
    with pytest.raises(ValueError, match="field has 4 labels for 6 points: give one label, or one per point"):
        labelled(Z, 0.5)
    with pytest.raises(ValueError, match="field has 4 labels for 2 points"):
        labelled(Z[:2], 0.5)
    before = divergence(labelled, Z[:4], 0.5)
    with pytest.raises(ValueError, match="field has 4 labels for another number of points"):
        divergence(labelled, Z[:2], 0.5)
    assert np.array_equal(divergence(labelled, Z[:4], 0.5)[1], before[1])


@pytest.mark.parametrize(
    "f",
    [
        lambda velocity, z: follow(velocity, z, ANGLES),
        lambda velocity, z: flow_log_density(velocity, z, ANGLES),
        lambda velocity, z: divergence(velocity, z, 0.5),
    ],
)
def test_bad_points_and_fields_for_a_flow(f):
    for z, message in NO_POINTS:
        with pytest.raises(ValueError, match=message):
            f(VELOCITY, z)
    for velocity in (None, "field", NETWORK.get_weights(), 1.0):
        with pytest.raises(ValueError, match="velocity must be a function of points and an angle, not"):
            f(velocity, Z)
    with pytest.raises(
        ValueError, match=r"velocity must give an array of the same shape as its points, .*, not .* 1\)"
    ):
        f(lambda z, theta: z[:, :1], Z)
    shift = Shift(np.ones(2))
    with pytest.raises(
        ValueError, match="velocity must be hashable, .* 'numpy.ndarray'.: give a function that calls it"
    ):
        f(shift, Z)
    np.testing.assert_equal(f(shift.__call__, Z), f(Shift(1.0), Z))


def test_a_field_without_derivatives():
    def of_the_users_own(z, theta):
        raise NotImplementedError("to be written")

    for f, angles in ((flow_log_density, ANGLES), (divergence, 0.5)):
        for velocity in (lambda z, theta: theta * np.asarray(z), lambda z, theta: np.cos(theta) * z):
            with pytest.raises(ValueError, match="made of TensorFlow's operations on points and angle"):
                f(velocity, Z, angles)
    with pytest.raises(NotImplementedError, match="to be written"):
        flow_log_density(of_the_users_own, Z, ANGLES)
    assert follow(lambda z, theta: np.cos(theta) * z, Z, ANGLES).shape == (3, 6, 2), "which needs none"


def test_bad_angles():
    for f in (follow, flow_log_density):
        for angles, message in (
            ([0.5], "angles must be two or more, the first where the points are"),
            (0.5, r"angles must have shape \(n,\), not \(\)"),
            ([], r"angles must have shape \(n,\)"),
            ([0, np.nan], "angles must hold finite numbers"),
            (None, "angles must be an array of numbers"),
        ):
            with pytest.raises(ValueError, match=message):
                f(VELOCITY, Z, angles)
    for theta in (None, np.nan, ANGLES, "0"):
        with pytest.raises(ValueError, match="theta must be a finite number, not"):
            divergence(VELOCITY, Z, theta)


# --- The prior --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["mean", "scale"])
def test_bad_standardisation(name):
    good = {"network": NETWORK, "mean": np.zeros(2), "scale": np.ones(2)}
    for bad, message in (
        (np.ones(3), rf"{name} must have shape \(2,\), not \(3,\)"),
        (1.0, rf"{name} must have shape \(2,\), not \(\)"),
        (np.array([1, np.nan]), f"{name} must hold finite numbers"),
        (None, f"{name} must be an array of numbers"),
    ):
        with pytest.raises(ValueError, match=message):
            Diffusion(**good | {name: bad})


@pytest.mark.parametrize("scale", [[1, 0], [-1, 1]])
def test_no_standard_deviations(scale):
    with pytest.raises(
        ValueError, match="scale must be standard deviations above 0: a code's number that never varies"
    ):
        Diffusion(NETWORK, np.zeros(2), scale)


@pytest.mark.parametrize(("f", "name"), [(DIFFUSION.log_density, "codes"), (DIFFUSION.path, "eps")])
def test_bad_codes_for_the_prior(f, name):
    for z, message in NO_POINTS:
        with pytest.raises(ValueError, match=f"{name} .*{message}"):
            f(z)
    for steps in (0, -1, 2.0, None):
        with pytest.raises(ValueError, match="steps must be a Python integer above 0, not"):
            f(Z, steps=steps)
    for label, message in WRONG_LABELS:
        with pytest.raises(ValueError, match=message):
            f(Z, label=label)
    with pytest.raises(ValueError, match=r"labels must be 6 integers of shape \(6,\), .* not int64 of shape \(3,\)"):
        f(Z, label=np.array([0, 1, 2]))


def test_labels_that_the_prior_does_not_know():
    for f in (
        lambda: PLAIN.log_density(Z, label=0),
        lambda: PLAIN.path(Z, label=0),
        lambda: PLAIN.sample(3, 0, label=0),
    ):
        with pytest.raises(ValueError, match="this network knows no labels"):
            f()


def test_bad_numbers_for_samples():
    for n in (0, -1, 2.0, None):
        with pytest.raises(ValueError, match="n must be a Python integer above 0, not"):
            DIFFUSION.sample(n, seed=0)
    for seed in (-1, None, 0.5):
        with pytest.raises(ValueError, match="seed, which makes the draws repeatable, must be an integer of 0 or more"):
            DIFFUSION.sample(3, seed=seed)
    with pytest.raises(ValueError, match="steps must be a Python integer above 0, not 0"):
        DIFFUSION.sample(3, seed=0, steps=0)
    with pytest.raises(ValueError, match=r"labels must be 3 integers of shape \(3,\)"):
        DIFFUSION.sample(3, seed=0, label=np.array([0, 1]))
    with pytest.raises(TypeError, match=r"sample\(n, seed, .*missing a required argument: 'seed'"):
        DIFFUSION.sample(3)
