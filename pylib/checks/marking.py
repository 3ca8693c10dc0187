"""Marks: the cases that count, and a judge in a process of its own, where no learner's code ever ran.

In a marked cell `mark` calls the learner's functions for the hidden cases and, where nbgrader runs it, leaves a record
of what they returned among the cell's outputs. `pylib._marking` takes them out once the notebook has run, and has them
judged by `main` here in a fresh Python process: whatever the learner's code did to its own, only values count.
"""

import json
import os
import sys

from pylib._marking import RECORD
from pylib.checks import _judge
from pylib.checks._answers import Tape, tape_from_text, tape_to_text


def mark(name, *answers):
    """Try answers on the cases that count for marks, which no cell of the learner's uses.

    Parameters
    ----------
    name : of a check, such as "kl_between_gaussians"
    *answers : what the check takes

    Raises
    ------
    AssertionError : with what is wrong
    ValueError : there is no such check
    """
    if name not in _judge.CHECKS:
        raise ValueError(f"name must be one of {', '.join(sorted(_judge.CHECKS))}, not {name!r}")
    tape = Tape()
    verdict = _judge.judged(_judge.CHECKS[name], answers, True, tape)
    if os.environ.get("NBGRADER_EXECUTION"):
        from IPython.display import display

        display({RECORD: tape_to_text(tape.entries)}, raw=True)
    assert verdict.right, verdict.message


def judge_record(name, record):
    """What is wrong with the recorded answers of a check, or None.

    Parameters
    ----------
    name : of the check
    record : as `mark` displays it, or None

    Returns
    -------
    problem : the verdict's message, or None where it is right
    """
    if record is None:
        return "not yet: the cell that marks did not come to its end, or was kept from it"
    try:
        entries = tape_from_text(record)
    except Exception:  # of what kind depends on how a record was forged
        return "not yet: the record of what the functions returned can't be read"
    nothing = [None] * len(_judge.answer_names(_judge.CHECKS[name]))  # all comes from the tape
    verdict = _judge.judged(_judge.CHECKS[name], nothing, True, Tape(entries))
    return None if verdict.right else verdict.message


def main():
    """Read a list of pairs of a check's name and its record, and write the list of what is wrong with each."""
    pairs = json.load(sys.stdin)
    problems = [judge_record(name, record) for name, record in pairs]
    json.dump(problems, sys.stdout)
