import io

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest
import seaborn as sns
from PIL import Image

from pylib import noise
from pylib.models import VAE
from pylib.widgets import FigureSlider, LatentExplorer, NoiseExplorer, digits_png


@pytest.fixture
def images():
    return np.random.default_rng(0).random((200, 784), dtype="float32")


def decode(png):
    return np.asarray(Image.open(io.BytesIO(png)))


def test_digit_png_is_the_digit_dark_on_light(images):
    pixels = decode(digits_png(images[:2], scale=3, gap=6))
    assert pixels.shape == (84, 180) and (pixels[:, 84:90] == 255).all()
    for i, j in [(0, 0), (5, 20), (27, 27)]:
        block = pixels[3 * i : 3 * i + 3, 3 * j : 3 * j + 3]
        assert (block == 255 - round(255 * float(images[0, 28 * i + j]))).all()


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


def test_one_batch_for_each_move(images):
    calls = []
    explorer = NoiseExplorer(lambda x: calls.append(len(x)) or x, images)
    explorer.amount.value = 0.3
    assert calls == [2, 2]


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


# The latent explorer: here its Python side; what the page draws is tested in test_browser.py

RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 10, 6000)


def trained(**options):
    """A VAE whose weights are no longer those it was born with."""
    keras.utils.set_random_seed(0)
    vae = VAE(**({"hidden": (16,)} | options))
    vae.set_weights([w + RNG.normal(0, 0.1, w.shape) if w.shape else w for w in vae.get_weights()])
    return vae


def codes(latent_dim=2, n=6000):
    return np.random.default_rng(1).standard_normal((n, latent_dim), dtype="float32")


def sent_layers(explorer):
    """The kernels and biases as a page reads them."""
    numbers = np.frombuffer(explorer._weights, "f2" if explorer._half else "f4").astype("float32")
    for layer in explorer._layers:
        size = layer["inputs"] * layer["units"]
        yield numbers[:size].reshape(layer["inputs"], layer["units"]), numbers[size : size + layer["units"]]
        numbers = numbers[size + layer["units"] :]
    assert len(numbers) == 0


def test_all_weights_go_to_the_page():
    vae = trained(hidden=(16, 8), activation="silu")
    explorer = LatentExplorer(vae, codes(), LABELS)
    sent = [array for layer in sent_layers(explorer) for array in layer]
    for array, weight in zip(sent, vae.decoder_logits.get_weights(), strict=True):
        assert array == pytest.approx(weight, rel=1e-3, abs=1e-7)
    assert [layer["activation"] for layer in explorer._layers] == ["silu", "silu", "linear"]


def test_half_precision_only_where_the_picture_allows_it():
    vae = trained()
    assert LatentExplorer(vae, codes(), LABELS)._half
    kernel, bias = vae.decoder_logits.layers[-1].get_weights()
    vae.decoder_logits.layers[-1].set_weights([100 * kernel, bias])  # the rounding grows with the logits
    explorer = LatentExplorer(vae, codes(), LABELS)
    assert not explorer._half
    assert np.array_equal(list(sent_layers(explorer))[-1][0], 100 * kernel)


def test_wire_of_the_512_unit_decoder():
    explorer = LatentExplorer(trained(hidden=(512,)), codes(n=10_000), np.arange(10_000) % 10)
    sizes = [len(value if isinstance(value, bytes | str) else repr(value)) for value in explorer.get_state().values()]
    assert 800_000 < sum(sizes) <= 1_500_000


def test_codes_keep_their_digits():
    z = codes()
    explorer = LatentExplorer(trained(), z, LABELS)
    points = np.frombuffer(explorer._points, "f4").reshape(-1, 2)
    digits = np.frombuffer(explorer._digits, "u1")
    assert len(np.unique(points, axis=0)) == len(digits) == 5000
    digit_of = {tuple(code): label for code, label in zip(z, LABELS, strict=True)}
    assert [digit_of[tuple(point)] for point in points] == digits.tolist()
    assert explorer._colors == sns.color_palette("colorblind", 10).as_hex()


def test_walk_ends_are_codes_near_the_medians():
    z = codes(latent_dim=5)
    explorer = LatentExplorer(trained(latent_dim=5), z, np.minimum(LABELS, 3))
    assert sorted(explorer._typical) == ["0", "1", "2", "3"]
    for digit, end in explorer._typical.items():
        own = z[np.minimum(LABELS, 3) == int(digit)]
        nearest = min(own, key=lambda code: np.linalg.norm(code - np.median(own, axis=0)))
        assert end == nearest.tolist()


def test_image_follows_the_point():
    vae = trained()
    explorer = LatentExplorer(vae, codes(), LABELS)
    for z in ([0, 0], [1.5, -2], codes()[7]):
        explorer.z = z
        assert explorer.z == [float(value) for value in z]
        assert explorer.image == pytest.approx(vae.decoder(np.array([z], "float32")).numpy()[0], abs=1e-6)


def test_image_follows_the_digit_of_a_conditional_model():
    vae = trained(n_classes=10)
    explorer = LatentExplorer(vae, codes(), LABELS)
    assert explorer.digit == 0 and explorer._layers[0]["inputs"] == 12
    explorer.z, explorer.digit = [1, 1], 7
    expected = vae.decoder([np.ones((1, 2), "float32"), np.array([7])]).numpy()[0]
    assert explorer.image == pytest.approx(expected, abs=1e-6)
    explorer.digit = 8
    assert np.abs(explorer.image - expected).max() > 0.01
    for wrong in (10, -1, 1.5, None):
        with pytest.raises(ValueError, match="digit must be a Python integer from 0 to 9"):
            explorer.digit = wrong
    with pytest.raises(ValueError, match="takes no label"):
        LatentExplorer(trained(), codes(), LABELS).digit = 3


@pytest.mark.parametrize("z", [[0], [0, 0, 0], [0, np.nan], 1.0, None])
def test_bad_point(z):
    explorer = LatentExplorer(trained(), codes(), LABELS)
    with pytest.raises(ValueError, match="z must be 2 finite numbers"):
        explorer.z = z
    assert explorer.z == [0, 0]


def test_weights_only_are_enough(tmp_path):
    vae = trained()
    vae.save_weights(tmp_path / "a.weights.h5")
    loaded = VAE(hidden=(16,))
    loaded.load_weights(tmp_path / "a.weights.h5")
    loaded_image, image = (LatentExplorer(model, codes(), LABELS).image for model in (loaded, vae))
    assert np.array_equal(loaded_image, image)


def test_untrained_model():
    with pytest.raises(ValueError, match="vae is untrained: its decoder's biases are all 0, so fit it"):
        LatentExplorer(VAE(hidden=(16,)), codes(), LABELS)


@pytest.mark.parametrize("vae", [None, VAE, keras.Sequential([keras.layers.Dense(784)])])
def test_no_vae(vae):
    with pytest.raises(ValueError, match="vae must be a trained pylib.models.VAE, not"):
        LatentExplorer(vae, codes(), LABELS)


def with_decoder(build):
    vae = VAE(hidden=(16,))
    z = keras.Input((2,))
    vae.decoder_logits = keras.Model(z, build(z))
    vae.decoder = keras.Model(z, keras.ops.sigmoid(vae.decoder_logits.output))
    vae.decoder_logits.set_weights([RNG.normal(0, 0.3, w.shape) for w in vae.decoder_logits.get_weights()])
    return vae


def test_layers_that_the_page_cannot_compute():
    layers = keras.layers
    vae = with_decoder(lambda z: layers.Dense(784)(layers.LayerNormalization(name="levelled")(layers.Dense(8)(z))))
    with pytest.raises(ValueError, match="dense layers, and 'levelled' of the decoder is a LayerNormalization"):
        LatentExplorer(vae, codes(), LABELS)
    vae = with_decoder(lambda z: layers.Dense(784)(layers.Dense(8, activation="selu", name="odd")(z)))
    with pytest.raises(ValueError, match="'odd' of the decoder has the activation selu; the page has linear, relu"):
        LatentExplorer(vae, codes(), LABELS)
    vae = with_decoder(lambda z: layers.Dense(784)(z + layers.Dense(2)(z)))
    with pytest.raises(ValueError, match="'add.*' of the decoder is a Add"):
        LatentExplorer(vae, codes(), LABELS)


def test_layers_out_of_a_chain():
    def twice(z):
        layer = keras.layers.Dense(2)
        return keras.layers.Dense(784)(layer(layer(z)))

    with pytest.raises(ValueError, match="dense layers form one chain"):
        LatentExplorer(with_decoder(twice), codes(), LABELS)


def test_one_latent_number_makes_no_plane():
    with pytest.raises(ValueError, match="latent_dim 2 or more, not 1"):
        LatentExplorer(trained(latent_dim=1), codes(1), LABELS)


@pytest.mark.parametrize(
    ("z", "labels", "message"),
    [
        (codes(), LABELS[:-1], r"labels must be 6000 integers of shape \(6000,\), one per image, not .*5999"),
        (codes(), LABELS + 0.5, "labels must be 6000 integers"),
        (codes(), LABELS + 1, "labels must lie in 0 to 9, not in 1 to 10"),
        (codes(3), LABELS, r"codes must have shape \(n, 2\), a row per image, not \(6000, 3\)"),
        (codes(n=0), LABELS[:0], "codes is empty"),
        (np.where(np.arange(6000)[:, None] == 9, np.nan, codes()), LABELS, "codes must hold finite numbers.*NaN"),
    ],
)
def test_bad_codes_and_labels(z, labels, message):
    with pytest.raises(ValueError, match=message):
        LatentExplorer(trained(), z, labels)


def test_repr_is_short():
    assert repr(LatentExplorer(trained(), codes(), LABELS)) == "LatentExplorer()"
