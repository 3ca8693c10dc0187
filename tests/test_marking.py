"""Marks: the hidden cases, and the judge in a process of its own that sees only what functions returned."""

import json

import nbformat
import numpy as np
import pytest

from pylib import _marking, checks
from pylib.checks import _judge, marking
from pylib.checks._answers import Tape, tape_from_text, tape_to_text
from tests import exercise_answers

pytestmark = pytest.mark.slow
QUICK = sorted(set(_judge.CHECKS) - {"different_compression", "learned_sigma"})


def parts(answer):
    return answer if isinstance(answer, tuple) else (answer,)


def recorded(check, answer):
    tape = Tape()
    verdict = _judge.judged(_judge.CHECKS[check], parts(answer), True, tape)
    return verdict, tape_to_text(tape.entries)


@pytest.mark.parametrize("check", sorted(_judge.CHECKS))
def test_what_the_check_calls_right_has_its_marks(check):
    answers = exercise_answers.RIGHT[check]
    for answer in answers[:2] if check in QUICK else answers[:1]:
        assert getattr(checks, check)(*parts(answer)).right
        verdict, record = recorded(check, answer)
        assert verdict.right, verdict.message
        assert marking.judge_record(check, record) is None
        assert len(record) < 5e6


@pytest.mark.parametrize("check", QUICK)
def test_a_wrong_answer_has_none_and_is_told_the_same(check):
    for answer, _ in exercise_answers.WRONG[check][:6]:
        verdict, record = recorded(check, answer)
        assert not verdict.right and marking.judge_record(check, record) == verdict.message


@pytest.mark.parametrize("check", QUICK)
def test_hidden_cases_are_others_than_the_visible_ones(check):
    """An answer that knows all visible cases by heart has no marks."""
    answers, seen = parts(exercise_answers.RIGHT[check][0]), {}

    def key(args):
        return tuple(
            np.asarray(arg).tobytes() if isinstance(arg, np.ndarray | float | int) else type(arg).__name__
            for arg in args
        )

    def remembering(i, answer):
        def learn(*args):
            place = (i, key(args))
            seen[place] = answer(*args)
            return seen[place]

        return learn

    assert getattr(checks, check)(*(remembering(i, answer) for i, answer in enumerate(answers))).right

    def by_heart(i):
        return lambda *args: seen[i, key(args)]

    verdict, _ = recorded(check, tuple(map(by_heart, range(len(answers)))))
    assert not verdict.right


def test_a_tape_plays_what_was_recorded():
    def answer(x):
        return {"a": (np.float32(2.5), [1, 2]), 3: lambda: "text"}

    tape = Tape()
    first = tape.play(_judge.Answer(None, "answer", tape), lambda: answer)
    result = first(np.zeros(2))
    inner = result[3]()
    again = Tape(tape_from_text(tape_to_text(tape.entries)))
    played = again.play(_judge.Answer(None, "answer", again), lambda: None)(np.ones(9))
    assert played["a"][0] == result["a"][0] == 2.5 and np.array_equal(played["a"][1], [1, 2])
    assert played[3]().name == inner.name == "str"
    assert played["a"][0].dtype == np.float32


def cell(source, *records, error=False):
    cell = nbformat.v4.new_code_cell(source)
    cell.outputs = [nbformat.v4.new_output("display_data", {marking.RECORD: record}) for record in records]
    if error:
        cell.outputs.append(nbformat.v4.new_output("error", ename="A", evalue="b", traceback=[]))
    return cell


def errors(cell):
    return [output.evalue for output in cell.outputs if output.output_type == "error"]


def test_cells_are_judged_by_their_records_alone():
    right = recorded("derived_entropy", exercise_answers.RIGHT["derived_entropy"][0])[1]
    wrong = recorded("derived_entropy", exercise_answers.WRONG["derived_entropy"][0][0])[1]
    source = 'verdict = 1\nchecks.mark("derived_entropy", laplace_entropy)'
    cells = [
        cell(source, right),
        cell(source, wrong),
        cell(source),  # it was kept from recording
        cell(source, right, right),  # there is a forged one beside its own
        cell(source, "no record"),
        cell(source.replace("entropy", "kl"), right),  # of another exercise
        cell(source, error=True),
        cell("print(1)"),
    ]
    _marking.judge_cells(cells)
    found = [errors(cell) for cell in cells]
    assert found[0] == [] and found[7] == [] and found[6] == ["b"]
    assert "this is the mean of log q" in found[1][0]
    assert "did not come to its end" in found[2][0] and "did not come to its end" in found[3][0]
    assert "can't be read" in found[4][0] and found[5]
    assert not [o for c in cells for o in c.outputs if marking.RECORD in o.get("data", {})]


def test_mark_says_what_is_wrong_and_records_for_nbgrader_alone(monkeypatch, capsys):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda data, raw: shown.append(data))
    checks.mark("derived_entropy", exercise_answers.RIGHT["derived_entropy"][0])
    assert shown == []
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    with pytest.raises(AssertionError, match="the 1 is missing"):
        checks.mark("derived_entropy", exercise_answers.WRONG["derived_entropy"][1][0])
    assert json.dumps(shown) and list(shown[0]) == [marking.RECORD]
    with pytest.raises(ValueError, match="name must be one of .*derived_kl.*, not 'no_check'"):
        checks.mark("no_check", None)
    assert capsys.readouterr() == ("", "")
