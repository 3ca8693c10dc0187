"""Checks of input that several modules share; each error says what is wrong and what would be right."""

import functools
import numbers

import numpy as np


def rows(x, width, name="images"):
    """Raise ValueError unless `x` is a non-empty `(n, width)` array of finite numbers; return its least and largest."""
    shape = np.shape(x)
    if len(shape) != 2 or shape[1] != width:
        hint = ": use x[None] for one image" if shape == (width,) else ""
        raise ValueError(f"{name} must have shape (n, {width}), a row per image, not {tuple(shape)}{hint}")
    if shape[0] == 0:
        raise ValueError(f"{name} is empty: give at least one image")
    low, high = np.min(x), np.max(x)  # NaN comes through both
    if not (low > -np.inf and high < np.inf):
        raise ValueError(f"{name} must hold finite numbers, but there is a NaN or infinity among them")
    return low, high


def images(x, name="images", width=784):
    """Raise ValueError unless `x` is a non-empty `(n, width)` array of finite numbers in [0, 1]."""
    low, high = rows(x, width, name)
    if not (low >= 0 and high <= 1):
        raise ValueError(f"{name} must lie in [0, 1], not in [{low:g}, {high:g}]: divide pixels by 255")


def labels(y, n, n_classes):
    """Raise ValueError unless `y` holds `n` integers from 0 to `n_classes - 1`, in shape `(n,)`."""
    if y is None:
        raise ValueError(f"labels are missing: a VAE with n_classes={n_classes} takes images and labels")
    y = np.asarray(y)
    if y.shape != (n,) or not np.issubdtype(y.dtype, np.integer):
        raise ValueError(
            f"labels must be {n} integers of shape ({n},), one per image, not {y.dtype} of shape {y.shape}"
        )
    if y.min() < 0 or y.max() >= n_classes:
        raise ValueError(f"labels must lie in 0 to {n_classes - 1}, not in {y.min()} to {y.max()}")


def number(value, name, above=None, at_least=None):
    """Raise ValueError unless `value` is a finite number above or at least the bound given."""
    number = isinstance(value, numbers.Real) and not isinstance(value, bool) and np.isfinite(value)
    if not number or (above is not None and value <= above) or (at_least is not None and value < at_least):
        bound = f"above {above}" if above is not None else f"of {at_least} or more"
        raise ValueError(f"{name} must be a finite number {bound}, not {value!r}")


def positive_integer(value, name):
    """Raise ValueError unless `value` is an integer above 0."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{name} must be a Python integer above 0, not {value!r}")


def positive_integers(sizes, name):
    """Raise ValueError unless `sizes` is a non-empty sequence of integers above 0."""
    sizes = list(sizes) if np.iterable(sizes) and not isinstance(sizes, str) else [sizes]
    if not sizes:
        raise ValueError(f"{name} is empty: give at least one size, as in [256, 128]")
    for size in sizes:
        if not isinstance(size, int) or isinstance(size, bool) or size < 1:
            raise ValueError(f"{name} must hold Python integers above 0, not {size!r}")


def checked(check):
    """Decorate a taught function with the check of its arguments, which stays out of its body."""

    def decorate(function):
        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            check(*args, **kwargs)
            return function(*args, **kwargs)

        return wrapper

    return decorate
