"""Data and training settings that every lesson shares."""

import functools
import math

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
    From 3,000 steps on, XLA compiles the step into one program: it takes seconds, which fewer steps don't earn back.

    Parameters
    ----------
    n_images : in the training set
    epochs, batch_size : as `fit` will get them
    learning_rate : the largest step size

    Raises
    ------
    ValueError : a count is not an integer above 0, or the learning rate not a number above 0
    """
    batches = math.ceil(n_images / batch_size)
    warmup, steps = epochs * batches // 10, epochs * batches
    decay = {"decay_steps": steps - warmup, "warmup_steps": warmup, "warmup_target": learning_rate}
    schedule = keras.optimizers.schedules.CosineDecay(0.0, **decay)
    return {
        "optimizer": keras.optimizers.Adam(schedule),
        "steps_per_execution": min(50, batches),
        "jit_compile": steps >= 3000 and xla_works(),
    }
