"""The checks of lesson 05 against answers kept in `answers.py`: the right ones pass, each wrong one is told why."""

import sys
import time

import numpy as np
import pytest

from pylib import checks
from tests import answers


def judge(check, answer):
    parts = answer if isinstance(answer, tuple) else (answer,)
    return getattr(checks, check)(*parts, *answers.EXTRA.get(check, ()))


def every(table):
    return [pytest.param(check, answer, id=f"{check}-{i}") for check in table for i, answer in enumerate(table[check])]


@pytest.mark.parametrize(("check", "answer"), every(answers.RIGHT))
def test_right_answers_pass(check, answer, capsys):
    start = time.perf_counter()
    verdict = judge(check, answer)
    seconds = time.perf_counter() - start
    printed, errors = capsys.readouterr()
    assert verdict.right and verdict.written, verdict.message
    assert printed == verdict.message + "\n" and printed.startswith("right: ")
    assert errors == ""
    print(f"{seconds:.2f} s")  # shown by pytest -s; on a busy machine no bound would hold


@pytest.mark.parametrize(("check", "case"), every(answers.WRONG))
def test_wrong_answers_are_told_why(check, case, capsys):
    answer, text = case
    verdict = judge(check, answer)
    printed, errors = capsys.readouterr()
    assert not verdict.right and verdict.written
    assert text in verdict.message
    assert printed == verdict.message + "\n" and printed.startswith("not yet: ")
    assert errors == ""


def test_each_check_has_enough_answers():
    names = {name for name, value in vars(checks).items() if getattr(value, "__wrapped__", None) and name[0] != "_"}
    assert names - {"quiet"} == set(answers.RIGHT) == set(answers.WRONG)
    assert min(map(len, answers.RIGHT.values())) >= 2
    assert min(map(len, answers.WRONG.values())) >= 4


def empty(*args):
    raise NotImplementedError()


@pytest.mark.parametrize("check", answers.RIGHT)
@pytest.mark.parametrize("answer", [None, ..., empty, lambda *args: None, lambda *args: ...])
def test_not_written_yet(check, answer):
    if check == "different_compression" and callable(answer):
        answer = {2: answer} if answer is empty else {2: answer(2)}
        answer = {2: None} if callable(answer[2]) else answer
    verdict = judge(check, (answer, answer) if check == "own_noise" else answer)
    assert not verdict.right and not verdict.written
    assert verdict.message.startswith("not written yet")


def test_a_crash_is_told_in_one_sentence():
    message = judge("evidence_bound", answers.crashes).message
    assert "`return np.zeros(2) + np.zeros(3)`" in message
    assert "with ValueError: operands could not be broadcast" in message
    assert "\n" not in message


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
