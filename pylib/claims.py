"""What a lesson claims of its own run, checked against the arrays of that run."""


def claim(statement, holds, trained=True):
    """Print a statement and whether it holds; where the networks trained too briefly for it, say only that.

    Parameters
    ----------
    statement : what is claimed, as one sentence
    holds : whether the arrays of this run bear it out
    trained : whether the networks that it speaks of trained for long enough
    """
    print(f"{statement}: {bool(holds) if trained else 'too few epochs to tell'}")
