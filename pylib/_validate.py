"""Validation of arguments that several modules share; each error says what is wrong and what would be right."""

import functools
import inspect
import numbers

import numpy as np


def arguments(validate):
    """Decorate a public function: `validate` sees those arguments that it names before the function runs.

    The body of a function that a lesson teaches stays as the lesson has it. A call that does not fit the signature
    is answered with the function's own name and signature.
    """
    names = list(inspect.signature(validate).parameters)

    def decorate(function):
        signature = inspect.signature(function)

        @functools.wraps(function)
        def validated(*args, **kwargs):
            try:
                call = signature.bind(*args, **kwargs)
            except TypeError as error:
                raise TypeError(f"{function.__name__}{signature}: {error}") from None
            call.apply_defaults()
            validate(*(call.arguments[name] for name in names))
            return function(*args, **kwargs)

        return validated

    return decorate


def rows(x, width, name="images"):
    """Raise ValueError unless `x` is a non-empty `(n, width)` array of finite numbers."""
    _finite_range(x, width, name)


def images(x, width=784, name="images"):
    """Raise ValueError unless `x` is a non-empty `(n, width)` array of finite numbers in [0, 1]."""
    low, high = _finite_range(x, width, name)
    if not (low >= 0 and high <= 1):
        raise ValueError(f"{name} must lie in [0, 1], not in [{low:g}, {high:g}]: divide pixels by 255")


def _finite_range(x, width, name):
    """The least and the largest number of `x`, once it is known to be a non-empty `(n, width)` array of finite ones."""
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
    finite = isinstance(value, numbers.Real) and not isinstance(value, bool) and np.isfinite(value)
    if not finite or (above is not None and value <= above) or (at_least is not None and value < at_least):
        bound = f"above {above}" if above is not None else f"of {at_least} or more"
        raise ValueError(f"{name} must be a finite number {bound}, not {value!r}")


def positive_integer(value, name):
    """Raise ValueError unless `value` is an integer above 0."""
    if not _is_positive_integer(value):
        raise ValueError(f"{name} must be a Python integer above 0, not {value!r}")


def positive_integers(sizes, name):
    """Raise ValueError unless `sizes` is a non-empty sequence of integers above 0."""
    if not np.iterable(sizes) or isinstance(sizes, str) or not hasattr(sizes, "__len__"):
        raise ValueError(f"{name} must be a list such as [256, 128], not {sizes!r}")
    if len(sizes) == 0:
        raise ValueError(f"{name} is empty: give at least one size, as in [256, 128]")
    for size in sizes:
        if not _is_positive_integer(size):
            raise ValueError(f"{name} must hold Python integers above 0, not {size!r}")


def _is_positive_integer(value):
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1
