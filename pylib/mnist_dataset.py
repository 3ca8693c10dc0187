"""MNIST from the file beside this module, or data of your own: a file with the same keys, or a folder of pictures.

The data are by Y. LeCun and C. Cortes, derived from NIST Special Databases 1 and 3, under
CC BY-SA 3.0 (see `mnist.LICENSE.txt`). Nothing here uses a network.
"""

import io
import zipfile
from pathlib import Path

import numpy as np

from pylib import _bundled, _validate, image_folder

BUNDLED = Path(__file__).with_name("mnist.npz")
KEYS = ("x_train", "y_train", "x_test", "y_test")


def load(split, path=None):
    """Read one split of MNIST.

    Parameters
    ----------
    split : "train" or "test"
    path : a folder of pictures of your own, which `image_folder.load` reads; or an `.npz` file of your own holding
        `x_train`, `y_train`, `x_test` and `y_test` as Keras' `mnist.npz` does: images uint8 `(n, 28, 28)`, labels
        integers from 0 to 99, `(n,)`, and with `class_names`, strings, below their number. Images go from 0 to 255 or,
        where no pixel of a split is above 1, are black and white, 0 and 1. None reads the bundled file and checks its
        sha256.

    Returns
    -------
    images : `(n, 784)` float32 in [0, 1], a row per image
    labels : `(n,)` int64

    Raises
    ------
    FileNotFoundError : there is no such file or folder
    ValueError : the file is damaged, or does not hold what the keys promise; or the folder holds too few pictures
    """
    _validate.split(split)
    path = BUNDLED if path is None else _validate.path(path, "path")
    if path.is_dir():
        return image_folder.load(split, path)
    images, labels = _arrays_of_split(_read(path), split, path)
    white = 255 if images.max() > 1 else 1
    return np.divide(images.reshape(-1, 784), white, dtype=np.float32), labels.astype(np.int64)


def class_names(path=None):
    """The names of the classes.

    Parameters
    ----------
    path : as `load` takes it

    Returns
    -------
    names : list of strings in the order of the labels: a folder's class folders, a file's `class_names` or, where
        there are none, "0" up to the largest label of both splits

    Raises
    ------
    FileNotFoundError, ValueError : as `load` does, but for the images
    """
    path = BUNDLED if path is None else _validate.path(path, "path")
    if path.is_dir():
        return image_folder.class_names(path)
    arrays = _read(path)
    names = _names(arrays, path)
    largest = max(_labels(arrays, split, names, path).max() for split in ("train", "test"))
    return [str(label) for label in range(largest + 1)] if names is None else names


def _read(path):
    """The arrays of a file."""
    if path == BUNDLED:
        return _bundled.load(BUNDLED)
    if not path.is_file():
        raise FileNotFoundError(
            f"no data file at {path}: name an .npz file with MNIST's four arrays, or a folder of pictures"
        )
    try:
        arrays = np.load(io.BytesIO(path.read_bytes()), allow_pickle=False)
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} is not a complete .npz file: save one with numpy.savez_compressed") from error
    if not isinstance(arrays, np.lib.npyio.NpzFile):
        raise ValueError(f"{path} holds a single array, not an .npz file with the keys {', '.join(KEYS)}")
    missing = [key for key in KEYS if key not in arrays.files]
    if missing:
        raise ValueError(f"{path} lacks {', '.join(missing)}: it must hold {', '.join(KEYS)}")
    return arrays


def _arrays_of_split(arrays, split, path):
    """The images and labels of one split, once they are what `load` promises."""
    images = _array(arrays, f"x_{split}", path)
    _validate_array(images, f"x_{split} in {path}", "uint8 of shape (n, 28, 28)", np.uint8, (28, 28))
    if len(images) == 0:
        raise ValueError(f"x_{split} in {path} is empty: give at least one image")
    labels = _labels(arrays, split, _names(arrays, path), path)
    if len(images) != len(labels):
        raise ValueError(f"{path} holds {len(images)} images but {len(labels)} labels for {split}: give one for each")
    return images, labels


def _labels(arrays, split, names, path):
    """The labels of one split, once each is a class's."""
    labels = _array(arrays, f"y_{split}", path)
    _validate_array(labels, f"y_{split} in {path}", "integers of shape (n,)", np.integer, ())
    if len(labels) == 0:
        raise ValueError(f"y_{split} in {path} is empty: give at least one label")
    most = _validate.MOST_CLASSES - 1 if names is None else len(names) - 1
    if labels.min() < 0 or labels.max() > most:
        reason = "" if names is None else f", since class_names has {len(names)}"
        raise ValueError(
            f"y_{split} in {path} must lie in 0 to {most}{reason}, not in {labels.min()} to {labels.max()}"
        )
    return labels


def _names(arrays, path):
    """The names of the classes that a file holds, or None."""
    if "class_names" not in arrays.files:
        return None
    names = _array(arrays, "class_names", path)
    _validate_array(names, f"class_names in {path}", "strings of shape (n,)", np.str_, ())
    if not 1 <= len(names) <= _validate.MOST_CLASSES or "" in names:
        raise ValueError(f"class_names in {path} must be 1 to {_validate.MOST_CLASSES} strings, none of them empty")
    return names.tolist()


def _array(arrays, key, path):
    try:
        return arrays[key]
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, zipfile.zlib.error) as error:
        raise ValueError(f"{path} cannot be read: {key} is damaged or holds Python objects") from error


def _validate_array(array, name, wanted, dtype, row_shape):
    if array.ndim == 0 or array.shape[1:] != row_shape or not np.issubdtype(array.dtype, dtype):
        raise ValueError(f"{name} must be {wanted}, not {array.dtype} of shape {array.shape}")
