"""Checks of input that several modules share; each error says what is wrong and what would be right."""

import functools

import numpy as np


def images(x, name="images"):
    """Raise ValueError unless `x` is a non-empty `(n, 784)` array of finite numbers in [0, 1]."""
    shape = np.shape(x)
    if len(shape) != 2 or shape[1] != 784:
        hint = ": use x[None] for one image" if shape == (784,) else ""
        raise ValueError(f"{name} must have shape (n, 784), a row per image, not {tuple(shape)}{hint}")
    if shape[0] == 0:
        raise ValueError(f"{name} is empty: give at least one image")
    low, high = np.min(x), np.max(x)  # NaN comes through both
    if not (low >= 0 and high <= 1):
        raise ValueError(f"{name} must lie in [0, 1], not in [{low:g}, {high:g}]: divide pixels by 255")


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
