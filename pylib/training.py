"""How lessons train a network and see it train: batches, compile settings, a live plot of the loss, and `fit`."""

import functools
import time

from pylib import _backend  # noqa: F401  # isort: skip
import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from IPython.display import display
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

from pylib import _networks, _steps, _validate
from pylib.models import VAE
from pylib.pictures import described
from pylib.progress import Progress

DRAWING_SHARE = 0.02  # of the time of a training, at most, beside the first and the last picture


def _validate_batches(data, batch_size):
    _validate.positive_integer(batch_size, "batch_size")
    arrays = [array for part in data for array in (part if isinstance(part, tuple) else [part])]
    for array in arrays:
        if not hasattr(array, "shape") or len(array.shape) == 0:
            raise ValueError(f"batches are made of arrays, a row for each image, not of a {type(array).__name__}")
    lengths = [len(array) for array in arrays]
    if not lengths or min(lengths) == 0:
        raise ValueError("there is nothing to make batches of: give arrays with at least one row")
    if min(lengths) < max(lengths):
        raise ValueError(f"arrays must have a row for each image, but theirs are {', '.join(map(str, lengths))}")


@_validate.arguments(_validate_batches)
def batches(*data, batch_size=128):
    """Data as `model.fit` takes it fastest: whole batches, prepared while the network trains on those before.

    Each epoch has an order of its own, and leaves out what does not fill a batch: for a shorter one, XLA would
    compile the step once more. Fewer rows than a batch are one batch. TensorFlow's search for better settings of the
    pipeline is off: where it runs beside the training on two cores, steps take a fifth longer. Its
    default optimizations are off, too: they would copy all of the data before the first epoch. An array that is given
    twice, as an autoencoder's input and target are, is kept once.

    Taught in lesson 01.

    Parameters
    ----------
    *data : arrays of `(n, ...)`, the inputs and, if the loss compares with any, the targets; or tuples of arrays
    batch_size : rows in a batch

    Returns
    -------
    dataset : a `tf.data.Dataset`

    Raises
    ------
    ValueError : an array is missing, empty, or of another length than the others; `batch_size` is no integer above 0
    """
    arrays = {id(array): array for array in tf.nest.flatten(data)}  # one, where the target is the input
    # copied, since the way without a copy, tf.numpy_function, keeps the arrays until the process ends
    tensors = {key: tf.identity(array) for key, array in arrays.items()}
    rows = tf.data.Dataset.from_tensor_slices(tf.nest.map_structure(lambda array: tensors[id(array)], data))
    options = tf.data.Options()
    options.autotune.enabled = False
    options.experimental_optimization.apply_default_optimizations = False
    whole = len(rows) >= batch_size
    return rows.shuffle(len(rows)).batch(batch_size, drop_remainder=whole).prefetch(2).with_options(options)


@functools.cache
def xla_works():
    """Whether TensorFlow's compiler, XLA, works on this machine; where it doesn't, says so once.

    Returns
    -------
    works : True or False
    """
    try:
        tf.function(tf.matmul, jit_compile=True)(tf.eye(2), tf.eye(2))
    except Exception as error:  # each system refuses in a way of its own
        reason = str(error).partition("\n")[0]
        print(f"TensorFlow can't compile with XLA here, so training takes somewhat longer ({reason})")
        return False
    return True


def _validate_settings(n_images, epochs, learning_rate, batch_size):
    _validate.positive_integer(n_images, "n_images")
    _validate.positive_integer(epochs, "epochs")
    _validate.number(learning_rate, "learning_rate", above=0)
    _validate.positive_integer(batch_size, "batch_size")


@_validate.arguments(_validate_settings)
def compile_settings(n_images, epochs, learning_rate=4e-3, batch_size=128):
    """What `model.compile` needs to train fast and well, as keyword arguments for it.

    Adam's step size rises over the first tenth of the steps (learning-rate warm-up) and then falls to zero
    along half a cosine wave. Keras hands TensorFlow up to 50 steps at a time, which saves the way back and forth.
    From 1,500 steps on, XLA compiles the step into one program: it takes seconds, which fewer steps don't earn back.

    Taught in lesson 01.

    Parameters
    ----------
    n_images : in the training set
    epochs : as `fit` will get them
    learning_rate : the largest step size
    batch_size : as `batches` makes them

    Returns
    -------
    settings : dict of `optimizer`, `steps_per_execution` and `jit_compile`

    Raises
    ------
    ValueError : a count is not an integer above 0, or the learning rate not a number above 0
    """
    steps_per_epoch = max(1, n_images // batch_size)
    steps = epochs * steps_per_epoch
    warmup = steps // 10
    decay = {"decay_steps": steps - warmup, "warmup_steps": warmup, "warmup_target": learning_rate}
    schedule = keras.optimizers.schedules.CosineDecay(0.0, **decay)
    return {
        "optimizer": keras.optimizers.Adam(schedule),
        "steps_per_execution": min(50, steps_per_epoch),
        "jit_compile": steps >= 1500 and xla_works(),
    }


def _validate_panels(levels, bottom, panels):
    if levels is not None:
        _validate.mapping(levels, "levels", "a level's name to its height")
        for name, height in levels.items():
            _validate.number(height, f"levels[{_validate.shown(name)}], on a logarithmic axis,", above=0)
    if bottom is not None:
        _validate.number(bottom, "bottom", above=0 if levels else None)
    if not panels or not all(isinstance(unit, str) for unit in panels.values()):
        raise ValueError('LossPlot needs a log to draw and its unit, as in LossPlot(loss="MSE per pixel")')


class LossPlot(keras.callbacks.Callback):
    """Draw the logs of `fit` as it goes: one figure, drawn anew after an epoch, whose axis holds all epochs.

    `LossPlot(loss="MSE per pixel")` has one panel, with that title on its y axis, that shows `loss`
    and, where there is validation data, `val_loss`; each further keyword adds a panel. Between the first and the last
    drawing, those take a fiftieth of the time at most: after a quick epoch, the figure stays as it is.

    Parameters
    ----------
    levels : dict of a name to a height, such as a baseline's error, drawn as dotted lines; with them, the y axes are
        logarithmic
    bottom : where the y axes begin, such as 0; None lets them follow the curves
    **panels : the name of a log, and the title of its y axis with the unit

    Raises
    ------
    ValueError : there is no panel, a title is no text, a level is not above 0, or the bottom is no number
    """

    @_validate.arguments(_validate_panels)
    def __init__(self, levels=None, bottom=None, **panels):
        super().__init__()
        self.levels, self.bottom, self.panels = levels or {}, bottom, panels

    def on_train_begin(self, logs=None):
        """Prepare the figure, which is shown when there is something to see."""
        self.epochs, self.logs, self.handle = [], [], None
        width = 6 if len(self.panels) == 1 else 4 * len(self.panels)
        self.figure, self.axes = plt.subplots(1, len(self.panels), figsize=(width, 2.8), squeeze=False)
        plt.close(self.figure)  # or the inline backend shows it a second time
        self.drawn = self.next_drawing = 0

    def on_epoch_end(self, epoch, logs=None):
        """Draw the curves anew, one point longer, if the last drawing was long enough ago."""
        self.epochs.append(epoch + 1)
        self.logs.append(logs)
        start = time.monotonic()
        if not self.drawn:
            self._draw()
            self.figure.set_layout_engine("none")  # which leaves all where it is, and takes half as long
        elif start >= self.next_drawing:
            self._draw()
            end = time.monotonic()
            self.next_drawing = end + (end - start) / DRAWING_SHARE

    def on_train_end(self, logs=None):
        """Draw all epochs."""
        if self.drawn < len(self.epochs):
            self.figure.set_layout_engine("constrained")
            self._draw()

    def _draw(self):
        for axes, (name, unit) in zip(self.axes[0], self.panels.items(), strict=True):
            axes.clear()
            for line, label, marker in ((name, "training", "o"), (f"val_{name}", "held out", "s")):
                if line in self.logs[0]:
                    axes.plot(self.epochs, [log[line] for log in self.logs], marker=marker, markersize=4, label=label)
            axes.set(xlabel="epoch", ylabel=unit, xlim=(0.5, self.params["epochs"] + 0.5))
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            if axes.lines:
                axes.legend(loc=self._corner(axes.lines[0].get_ydata()))
            if self.levels:
                self._draw_levels(axes)
            if self.bottom is not None:
                axes.update_datalim([(1, self.bottom)])
                axes.autoscale_view()  # with a margin above the curves for all that is shown
                axes.set_ylim(bottom=self.bottom)
        data, metadata = described(self.figure, self._alt())
        if self.handle is None:
            self.handle = display(data, metadata=metadata, raw=True, display_id=True)
        else:
            self.handle.update(data, metadata=metadata, raw=True)
        self.drawn = len(self.epochs)

    def _corner(self, curve):
        """Where a curve that falls or rises leaves room; the best place could be another on each machine."""
        if self.levels:
            return "best"
        return "upper right" if curve[-1] <= curve[0] else "lower right"

    def _draw_levels(self, axes):
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_locator(NullLocator())
        for name, height in self.levels.items():
            axes.axhline(height, linestyle=":", color="0.3", zorder=0)
            axes.annotate(name, (0.7, height), textcoords="offset points", xytext=(0, 2), fontsize=8, color="0.3")

    def _alt(self):
        """What the curves show, in words: where each begins and where it ends."""
        ends = []
        for axes, unit in zip(self.axes[0], self.panels.values(), strict=True):
            curves = axes.lines[: len(axes.lines) - len(self.levels)]
            lines = [(line.get_label(), *line.get_ydata()[[0, -1]]) for line in curves]
            ends.append(
                f"{unit}: " + ", ".join(f"{name} from {_short(first)} to {_short(last)}" for name, first, last in lines)
            )
        ends += [f"Dotted line, {name}: {height:.3g}" for name, height in self.levels.items()]
        epochs = "1 epoch" if len(self.epochs) == 1 else f"{len(self.epochs)} epochs"
        return ". ".join([f"Loss curves over {epochs}", *ends]) + "."


def _short(figure):
    """A figure in some three digits, with a point, by which it can be told from a count."""
    return f"{figure:.1f}" if figure >= 10 else f"{figure:#.3g}"


class TrainingProgress(keras.callbacks.Callback):
    """Show which epoch of `fit` runs and how long all of them still take, in a line that is gone at the end.

    It also sees to it that there is less to wait for, which changes no figure: the step is traced once instead of
    twice, and with `jit_compile` XLA compiles all steps of an execution as one program, which then stay in it. What
    memory compiling took, the system has back at the end.
    """

    @_validate.arguments(lambda: None)
    def __init__(self):
        super().__init__()

    def on_train_begin(self, logs=None):
        """Begin the line; the first step takes the longest, since TensorFlow compiles it."""
        self.line = Progress(what="compiling", total=self.params["epochs"] * self.params["steps"])
        self.line.refresh()  # at once, since what prepared the training took a moment, too
        _steps.prepare(self.model)
        self.done = self.first = 0

    def on_epoch_begin(self, epoch, logs=None):
        """Name the epoch."""
        self.epoch = epoch
        if self.first:
            self._name_epoch()

    def on_train_batch_end(self, batch, logs=None):
        """Count the steps that are done, from the second on."""
        done = self.epoch * self.params["steps"] + batch + 1
        if self.first == 0:
            self.first = done
            self.line.reset(self.line.total - done)
            self._name_epoch()
        else:
            self.line.update(done - self.done)
        self.done = done

    def on_train_end(self, logs=None):
        """Remove the line."""
        self.line.close()
        _steps.give_memory_back()

    def _name_epoch(self):
        self.line.set_description_str(f"epoch {self.epoch + 1} of {self.params['epochs']}", refresh=False)


def _validate_train(model, training, held_out, callbacks):
    if isinstance(model, VAE):
        raise ValueError("a VAE brings its own loss: train it with fit_vae, as lesson 03 does")
    if not isinstance(model, keras.Model):
        hint = ": build_autoencoder returns three, and the third is trained" if isinstance(model, tuple) else ""
        raise ValueError(f"model must be a Keras model, not a {type(model).__name__}{hint}")
    for name, pair in {"training": training, "held_out": held_out}.items():
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise ValueError(f"{name} must be a pair (inputs, targets), such as (x_train, x_train)")
        _validate_pair(*pair, name)
    _networks.require_callbacks(callbacks)


def _validate_pair(inputs, targets, name):
    for part, array in {"inputs": inputs, "targets": targets}.items():
        if not hasattr(array, "shape") or len(array.shape) < 2 or array.shape[0] == 0:
            raise ValueError(
                f"the {part} of {name} must be an array with a row per image, not {_validate.shown(array)}"
            )
        low, high = np.min(array), np.max(array)
        if not (np.isfinite(low) and np.isfinite(high)):
            raise ValueError(f"the {part} of {name} hold a NaN or infinity, which training would spread to all weights")
        if high > 50 or (part == "targets" and not (low >= 0 and high <= 1)):
            raise ValueError(
                f"the {part} of {name} lie in [{low:g}, {high:g}]: pixels go from 0 to 1, so divide by 255"
            )
    if len(inputs) != len(targets):
        raise ValueError(f"{name} has {len(inputs)} inputs and {len(targets)} targets: give a target for each input")


@_validate.arguments(_validate_train)
def train(model, training, held_out, epochs, learning_rate=4e-3, callbacks=()):
    """Fit `model` to pairs of inputs and targets with MSE, Adam and batches of 128.

    Taught in lesson 01.

    Parameters
    ----------
    model : a Keras model; its weights change
    training : `(inputs, targets)`, such as `(x_train, x_train)`
    held_out : the same, of images that are not trained on
    epochs : passes through the training pairs
    learning_rate : the largest step size, of `compile_settings`
    callbacks : Keras callbacks, such as `LossPlot(loss="MSE per pixel")`

    Returns
    -------
    history : dict of a log's name to its values, one for each epoch

    Raises
    ------
    ValueError : the model is a VAE or no Keras model; inputs and targets are no pair of arrays with a row per image,
        targets are not in [0, 1], or there is a NaN; a callback is none; epochs or the step size are not above 0
    """
    model.compile(loss="mse", **compile_settings(len(training[0]), epochs, learning_rate))
    callbacks = [TrainingProgress(), *callbacks]
    data = {"x": batches(*training), "shuffle": False, "validation_data": held_out, "validation_batch_size": 200}
    return model.fit(**data, epochs=epochs, verbose=0, callbacks=callbacks).history


def _validate_fit_vae(vae, training, held_out, callbacks):
    if not isinstance(vae, VAE):
        raise ValueError(f"vae must be a pylib.models.VAE, not a {type(vae).__name__}; other networks go to train")
    parts = "(images,)" if vae.n_classes is None else "(images, labels)"
    for name, data in {"training": training, "held_out": held_out}.items():
        if not isinstance(data, tuple | list) or len(data) != (1 if vae.n_classes is None else 2):
            raise ValueError(f"{name} must be a tuple {parts} for this VAE, not {_validate.shown(data)}")
    vae.validated(*held_out)
    _networks.require_callbacks(callbacks)


@_validate.arguments(_validate_fit_vae)
def fit_vae(vae, training, held_out, epochs, learning_rate=3e-3, callbacks=()):
    """Fit a `models.VAE` with Adam and batches of 128.

    Taught in lesson 03.

    Parameters
    ----------
    vae : its weights change
    training : `(images,)`, or `(images, labels)` for a conditional VAE
    held_out : the same, of images that are not trained on
    epochs : passes through the training images
    learning_rate : the largest step size, of `compile_settings`
    callbacks : Keras callbacks

    Returns
    -------
    history : dict of a log's name to its values in nats, one for each epoch

    Raises
    ------
    ValueError : the model is no VAE; images or labels do not suit it; a callback is none; epochs or the step size are
        not above 0
    """
    vae.compile(**compile_settings(len(training[0]), epochs, learning_rate))
    x = batches(vae.validated(*training))
    data = {"x": x, "shuffle": False, "validation_data": held_out, "validation_batch_size": 200}
    return vae.fit(**data, epochs=epochs, verbose=0, callbacks=[TrainingProgress(), *callbacks]).history
