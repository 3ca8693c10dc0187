"""The arrays that come with pylib: an .npz file beside this module, and beside it the sha256 that it must have.

The sum stands in `NAME.npz.sha256` as `sha256sum` writes it, so that `sha256sum --check` reads it, too.
"""

import hashlib
import io

import numpy as np


def load(path, remedy="restore it from the repository"):
    """The arrays of the .npz file at `path`, once its sha256 is the one stored beside it.

    Raises FileNotFoundError where it is missing and ValueError where it is damaged; both end in the `remedy`.
    """
    for file in (path, _sum_file(path)):
        if not file.is_file():
            raise FileNotFoundError(f"there is no file {file}: {remedy}")
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != _sum_file(path).read_text().split()[0]:
        raise ValueError(f"{path} is not the file that this project ships (its sha256 differs): {remedy}")
    return np.load(io.BytesIO(content), allow_pickle=False)


def save(path, arrays):
    """Write `arrays`, a dict of names to arrays, to `path`, and its sha256 beside it."""
    np.savez_compressed(path, **arrays)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    _sum_file(path).write_text(f"{digest}  {path.name}\n")


def _sum_file(path):
    return path.with_name(f"{path.name}.sha256")
