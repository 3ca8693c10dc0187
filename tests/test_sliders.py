import io

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from pylib import noise
from pylib.widgets import FigureSlider, NoiseExplorer


@pytest.fixture
def images():
    return np.random.default_rng(0).random((200, 784), dtype="float32")


def decode(png):
    return np.asarray(Image.open(io.BytesIO(png)))


def shown(explorer):
    row = decode(explorer._picture.value)
    return [row[::5, 150 * i : 150 * i + 140 : 5].reshape(784) for i in range(4)]


def test_four_pictures_follow_the_sliders(images):
    explorer = NoiseExplorer(lambda x: 1 - x, images)
    for index, amount in [(0, 0.2), (100, 0.4), (7, 0.0)]:
        explorer.index.value, explorer.amount.value = index, amount
        clean, clean_hat, noisy, noisy_hat = shown(explorer)
        expected = noise.uniform(images[[index]], amount, np.random.default_rng(index))[0]
        assert np.array_equal(clean, 255 - np.round(255 * images[index]))
        assert np.abs(clean_hat - (255 - np.round(255 * (1 - images[index])))).max() <= 1
        assert np.array_equal(noisy, 255 - np.round(255 * expected))
        assert np.abs(noisy_hat - (255 - np.round(255 * (1 - expected)))).max() <= 1
        assert explorer._captions.value.count("unspoilt") == (1 if amount else 2)
        if amount:
            assert f"{noise.psnr(images[index], expected):.1f} dB" in explorer._captions.value


def test_slider_ranges_are_those_of_the_lesson(images):
    explorer = NoiseExplorer(lambda x: x, images)
    assert (explorer.index.min, explorer.index.max) == (0, 100)
    assert (explorer.amount.min, explorer.amount.max, explorer.amount.step) == (0, 0.4, 0.05)
    assert NoiseExplorer(lambda x: x, images[:3]).index.max == 2


def test_menus_of_noises_and_networks(images):
    explorer = NoiseExplorer({"same": lambda x: x, "negative": lambda x: 1 - x}, images)
    noises = {
        "uniform": (noise.uniform, "fraction of pixels", 0.4),
        "Gaussian": (noise.gaussian, "sigma", 0.6),
        "salt and pepper": (noise.salt_and_pepper, "fraction of pixels", 0.4),
        "missing block": (noise.block, "fraction of image", 0.4),
    }
    assert explorer.noise.options == tuple(noises)
    for name, (spoil, amount, largest) in noises.items():
        explorer.noise.value = name
        assert (explorer.amount.description, explorer.amount.max) == (amount, largest)
        explorer.amount.value, explorer.index.value = largest, 3
        for network, sign in {"same": 1, "negative": -1}.items():
            explorer.network.value = network
            expected = spoil(images[[3]], largest, np.random.default_rng(3))[0]
            expected = 255 - 255 * (expected if sign == 1 else 1 - expected)
            assert np.abs(shown(explorer)[3] - expected).max() <= 1


def test_a_larger_amount_of_another_noise_is_taken_back_to_what_there_is(images):
    explorer = NoiseExplorer(lambda x: x, images)
    explorer.noise.value = "Gaussian"
    explorer.amount.value = 0.6
    explorer.noise.value = "missing block"
    assert explorer.amount.value == 0.4
    expected = noise.block(images[[0]], 0.4, np.random.default_rng(0))[0]
    assert np.array_equal(shown(explorer)[2], 255 - np.round(255 * expected))


def test_one_network_needs_no_menu(images):
    explorer = NoiseExplorer(lambda x: x, images)
    assert explorer.network not in explorer.children and explorer.noise in explorer.children
    explorer = NoiseExplorer({"one": lambda x: x, "other": lambda x: x}, images)
    assert explorer.network in explorer.children and explorer.network.options == ("one", "other")


def test_networks_that_are_none(images):
    with pytest.raises(ValueError, match="reconstruct must be a dict of a network's name"):
        NoiseExplorer({}, images)
    with pytest.raises(ValueError, match="other must be a function of images"):
        NoiseExplorer({"one": lambda x: x, "other": 3}, images)


def test_one_batch_for_each_move(images):
    calls = []
    explorer = NoiseExplorer(lambda x: calls.append(len(x)) or x, images)
    explorer.amount.value = 0.3
    assert calls == [2, 2]
    explorer.noise.value = "Gaussian"
    assert calls == [2, 2, 2]
    explorer.amount.value = 0.6
    explorer.noise.value = "uniform"  # which goes to 0.4 only
    assert calls == 5 * [2] and explorer.amount.value == 0.4


def test_bad_images():
    with pytest.raises(ValueError, match=r"shape \(n, 784\)"):
        NoiseExplorer(lambda x: x, np.zeros((2, 28, 28)))


def test_figure_slider_draws_each_value_once_and_closes_it():
    drawn = []

    def draw(value):
        drawn.append(value)
        figure, axes = plt.subplots(figsize=(2, 1))
        axes.set_facecolor((value, 0, 0))
        return figure

    before = plt.get_fignums()
    slider = FigureSlider(draw, "red", 0, 1, 0.5, value=0.5)
    assert decode(slider._picture.value).shape == (100, 200, 4)
    assert decode(slider._picture.value)[50, 100, 0] == 128
    slider.slider.value = 1
    assert decode(slider._picture.value)[50, 100, 0] == 255
    slider.slider.value = 0.5
    assert decode(slider._picture.value)[50, 100, 0] == 128
    assert drawn == [0.5, 1] and plt.get_fignums() == before


def test_axes_stay_where_they_are_while_their_labels_grow():
    def draw(value):
        figure, axes = plt.subplots(figsize=(2, 1), layout="constrained")
        axes.set(xticks=[], facecolor=(1, 0, 0))
        axes.set_yticks([0], [f"{value:.0f}"])
        return figure

    def left_edge(slider):
        return (decode(slider._picture.value)[50, :, 1] == 0).argmax()  # where the red begins

    slider = FigureSlider(draw, "size", 0, 1_000_000, 1, value=5)
    edge = left_edge(slider)
    slider.slider.value = 1_000_000
    assert left_edge(slider) == edge
    assert left_edge(FigureSlider(draw, "size", 0, 1_000_000, 1, value=1_000_000)) > edge + 5


def test_a_keras_model_reconstructs_as_its_own_call_does(images):
    model = keras.Sequential([keras.Input((784,)), keras.layers.Dense(784, activation="sigmoid")])
    explorer = NoiseExplorer(model, images)
    explorer.index.value = 3
    expected = 255 - 255 * model(images[[3]]).numpy()[0]
    assert np.abs(shown(explorer)[1] - expected).max() <= 1
