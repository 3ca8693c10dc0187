"""MNIST from the file beside this module, or from a file of your own with the same keys.

The data are by Y. LeCun and C. Cortes, derived from NIST Special Databases 1 and 3, under
CC BY-SA 3.0 (see `mnist.LICENSE.txt`). Nothing here uses a network.
"""

import io
import zipfile
from pathlib import Path

import numpy as np

from pylib import _bundled, _validate

BUNDLED = Path(__file__).with_name("mnist.npz")
KEYS = ("x_train", "y_train", "x_test", "y_test")


def load(split, path=None):
    """Read one split of MNIST.

    Parameters
    ----------
    split : "train" or "test"
    path : an `.npz` file of your own holding `x_train`, `y_train`, `x_test` and `y_test` as Keras'
        `mnist.npz` does: images uint8 `(n, 28, 28)`, labels integers from 0 to 9, `(n,)`. Images go from 0 to 255
        or, where no pixel of a split is above 1, are black and white, 0 and 1. None reads the bundled file and
        checks its sha256.

    Returns
    -------
    images : `(n, 784)` float32 in [0, 1], a row per image
    labels : `(n,)` int64

    Raises
    ------
    FileNotFoundError : there is no such file
    ValueError : the file is damaged, or does not hold what the keys promise
    """
    if not isinstance(split, str) or split not in ("train", "test"):
        raise ValueError(f"split must be 'train' or 'test', not {_validate.shown(split)}")
    path = BUNDLED if path is None else _validate.path(path, "path")
    arrays = _bundled.load(BUNDLED) if path == BUNDLED else _read(path)
    images, labels = _arrays_of_split(arrays, split, path)
    white = 255 if images.max() > 1 else 1
    return np.divide(images.reshape(-1, 784), white, dtype=np.float32), labels.astype(np.int64)


def _read(path):
    """The arrays of a file of the learner's own."""
    if not path.is_file():
        raise FileNotFoundError(f"no data file at {path}: name an .npz file with MNIST's four arrays")
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
    try:
        images, labels = arrays[f"x_{split}"], arrays[f"y_{split}"]
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, zipfile.zlib.error) as error:
        raise ValueError(f"{path} cannot be read: an array in it is damaged or holds Python objects") from error
    _validate_array(images, f"x_{split} in {path}", "uint8 of shape (n, 28, 28)", np.uint8, (28, 28))
    _validate_array(labels, f"y_{split} in {path}", "integers of shape (n,)", np.integer, ())
    if len(images) != len(labels):
        raise ValueError(f"{path} holds {len(images)} images but {len(labels)} labels for {split}: give one for each")
    if len(images) == 0:
        raise ValueError(f"x_{split} in {path} is empty: give at least one image")
    if labels.min() < 0 or labels.max() > 9:
        raise ValueError(f"y_{split} in {path} must lie in 0 to 9, not in {labels.min()} to {labels.max()}")
    return images, labels


def _validate_array(array, name, wanted, dtype, row_shape):
    if array.ndim == 0 or array.shape[1:] != row_shape or not np.issubdtype(array.dtype, dtype):
        raise ValueError(f"{name} must be {wanted}, not {array.dtype} of shape {array.shape}")
