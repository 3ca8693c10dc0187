import keras
import numpy as np
import pytest
from keras import layers

from pylib import noise
from pylib.models import build_autoencoder
from pylib.tf_utils import mnist_test
from pylib.widgets import NoiseExplorer, engine

# Here its Python side; what the page computes is tested in tests/browser.

IMAGES = mnist_test()[0][:120]
AMOUNTS = {  # of each noise: what it is, and those of the slider
    "uniform": (noise.uniform, [0.05 * i for i in range(9)]),
    "Gaussian": (noise.gaussian, [0.05 * i for i in range(13)]),
    "salt and pepper": (noise.salt_and_pepper, [0.05 * i for i in range(9)]),
    "missing block": (noise.block, [0.05 * i for i in range(9)]),
}


def network(*sizes, activation="sigmoid"):
    rng = np.random.default_rng(0)
    model = keras.Sequential([keras.Input((784,)), *(layers.Dense(size, "relu") for size in sizes)])
    model.add(layers.Dense(784, activation))
    model.set_weights([rng.normal(0, 0.1, weight.shape) for weight in model.get_weights()])
    return model


MODEL = network(16)


def spoilt(explorer, name, amount, pattern, pixels):
    """What the page makes of pixels, from what it gets."""
    draws = {
        key: np.frombuffer(explorer._draws[key], "f4").reshape(10, 784) for key in ("chances", "additions", "normals")
    }
    bits = {
        key: np.unpackbits(np.frombuffer(explorer._draws[key], "u1"), bitorder="little") for key in ("extremes", "kept")
    }
    extremes, kept = bits["extremes"].reshape(10, 784), bits["kept"].reshape(9, 10, 784)
    hit = draws["chances"][pattern] < np.float32(amount)
    if name == "uniform":
        return np.minimum(1, pixels + hit * draws["additions"][pattern])
    if name == "Gaussian":
        return np.clip(pixels + amount * draws["normals"][pattern], 0, 1)
    if name == "salt and pepper":
        return np.where(hit, extremes[pattern], pixels)
    return pixels * kept[round(amount / 0.05), pattern]


@pytest.mark.parametrize("name", AMOUNTS)
def test_the_page_gets_what_each_noise_draws(name):
    explorer = NoiseExplorer(MODEL, IMAGES)
    spoil, amounts = AMOUNTS[name]
    for amount in amounts:
        changed = set()
        for index in (0, 7, 19, 100):
            expected = spoil(IMAGES[[index]], amount, np.random.default_rng(index % 10))[0]
            assert spoilt(explorer, name, amount, index % 10, IMAGES[index]) == pytest.approx(expected, abs=1e-6)
            changed.add(bool(np.abs(expected - IMAGES[index]).max() > 0.1))
        assert (True in changed) == (amount > 0)  # a small block may lie where there is no ink


def test_draws_fill_less_than_150_kilobytes():
    assert sum(map(len, NoiseExplorer(MODEL, IMAGES)._draws.values())) <= 150_000


def test_the_page_gets_the_pixels_of_mnist():
    pixels = np.frombuffer(NoiseExplorer(MODEL, IMAGES)._images, "u1").reshape(-1, 784)
    assert np.array_equal(pixels.astype("float32") / 255, IMAGES[:101])
    assert len(NoiseExplorer(MODEL, IMAGES[:3])._images) == 3 * 784


def test_the_page_gets_the_networks():
    networks = {"small": MODEL, "linear": network(activation=None), "autoencoder": build_autoencoder([8], "silu")[2]}
    explorer = NoiseExplorer(networks, IMAGES)
    assert list(explorer._networks) == list(networks)
    for name, model in networks.items():
        assert engine.compute(explorer._networks[name], IMAGES) == pytest.approx(model(IMAGES).numpy(), abs=1 / 255)


def test_first_traits():
    explorer = NoiseExplorer({"one": MODEL, "other": network(4)}, IMAGES)
    assert (explorer.noise, explorer.network, explorer.index, explorer.amount) == ("uniform", "one", 0, 0.2)
    assert NoiseExplorer(MODEL, IMAGES).network == "reconstruct"


def test_traits_that_are_right():
    explorer = NoiseExplorer({"one": MODEL, "other": network(4)}, IMAGES)
    explorer.index, explorer.network = np.int64(100), "other"
    assert type(explorer.index) is int
    for name, (_, amounts) in AMOUNTS.items():
        explorer.noise = name
        for i, amount in enumerate(amounts):
            explorer.amount = amount
            assert explorer.amount == float(f"{i / 20:.2f}")  # no 0.15000000000000002


@pytest.mark.parametrize(
    ("trait", "value", "message"),
    [
        ("noise", "gaussian", "noise must be one of uniform, Gaussian, salt and pepper, missing block, not 'gaussian'"),
        ("noise", None, "noise must be one of"),
        ("noise", ["uniform"], "noise must be one of"),
        ("network", "third", "network must be one of one, other, not 'third'"),
        ("index", 101, "index must be an integer from 0 to 100, not 101"),
        ("index", -1, "index must be"),
        ("index", 1.0, "index must be"),
        ("amount", 0.45, "amount of uniform noise must be a multiple of 0.05 from 0 to 0.4, not 0.45"),
        ("amount", 0.12, "amount of uniform"),
        ("amount", -0.05, "amount of uniform"),
        ("amount", np.nan, "amount of uniform"),
        ("amount", "0.2", "amount of uniform"),
    ],
)
def test_traits_that_are_wrong(trait, value, message):
    explorer = NoiseExplorer({"one": MODEL, "other": MODEL}, IMAGES)
    before = getattr(explorer, trait)
    with pytest.raises(ValueError, match=message):
        setattr(explorer, trait, value)
    assert getattr(explorer, trait) == before


def test_a_larger_amount_of_another_noise_is_lowered_to_what_there_is():
    explorer = NoiseExplorer(MODEL, IMAGES)
    explorer.noise, explorer.amount = "Gaussian", 0.6
    explorer.noise = "missing block"
    assert explorer.amount == 0.4
    explorer.noise, explorer.amount = "Gaussian", 0.3
    explorer.noise = "uniform"
    assert explorer.amount == 0.3


def test_a_move_of_the_page():
    explorer = NoiseExplorer(MODEL, IMAGES)
    explorer.noise, explorer.amount = "Gaussian", 0.6
    explorer.set_state({"noise": "uniform", "amount": 0.4, "index": 7})
    assert (explorer.noise, explorer.amount, explorer.index) == ("uniform", 0.4, 7)


@pytest.mark.parametrize(
    ("reconstruct", "message"),
    [
        ({}, "reconstruct must be a dict of a network's name to a Keras model"),
        ({3: MODEL}, "a network's name must be a string"),
        (
            {"one": MODEL, "other": np.copy},
            "other must be a Keras model of dense layers from 784 pixels to 784, since th",
        ),
        (lambda x: x, "reconstruct must be a Keras model"),
        (build_autoencoder([8])[0], "reconstruct must be a Keras model of dense layers from 784 pixels to 784"),
        (None, "reconstruct must be a Keras model"),
        ({"tall": network(activation="selu")}, "of the tall has the activation selu"),
    ],
)
def test_networks_that_the_page_cannot_compute(reconstruct, message):
    with pytest.raises(ValueError, match=message) as error:
        NoiseExplorer(reconstruct, IMAGES)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((2, 28, 28)), r"shape \(n, 784\)"),
        (np.zeros((0, 784)), "images is empty"),
        (np.full((2, 784), 2.0), r"images must lie in \[0, 1\]"),
        (np.full((2, 784), np.nan), "NaN"),
    ],
)
def test_bad_images(images, message):
    with pytest.raises(ValueError, match=message):
        NoiseExplorer(MODEL, images)


def test_repr_is_short():
    assert repr(NoiseExplorer(MODEL, IMAGES)) == "NoiseExplorer()"
