import ctypes
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import RichOutput, capture_output

from pylib import training
from pylib.models import VAE
from pylib.training import LossPlot, TrainingProgress, batches, compile_settings, fit_vae, train


@pytest.fixture(autouse=True)
def agg():
    import matplotlib

    matplotlib.use("agg")


def fit(callback, epochs=3, **options):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    x = np.random.default_rng(0).random((32, 2))
    return model.fit(x, x[:, :1], epochs=epochs, verbose=0, callbacks=[callback], **options).history


def test_curves_are_the_logs():
    plot = LossPlot(loss="MSE per pixel")
    history = fit(plot, validation_split=0.5)
    (axes,) = plot.axes[0]
    assert axes.get_ylabel() == "MSE per pixel"
    for line, key in zip(axes.lines, ["loss", "val_loss"], strict=True):
        assert line.get_xdata().tolist() == [1, 2, 3]
        assert line.get_ydata() == pytest.approx(history[key])


def test_a_panel_for_each_log_and_no_line_without_data():
    plot = LossPlot(loss="MSE", nothing="nats")
    fit(plot)
    first, second = plot.axes[0]
    assert len(first.lines) == 1 and len(second.lines) == 0


@pytest.fixture
def shown():
    """Fit with a LossPlot in an interactive shell, and return the pictures that it showed, in order."""

    def fit_and_capture(**options):
        with capture_output() as captured:
            fit(LossPlot(loss="MSE"), **options)
        return [output for output in captured.outputs if isinstance(output, RichOutput)]

    InteractiveShell.instance()
    yield fit_and_capture
    InteractiveShell.clear_instance()


def test_one_figure_updated_after_an_epoch(shown, monkeypatch):
    monkeypatch.setattr(training.time, "monotonic", iter(np.arange(0.0, 1e6, 100)).__next__)
    monkeypatch.setattr(training, "DRAWING_SHARE", 1)
    pictures = shown(epochs=4)
    assert len(pictures) == 4 and all("image/png" in picture.data for picture in pictures)
    assert len({picture.transient["display_id"] for picture in pictures}) == 1
    assert [picture.update for picture in pictures] == [False, True, True, True]


def test_drawing_takes_no_time_from_quick_epochs(shown):
    first, *between, last = shown(epochs=30)  # each of some milliseconds
    assert len(between) < 5
    assert "over 1 epoch." in first.data["text/plain"] and "over 30 epochs." in last.data["text/plain"]


def test_axes_hold_all_epochs_from_the_start():
    plot = LossPlot(loss="MSE")
    limits = []
    on_epoch_end = plot.on_epoch_end
    plot.on_epoch_end = lambda *args: (on_epoch_end(*args), limits.append(plot.axes[0, 0].get_xlim()))
    fit(plot, epochs=7)
    assert limits == [(0.5, 7.5)] * 7


def test_the_alt_text_tells_where_the_curves_begin_and_end(shown):
    with capture_output() as captured:
        history = fit(LossPlot(loss="MSE"), validation_split=0.5)
    text = captured.outputs[-1].data["text/plain"]
    first, last = history["val_loss"][0], history["val_loss"][-1]
    assert text.startswith("Loss curves over 3 epochs. MSE: training from ")
    assert text.endswith(f"held out from {first:#.3g} to {last:#.3g}.")
    assert captured.outputs[-1].metadata["image/png"]["alt"] == text


def test_levels_are_lines_on_a_logarithmic_axis(shown):
    plot = LossPlot(levels={"baseline": 0.02}, loss="MSE")
    with capture_output() as captured:
        fit(plot)
    (axes,) = plot.axes[0]
    assert axes.get_yscale() == "log" and axes.lines[-1].get_ydata() == [0.02, 0.02]
    text = captured.outputs[-1].data["text/plain"]
    assert text.count("from") == 1 and text.endswith(" Dotted line, baseline: 0.02.")
    with pytest.raises(
        ValueError, match=r"levels\['baseline'\], on a logarithmic axis, must be a finite number above 0"
    ):
        LossPlot(levels={"baseline": 0.0}, loss="MSE")


def test_the_axis_may_begin_at_zero():
    plot, free = LossPlot(bottom=0, loss="MSE"), LossPlot(loss="MSE")
    fit(plot)
    fit(free)
    (bottom, top), (free_bottom, _) = plot.axes[0, 0].get_ylim(), free.axes[0, 0].get_ylim()
    assert bottom == 0 < free_bottom
    highest = max(max(line.get_ydata()) for line in plot.axes[0, 0].lines)
    assert top == pytest.approx(1.05 * highest)  # so that no point is cut


@pytest.mark.parametrize(("ends", "corner"), [((3.0, 1.0), "upper right"), ((1.0, 3.0), "lower right")])
def test_the_legend_s_place_hangs_on_where_the_curve_ends(ends, corner):
    plot = LossPlot(loss="MSE")
    plot.set_params({"epochs": 2})
    plot.on_train_begin()
    for epoch, loss in enumerate(ends):
        plot.on_epoch_end(epoch, {"loss": loss})
    plot.on_train_end()
    legend = plot.axes[0, 0].get_legend()
    assert legend._loc == legend.codes[corner]


def test_needs_a_log():
    with pytest.raises(ValueError, match="needs a log to draw"):
        LossPlot()


def test_train_is_adam_on_mse_with_a_cosine(monkeypatch):
    """One epoch equals plain NumPy: Adam's formula on the gradient of the mean squared error."""
    keras.utils.set_random_seed(0)  # where a gradient passes through zero, Adam magnifies rounding errors
    rng = np.random.default_rng(0)
    x, y = rng.random((400, 2)).astype("float32"), rng.random((400, 1)).astype("float32")
    monkeypatch.setattr(tf.data.Dataset, "shuffle", lambda rows, size: rows)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    weights = np.append(model.layers[0].kernel, 0.0)
    history = train(model, (x, y), (x, y), epochs=2, learning_rate=0.1)

    m, v, inputs = np.zeros(3), np.zeros(3), np.column_stack([x, np.ones(400)])
    for step in range(6):  # 400 images are 3 batches of 128, and 16 left out
        batch = slice(128 * (step % 3), 128 * (step % 3) + 128)
        error = inputs[batch] @ weights - y[batch, 0]
        gradient = 2 * (error[:, None] * inputs[batch]).mean(axis=0)
        m, v = 0.9 * m + 0.1 * gradient, 0.999 * v + 0.001 * gradient**2
        rate = 0.1 * 0.5 * (1 + np.cos(np.pi * step / 6))
        weights -= rate * (m / (1 - 0.9 ** (step + 1))) / (np.sqrt(v / (1 - 0.999 ** (step + 1))) + 1e-7)
    assert np.append(model.layers[0].kernel, model.layers[0].bias) == pytest.approx(weights, abs=1e-5)
    assert len(history["loss"]) == 2
    assert history["val_loss"][-1] == pytest.approx(np.mean((inputs @ weights - y[:, 0]) ** 2), abs=1e-5)


def rows_of(dataset):
    return [tuple(part.numpy().tolist() for part in batch) for batch in dataset]


def test_batches_are_whole_and_every_epoch_has_its_own_order():
    keras.utils.set_random_seed(0)
    x = np.arange(10)
    data = batches(x, x + 100, batch_size=4)
    epochs = [rows_of(data) for _ in range(30)]
    for epoch in epochs:
        assert [len(inputs) for inputs, _ in epoch] == [4, 4] and len(data) == 2
        assert all(np.array_equal(np.array(inputs) + 100, targets) for inputs, targets in epoch)
        assert len({row for inputs, _ in epoch for row in inputs}) == 8  # none twice
    assert len({str(epoch) for epoch in epochs}) == 30
    assert {row for epoch in epochs for inputs, _ in epoch for row in inputs} == set(range(10))  # each has its turn
    assert data.options().autotune.enabled is False  # only the speed would show it


@pytest.mark.skipif(not os.access("/proc/self/clear_refs", os.W_OK), reason="only Linux tells the peak since a moment")
def test_data_is_held_once():
    """What input and target share is one tensor, and the first epoch copies nothing."""
    in_mebibytes = 100
    x = np.ones((in_mebibytes * 1024, 256), "float32")

    def memory(kind):
        status = dict(line.split(":") for line in Path("/proc/self/status").read_text().splitlines())
        return int(status[kind].split()[0]) / 1024

    before = memory("VmRSS")
    data = batches((x, x), x)
    made = memory("VmRSS")
    assert made - before < 1.5 * in_mebibytes  # not three of them
    Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
    iter(data)
    assert memory("VmHWM") - made < 0.5 * in_mebibytes


MEMORY_LEFT = """
import ctypes, os
import numpy as np
from pylib.models import VAE
from pylib.training import fit_vae

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20

x = np.random.default_rng(0).random((12_800, 784), dtype="float32")
fit_vae(VAE(2, (256, 128)), (x,), (x[:200],), 15)  # as few steps as are compiled
after = resident()
ctypes.CDLL(None).malloc_trim(0)
print(after - resident())
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None) if os.name == "posix" else None, "malloc_trim"), reason="glibc's own")
def test_what_compiling_took_is_given_back():
    run = subprocess.run([sys.executable, "-c", MEMORY_LEFT], capture_output=True, text=True, check=True)
    assert float(run.stdout.splitlines()[-1]) < 10  # mebibytes: 0.5 is usual, and 40 where nothing is given back


def test_fewer_rows_than_a_batch_are_one_batch():
    assert [sorted(inputs) for (inputs,) in rows_of(batches(np.arange(3)))] == [[0, 1, 2]]
    assert [len(inputs) for (inputs,) in rows_of(batches(np.arange(128)))] == [128]


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        ((), {}, "nothing to make batches of"),
        ((np.zeros((0, 2)),), {}, "nothing to make batches of"),
        ((np.zeros(3), np.zeros(4)), {}, "a row for each image, but theirs are 3, 4"),
        (((np.zeros(3), np.zeros(4)),), {}, "a row for each image, but theirs are 3, 4"),
        ((np.zeros(3),), {"batch_size": 0}, "batch_size must be a Python integer above 0, not 0"),
    ],
)
def test_batches_of_nothing(data, options, message):
    with pytest.raises(ValueError, match=message):
        batches(*data, **options)


def test_fit_vae_looks_at_what_it_trains_on():
    x = np.zeros((8, 784), "float32")
    for data, message in [
        ((x + np.nan,), "NaN"),
        ((255 + x,), "divide pixels by 255"),
        ((x, x[:, 0]), r"a tuple \(images,\)"),
    ]:
        with pytest.raises(ValueError, match=message):
            fit_vae(VAE(hidden=(4,)), data, (x,), 1)


def test_step_size_rises_over_a_tenth_and_falls_along_a_cosine():
    settings = compile_settings(n_images=1000, epochs=25, learning_rate=0.2, batch_size=100)
    step_size = settings["optimizer"]._learning_rate
    # 250 steps: 25 of a straight line, then 225 of half a cosine wave.
    expected = [0.2 * t / 25 if t < 25 else 0.1 * (1 + np.cos(np.pi * (t - 25) / 225)) for t in range(251)]
    assert [float(step_size(t)) for t in range(251)] == pytest.approx(expected, abs=1e-6)


def test_steps_at_a_time_fit_into_an_epoch():
    assert compile_settings(50_000, 10)["steps_per_execution"] == 50
    assert compile_settings(1000, 1)["steps_per_execution"] == 7  # whole batches
    assert compile_settings(5, 1)["steps_per_execution"] == 1


def test_xla_compiles_where_it_pays_and_works(monkeypatch, capsys):
    training.xla_works.cache_clear()
    assert compile_settings(19_200, 10)["jit_compile"]
    assert not compile_settings(19_199, 10)["jit_compile"]  # 1,490 steps
    assert capsys.readouterr().out == ""

    def no_xla(*_, jit_compile):
        raise NotImplementedError("no XLA devices\nand a long story")

    monkeypatch.setattr(training.tf, "function", no_xla)
    training.xla_works.cache_clear()
    for _ in range(2):
        assert not compile_settings(19_200, 10)["jit_compile"]
    said = capsys.readouterr().out
    assert said.count("\n") == 1 and "XLA" in said and "(no XLA devices)" in said
    training.xla_works.cache_clear()


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"n_images": 0}, "n_images must be a Python integer above 0, not 0"),
        ({"epochs": 2.5}, "epochs must be a Python integer above 0, not 2.5"),
        ({"learning_rate": -1}, "learning_rate must be a finite number above 0, not -1"),
        ({"batch_size": 0}, "batch_size must be a Python integer above 0, not 0"),
    ],
)
def test_settings_that_are_none(bad, message):
    with pytest.raises(ValueError, match=message):
        compile_settings(**({"n_images": 100, "epochs": 1} | bad))


@pytest.mark.slow
@pytest.mark.parametrize("n_classes", [None, 10])
def test_fit_vae_learns_the_digits_it_is_given(n_classes):
    """Copies of two images: the bound on each nears what two equally likely images need, log 2 and their pixels."""
    keras.utils.set_random_seed(0)
    two = (np.random.default_rng(0).random((2, 784)) > 0.5).astype("float32")
    x, y = np.tile(two, (320, 1)), np.tile([0, 1], 320)
    data = (x,) if n_classes is None else (x, y)
    vae = VAE(hidden=(32,), n_classes=n_classes)
    callback = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(epoch))
    seen = []
    history = fit_vae(vae, data, data, epochs=60, learning_rate=0.02, callbacks=[callback])
    assert seen == list(range(60)) and len(history["val_loss"]) == 60
    least = np.log(2) if n_classes is None else 0  # a label tells which of the two it is
    assert least - 0.1 < history["val_loss"][-1] < least + 3


def test_train_looks_at_what_it_gets():
    x = np.zeros((8, 2), "float32")
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    good = {"model": model, "training": (x, x), "held_out": (x, x), "epochs": 1}
    weights = model.get_weights()
    for change, message in [
        ({"training": x}, r"training must be a pair \(inputs, targets\), such as \(x_train, x_train\)"),
        ({"held_out": (x,)}, "held_out must be a pair"),
        ({"model": (model, model, model)}, "not a tuple: build_autoencoder returns three, and the third is trained"),
        ({"model": None}, "model must be a Keras model, not a NoneType"),
        ({"training": (x, x + 255)}, r"targets of training lie in \[255, 255\].*divide by 255"),
        ({"training": (x + 255, x)}, "inputs of training lie in .*divide by 255"),
        ({"training": (x + np.nan, x)}, "inputs of training hold a NaN"),
        ({"held_out": (x, x + np.inf)}, "targets of held_out hold a NaN or infinity"),
        ({"training": (x, x[:-1])}, "8 inputs and 7 targets"),
        ({"training": (x[:0], x[:0])}, "a row per image"),
        ({"callbacks": keras.callbacks.Callback()}, r"must be a list of Keras callbacks, such as \[callback\]"),
        ({"callbacks": ["loss"]}, "must be a list of Keras callbacks"),
        ({"epochs": 0}, "epochs must be a Python integer above 0"),
    ]:
        with pytest.raises(ValueError, match=message):
            train(**(good | change))
    assert all(map(np.array_equal, weights, model.get_weights()))


def test_fit_vae_wants_a_vae_and_tuples():
    x = np.zeros((8, 784), "float32")
    vae, network = VAE(hidden=(4,)), keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    for arguments, message in [
        ((vae, x, (x,), 1), r"training must be a tuple \(images,\) for this VAE, not a ndarray"),
        ((vae, (x,), x, 1), r"held_out must be a tuple \(images,\)"),
        ((vae, (x, x), (x,), 1), r"training must be a tuple \(images,\)"),
        ((VAE(hidden=(4,), n_classes=2), (x,), (x,), 1), r"a tuple \(images, labels\)"),
        ((network, (x,), (x,), 1), "not a Sequential; other networks go to train"),
        ((vae, (x,), (x + 2,), 1), "divide pixels by 255"),
        ((vae, (x,), (x,), 1, 1e-3, keras.callbacks.Callback()), "must be a list of Keras callbacks"),
    ]:
        with pytest.raises(ValueError, match=message):
            fit_vae(*arguments)


def test_largest_step_sizes_unless_they_are_given():
    """Those that the lessons' text and figures rest on."""
    x = np.zeros((8, 2), "float32")
    model, vae = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)]), VAE(hidden=(4,))
    train(model, (x, x), (x, x), 1)
    fit_vae(vae, (np.zeros((8, 784)),), (np.zeros((8, 784)),), 1)
    optimizers = model.optimizer, vae.optimizer, compile_settings(100, 1)["optimizer"]
    assert [optimizer._learning_rate.warmup_target for optimizer in optimizers] == [4e-3, 3e-3, 4e-3]


def test_progress_counts_every_step_after_the_first(monkeypatch):
    """Of 15 steps the first compiles, and says nothing of how long the others take."""
    lines = []

    class Line:
        def __init__(self, what, total):
            self.total, self.says, self.counted, self.closed = total, [what], 0, False
            lines.append(self)

        def refresh(self):
            self.shown = True

        def reset(self, total):
            self.total = total

        def set_description_str(self, text, refresh):
            self.says.append(text)

        def update(self, steps):
            self.counted += steps

        def close(self):
            self.closed = True

    monkeypatch.setattr(training, "Progress", Line)
    fit(TrainingProgress(), epochs=3, batch_size=7)  # 32 images: five batches
    (line,) = lines
    assert line.says == ["compiling", "epoch 1 of 3", "epoch 2 of 3", "epoch 3 of 3"]
    assert (line.total, line.counted, line.shown, line.closed) == (14, 14, True, True)
