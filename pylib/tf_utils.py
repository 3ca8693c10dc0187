"""The door of the data: MNIST's two splits, for lessons whose Keras runs on TensorFlow."""

from pylib import _backend, mnist_dataset  # noqa: F401


def mnist_train(path=None):
    """The 60,000 training images and their labels.

    Parameters
    ----------
    path : an `.npz` file of your own with the same keys; None reads MNIST

    Returns
    -------
    images : `(n, 784)` float32 in [0, 1], a row per image
    labels : `(n,)` integers

    Raises
    ------
    FileNotFoundError, ValueError : as `mnist_dataset.load` does
    """
    return mnist_dataset.load("train", path)


def mnist_test(path=None):
    """The 10,000 test images and their labels, which no network has seen in training.

    Parameters
    ----------
    path : as `mnist_train` takes it

    Returns
    -------
    images, labels : as `mnist_train` returns them

    Raises
    ------
    FileNotFoundError, ValueError : as `mnist_train` does
    """
    return mnist_dataset.load("test", path)
