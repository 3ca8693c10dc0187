"""Validation of arguments that several modules share; each error says what is wrong and what would be right."""

import functools
import inspect
import math
import numbers
import os
from pathlib import Path

import numpy as np


def arguments(validate):
    """Decorate a public function: `validate` sees those arguments that it names before the function runs.

    It may return a dict of arguments that the function gets instead, such as lists made arrays: so the body of one that
    a lesson teaches stays as the lesson has it. A call that does not fit the signature is answered with the function's
    own name and signature; where it is `__init__`, with the class's.
    """
    names = list(inspect.signature(validate).parameters)

    def decorate(function):
        signature = inspect.signature(function)
        public_name = function.__qualname__.removesuffix(".__init__").rpartition(".")[2]
        parameters = [parameter for name, parameter in signature.parameters.items() if name != "self"]
        public_signature = signature.replace(parameters=parameters)

        @functools.wraps(function)
        def validated(*args, **kwargs):
            try:
                call = signature.bind(*args, **kwargs)
            except TypeError as error:
                raise TypeError(f"{public_name}{public_signature}: {error}") from None
            call.apply_defaults()
            call.arguments.update(validate(*(call.arguments[name] for name in names)) or {})
            return function(*call.args, **call.kwargs)

        return validated

    return decorate


def rows(x, width, name="images"):
    """Raise ValueError unless `x` is a non-empty `(n, width)` array of finite numbers."""
    _finite_range(x, width, name)


def images(x, width=784, name="images"):
    """Raise ValueError unless `x` is a non-empty `(n, width)` array of finite numbers in [0, 1]."""
    low, high = _finite_range(x, width, name)
    if not (low >= 0 and high <= 1):
        hint = "divide pixels by 255" if low >= 0 else "undo what shifted the pixels below 0"
        raise ValueError(
            f"{name} must lie in [0, 1], not in [{low:g}, {high:g}]: {hint}, or clip noise with np.clip(x, 0, 1)"
        )


def _finite_range(x, width, name):
    """The least and the largest number of `x`, once it is known to be a non-empty `(n, width)` array of finite ones."""
    x = numeric(x, name)
    if x.ndim != 2 or x.shape[1] != width:
        hint = ": use x[None] for one image" if x.shape == (width,) else ""
        raise ValueError(f"{name} must have shape (n, {width}), a row per image, not {x.shape}{hint}")
    if len(x) == 0:
        raise ValueError(f"{name} is empty: give at least one image")
    return finite(x, name)


def numeric(x, name):
    """`x` as an array of numbers or booleans, such as of a list, a data frame or a tensor; ValueError where it is none.

    An array is returned as it is, without a copy.
    """
    try:
        array = np.asarray(x)
    except Exception as error:  # rows of different lengths; a symbolic tensor raises errors of its library's own
        raise ValueError(f"{name} must be an array of numbers in rows of one length, not {shown(x)}") from error
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{name} must be an array of numbers, not {shown(x)}")
    return array


def finite(x, name):
    """The least and the largest number of an array; ValueError where it is empty or holds NaN or infinity."""
    if x.size == 0:
        raise ValueError(f"{name} is empty: give at least one number")
    low, high = x.min(), x.max()  # NaN comes through both
    if not (low > -np.inf and high < np.inf):
        raise ValueError(f"{name} must hold finite numbers, but there is a NaN or infinity among them")
    return low, high


def array(x, shape, name):
    """`x` as an array of finite numbers; ValueError unless it has this shape, in which a string stands for 1 or more.

    None stands for any shape.
    """
    x = numeric(x, name)
    if shape is not None and not _has_shape(x, shape):
        wanted = ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "")
        raise ValueError(f"{name} must have shape ({wanted}), not {x.shape}")
    finite(x, name)
    return x


def _has_shape(x, shape):
    sizes = zip(x.shape, shape, strict=False)
    return x.ndim == len(shape) and all(size == n or (isinstance(n, str) and size > 0) for size, n in sizes)


def near_pixels(x, name):
    """Raise ValueError where an array is too far from [0, 1] to hold pixels, even noisy ones."""
    low, high = finite(x, name)
    if low < -10 or high > 10:
        raise ValueError(f"{name} goes from {low:g} to {high:g}, and pixels from 0 to 1: divide them by 255")


def sides(pixels):
    """A picture's height and width in pixels, once `pixels` is a square's side or both of them."""
    height_and_width = pixels if isinstance(pixels, tuple | list) else (pixels, pixels)
    if len(height_and_width) != 2 or not all(is_integer(side) and side > 0 for side in height_and_width):
        raise ValueError(
            "pixels must be the side of a square, such as 28, or height and width, such as (28, 28), not "
            f"{shown(pixels)}"
        )
    height, width = height_and_width
    return int(height), int(width)


def drawable(images, pixels, name):
    """Images as an array `(n, height, width)`, once they can be drawn; `(n, height * width)` will do."""
    images, (height, width) = numeric(images, name), sides(pixels)
    if images.shape[1:] == (height, width):
        images = images.reshape(-1, height * width)
    rows(images, height * width, name)
    near_pixels(images, name)
    return images.reshape(-1, height, width)


def arrays(entries, shape, name, content):
    """A dict of arrays, once each has this shape."""
    mapping(entries, name, content)
    return {key: array(x, shape, f"{name}[{shown(key)}]") for key, x in entries.items()}


def labels(y, n, n_classes):
    """Raise ValueError unless `y` holds `n` integers from 0 to `n_classes - 1`, in shape `(n,)`."""
    if y is None:
        raise ValueError(f"labels are missing: a VAE with n_classes={n_classes} takes images and labels")
    y = numeric(y, "labels")
    if y.size == 0:
        raise ValueError("labels are empty: give one per image")
    if y.shape != (n,) or not np.issubdtype(y.dtype, np.integer):
        raise ValueError(
            f"labels must be {n} integers of shape ({n},), one per image, not {y.dtype} of shape {y.shape}"
        )
    if y.min() < 0 or y.max() >= n_classes:
        raise ValueError(f"labels must lie in 0 to {n_classes - 1}, not in {y.min()} to {y.max()}")


MOST_CLASSES = 100
DIGITS = [str(digit) for digit in range(10)]  # the classes' names where none are given


def class_names(names, n_classes=None):
    """The classes' names in the order of their labels, as a list: 1 to 100 strings, or for None the ten digits.

    Names that are given must be as many as the classes of a conditional model, `n_classes`.
    """
    if names is None:
        return DIGITS
    sequence(names, n_classes, "names", "one for each class" + (" of the model" if n_classes else ""))
    if not 1 <= len(names) <= MOST_CLASSES:
        raise ValueError(f"names must be those of 1 to {MOST_CLASSES} classes, not of {len(names)}")
    for name in names:
        string(name, "each of names")
    return [str(name) for name in names]  # without NumPy's kind of strings


def named_labels(y, n, names):
    """The names of the classes, once `y` holds `n` labels of theirs."""
    names = class_names(names)
    labels(y, n, len(names))
    return names


def number(value, name, above=None, at_least=None):
    """Raise ValueError unless `value` is a finite number, above or at least the bound where one is given."""
    if not is_number(value) or (above is not None and value <= above) or (at_least is not None and value < at_least):
        bound = f" above {above}" if above is not None else "" if at_least is None else f" of {at_least} or more"
        raise ValueError(f"{name} must be a finite number{bound}, not {shown(value)}")


def is_number(value):
    """Whether `value` is one finite real number, of Python or NumPy, and no boolean."""
    return isinstance(value, numbers.Real) and not isinstance(value, bool) and -math.inf < value < math.inf


def positive_integer(value, name):
    """Raise ValueError unless `value` is an integer above 0."""
    if not _is_positive_integer(value):
        raise ValueError(f"{name} must be a Python integer above 0, not {shown(value)}")


def positive_integers(sizes, name):
    """Raise ValueError unless `sizes` is a non-empty sequence of integers above 0."""
    if not np.iterable(sizes) or isinstance(sizes, str) or not hasattr(sizes, "__len__"):
        raise ValueError(f"{name} must be a list such as [256, 128], not {shown(sizes)}")
    if len(sizes) == 0:
        raise ValueError(f"{name} is empty: give at least one size, as in [256, 128]")
    for size in sizes:
        if not _is_positive_integer(size):
            raise ValueError(f"{name} must hold Python integers above 0, not {shown(size)}")


def _is_positive_integer(value):
    return is_integer(value) and value >= 1


def is_integer(value):
    """Whether `value` is one integer, of Python or NumPy, and no boolean."""
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def generator(rng):
    """Raise ValueError unless `rng` is a `numpy.random.Generator`."""
    if not isinstance(rng, np.random.Generator):
        raise ValueError(f"rng must be a numpy.random.Generator, such as np.random.default_rng(0), not {shown(rng)}")


def string(value, name):
    """Raise ValueError unless `value` is a string."""
    if not isinstance(value, str):
        raise ValueError(f"{name} must be a string, not {shown(value)}")


def mapping(value, name, content):
    """Raise ValueError unless `value` is a dict with at least one entry."""
    if not isinstance(value, dict) or not value:
        raise ValueError(f"{name} must be a dict of {content}, with one entry or more, not {shown(value)}")


def sequence(value, n, name, content):
    """Raise ValueError unless `value` has `n` entries in a row, such as a list, and is no string; None: any number."""
    if not np.iterable(value) or isinstance(value, str | dict) or not hasattr(value, "__len__"):
        raise ValueError(f"{name} must be a list, {content}, not {shown(value)}")
    if n is not None and len(value) != n:
        raise ValueError(f"{name} must have {n} entries, {content}, not {len(value)}")


def split(value):
    """Raise ValueError unless `value` names a split of the data."""
    if not isinstance(value, str) or value not in ("train", "test"):
        raise ValueError(f"split must be 'train' or 'test', not {shown(value)}")


def path(value, name):
    """`value` as a Path; ValueError where it is none."""
    if not isinstance(value, str | os.PathLike) or not str(value) or "\0" in str(value):
        raise ValueError(f"{name} must be a path, such as 'folder/name', not {shown(value)}")
    return Path(value)


def npz_path(value, example):
    """`value` as the Path of an .npz file in a folder that exists; ValueError or FileNotFoundError where it is none."""
    value = path(value, "path")
    if value.suffix != ".npz":
        raise ValueError(f"path must end in .npz, as {example} does, not in {value.name}")
    if not value.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {value.parent}: make it first")
    return value


def storable(weights, name):
    """Raise ValueError unless float16 can hold all of a network's weights."""
    if not all(np.abs(np.asarray(weight)).max() <= np.finfo("float16").max for weight in weights):  # NaN isn't, too
        raise ValueError(f"{name} has a weight that float16 can't hold, or a NaN: its training failed")


def seed(value):
    """Raise ValueError unless `value` can seed a generator: an integer of 0 or more."""
    count(value, "seed, which makes the draws repeatable,")


def count(value, name):
    """Raise ValueError unless `value` is an integer of 0 or more."""
    if not is_integer(value) or value < 0:
        raise ValueError(f"{name} must be an integer of 0 or more, not {shown(value)}")


def vae(value):
    """Raise ValueError unless `value` has what `pylib.likelihood` asks of a model."""
    needed = ("latent_dim", "n_pixels", "likelihood", "encoder")
    if isinstance(value, type) or not all(hasattr(value, name) for name in needed):
        raise ValueError(
            f"vae must be a trained pylib.models.VAE, or another model with {', '.join(needed)}, not {shown(value)}"
        )


def same_shapes(**tensors):
    """Raise ValueError unless all are arrays or tensors of numbers whose shapes, where known, broadcast."""
    for name, tensor in tensors.items():
        if tensor is None or isinstance(tensor, str) or not _has_numbers(tensor):
            raise ValueError(f"{name} must be an array or tensor of numbers, not {shown(tensor)}")
    shapes = {name: tuple(np.shape(tensor)) for name, tensor in tensors.items()}
    for axis in zip(*(reversed(shape) for shape in shapes.values()), strict=False):
        if len({size for size in axis if size not in (None, 1)}) > 1:
            described = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
            raise ValueError(f"shapes must fit each other, but they are {described}")


def _has_numbers(tensor):
    if hasattr(tensor, "dtype"):
        return np.dtype(getattr(tensor.dtype, "name", tensor.dtype)).kind in "biuf"
    try:
        return np.asarray(tensor).dtype.kind in "biuf"
    except ValueError:  # rows of different lengths
        return False


def shown(value):
    """A value in an error message: what it is, and itself where that is short."""
    text = repr(value)
    return text if len(text) <= 60 and "\n" not in text else f"a {type(value).__name__}"


def row_shape(x, width, name="images"):
    """Raise ValueError unless `x` has the shape `(n, width)`, with n of 1 or more."""
    shape = tuple(np.shape(x))
    if len(shape) != 2 or shape[1] != width:
        hint = f": use x[None] for one of the {name}" if shape == (width,) else ""
        raise ValueError(f"{name} must have shape (n, {width}), a row each, not {shape}{hint}")
    if shape[0] == 0:
        raise ValueError(f"{name} are empty: give at least one")


def grid_points(value):
    """Raise ValueError unless `value` can be the number of points along a side of a grid."""
    if not is_integer(value) or value < 2:
        raise ValueError(f"points are those along a side of the grid, an integer of 2 or more, not {value!r}")


def function(value, name, kind):
    """Raise ValueError unless `value` can be called."""
    if not callable(value):
        raise ValueError(f"{name} must be a function {kind}, not {shown(value)}")
