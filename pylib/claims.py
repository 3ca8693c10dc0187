"""What a lesson claims of its own run, checked against the arrays of that run."""

from pylib import _validate


def _validate_claim(statement, holds, trained):
    _validate.string(statement, "statement")
    return {"holds": _truth(holds, "holds"), "trained": _truth(trained, "trained")}


def _truth(value, name):
    array = _validate.numeric(value, name)
    if array.size != 1 or array.item() not in (0, 1):
        raise ValueError(f"{name} must be one truth value, not {_validate.shown(value)}: np.all makes one of several")
    return bool(array.item())


@_validate.arguments(_validate_claim)
def claim(statement, holds, trained=True):
    """Print a statement and whether it holds; where the networks trained too briefly for it, say only that.

    Parameters
    ----------
    statement : what is claimed, as one sentence
    holds : whether the arrays of this run bear it out: a boolean, or 0 or 1, also as an array of one element
    trained : whether the networks that it speaks of trained for long enough

    Raises
    ------
    ValueError : the statement is no string, or `holds` or `trained` is not one truth value
    """
    print(f"{statement}: {holds if trained else 'too few epochs to tell'}")
