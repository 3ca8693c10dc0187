"""Data and training settings that every lesson shares."""

import math

import keras

from pylib import mnist_dataset

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


def compile_settings(n_images, epochs, learning_rate=3e-3, batch_size=128):
    """What `model.compile` needs to train fast and well, as keyword arguments for it.

    Adam's step size rises over the first tenth of the steps (learning-rate warm-up) and then falls to zero
    along half a cosine wave. Keras hands TensorFlow up to 50 steps at a time, which saves the way back and forth.

    Parameters
    ----------
    n_images : in the training set
    epochs, batch_size : as `fit` will get them
    learning_rate : the largest step size
    """
    batches = math.ceil(n_images / batch_size)
    steps = epochs * batches
    schedule = keras.optimizers.schedules.CosineDecay(0.0, steps, warmup_target=learning_rate, warmup_steps=steps // 10)
    return {"optimizer": keras.optimizers.Adam(schedule), "steps_per_execution": min(50, batches)}
