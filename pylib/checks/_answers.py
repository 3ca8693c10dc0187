"""The one gate through which checks call a learner's function, and which can record what comes back, and play it again.

Marking needs that: what a function returned for the cases that count is judged once more by a process in which no
learner's code ever ran.
"""

import base64
import contextlib
import io
import json
import linecache
import logging
import re
import sysconfig
import warnings
from pathlib import Path

import numpy as np


class WrongError(Exception):
    """What is wrong with an answer, in the learner's words."""


class NotWrittenError(Exception):
    """What is missing, where there is no answer yet."""


class InputChangedError(WrongError):
    """An answer writes into what it is given."""


class Unusable:
    """Stands for a value that is neither numbers nor a function; it has that value's type as its name."""

    def __init__(self, name):
        self.name = name


_TRAINED = {}  # a function's name and arguments -> the function that trained last, and what it returned

# --- Answers ----------------------------------------------------------------------------------------


class Tape:
    """What an answer's functions return, call by call: recorded or, where `entries` are given, played again.

    Parameters
    ----------
    entries : of a recorded tape, or None
    """

    def __init__(self, entries=None):
        self.entries = [] if entries is None else entries
        self.position = None if entries is None else 0

    def play(self, answer, get):
        """What `get` returns, or the tape in its place; an error is an entry, too."""
        if self.position is not None:
            return self._next(answer)
        try:
            value = opened(get(), answer.name, self)
        except (WrongError, NotWrittenError) as problem:
            self.entries.append(problem)
            raise
        self.entries.append(closed(value))
        return value

    def _next(self, answer):
        if self.position >= len(self.entries):
            raise WrongError("the record of what the functions returned ends too early")
        entry = self.entries[self.position]
        self.position += 1
        if isinstance(entry, Exception):
            raise entry
        return opened(entry, answer.name, self)


class Answer:
    """A learner's function, as checks call it.

    Parameters
    ----------
    function : the learner's, or None where a tape is played
    name : of the function, for messages
    tape : on which calls are recorded, or from which they are played
    """

    def __init__(self, function, name, tape):
        self.function, self.name, self.tape = function, name, tape
        self.way = None  # in which `evaluate` found that it can be called

    def __call__(self, *args):
        """What the function returns for copies of the arguments, as arrays, tuples, dicts and further answers."""
        return self.tape.play(self, lambda: _run(self.function, self.name, args))

    def trained(self, *args, again):
        """As a call, for a function that trains: where it trained with these arguments before, `again` takes that.

        Marking judges what the learner saw, and no other training.
        """

        def get():
            key = (self.name, args)
            if not again or key not in _TRAINED or _TRAINED[key][0] is not self.function:
                _TRAINED[key] = self.function, _run(self.function, self.name, args)
            return _TRAINED[key][1]

        return self.tape.play(self, get)

    def derived(self, make):
        """The answer that `make` makes of the function, such as its derivative, on the same tape."""
        return Answer(None if self.function is None else make(self.function), self.name, self.tape)


class _Function:
    """Stands on a tape for a function."""

    def __init__(self, name):
        self.name = name


def opened(value, name, tape):
    """A value with its numbers as arrays and its functions as answers; `name` is of what has no name of its own."""
    if value is None or value is ...:
        return None
    if isinstance(value, Unusable):
        return value
    if isinstance(value, _Function):
        return Answer(None, value.name, tape)
    if isinstance(value, dict):
        return {_key(key): opened(item, name, tape) for key, item in value.items()}
    numbers = _numbers(value)
    if numbers is not None:
        return numbers
    if isinstance(value, tuple | list):
        return tuple(opened(item, name, tape) for item in value)
    if callable(value):
        return Answer(value, getattr(value, "__name__", getattr(value, "name", name)), tape)
    return Unusable(type(value).__name__)


def closed(value):
    """A value that `opened` returned, without the functions themselves."""
    if isinstance(value, Answer):
        return _Function(value.name)
    if isinstance(value, dict):
        return {key: closed(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return tuple(map(closed, value))
    return value


def _key(key):
    return int(key) if isinstance(key, int | np.integer) else key if isinstance(key, float | str) else str(key)


def _numbers(value):
    """A value as an array of real numbers, or None where it is none."""
    if isinstance(value, str | bytes | dict) or (callable(value) and not hasattr(value, "__array__")):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            array = np.asarray(value)
            if array.dtype.kind == "O" or array.dtype.name == "bfloat16":  # such as Decimal
                array = array.astype("float64")
    except Exception:
        return None
    if array.dtype.kind == "c" and np.all(np.abs(array.imag) <= 1e-9 * np.abs(array.real)):
        array = array.real
    return array.copy() if array.dtype.kind in "biuf" else None


# --- A call -----------------------------------------------------------------------------------------


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


def _run(function, name, args):
    """What a function returns for copies of the arguments, once it is clear that it returned and changed nothing."""
    copies = [arg.copy() if isinstance(arg, np.ndarray) else arg for arg in args]
    try:
        with quiet():
            result = function(*copies)
    except (Exception, SystemExit) as error:
        if describe(error) == "NotImplementedError":  # which stands in an empty answer; TensorFlow's own has a text
            raise NotWrittenError(f"{name} is still empty") from error
        raise WrongError(f"{name} stops{own_line(error)} with {describe(error)}") from error
    for before, after in zip(args, copies, strict=True):
        if isinstance(before, np.ndarray) and not np.array_equal(before, after, equal_nan=before.dtype.kind == "f"):
            raise InputChangedError(
                f"{name} writes into the array that it is given, also by a reshaped view of it, which would spoil "
                "that array for all cells below; begin with a copy, as in `a = a.copy()`, or make a new array"
            )
    if result is None or result is ...:
        raise NotWrittenError(f"{name} returns nothing; does it end with `return`?")
    return result


_COMPILED = "in user code:"
_PYLIB = str(Path(__file__).parents[1])
_LIBRARIES = (_PYLIB, *(sysconfig.get_path(key) for key in ("purelib", "platlib", "stdlib")), "<frozen", "<__array")


def own_line(error):
    """Where in the learner's own code an error comes from, as " in line 3, `return a + b`,", or nothing."""
    places, trace = [], error.__traceback__
    while trace is not None:
        places.append((trace.tb_frame.f_code.co_filename, trace.tb_lineno))
        trace = trace.tb_next
    if str(error).startswith(_COMPILED):  # the lines of a compiled function are in the message alone
        places += [(file, int(number)) for file, number in re.findall(r'File "([^"]+)", line (\d+)', str(error))]
    own = [place for place in places if not place[0].startswith(_LIBRARIES)]
    if not own:
        return ""
    source = linecache.getline(*own[-1]).strip()
    return f" in line {own[-1][1]}" + (f", `{source}`," if source else "")


def describe(error):
    """The type of an error and its message, on one line that is not too long."""
    kind, text = type(error).__name__, str(error)
    if text.startswith(_COMPILED):  # followed by a traceback, which ends in the error itself
        kind, _, text = text.strip().rpartition("\n    ")[2].partition(": ")
    text = re.sub(r"\x1b\[[\d;]*m", "", text)
    text = re.sub(r"\{\{.*?\}\}|\[Op:.*|Arguments received by .*", " ", text, flags=re.DOTALL)
    text = re.sub(r"(Received[^\n]*?)?\binputs=[\[(<].*", " ", text, flags=re.DOTALL)
    text = re.sub(r"^\s*Exception encountered when calling [^\n]*\n", "", text)
    text = " ".join(text.split())
    text = text if len(text) <= 200 else text[:197] + "..."
    return kind.rstrip(":") + (f": {text}" if text else "")


# --- Tapes as text ----------------------------------------------------------------------------------


def tape_to_text(entries):
    """The entries of a tape as text: JSON, whose arrays are in an .npz archive."""
    arrays = {}

    def plain(entry):
        if isinstance(entry, np.ndarray):
            arrays[str(len(arrays))] = entry
            return {"array": str(len(arrays) - 1)}
        if isinstance(entry, tuple):
            return {"tuple": [plain(item) for item in entry]}
        if isinstance(entry, dict):
            return {"dict": [[key, plain(item)] for key, item in entry.items()]}
        if isinstance(entry, Exception):
            return {"error": [type(entry).__name__, str(entry)]}
        if isinstance(entry, _Function | Unusable):
            return {type(entry).__name__: entry.name}
        return None

    text = json.dumps([plain(entry) for entry in entries])
    archive = io.BytesIO()
    np.savez_compressed(archive, tape=text, **arrays)
    return base64.b64encode(archive.getvalue()).decode("ascii")


_ERRORS = {error.__name__: error for error in (WrongError, NotWrittenError, InputChangedError)}


def tape_from_text(text):
    """The entries of a tape that `tape_to_text` wrote."""
    archive = np.load(io.BytesIO(base64.b64decode(text)), allow_pickle=False)

    def entry(value):
        if value is None:
            return None
        (kind, content), *_ = value.items()
        if kind == "array":
            return archive[content]
        if kind == "tuple":
            return tuple(map(entry, content))
        if kind == "dict":
            return {key: entry(item) for key, item in content}
        if kind == "error":
            return _ERRORS[content[0]](content[1])
        return {"_Function": _Function, "Unusable": Unusable}[kind](content)

    return [entry(value) for value in json.loads(str(archive["tape"]))]
