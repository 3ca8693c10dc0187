"""Claims of the lessons, checked against the arrays of the run at hand."""


def verdict(claim, holds, trained=True):
    """Print `claim` and whether it holds; where the networks trained too briefly, say only that."""
    print(f"{claim}: {bool(holds) if trained else 'too few epochs to tell'}")
