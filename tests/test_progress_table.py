"""The table of exercises that are right, and the file that keeps it."""

import json

import pytest

from pylib import checks
from pylib.checks import _judge
from pylib.checks.progress import EXERCISES
from tests import exercise_answers

RIGHT, WRONG = exercise_answers.RIGHT["derived_entropy"][0], exercise_answers.WRONG["derived_entropy"][0][0]


@pytest.fixture(autouse=True)
def no_listener_stays():
    yield
    _judge.LISTENERS.clear()


def test_it_follows_the_checks_and_comes_back(tmp_path):
    path = tmp_path / "progress.json"
    table = checks.ProgressTable(path)
    assert "<b>0 of 18 checks are right.</b>" in table.value and not path.exists()
    checks.derived_entropy(lambda s: None)
    assert not path.exists()  # there is no answer yet
    checks.derived_entropy(WRONG)
    assert "<td>12a Entropy</td><td>not yet</td>" in table.value
    checks.derived_entropy(RIGHT)
    assert "<b>1 of 18 checks are right.</b>" in table.value
    assert json.loads(path.read_text())["derived_entropy"]["right"] is True
    checks.derived_entropy(lambda s: None)
    again = checks.ProgressTable(path)
    assert "<b>1 of 18 checks are right.</b>" in again.value and "12a Entropy</td><td>right, 20" in again.value
    checks.derived_entropy(WRONG)
    assert "<b>0 of 18" in again.value and "<b>1 of 18" in table.value  # the newest follows


@pytest.mark.parametrize(
    "content", ["", "[1]", '{"derived_kl": 3, "new_numbers": {"right": "yes", "on": 1}}', "{", "\x00"]
)
def test_a_damaged_file_is_begun_anew(tmp_path, content):
    path = tmp_path / "progress.json"
    path.write_text(content)
    table = checks.ProgressTable(path)
    assert "<b>0 of 18" in table.value
    checks.derived_entropy(RIGHT)
    assert list(json.loads(path.read_text())) == ["derived_entropy"]


def test_where_it_cannot_be_kept_it_says_so(tmp_path):
    table = checks.ProgressTable(tmp_path / "no folder" / "progress.json")
    checks.derived_entropy(RIGHT)
    assert "<b>1 of 18" in table.value and "This is not kept" in table.value


def test_nbgraders_run_keeps_none(tmp_path, monkeypatch):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    checks.ProgressTable(tmp_path / "progress.json")
    checks.derived_entropy(RIGHT)
    assert not (tmp_path / "progress.json").exists()


def test_every_exercise_has_a_name():
    assert set(EXERCISES) == set(_judge.CHECKS)
