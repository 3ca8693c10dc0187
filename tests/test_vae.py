import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import special, stats

import pylib.models
from pylib.losses import kl_to_unit
from pylib.models import VAE
from tests.small_vae import FINISH, X, Y, small

# The networks

pytestmark = pytest.mark.slow


def test_layers_are_mirrored():
    vae = VAE(3, hidden=(30, 20))
    assert [tuple(w.shape) for w in vae.encoder.weights if "kernel" in w.path] == [
        (784, 30),
        (30, 20),
        (20, 3),
        (20, 3),
    ]
    assert [tuple(w.shape) for w in vae.decoder.weights if "kernel" in w.path] == [(3, 20), (20, 30), (30, 784)]


def dense(network, name):
    """Kernel and bias of a layer as float64; a hidden one by its number."""
    layer = network.get_layer(name) if isinstance(name, str) else [x for x in network.layers if x.weights][name]
    return [np.asarray(w, "float64") for w in layer.weights]


def forward(x, *weights):
    """Dense layers with relu between them."""
    for kernel, bias in weights[:-1]:
        x = np.maximum(x @ kernel + bias, 0)
    return x @ weights[-1][0] + weights[-1][1]


def test_forward_pass_against_numpy():
    vae = small(hidden=(8, 6))
    hidden = [dense(vae.encoder, 0), dense(vae.encoder, 1)]
    z_mean, z_log_var, z = (np.asarray(part) for part in vae.encoder(X))
    assert z_mean == pytest.approx(forward(X, *hidden, dense(vae.encoder, "z_mean")), abs=1e-5)
    assert z_log_var == pytest.approx(forward(X, *hidden, dense(vae.encoder, "z_log_var")), abs=1e-5)
    assert not np.allclose(z, z_mean) and not np.allclose(z, vae.encoder(X)[2])

    logits = forward(z, *(dense(vae.decoder, layer) for layer in (0, 1, "logits")))
    assert vae.decoder_logits(z).numpy() == pytest.approx(logits, abs=1e-5)
    assert vae.decoder(z).numpy() == pytest.approx(special.expit(logits), abs=1e-5)


def test_codes_are_drawn_from_the_encoders_gaussian():
    vae = small()
    z_mean, z_log_var, _ = (np.asarray(part[0]) for part in vae.encoder(X[:1]))
    z = np.asarray(vae.encoder(np.repeat(X[:1], 20_000, axis=0))[2])
    eps = (z - z_mean) / np.exp(z_log_var / 2)
    assert np.abs(eps.mean(axis=0)).max() < 0.04
    assert np.cov(eps.T) == pytest.approx(np.eye(2), abs=0.05)
    assert stats.kstest(eps.ravel(), "norm").pvalue > 1e-3


def test_label_reaches_encoder_and_decoder():
    vae = small(n_classes=10)
    one_hot = np.eye(10)[Y]
    z_mean = np.asarray(vae.encoder([X, Y])[0])
    expected = forward(np.hstack([X, one_hot]), dense(vae.encoder, 0), dense(vae.encoder, "z_mean"))
    assert z_mean == pytest.approx(expected, abs=1e-5)
    logits = forward(np.hstack([z_mean, one_hot]), dense(vae.decoder, 0), dense(vae.decoder, "logits"))
    assert vae.decoder([z_mean, Y]).numpy() == pytest.approx(special.expit(logits), abs=1e-5)


def test_log_variance_cannot_overflow():
    vae = small(likelihood="gaussian", sigma=1.0)
    z_mean, z_log_var, z = vae.encoder(1e6 * X)
    assert np.isfinite(z).all() and np.isfinite(kl_to_unit(z_mean, z_log_var)).all()


# Training


@pytest.mark.parametrize(
    ("options", "inputs"),
    [
        ({"beta": 0.7}, X),
        ({"likelihood": "gaussian", "sigma": 0.3}, X),
        ({"n_classes": 10, "beta": 2.0}, (X, Y)),
    ],
)
def test_evaluate_is_the_formula_with_z_sampled(options, inputs):
    vae = small(**options)
    vae.compile("adam", jit_compile=False)
    state = vae.encoder.get_layer("z").seed_generator.state
    start = state.numpy()
    pair = inputs if isinstance(inputs, tuple) else (inputs,)
    logs = vae.evaluate(*pair, return_dict=True, **FINISH)

    state.assign(start)  # the same noise again
    reconstruction, kl = [], []
    for rows in (slice(0, 16), slice(16, 32), slice(32, 48), slice(48, 50)):
        given = [part[rows] for part in pair]
        z_mean, z_log_var, z = vae.encoder(given if len(given) > 1 else given[0])
        code = [z.numpy(), *given[1:]] if len(given) > 1 else z
        if vae.likelihood == "bernoulli":
            p = np.asarray(vae.decoder(code), "float64")
            reconstruction.append(-(special.xlogy(X[rows], p) + special.xlog1py(1 - X[rows], -p)).sum(axis=1))
        else:
            reconstruction.append(-stats.norm(vae.decoder(code), 0.3).logpdf(X[rows]).sum(axis=1))
        mean, variance = np.asarray(z_mean, "float64"), np.exp(np.asarray(z_log_var, "float64"))
        kl.append(0.5 * (mean**2 + variance - np.log(variance) - 1).sum(axis=1))
    reconstruction, kl = np.concatenate(reconstruction).mean(), np.concatenate(kl).mean()
    beta = options.get("beta", 1)
    expected = {"loss": reconstruction + beta * kl, "reconstruction": reconstruction, "kl": kl}
    assert logs == pytest.approx(expected, rel=1e-5)


class Beta(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 1:
            self.model.beta = 0.0
        if epoch == 2:
            self.model.beta.assign(3.0)


@pytest.mark.parametrize(("jit_compile", "n_classes"), [(False, None), (False, 10), (True, None)])
def test_logs_add_up_while_a_callback_changes_beta(jit_compile, n_classes):
    vae = small(n_classes=n_classes, beta=0.5)
    vae.compile(keras.optimizers.Adam(1e-2), jit_compile=jit_compile, steps_per_execution=2)
    labels = () if n_classes is None else (Y,)
    validation = X[:20] if n_classes is None else (X[:20], Y[:20])
    logs = vae.fit(X, *labels, validation_data=validation, epochs=4, callbacks=[Beta()], **FINISH).history
    names = {"loss", "reconstruction", "kl"}
    assert set(logs) == names | {f"val_{name}" for name in names}
    for prefix in ("", "val_"):
        loss, reconstruction, kl = (np.array(logs[prefix + name]) for name in ("loss", "reconstruction", "kl"))
        assert loss == pytest.approx(reconstruction + np.array([0.5, 0, 3, 3]) * kl, rel=1e-6)


@pytest.mark.parametrize("likelihood", [{}, {"likelihood": "gaussian", "sigma": 0.5}])
def test_training_lowers_each_term_that_it_weighs(likelihood):
    for beta, lowered in ((0.0, "reconstruction"), (1000.0, "kl")):
        vae = small(beta=beta, **likelihood)
        vae.compile(keras.optimizers.Adam(1e-2))
        logs = vae.fit(X, epochs=4, **FINISH).history
        assert logs[lowered][-1] < 0.97 * logs[lowered][0]


def test_beta_is_no_trainable_weight():
    vae = small(beta=0.3)
    vae.compile("sgd")
    vae.fit(X, **FINISH)
    assert float(vae.beta) == pytest.approx(0.3)


def test_predict_decodes_the_mean_and_repeats():
    for vae, x in ((small(), X), (small(n_classes=10), [X, Y])):
        z_mean = vae.encoder(x)[0].numpy()
        expected = vae.decoder(z_mean if vae.n_classes is None else [z_mean, Y])
        first = vae.predict(x, verbose=0)
        assert first == pytest.approx(expected.numpy(), abs=1e-6)
        assert np.array_equal(first, vae.predict(x, verbose=0))


def test_datasets_train_too():
    vae = small(n_classes=10)
    vae.compile("adam")
    data = tf.data.Dataset.from_tensor_slices(((X, Y),)).batch(16)
    assert np.isfinite(vae.fit(data, validation_data=data, verbose=0).history["val_loss"]).all()


@pytest.mark.parametrize(
    "options",
    [
        {"likelihood": "gaussian", "sigma": 0.2, "activation": "silu", "hidden": (8, 4), "latent_dim": 3, "beta": 0.5},
        {"n_classes": 10},
    ],
)
def test_save_and_load(options, tmp_path):
    vae = small(**options)
    schedule = keras.optimizers.schedules.CosineDecay(1e-2, 100, warmup_target=2e-2, warmup_steps=10)
    vae.compile(keras.optimizers.Adam(schedule), steps_per_execution=2)
    inputs, x = ((X,), X) if vae.n_classes is None else ((X, Y), [X, Y])
    vae.fit(*inputs, **FINISH)
    vae.beta = 0.25
    vae.save(tmp_path / "vae.keras")
    loaded = keras.models.load_model(tmp_path / "vae.keras")

    assert isinstance(loaded, pylib.models.VAE) and float(loaded.beta) == 0.25
    for name in ("latent_dim", "hidden", "activation", "likelihood", "sigma", "n_classes"):
        assert getattr(loaded, name) == getattr(vae, name)
    assert np.array_equal(loaded.predict(x, verbose=0), vae.predict(x, verbose=0))
    for ours, theirs in zip(vae.optimizer.variables, loaded.optimizer.variables, strict=True):
        assert np.array_equal(ours, theirs)
    assert loaded.steps_per_execution == 2
    before = loaded.optimizer.iterations.numpy()
    loaded.fit(*inputs, **FINISH)
    assert loaded.optimizer.iterations.numpy() == before + 4


def test_save_and_load_with_jit_compile(tmp_path):
    vae = small()
    vae.compile("adam", jit_compile=True)
    vae.save(tmp_path / "vae.keras")
    assert keras.models.load_model(tmp_path / "vae.keras").jit_compile is True


def test_save_and_load_before_compiling(tmp_path):
    vae = small()
    with warnings.catch_warnings(action="error", category=UserWarning):  # such as: no weights yet
        vae.save(tmp_path / "vae.keras")
    loaded = keras.models.load_model(tmp_path / "vae.keras")
    assert np.array_equal(loaded.predict(X, verbose=0), vae.predict(X, verbose=0))
    with pytest.raises(ValueError, match="compile"):
        loaded.fit(X, **FINISH)


def test_encoder_and_decoder_may_be_saved_alone(tmp_path):
    vae = small(n_classes=10)
    for network, x in ((vae.encoder, [X, Y]), (vae.decoder, [X[:, :2], Y])):
        network.save(tmp_path / "network.keras")
        loaded = keras.models.load_model(tmp_path / "network.keras")
        assert np.array_equal(np.asarray(loaded(x)[0]), np.asarray(network(x)[0]))
