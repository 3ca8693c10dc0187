"""The door of the data: MNIST's two splits or your own, for lessons whose Keras runs on TensorFlow."""

from pylib import _backend, mnist_dataset  # noqa: F401


def mnist_train(path=None):
    """The 60,000 training images and their labels.

    Parameters
    ----------
    path : a folder of pictures of your own, in a folder for each class; or an `.npz` file of your own with MNIST's
        keys. None reads MNIST

    Returns
    -------
    images : `(n, 784)` float32 in [0, 1], a row per image
    labels : `(n,)` integers, the places in `class_names(path)`

    Raises
    ------
    FileNotFoundError, ValueError : as `mnist_dataset.load` does
    """
    return mnist_dataset.load("train", path)


def mnist_test(path=None):
    """The 10,000 test images and their labels, which no network has seen in training.

    Parameters
    ----------
    path : as `mnist_train` takes it, a folder of pictures included

    Returns
    -------
    images, labels : as `mnist_train` returns them

    Raises
    ------
    FileNotFoundError, ValueError : as `mnist_train` does
    """
    return mnist_dataset.load("test", path)


def class_names(path=None):
    """The names of the classes: MNIST's are "0" to "9".

    Parameters
    ----------
    path : as `mnist_train` takes it

    Returns
    -------
    names : list of strings in the order of the labels: a folder's class folders, or "picture" where there are none; a
        file's array `class_names` or, where there is none, "0" up to the largest label

    Raises
    ------
    FileNotFoundError, ValueError : as `mnist_train` does
    """
    return mnist_dataset.class_names(path)
