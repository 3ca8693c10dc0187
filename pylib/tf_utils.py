"""Data and training settings that every lesson shares."""

import functools

import keras
import tensorflow as tf

from pylib import _check, mnist_dataset

if keras.backend.backend() != "tensorflow":
    raise ImportError(
        f"the lessons need Keras on TensorFlow, not on {keras.backend.backend()}: "
        "set the environment variable KERAS_BACKEND to tensorflow and restart the kernel"
    )


def mnist_train(path=None):
    """The 60,000 training images, `(n, 784)` float32 in [0, 1], and their labels, `(n,)` integers.

    `path` names an `.npz` file of your own with the same keys; see `mnist_dataset.load` for the errors.
    """
    return mnist_dataset.load("train", path)


def mnist_test(path=None):
    """The 10,000 test images, `(n, 784)` float32 in [0, 1], and their labels, `(n,)` integers.

    `path` names an `.npz` file of your own with the same keys; see `mnist_dataset.load` for the errors.
    """
    return mnist_dataset.load("test", path)


@functools.cache
def xla_works():
    """Whether TensorFlow's compiler, XLA, works on this machine; where it doesn't, says so once."""
    try:
        tf.function(tf.matmul, jit_compile=True)(tf.eye(2), tf.eye(2))
    except Exception as error:  # each system refuses in a way of its own
        reason = str(error).partition("\n")[0]
        print(f"TensorFlow can't compile with XLA here, so training takes somewhat longer ({reason})")
        return False
    return True


def _check_batches(*data, batch_size=128):
    _check.positive_integer(batch_size, "batch_size")
    lengths = [len(array) for array in tf.nest.flatten(data)]
    if not lengths or min(lengths) == 0:
        raise ValueError("there is nothing to make batches of: give arrays with at least one row")
    if min(lengths) < max(lengths):
        raise ValueError(f"arrays must have a row for each image, but theirs are {', '.join(map(str, lengths))}")


@_check.checked(_check_batches)
def batches(*data, batch_size=128):
    """Data as `model.fit` takes it fastest: whole batches, prepared while the network trains on those before.

    Each epoch has an order of its own, and leaves out what does not fill a batch: for a shorter one, XLA would
    compile the step once more. Fewer rows than a batch are one batch. TensorFlow's search for better settings of the
    pipeline is off: where it runs beside the training on two cores, steps take a fifth longer.

    Parameters
    ----------
    data : arrays of `(n, ...)`, the inputs and, if the loss compares with any, the targets; or tuples of arrays
    batch_size : rows in a batch

    Returns
    -------
    dataset : a `tf.data.Dataset`

    Raises
    ------
    ValueError : an array is missing, empty, or of another length than the others; `batch_size` is no integer above 0
    """
    rows = tf.data.Dataset.from_tensor_slices(data)
    options = tf.data.Options()
    options.autotune.enabled = False
    whole = len(rows) >= batch_size
    return rows.shuffle(len(rows)).batch(batch_size, drop_remainder=whole).prefetch(2).with_options(options)


def _check_settings(n_images, epochs, learning_rate=3e-3, batch_size=128):
    _check.positive_integer(n_images, "n_images")
    _check.positive_integer(epochs, "epochs")
    _check.number(learning_rate, "learning_rate", above=0)
    _check.positive_integer(batch_size, "batch_size")


@_check.checked(_check_settings)
def compile_settings(n_images, epochs, learning_rate=3e-3, batch_size=128):
    """What `model.compile` needs to train fast and well, as keyword arguments for it.

    Adam's step size rises over the first tenth of the steps (learning-rate warm-up) and then falls to zero
    along half a cosine wave. Keras hands TensorFlow up to 50 steps at a time, which saves the way back and forth.
    From 1,500 steps on, XLA compiles the step into one program: it takes seconds, which fewer steps don't earn back.

    Parameters
    ----------
    n_images : in the training set
    epochs : as `fit` will get them
    batch_size : as `batches` makes them
    learning_rate : the largest step size

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
