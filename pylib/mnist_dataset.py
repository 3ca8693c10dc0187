"""MNIST from the file beside this module, or from a file of your own with the same keys.

The data are by Y. LeCun and C. Cortes, derived from NIST Special Databases 1 and 3, under
CC BY-SA 3.0 (see `mnist.LICENSE.txt`). Nothing here uses a network.
"""

import hashlib
import io
import zipfile
from pathlib import Path

import numpy as np

BUNDLED = Path(__file__).with_name("mnist.npz")
BUNDLED_SHA256 = "06af5dfe73b70e3bc1c36439982b18a8d76803db9b544f6fdf838a37fbb01b64"


def load(split, path=None):
    """Read one split of MNIST.

    Parameters
    ----------
    split : "train" or "test"
    path : an `.npz` file of your own holding `x_train`, `y_train`, `x_test` and `y_test` as Keras'
        `mnist.npz` does: images uint8 `(n, 28, 28)`, labels integers `(n,)`. None reads the bundled
        file and checks its sha256.

    Returns
    -------
    images : `(n, 784)` float32 in [0, 1], a row per image
    labels : `(n,)` int64

    Raises
    ------
    FileNotFoundError : there is no such file
    ValueError : the file is damaged, or does not hold what the keys promise
    """
    if split not in ("train", "test"):
        raise ValueError(f"split must be 'train' or 'test', not {split!r}")
    path = BUNDLED if path is None else Path(path)
    arrays = _read(path, BUNDLED_SHA256 if path == BUNDLED else None)
    images, labels = _check(arrays, split, path)
    return np.divide(images.reshape(-1, 784), 255, dtype=np.float32), labels.astype(np.int64)


def _read(path, sha256):
    if not path.is_file():
        raise FileNotFoundError(f"no data file at {path}: name an .npz file with MNIST's four arrays")
    content = path.read_bytes()
    if sha256 is not None and hashlib.sha256(content).hexdigest() != sha256:
        raise ValueError(
            f"{path} is not the file this project ships (its sha256 differs): restore it from the repository"
        )
    try:
        return np.load(io.BytesIO(content), allow_pickle=False)
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} is not a complete .npz file: save one with numpy.savez_compressed") from error


def _check(arrays, split, path):
    keys = {"x_train", "y_train", "x_test", "y_test"}
    if not isinstance(arrays, np.lib.npyio.NpzFile):
        raise ValueError(f"{path} holds a single array, not an .npz file with the keys {sorted(keys)}")
    missing = sorted(keys - set(arrays.files))
    if missing:
        raise ValueError(f"{path} lacks {', '.join(missing)}: it must hold {', '.join(sorted(keys))}")
    try:
        images, labels = arrays[f"x_{split}"], arrays[f"y_{split}"]
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, zipfile.zlib.error) as error:
        raise ValueError(f"{path} cannot be read: an array in it is damaged or holds Python objects") from error
    _check_array(images, f"x_{split} in {path}", "uint8 of shape (n, 28, 28)", np.uint8, (28, 28))
    _check_array(labels, f"y_{split} in {path}", "integers of shape (n,)", np.integer, ())
    if len(images) != len(labels):
        raise ValueError(f"{path} holds {len(images)} images but {len(labels)} labels for {split}: give one for each")
    return images, labels


def _check_array(array, name, wanted, dtype, row_shape):
    if array.ndim == 0 or array.shape[1:] != row_shape or not np.issubdtype(array.dtype, dtype):
        raise ValueError(f"{name} must be {wanted}, not {array.dtype} of shape {array.shape}")
