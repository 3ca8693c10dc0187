"""What all checks share: the verdict, trying an answer on cases, and saying what is wrong with the values it returns.

A check raises what is wrong, as `WrongError` or `NotWrittenError`, and returns what is right, as text or as a pair of
the text and a dict of arrays to show. The decorator `check` prints either and makes a `Verdict` of it. A check calls
the answer for all cases first and computes what is right only then, so that there is nothing to find in its frames.
"""

import copy
import functools
import inspect
from dataclasses import dataclass, field

import numpy as np

from pylib.checks._answers import Answer, InputChangedError, NotWrittenError, Tape, Unusable, WrongError, describe
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
    shown : dict of a name to an array that the answer made, for a picture
    """

    right: bool
    written: bool
    message: str
    shown: dict = field(default_factory=dict, repr=False, compare=False)

    def _ipython_display_(self):
        """Show nothing at the end of a cell, because the line is printed already."""


CHECKS = {}  # name -> the function that judges
LISTENERS = []  # functions of a check's name and its verdict, such as the progress that a notebook keeps


def check(judge):
    """Decorate `judge(*answers, hidden)`: what it raises or returns is printed, and made a Verdict.

    `hidden` chooses the cases that marking uses, which the notebook never does; the public check has no such parameter,
    and its docstring none either.
    """
    signature = inspect.signature(judge)
    public = [parameter for name, parameter in signature.parameters.items() if name != "hidden"]
    signature = signature.replace(parameters=public)
    CHECKS[judge.__name__] = judge

    @functools.wraps(judge)
    def printed_verdict(*args, **kwargs):
        try:
            bound = signature.bind(*args, **kwargs)
        except TypeError as error:
            verdict = Verdict(False, True, f"not yet: this is no call of {judge.__name__}{signature}: {error}")
        else:
            with Progress(what="checking"):
                verdict = judged(judge, bound.args, False, Tape())
        print(verdict.message)
        for listen in LISTENERS:
            listen(judge.__name__, verdict)
        return verdict

    printed_verdict.__signature__ = signature
    return printed_verdict


def answer_names(judge):
    """The names of the answers that a check takes."""
    return [name for name in inspect.signature(judge).parameters if name != "hidden"]


def judged(judge, answers, hidden, tape):
    """The verdict on answers, which a tape records or plays."""
    try:
        parts = [
            tape.play(Answer(None, name, tape), lambda answer=answer: answer)
            for name, answer in zip(answer_names(judge), answers, strict=True)
        ]
        result = judge(*parts, hidden=hidden)
        text, shown = result if isinstance(result, tuple) else (result, {})
        return Verdict(True, True, f"right: {text}", shown)
    except WrongError as problem:
        return Verdict(False, True, f"not yet: {problem}")
    except NotWrittenError as problem:
        return Verdict(False, False, f"not written yet: {problem}")
    except Exception as error:  # the values are of a kind that no other message foresees
        return Verdict(False, True, f"not yet: the check can't judge this; it stops with {describe(error)}")


def require_functions(**answers):
    """Raise unless each of these is a function."""
    for name, answer in answers.items():
        if answer is None:
            raise NotWrittenError(f"there is no function {name} here")
        if not isinstance(answer, Answer):
            raise WrongError(f"give the function {name} itself, without calling it, not {kind_of(answer)}")


# --- Trying an answer -------------------------------------------------------------------------------


def kind_of(value):
    """What a value is, for a message."""
    if isinstance(value, Unusable):
        return f"a {value.name}"
    if isinstance(value, Answer):
        return f"the function {value.name}"
    if isinstance(value, np.ndarray):
        return "a number" if value.ndim == 0 else f"an array of shape {value.shape}"
    return "nothing" if value is None else f"a {type(value).__name__}"


def as_array(value, name):
    """A value of the function `name` as an array of real numbers, float64."""
    if not isinstance(value, np.ndarray):
        raise WrongError(f"{name} returns {kind_of(value)}, which is no array of numbers; return one array")
    return value.astype("float64")


def evaluate(answer, *args, shape=None, precisions=("float32", "float64")):
    """What `answer` returns, as an array, called in the first way that works; that way is kept for all later calls.

    Where it can't take floats of one precision, it gets the other. With `shape`, of the result, an answer that
    fails for all images at once gets one image at a time.
    """
    ways = [(precision, one) for one in ((False, True) if shape else (False,)) for precision in precisions]
    problem, other = None, None
    for way in [answer.way] if answer.way else ways:
        try:
            # A generator of random numbers is begun anew for each way, or the first would have used some up.
            value = _evaluate(
                answer, [copy.deepcopy(a) if isinstance(a, np.random.Generator) else a for a in args], *way
            )
        except InputChangedError:
            raise
        except WrongError as error:
            problem = problem or error
            continue
        value = value if shape is None else in_shape(value, shape)
        if shape is None or value.shape == shape:
            answer.way = way
            return value
        other = other or (way, value)
        if value.shape == shape[1:]:
            break  # it takes all images, and makes one of them
    if other is None:
        raise problem
    return other[1]


def _evaluate(answer, args, precision, one_by_one):
    floats = [isinstance(arg, np.ndarray) and arg.dtype.kind == "f" for arg in args]
    args = [arg.astype(precision) if is_float else arg for arg, is_float in zip(args, floats, strict=True)]
    if not one_by_one:
        return as_array(answer(*args), answer.name)
    images = args[0]
    split = [isinstance(arg, np.ndarray) and arg.shape == images.shape for arg in args]
    rows = [
        as_array(answer(*(arg[i] if part else arg for arg, part in zip(args, split, strict=True))), answer.name)
        for i in range(len(images))
    ]
    if len({row.shape for row in rows}) > 1:
        raise WrongError(f"{answer.name} returns arrays of different shapes for one image and another")
    return np.stack(rows)


def in_shape(value, shape):
    """An array in this shape, if only axes of length 1 are there or missing; else as it is."""
    return value.reshape(shape) if _squeezed(value.shape) == _squeezed(shape) else value


def _squeezed(shape):
    return tuple(length for length in shape if length != 1)


# --- What is wrong with values ----------------------------------------------------------------------


def is_close(value, right, rtol=1e-4, atol=1e-3):
    """Whether an array has the shape and the values of another."""
    return np.shape(value) == np.shape(right) and np.allclose(value, right, rtol=rtol, atol=atol, equal_nan=True)


def all_close(values, rights, **tolerance):
    """Whether each array of a list is close to that of another list."""
    return all(is_close(value, right, **tolerance) for value, right in zip(values, rights, strict=True))


def require_shape(value, shape, meaning):
    """Raise unless an array has this shape, whose meaning is told."""
    if value.shape == shape:
        return
    hint = ""
    if value.ndim == 2 and value.shape == shape[::-1]:
        hint = "; is it the transpose?"
    elif value.shape == ():
        hint = "; one number for all of them means that it was summed or averaged once too often"
    raise WrongError(f"the result has shape {value.shape}, not {shape}, {meaning}{hint}")


def require_finite(value, name, look):
    """Raise where an array holds a NaN or an infinity; `look` says where one may come from."""
    if not np.isfinite(value).all():
        found = value.ravel()[~np.isfinite(value.ravel())][0]
        raise WrongError(f"the {name} {'is' if value.size == 1 else 'holds'} {found}; {look}")


def require_pixels(new, images, name):
    """Raise unless `new` are images as `images` are, with finite pixels in [0, 1]."""
    require_shape(new, images.shape, "a row of 784 pixels for each image")
    if not np.isfinite(new).all():
        raise WrongError(f"{name} hold NaN or infinity; is there a division by 0?")
    low, high = new.min(), new.max()
    if high > 50:
        raise WrongError(f"{name} reach {high:.0f}; pixels here go from 0 to 1, not to 255")
    if high > 1 + 1e-5:
        raise WrongError(f"{name} reach {high:.2f}, and ink can't be more than 1; limit them, as np.clip does")
    if low < -1e-5:
        raise WrongError(f"{name} go down to {low:.2f}, and ink can't be negative; limit them, as np.clip does")


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


def compare(answer, cases, right, mistakes, name, meaning, look, precisions=("float32", "float64"), **tolerance):
    """Raise unless `answer` gives the right value on all cases; what it gave is returned.

    Parameters
    ----------
    answer : the learner's
    cases : list of tuples of arguments
    right : function of the arguments, or a list of functions each of which is right
    mistakes : list of (message, function of the arguments that makes the mistake)
    name : of the value, such as "KL"
    meaning : of the value's shape, for a message
    look : where to look first, if no mistake matches; or a function of which cases have the right value, a list of
        bool, that says so
    precisions : as `evaluate` takes them
    tolerance : `rtol` and `atol`, where `is_close` has others
    """
    values = [evaluate(answer, *case, precisions=precisions) for case in cases]
    expected = [[np.asarray(f(*case)) for case in cases] for f in (right if isinstance(right, list) else [right])]
    values = [in_shape(value, want.shape) for value, want in zip(values, expected[0], strict=True)]
    if any(all_close(values, rights, **tolerance) for rights in expected):
        return values

    def matches(mistake):
        wrong = [np.asarray(mistake(*case)) for case in cases]
        wrong = [in_shape(one, np.shape(value)) for one, value in zip(wrong, values, strict=True)]
        return all_close(values, wrong, **tolerance) and not any(all_close(wrong, rights) for rights in expected)

    with np.errstate(all="ignore"):
        recognise(matches, mistakes)
        if callable(look):
            look = look(
                [all_close([value], [want], **tolerance) for value, want in zip(values, expected[0], strict=True)]
            )
    for value, want in zip(values, expected[0], strict=True):
        require_shape(value, want.shape, meaning)
        require_finite(value, name, look)
    explain_difference(
        *(np.concatenate([np.ravel(part) for part in parts]) for parts in (values, expected[0])), name, look
    )
    return values


# Ratios to the right value that have a cause
FACTORS = {
    -1: "the right one with its sign turned",
    0.5: "half of the right one in every case: is there a factor 1/2 too many, or a factor 2 missing?",
    2: "twice the right one in every case: is there a factor 2 too many, or a factor 1/2 missing?",
    1 / np.log(2): "in bits; use the natural logarithm, for nats",
}


def explain_difference(value, right, name, look):
    """Raise how an array of wrong values differs from the right ones: by a factor, by an offset, or anyhow."""
    large = np.abs(right) > 1e-3
    if large.sum() > 1:
        ratio = np.median(value[large] / right[large])
        if abs(ratio) > 1e-3 and np.allclose(value, ratio * right, rtol=1e-3, atol=1e-6):
            recognise(
                lambda factor: np.isclose(ratio, factor, rtol=1e-3),
                [(f"your {name} is {text}", factor) for factor, text in FACTORS.items()],
            )
            if abs(ratio - 1) > 0.01:
                raise WrongError(f"your {name} is {ratio:.4g} times the right one in every case; {look}")
        offset = np.median(value - right)
        if abs(offset) > 1e-2 and np.allclose(value, right + offset, rtol=1e-4, atol=1e-3):
            high = "large" if offset > 0 else "small"
            raise WrongError(f"the {name} is too {high} by {abs(offset):.4g} in every case; {look}")
    worst = np.argmax(np.abs(value - right) / (1e-3 + np.abs(right)))
    raise WrongError(f"the {name} is {value[worst]:.6g} where {right[worst]:.6g} is right; {look}")
