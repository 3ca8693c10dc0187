import keras
import numpy as np
import pytest

from pylib import plots
from pylib.models import VAE
from pylib.widgets import LatentExplorer, engine

# Here its Python side; what the page draws is tested in tests/browser.

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


def test_the_page_gets_the_decoder():
    vae = trained(hidden=(16, 8), activation="silu")
    explorer = LatentExplorer(vae, codes(), LABELS)
    assert [layer["activation"] for layer in explorer._network["layers"]] == ["silu", "silu", "sigmoid"]
    pictures = vae.decoder(codes(n=50)).numpy()
    assert np.ptp(pictures) > 0.3
    assert engine.compute(explorer._network, codes(n=50)) == pytest.approx(pictures, abs=1 / 255)


def test_a_decoder_alone_is_enough():
    vae = trained()
    decoder = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2), vae.decoder])
    decoder.layers[0].set_weights([np.array([[1.0, 2], [3, 4]]), np.array([5.0, 6])])
    explorer = LatentExplorer(decoder, codes(), LABELS)
    z = codes(n=50)
    expected = vae.decoder(z @ np.array([[1, 2], [3, 4]], "float32") + np.array([5, 6], "float32")).numpy()
    assert engine.compute(explorer._network, z) == pytest.approx(expected, abs=1 / 255)
    explorer.z = z[7].tolist()
    assert explorer.image == pytest.approx(expected[7], abs=1e-5)


def test_half_precision_only_where_the_picture_allows_it():
    vae = trained()
    assert LatentExplorer(vae, codes(), LABELS)._network["half"]
    kernel, bias = vae.decoder_logits.layers[-1].get_weights()
    vae.decoder_logits.layers[-1].set_weights([100 * kernel, bias])  # the rounding grows with the logits
    assert not LatentExplorer(vae, codes(), LABELS)._network["half"]


def test_wire_of_the_512_unit_decoder():
    explorer = LatentExplorer(trained(hidden=(512,)), codes(n=10_000), np.arange(10_000) % 10)
    state = explorer.get_state()
    weights = state["_network"].pop("weights")
    sizes = [len(value if isinstance(value, bytes | str) else repr(value)) for value in state.values()]
    assert 800_000 < len(weights) + sum(sizes) <= 1_500_000


def test_codes_keep_their_digits():
    z = codes()
    explorer = LatentExplorer(trained(), z, LABELS)
    points = np.frombuffer(explorer._points, "f4").reshape(-1, 2)
    digits = np.frombuffer(explorer._digits, "u1")
    assert len(np.unique(points, axis=0)) == len(digits) == 5000
    digit_of = {tuple(code): label for code, label in zip(z, LABELS, strict=True)}
    assert [digit_of[tuple(point)] for point in points] == digits.tolist()
    assert explorer._colors == plots.palette().as_hex()


def test_names_of_classes_go_to_the_page():
    names = [f"class {i}" for i in range(100)]
    explorer = LatentExplorer(trained(), codes(), np.arange(6000) % 100, np.array(names))
    assert explorer.get_state()["_names"] == names and type(explorer._names[0]) is str
    assert set(explorer._digits) == set(range(100)) and explorer._colors == plots.palette(100).as_hex()
    few = LatentExplorer(trained(), codes(), LABELS % 3, names=["<b>x</b>", "é", "字"])
    assert few._names == ["<b>x</b>", "é", "字"] and few._colors == plots.palette().as_hex()[:3]
    assert sorted(few._typical) == ["0", "1", "2"]
    for digits in (None, list("0123456789")):
        assert LatentExplorer(trained(), codes(), LABELS, digits)._names == []


def test_names_of_a_conditional_model():
    vae = trained(n_classes=3)
    explorer = LatentExplorer(vae, codes(), LABELS % 3, ["a", "b", "c"])
    assert (explorer._names, explorer._n_classes) == (["a", "b", "c"], 3)
    with pytest.raises(ValueError, match="names must have 3 entries, one for each class of the model, not 2"):
        LatentExplorer(vae, codes(), LABELS % 2, ["a", "b"])
    assert LatentExplorer(vae, codes(), LABELS)._names == []  # a picture of each digit, also of those it doesn't draw


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
    assert explorer.digit == 0 and explorer._network["layers"][0]["inputs"] == 12
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


@pytest.mark.parametrize("vae", [None, VAE, keras.Sequential([keras.layers.Dense(784)]), VAE(n_classes=10).decoder])
def test_no_vae(vae):
    with pytest.raises(ValueError, match="vae must be a trained pylib.models.VAE, or its decoder, not"):
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


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a"] * 9, "labels must lie in 0 to 8, not in 0 to 9"),
        (["a"] * 101, "names must be those of 1 to 100 classes, not of 101"),
        ([], "names must be those of 1 to 100 classes, not of 0"),
        (range(10), "each of names must be a string, not 0"),
        ("abcdefghij", "names must be a list, one for each class, not 'abcdefghij'"),
    ],
)
def test_bad_names(names, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        LatentExplorer(trained(), codes(), LABELS, names)


def test_repr_is_short():
    assert repr(LatentExplorer(trained(), codes(), LABELS)) == "LatentExplorer()"
