"""What all checks share: running a learner's answer, and saying what is wrong with the values it returns.

A check raises what is wrong, as `WrongError` or `NotWrittenError`, and returns what is right, as text.
The decorator `check` prints either and makes a `Verdict` of it.
"""

import contextlib
import functools
import inspect
import io
import linecache
import logging
import warnings
from dataclasses import dataclass

import numpy as np

from pylib import _validate
from pylib.progress import Progress

# --- The verdict ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Verdict:
    """What a check found.

    Parameters
    ----------
    right : whether the answer is right
    written : whether there is an answer
    message : the line that was printed
    """

    right: bool
    written: bool
    message: str

    def _ipython_display_(self):
        """Show nothing at the end of a cell, because the line is printed already."""


class WrongError(Exception):
    """What is wrong with an answer, in the learner's words."""


class NotWrittenError(Exception):
    """What is missing, where there is no answer yet."""


def check(judge):
    """Decorate `judge`, which raises what is wrong and returns what is right, to print that and return a Verdict."""
    signature = inspect.signature(judge)

    @functools.wraps(judge)
    def printed_verdict(*args, **kwargs):
        try:
            with wrong_call(judge.__name__, signature):
                bound = signature.bind(*args, **kwargs)
                require_data(**bound.arguments)
            with Progress(what="checking"):
                verdict = Verdict(True, True, f"right: {judge(*bound.args, **bound.kwargs)}")
        except WrongError as problem:
            verdict = Verdict(False, True, f"not yet: {problem}")
        except NotWrittenError as problem:
            verdict = Verdict(False, False, f"not written yet: {problem}")
        except Exception as error:  # the values are of a kind that no other message foresees
            verdict = Verdict(False, True, f"not yet: the check can't judge this; it stops with {describe(error)}")
        print(verdict.message)
        return verdict

    return printed_verdict


@contextlib.contextmanager
def wrong_call(name, signature):
    """Turn the errors of a call that is wrong itself, whatever the answer is, into what is wrong."""
    try:
        yield
    except (TypeError, ValueError) as error:
        raise WrongError(f"this is no call of {name}{signature}: {error}") from None


def require_data(**arguments):
    """Raise ValueError unless what a check gets beside the answer is as lesson 05 gives it."""
    if "vae" in arguments:
        _validate.vae(arguments["vae"])
    if "images" in arguments:
        _validate.images(arguments["images"])
    if "known" in arguments:
        known = _validate.array(arguments["known"], (784,), "known")
        if known.dtype != bool:
            raise ValueError(f"known must hold booleans, True for each known pixel, not {known.dtype}")
    if "codes" in arguments:
        codes = _validate.array(arguments["codes"], ("n", 2), "codes")
        _validate.labels(arguments["labels"], len(codes), 10)


# --- Running an answer ------------------------------------------------------------------------------


@contextlib.contextmanager
def quiet():
    """Run an answer without warnings on the error stream, which nbgrader would take for a failed test."""
    disabled = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)


def call(answer, *args):
    """What `answer` returns for copies of the arguments."""
    name = getattr(answer, "__name__", "answer")
    if answer is None or answer is ...:
        raise NotWrittenError("there is no function here")
    if not callable(answer):
        raise WrongError(f"give the function itself, without calling it, not a {type(answer).__name__}")
    copies = [arg.copy() if isinstance(arg, np.ndarray) else arg for arg in args]
    try:
        with quiet():
            result = answer(*copies)
    except NotImplementedError as error:
        raise NotWrittenError(f"{name} is still empty") from error
    except (Exception, SystemExit) as error:
        raise WrongError(f"{name} stops{own_line(answer, error)} with {describe(error)}") from error
    if result is None or result is ...:
        raise NotWrittenError(f"{name} returns nothing; does it end with `return`?")
    return result


def own_line(answer, error):
    """Where in the learner's own code an error comes from, as " in line 3, `return a + b`", or nothing."""
    filename = getattr(getattr(inspect.unwrap(answer), "__code__", None), "co_filename", None)
    line_number, trace = None, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == filename:
            line_number = trace.tb_lineno
        trace = trace.tb_next
    if line_number is None:
        return ""
    source = linecache.getline(filename, line_number).strip()
    return f" in line {line_number}" + (f", `{source}`" if source else "")


def describe(error):
    """The type of an error and its message, on one line that is not too long."""
    text = " ".join(str(error).split())
    text = text if len(text) <= 200 else text[:197] + "..."
    return type(error).__name__ + (f": {text}" if text else "")


def as_array(value, name):
    """A learner's value as an array of real numbers, float64."""
    try:
        array = np.asarray(value)
        if array.dtype.kind not in "biuf" and array.dtype.name != "bfloat16":
            raise TypeError
        return array.astype("float64")
    except Exception as error:
        raise WrongError(
            f"{name} returns a {type(value).__name__} that is no array of numbers; return one array"
        ) from error


def evaluate(answer, *args):
    """What `answer` returns, as an array: for float32, or if it can't take that, for float64."""

    def in_precision(dtype):
        floats = [isinstance(arg, np.ndarray) and arg.dtype.kind == "f" for arg in args]
        cast = [arg.astype(dtype) if is_float else arg for arg, is_float in zip(args, floats, strict=True)]
        return as_array(call(answer, *cast), getattr(answer, "__name__", "answer"))

    return with_fallback(lambda: in_precision("float32"), lambda: in_precision("float64"))


def seeded(answer, seed):
    """`answer` with a generator of its own in place of its last argument."""

    @functools.wraps(answer)
    def run(*args):
        return answer(*args, np.random.default_rng(seed))

    return run if callable(answer) else answer


def batch_or_one_by_one(judge, *answers):
    """What `judge` returns for answers that take all images at once or, where those fail, one at a time."""
    return with_fallback(lambda: judge(*answers), lambda: judge(*map(one_by_one, answers)))


def one_by_one(answer):
    """`answer`, written for one image, as a function of `(n, 784)` images and what else it takes."""

    @functools.wraps(answer)
    def run(images, *rest):
        rows = [[part[i] if np.shape(part) == images.shape else part for part in rest] for i in range(len(images))]
        return np.stack([np.asarray(answer(image, *row)) for image, row in zip(images, rows, strict=True)])

    return run


def with_fallback(first, second):
    """What `first` returns or, where that is wrong, `second`; where both are, what is wrong with the first counts."""
    try:
        return first()
    except WrongError:
        with contextlib.suppress(WrongError):
            return second()
        raise


# --- What is wrong with values ----------------------------------------------------------------------


def is_close(value, right, rtol=1e-4, atol=1e-3):
    """Whether an array has the shape and the values of another."""
    return value.shape == np.shape(right) and np.allclose(value, right, rtol=rtol, atol=atol, equal_nan=True)


def all_close(values, rights, **tolerance):
    """Whether each array of a list is close to that of another list."""
    return all(is_close(value, right, **tolerance) for value, right in zip(values, rights, strict=True))


def require_shape(value, shape, meaning):
    """Raise unless an array has this shape, whose meaning is told."""
    if value.shape == shape:
        return
    hint = ""
    if value.shape == shape[::-1]:
        hint = "; it is the transpose"
    elif value.size == np.prod(shape):
        hint = "; reshape it"
    elif value.shape == ():
        hint = "; one number for all of them means that it was summed or averaged once too often"
    raise WrongError(f"the result has shape {value.shape}, not {shape}, {meaning}{hint}")


def require_pixels(new, images, name):
    """Raise unless `new` are images as `images` are, with finite pixels in [0, 1]."""
    require_shape(new, images.shape, "a row of 784 pixels for each image")
    if not np.isfinite(new).all():
        raise WrongError(f"{name} hold NaN or infinity; is there a division by 0?")
    low, high = new.min(), new.max()
    if high > 50:
        raise WrongError(f"{name} reach {high:.0f}; pixels here go from 0 to 1, not to 255")
    if high > 1 + 1e-5:
        raise WrongError(f"{name} reach {high:.2f}, and ink can't be more than 1; clip them with np.clip")
    if low < -1e-5:
        raise WrongError(f"{name} go down to {low:.2f}, and ink can't be negative; clip them with np.clip")


def recognise(matches, mistakes):
    """Raise the message of the first mistake that matches.

    Parameters
    ----------
    matches : tells of a mistake's value, or values, whether the learner's is the same
    mistakes : tuples of a message and the value, or values
    """
    for message, *value in mistakes:
        if matches(*value):
            raise WrongError(message)


def compare(answer, cases, rights, mistakes, name, meaning, **tolerance):
    """Raise unless `answer` gives the right value on all cases.

    Parameters
    ----------
    answer : the learner's function
    cases : list of tuples of arguments
    rights : functions of the arguments, each of which is right
    mistakes : list of (message, function of the arguments that makes the mistake)
    name : of the value, such as "KL"
    meaning : of the value's shape, for a message
    tolerance : `rtol` and `atol`, where `is_close` has others
    """
    expected = [[np.asarray(right(*case)) for case in cases] for right in rights]
    values = [evaluate(answer, *case) for case in cases]
    # A number may come in an array of its own.
    values = [
        value.reshape(()) if value.size == 1 and right.shape == () else value
        for value, right in zip(values, expected[0], strict=True)
    ]
    if any(all_close(values, right, **tolerance) for right in expected):
        return

    def matches(mistake):
        return all_close(values, [np.asarray(mistake(*case)) for case in cases], **tolerance)

    with np.errstate(all="ignore"):
        recognise(matches, mistakes)
    for value, right in zip(values, expected[0], strict=True):
        require_shape(value, right.shape, meaning)
        if not np.isfinite(value).all():
            raise WrongError(f"the {name} is {value.ravel()[~np.isfinite(value.ravel())][0]} where it is a number")
    explain_difference(*(np.concatenate([np.ravel(part) for part in parts]) for parts in (values, expected[0])), name)


# Ratios to the right value that have a cause
FACTORS = {
    -1: "the right one with the sign turned",
    0.5: "exactly half of the right one: is a factor missing?",
    2: "exactly twice the right one: is the factor 1/2 missing?",
    1 / 784: "the mean over pixels; the sum is 784 times it",
    784: "784 times the right one: is something summed over pixels twice?",
    1 / np.log(2): "in bits; use the natural logarithm, for nats",
}


def explain_difference(value, right, name):
    """Raise how an array of wrong values differs from the right ones: by a factor, by an offset, or anyhow."""
    not_zero = np.abs(right) > 1e-3
    ratio = np.median(value[not_zero] / right[not_zero])
    if np.allclose(value, ratio * right, rtol=1e-3, atol=1e-6) and abs(ratio) > 1e-6:
        recognise(
            lambda factor: np.isclose(ratio, factor, rtol=1e-3),
            [(f"your {name} is {text}", factor) for factor, text in FACTORS.items()],
        )
        raise WrongError(f"your {name} is {ratio:.4g} times the right one in every case")
    offset = np.median(value - right)
    if np.allclose(value, right + offset, rtol=1e-4, atol=1e-3):
        raise WrongError(f"the {name} is {abs(offset):.4g} too {'large' if offset > 0 else 'small'} in every case")
    first = np.argmax(np.abs(value - right) > 1e-3 + 1e-4 * np.abs(right))
    raise WrongError(f"the {name} is {value[first]:.5g} where {right[first]:.5g} is right")
