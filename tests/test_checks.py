"""The checks of lesson 05 against kept answers: the right ones pass, each wrong one is told why."""

import sys
import time

import numpy as np
import pytest

from pylib import checks
from tests import exercise_answers
from tests.exercise_answers.probability import crashes

pytestmark = pytest.mark.slow


def judge(check, answer):
    parts = answer if isinstance(answer, tuple) else (answer,)
    extra = exercise_answers.EXTRA.get(check, tuple)
    return getattr(checks, check)(*parts, *extra())


def each(table):
    return [pytest.param(check, answer, id=f"{check}-{i}") for check in table for i, answer in enumerate(table[check])]


@pytest.mark.parametrize(("check", "answer"), each(exercise_answers.RIGHT))
def test_right_answers_pass(check, answer, capsys):
    start = time.perf_counter()
    verdict = judge(check, answer)
    seconds = time.perf_counter() - start
    printed, errors = capsys.readouterr()
    assert verdict.right and verdict.written, verdict.message
    assert printed == verdict.message + "\n" and printed.startswith("right: ")
    assert errors == ""
    print(f"{seconds:.2f} s")  # shown by pytest -s; on a busy machine no bound would hold


@pytest.mark.parametrize(("check", "case"), each(exercise_answers.WRONG))
def test_wrong_answers_are_told_why(check, case, capsys):
    answer, text = case
    verdict = judge(check, answer)
    printed, errors = capsys.readouterr()
    assert not verdict.right and verdict.written
    assert text in verdict.message
    assert printed == verdict.message + "\n" and printed.startswith("not yet: ")
    assert errors == ""


def test_each_check_has_enough_answers():
    names = set(checks.__all__) - {"Verdict", "quiet"}
    assert names == set(exercise_answers.RIGHT) == set(exercise_answers.WRONG) and len(names) == 11
    assert min(map(len, exercise_answers.RIGHT.values())) >= 2
    assert min(map(len, exercise_answers.WRONG.values())) >= 4


def empty(*args):
    raise NotImplementedError()


@pytest.mark.parametrize("check", exercise_answers.RIGHT)
@pytest.mark.parametrize("answer", [None, ..., empty, lambda *args: None, lambda *args: ...])
def test_not_written_yet(check, answer):
    if check == "different_compression" and callable(answer):
        answer = {2: answer} if answer is empty else {2: answer(2)}
        answer = {2: None} if callable(answer[2]) else answer
    verdict = judge(check, (answer, answer) if check == "own_noise" else answer)
    assert not verdict.right and not verdict.written
    assert verdict.message.startswith("not written yet")


def test_a_crash_is_told_in_one_sentence():
    message = judge("evidence_bound", crashes).message
    assert "`return np.zeros(2) + np.zeros(3)`" in message
    assert "with ValueError: operands could not be broadcast" in message
    assert "\n" not in message


@pytest.mark.parametrize(("check", "answer"), [("sampling", crashes), ("own_noise", (crashes, crashes))])
def test_a_crash_with_a_generator_is_told_by_the_learners_own_line(check, answer):
    assert "`return np.zeros(2) + np.zeros(3)` with ValueError" in judge(check, answer).message


def leaves(*args):
    sys.exit("done")


def test_leaving_python_is_told_as_a_crash():
    assert judge("evidence_bound", leaves).message.endswith('`sys.exit("done")` with SystemExit: done')


def places_of_two_lengths():
    """An answer to exercise 9 that gives the first place two numbers, and three to all others."""
    places = iter([np.zeros(2)])
    return lambda image: (next(places, np.zeros(3)), 1)


@pytest.mark.parametrize(
    ("check", "answer", "error"),
    [
        ("drawn_digit", places_of_two_lengths(), "ValueError: all input arrays must have the same shape"),
        ("different_compression", {2: 0.04, "8": 0.02, 32: 0.01}, "TypeError: '<' not supported"),
    ],
)
def test_values_that_no_message_foresees_raise_nothing(check, answer, error):
    verdict = judge(check, answer)
    assert verdict.written and not verdict.right
    assert verdict.message.startswith("not yet: ") and error in verdict.message and "\n" not in verdict.message


def test_stopping_a_cell_stops_the_check():
    def interrupted(*args):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        judge("evidence_bound", interrupted)


def test_no_warning_reaches_the_error_stream(capsys):
    with checks.quiet():
        np.log(np.zeros(2))
        print("noise", file=sys.stderr)
    assert capsys.readouterr().err == ""
