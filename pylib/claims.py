"""What a lesson claims of its own run: figures, what they are compared with, and a word computed from the two."""

import functools

import numpy as np

from pylib import _validate


def _validate_claim(what, figure, wanted, beside, compared, form, unit, trained, own_pictures):
    if not isinstance(wanted, str) or wanted not in ("below", "above"):
        raise ValueError(f"wanted must be 'below' or 'above', not {_validate.shown(wanted)}")
    figures = {"figure": _one_number(figure, "figure"), "compared": _one_number(compared, "compared")}
    _validate_text({"what": what, "beside": beside, "unit": unit}, form, figures["figure"])
    return figures | {"trained": _truth(trained, "trained"), "own_pictures": _truth(own_pictures, "own_pictures")}


def _truth(value, name):
    array = _validate.numeric(value, name)
    if array.size != 1 or array.item() not in (0, 1):
        raise ValueError(f"{name} must be one truth value, not {_validate.shown(value)}")
    return bool(array.item())


def _one_number(value, name):
    array = _validate.numeric(value, name)
    if array.size != 1 or array.dtype.kind == "b":
        raise ValueError(
            f"{name} must be one number, not {_validate.shown(value)}: take a mean, minimum or count of several"
        )
    return array.item()


def _validate_text(texts, form, number):
    for name, text in texts.items():
        _validate.string(text, name)
    _validate.string(form, "form")
    try:
        format(number, form)
    except ValueError as error:
        raise ValueError(f"form must be a number's format, such as '.4f', not {_validate.shown(form)}") from error


@_validate.arguments(_validate_claim)
def claim(what, figure, wanted, beside, compared, form=".4f", unit="", trained=True, own_pictures=False):
    """Print a figure of this run, what it is compared with, and how the two compare.

    `claim("relu, 128 numbers: MSE", 0.0029, "below", "PCA's", 0.0042)` prints "relu, 128 numbers: MSE 0.0029, below
    PCA's 0.0042 (wanted: below)". Where the run bears the claim out, both words are the same.

    Parameters
    ----------
    what : what the figure is of
    figure : one number, also as an array of one element; a NaN is neither below nor above
    wanted : "below" or "above", what the claim says that the figure is
    beside : what `compared` is of, or ""
    compared : one number
    form : how both are written, as a format specification
    unit : of both, or ""
    trained : whether the networks that it speaks of trained for long enough; if not, that is said as well
    own_pictures : whether the claim is of MNIST and the run of other pictures; then it is said that nothing is claimed

    Raises
    ------
    ValueError : a figure is not one number, `wanted` another word, a text no string, `form` no number's format, or
        `trained` or `own_pictures` no truth value
    """
    word = "below" if figure < compared else "above" if figure > compared else "no different from"
    left, right = (f"{number:{form}} {unit}".rstrip() for number in (figure, compared))
    if own_pictures:
        claimed = "your own pictures: not compared with MNIST's"
    else:
        claimed = f"wanted: {wanted}" + ("" if trained else "; too few epochs to tell")
    print(f"{what} {left}, {word} {beside} {right} ({claimed})".replace("  ", " "))


def _validate_data(data):
    if data is not None:
        _validate.path(data, "data")


@_validate.arguments(_validate_data)
def claims_of(data):
    """`claim` for what was found of MNIST, in a run on these data; what holds for any pictures is for `claim` itself.

    Parameters
    ----------
    data : the path of pictures of your own, or None for MNIST, as `tf_utils.mnist_train` takes it

    Returns
    -------
    claim : the function of this module, which knows whether the pictures are MNIST's

    Raises
    ------
    ValueError : `data` is neither None nor a path
    """
    return functools.partial(claim, own_pictures=data is not None)


def _validate_identity(left, left_value, right, right_value, form, unit, within):
    values = {"left_value": left_value, "right_value": right_value}
    values = {name: np.ravel(_validate.numeric(value, name)) for name, value in values.items()}
    sizes = {array.size for array in values.values()}
    if len(sizes) != 1 or 0 in sizes:
        raise ValueError(f"both sides need the same number of values, one or more, not {sorted(sizes)}")
    _validate_text({"left": left, "right": right, "unit": unit}, form, values["left_value"][0])
    _validate.number(within, "within", above=0)
    return values


@_validate.arguments(_validate_identity)
def identity(left, left_value, right, right_value, form=".4f", unit="", within=1e-6):
    """Print both sides of what must be equal by the rules of arithmetic, and whether they are: of arrays the first.

    `identity("log p(x)", -1.74, "ELBO + gap", -1.74)` prints "identity: log p(x) -1.7400 = ELBO + gap -1.7400 (equal
    within 1e-06)".

    Parameters
    ----------
    left : what the one side is
    left_value : a number, or an array
    right : what the other side is
    right_value : a number, or an array with as many elements as the other
    form : how they are written, as a format specification
    unit : of both, or ""
    within : the largest difference that counts as equal, as a share of the right side where that is above 1

    Raises
    ------
    ValueError : the sides are no numbers or differ in their number, a text is no string, or `within` is not above 0
    """
    difference = np.max(np.abs(left_value - right_value) / np.maximum(1, np.abs(right_value)))
    one, other = (f"{values[0]:{form}} {unit}".rstrip() for values in (left_value, right_value))
    others = f", and so on for {len(left_value):,} numbers" if len(left_value) > 1 else ""
    if difference <= within:
        print(f"identity: {left} {one} = {right} {other}{others} (equal within {within:g})")
    else:
        print(f"identity: {left} {one} is not {right} {other}{others} (apart by {difference:.2g}, above {within:g})")
