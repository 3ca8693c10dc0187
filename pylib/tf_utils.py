"""Data and training settings that every lesson shares."""

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
