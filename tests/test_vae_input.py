"""What is no parameter, image or label of a VAE is answered in one sentence, before anything trains."""

import math

import numpy as np
import pytest

from pylib.models import VAE
from tests.small_vae import X, Y, small


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
    vae = small()
    vae.compile("adam", loss="mse")
    with pytest.raises(ValueError, match="brings its own loss"):
        vae.fit(X, verbose=0)
