"""What is no parameter, image or label of a VAE is answered in one sentence, before anything trains."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from pylib._networks import OneHotLabel
from pylib.models import VAE
from pylib.training import fit_vae, train
from tests.small_vae import FINISH, X, Y, small


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"latent_dim": 0}, "latent_dim must be a Python integer above 0, not 0"),
        ({"latent_dim": -1}, "latent_dim"),
        ({"latent_dim": 2.0}, "latent_dim"),
        ({"hidden": (512, 0)}, "hidden must hold Python integers above 0"),
        ({"hidden": ()}, "hidden is empty"),
        ({"hidden": (8.5,)}, "hidden"),
        ({"likelihood": "poisson"}, "likelihood must be 'bernoulli' or 'gaussian', not 'poisson'"),
        ({"likelihood": None}, "likelihood"),
        ({"likelihood": "gaussian"}, "sigma .* above 0, not None"),
        ({"likelihood": "gaussian", "sigma": 0}, "sigma .* above 0, not 0"),
        ({"likelihood": "gaussian", "sigma": -0.1}, "sigma .* above 0"),
        ({"likelihood": "gaussian", "sigma": math.nan}, "sigma .* above 0"),
        ({"sigma": 0.5}, "a Bernoulli has no sigma"),
        ({"beta": -0.1}, "beta must be a finite number of 0 or more, not -0.1"),
        ({"beta": math.inf}, "beta"),
        ({"beta": "1"}, "beta"),
        ({"n_classes": 0}, "n_classes must be a Python integer above 0"),
    ],
)
def test_bad_parameters(options, message):
    with pytest.raises(ValueError, match=message):
        VAE(**options)


def test_bad_beta_later():
    vae = small()
    with pytest.raises(ValueError, match="beta must be a finite number of 0 or more"):
        vae.beta = -1
    assert float(vae.beta) == 1


@pytest.fixture(scope="module")
def models():
    result = {
        "plain": small(),
        "gaussian": small(likelihood="gaussian", sigma=0.2),
        "conditional": small(n_classes=10),
    }
    for vae in result.values():
        vae.compile("adam")
    return result


def with_nan(x):
    x = x.copy()
    x[3, 5] = np.nan
    return x


BAD_IMAGES = [
    ("plain", 255 * X, r"must lie in \[0, 1\]"),
    ("plain", X - 0.5, r"must lie in \[0, 1\]"),
    ("plain", X[:, 1:], r"shape \(n, 784\), a row per image, not \(50, 783\)"),
    ("plain", X[0], r"use x\[None\] for one image"),
    ("plain", X[:0], "empty"),
    ("plain", with_nan(X), "NaN"),
    ("gaussian", with_nan(X), "NaN"),
    ("gaussian", X[:, 1:], r"shape \(n, 784\)"),
    ("gaussian", X[:0], "empty"),
]


@pytest.mark.parametrize(("name", "x", "message"), BAD_IMAGES)
def test_bad_images(models, name, x, message):
    vae = models[name]
    with pytest.raises(ValueError, match=message):
        vae.fit(x, verbose=0)
    before = vae.get_weights()
    with pytest.raises(ValueError, match=message):
        vae.fit(X, validation_data=x, verbose=0)
    assert all(map(np.array_equal, before, vae.get_weights())), "it trained before it looked"
    with pytest.raises(ValueError, match=message):
        vae.evaluate(x, verbose=0)
    with pytest.raises(ValueError, match=message):
        vae.predict(x, verbose=0)


def test_a_gaussian_takes_images_out_of_range(models):
    assert np.isfinite(models["gaussian"].evaluate(3 * X - 1, verbose=0)).all()


BAD_LABELS = [
    (None, "labels are missing"),
    (np.where(Y == 3, 10, Y), "labels must lie in 0 to 9, not in 0 to 10"),
    (Y - 1, "labels must lie in 0 to 9"),
    (Y[:-1], "labels must be 50 integers"),
    (Y.astype("float32"), "not float32"),
    (np.eye(10)[Y], "labels must be 50 integers"),
]


@pytest.mark.parametrize(("y", "message"), BAD_LABELS)
def test_bad_labels(models, y, message):
    vae = models["conditional"]
    with pytest.raises(ValueError, match=message):
        vae.fit(X, y, verbose=0)
    with pytest.raises(ValueError, match=message):
        vae.fit(X, Y, validation_data=(X, y), verbose=0)
    with pytest.raises(ValueError, match=message):
        vae.evaluate(X, y, verbose=0)
    with pytest.raises(ValueError, match=message):
        vae.predict([X, y], verbose=0)


def test_labels_or_a_loss_where_none_belongs(models):
    for call in (models["plain"].fit, models["plain"].evaluate):
        with pytest.raises(ValueError, match="takes images only"):
            call(X, Y, verbose=0)


def test_a_loss_is_refused_at_once_and_spoils_nothing():
    vae = small()
    with pytest.raises(ValueError, match="brings its own loss: compile it with an optimizer and no loss"):
        vae.compile("adam", loss="mse")
    vae.compile("adam")
    assert np.isfinite(vae.fit(X, **FINISH).history["loss"]).all()
    with pytest.raises(ValueError, match="a VAE brings its own loss: train it with fit_vae"):
        train(vae, (X, X), (X, X), 1)
    with pytest.raises(ValueError, match="brings its own loss"):
        vae.compile("adam", "mse")
    assert np.isfinite(vae.fit(X, **FINISH).history["loss"]).all()


def test_weights_of_images_are_refused(models):
    vae = models["conditional"]
    weights = np.ones(50)
    for options in ({"sample_weight": weights}, {"class_weight": {0: 2.0}}):
        with pytest.raises(ValueError, match="counts all images alike: leave out sample_weight and class_weight"):
            vae.fit(X, Y, **options, **FINISH)
    with pytest.raises(ValueError, match="counts all images alike"):
        vae.evaluate(X, Y, sample_weight=weights, **FINISH)
    data = tf.data.Dataset.from_tensor_slices((X, Y, weights)).batch(16)
    with pytest.raises(ValueError, match="counts all images alike"):
        models["plain"].fit(data, verbose=0)


def test_single_batches_are_looked_at_too(models):
    for call in (models["plain"].train_on_batch, models["plain"].test_on_batch, models["plain"].predict_on_batch):
        with pytest.raises(ValueError, match=r"must lie in \[0, 1\]"):
            call(255 * X)
        assert np.isfinite(np.asarray(call(X))).all()
    with pytest.raises(ValueError, match="labels must lie in 0 to 9"):
        models["conditional"].train_on_batch(X, Y + 1)


@pytest.mark.parametrize("kind", ["bool", "uint8", "int64", "float64", "list"])
def test_black_and_white_digits_of_any_type(kind):
    bits = X > 0.5
    x = bits.tolist() if kind == "list" else bits.astype(kind)
    losses = []
    fit_vae(small(), (x,), (x,), 1)
    for images in (bits.astype("float32"), x):
        vae = small(likelihood="gaussian", sigma=0.5) if kind == "uint8" else small()
        vae.compile("adam")
        losses.append(vae.fit(images, validation_data=images, **FINISH).history["val_loss"])
        assert vae.predict(images, **FINISH).shape == (50, 784)
        assert np.asarray(vae.encoder(images)[0]).shape == (50, 2)
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)


def test_integers_up_to_255_are_refused(models):
    with pytest.raises(ValueError, match="divide pixels by 255"):
        models["plain"].fit((255 * X).astype("uint8"), verbose=0)


def test_the_networks_answer_a_wrong_call_in_a_sentence(models):
    vae, conditional = models["plain"], models["conditional"]
    for call, message in [
        (lambda: vae.encoder(X[0]), r"images must have shape \(n, 784\).*x\[None\]"),
        (lambda: vae.encoder(X[:, 1:]), r"images must have shape \(n, 784\), a row each, not \(50, 783\)"),
        (lambda: vae.encoder(X[:0]), "images are empty"),
        (lambda: vae.encoder("seven"), "images must be an array of numbers, not 'seven'"),
        (lambda: vae.decoder([0.0, 0.0]), r"codes must have shape \(n, 2\)"),
        (lambda: vae.decoder([[0.0], [0.0, 1.0]]), "codes must be an array of numbers in rows of one length"),
        (lambda: conditional.decoder(np.zeros((1, 2))), r"a conditional VAE takes \[codes, labels\], both in one list"),
        (lambda: conditional.decoder([np.zeros((1, 2)), [77]]), "labels must lie in 0 to 9, not in 77 to 77"),
        (lambda: conditional.decoder_logits([np.zeros((1, 2)), [1.5]]), "labels must be 1 integers"),
        (lambda: conditional.encoder([X, Y[:-1]]), "labels must be 50 integers"),
    ]:
        with pytest.raises(ValueError, match=message):
            call()
    expected = vae.decoder(np.zeros((1, 2), "float32"))
    assert np.array_equal(vae.decoder([[0.0, 0.0]]), expected) and np.array_equal(vae.decoder([[0, 0]]), expected)


def test_a_label_out_of_range_is_never_decoded(models):
    decoder, codes = models["conditional"].decoder, np.zeros((2, 2), "float32")
    pictures = decoder.predict([codes, np.array([3, 7])], verbose=0)
    # A compiled program rounds elsewhere.
    np.testing.assert_allclose(pictures, decoder([codes, np.array([3, 7])]), rtol=1e-5)
    with pytest.raises(ValueError, match="labels must lie in 0 to 9"):
        decoder.predict([codes, np.array([3, 77])], verbose=0)


def test_a_label_out_of_range_is_no_label_where_there_are_no_values_yet():
    rows = tf.function(OneHotLabel(10))(tf.constant([3, 77])).numpy()
    assert np.array_equal(rows[0], np.eye(10)[3]) and np.isnan(rows[1]).all()


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float64"])
def test_other_precisions_are_refused(policy):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        with pytest.raises(ValueError, match=f"computes in float32, not in {policy}"):
            VAE()
    finally:
        keras.config.set_dtype_policy(before)
    with pytest.raises(ValueError, match=f"computes in float32, not in {policy}"):
        VAE(dtype=policy)


@pytest.mark.parametrize("name", ["vae.h5", "vae.weights", "vae"])
def test_a_file_that_could_not_be_loaded_is_not_written(name, tmp_path):
    with pytest.raises(ValueError, match="whose name ends in .keras"):
        small().save(tmp_path / name)
    assert not any(tmp_path.iterdir())


def test_what_is_no_data(models):
    for x in (None, "digits", 3, {"x": X}):
        with pytest.raises(ValueError, match="images must (have shape|be an array of numbers)"):
            models["plain"].fit(x, verbose=0)
    with pytest.raises(ValueError, match=r"validation_data must be images, or \(images, labels\)"):
        models["plain"].fit(X, validation_data=(X, None, None), verbose=0)
