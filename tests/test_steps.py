"""Steps that are compiled together are the steps that Keras takes one by one."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from pylib._steps import OneProgram
from pylib.models import VAE, build_autoencoder
from pylib.training import TrainingProgress, batches, compile_settings

# 12 whole batches of 16: 5, 5 and 2 of them at a time.
X = np.random.default_rng(0).random((13 * 16, 784), dtype="float32") ** 4
COMPILED = {"steps_per_execution": 5, "jit_compile": True}


@pytest.fixture
def steps_traced(monkeypatch):
    traced = []
    train_step = keras.Model.train_step
    monkeypatch.setattr(keras.Model, "train_step", lambda self, data: traced.append(1) or train_step(self, data))
    return traced


def fitted(data, callbacks, **options):
    """Weights and logs after two epochs."""
    keras.utils.set_random_seed(0)
    model = build_autoencoder([8, 2], "relu", None)[2]
    model.compile("adam", "mse", **options)
    logs = model.fit(data, epochs=2, verbose=0, shuffle=False, callbacks=callbacks).history
    return np.concatenate([weight.ravel() for weight in model.get_weights()]), logs, model


def in_order(drop_remainder=True):
    return tf.data.Dataset.from_tensor_slices((X[:-3], X[3:])).batch(16, drop_remainder=drop_remainder)


@pytest.mark.parametrize("whole", [True, False])
def test_as_keras_takes_them_one_by_one(whole):
    weights, logs, _ = fitted(in_order(whole), [], run_eagerly=True)
    together, logs_together, model = fitted(in_order(whole), [TrainingProgress()], **COMPILED)
    assert isinstance(model.train_function, OneProgram)
    assert together == pytest.approx(weights, abs=2e-6)
    assert logs_together["loss"] == pytest.approx(logs["loss"], rel=1e-5)


def test_a_vae_draws_the_same_codes_and_weighs_by_beta():
    y = np.arange(len(X)) % 10
    fits = []
    for callbacks in ([], [TrainingProgress()]):
        keras.utils.set_random_seed(0)
        vae = VAE(2, (8,), n_classes=10, beta=0.5)
        vae.compile("adam", **COMPILED)
        fits.append(vae.fit(batches((X, y), batch_size=16), epochs=2, verbose=0, callbacks=callbacks).history)
    one_by_one, together = fits
    assert {name: pytest.approx(log, rel=1e-5) for name, log in one_by_one.items()} == together


@pytest.mark.parametrize("compiled", [{"steps_per_execution": 5}, COMPILED])
def test_the_step_is_traced_once(steps_traced, compiled):
    _, _, model = fitted(in_order(), [TrainingProgress()], **compiled)
    assert len(steps_traced) == 1
    model.fit(in_order(), epochs=1, verbose=0, shuffle=False, callbacks=[TrainingProgress()])
    assert len(steps_traced) == 1
    fitted(in_order(), [], **compiled)
    assert len(steps_traced) > 2  # what the callback saves


def test_arrays_and_models_without_weights_yet_train_as_ever():
    model = keras.Sequential([keras.layers.Dense(4), keras.layers.Dense(784)])
    model.compile(loss="mse", **compile_settings(len(X), 2, batch_size=16))
    logs = model.fit(X, X, batch_size=16, epochs=2, verbose=0, callbacks=[TrainingProgress()]).history
    assert model.optimizer.built and logs["loss"][1] < logs["loss"][0]
