"""A teacher's whole way with nbgrader, as TEACHING.md tells it: release, autograde, marks by hand, feedback, CSV."""

import csv
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[1]
TEACHER = ROOT / "notebooks" / "teacher"
NAME = "05_exercises"
ANSWERED = 34  # points of the eleven checks; the two open questions have 3 each

WRONG = {
    "kl-answer": "def kl(mean_q, cov_q, mean_p, cov_p):\n    return 0.0",
    "new-numbers-answer": "def combine(a, b):\n    return a + b",
    "open-prior": "Its KL is large.",
}
CRASHING = {
    "new-numbers-answer": "def combine(a, b):\n    return 1 / 0",
    "kl-answer": "def kl(mean_q, cov_q\n",
    "evidence-bound-answer": "import numpy\nraise SystemExit\n",
}
NEVER_ENDING = {"mended-loss-answer": "def vae_loss(*args):\n    while True:\n        pass"}
RIGHT_BOUND = """def bound(log_weights):
    largest = np.max(log_weights, axis=1, keepdims=True)
    return np.log(np.mean(np.exp(log_weights - largest), axis=1)) + largest[:, 0]"""
TAMPERED = {
    "new-numbers-check": "pass",
    "kl-answer": "checks.kl_between_gaussians = lambda kl: checks.Verdict(True, True, '')\nkl = lambda *a: 1.0",
    "evidence-bound-answer": RIGHT_BOUND,
}
KERNEL_DIES = {"new-numbers-answer": "import os\nos._exit(1)"}


def nbgrader(course, *command, expect=0):
    command = [sys.executable, "-m", "nbgrader", *command]
    run = subprocess.run(command, cwd=course, capture_output=True, text=True)
    assert run.returncode == expect, run.stderr[-3000:]
    return run.stderr


def submit(course, student, notebook):
    folder = course / "submitted" / student / NAME
    folder.mkdir(parents=True)
    nbformat.write(notebook, folder / f"{NAME}.ipynb")


def changed(notebook, sources):
    notebook = nbformat.from_dict(notebook)
    for cell in notebook.cells:
        cell.source = sources.get(cell.id, cell.source)
    return notebook


@pytest.fixture(scope="module")
def environment():
    """nbgrader starts alembic, which lies beside this Python."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
        yield


@pytest.fixture(scope="module")
def course(tmp_path_factory, environment):
    """A course in which eight submissions have been graded by machine."""
    course = tmp_path_factory.mktemp("course")
    shutil.copy(TEACHER / "nbgrader_config.py", course)
    (course / "source" / NAME).mkdir(parents=True)
    shutil.copy(TEACHER / f"{NAME}.ipynb", course / "source" / NAME)
    nbgrader(course, "generate_assignment", NAME)

    handed_out = nbformat.read(ROOT / "notebooks" / f"{NAME}.ipynb", as_version=4)
    solved = nbformat.read(TEACHER / f"{NAME}.ipynb", as_version=4)
    tampered = changed(handed_out, TAMPERED)
    tampered.cells = [cell for cell in tampered.cells if cell.id != "slerp-check"]
    for cell in tampered.cells:
        if cell.metadata.get("nbgrader", {}).get("points"):
            cell.metadata.nbgrader.points = 100
    submit(course, "right", solved)
    submit(course, "blank", handed_out)
    submit(course, "wrong", changed(handed_out, WRONG))
    submit(course, "crashing", changed(handed_out, CRASHING | {"sampling-answer": _source(solved, "sampling-answer")}))
    submit(course, "never", changed(handed_out, NEVER_ENDING | {"evidence-bound-answer": RIGHT_BOUND}))
    submit(course, "tampered", tampered)
    submit(course, "dies", changed(handed_out, KERNEL_DIES))
    submit(course, "broken", handed_out)
    (course / "submitted" / "broken" / NAME / f"{NAME}.ipynb").write_text('{"cells": [')
    # Two at a time, as TEACHING.md says; xargs returns 123 where one of them has failed.
    students = "\n".join(sorted(path.name for path in (course / "submitted").iterdir()))
    command = ["xargs", "-n", "1", "-P", "2", "nbgrader", "autograde", NAME, "--Execute.timeout=60", "--student"]
    run = subprocess.run(command, input=students, cwd=course, stderr=subprocess.PIPE, text=True)
    assert run.returncode == 123, run.stderr[-3000:]
    (course / "errors").write_text(run.stderr)
    return course


def _source(notebook, cell_id):
    return next(cell.source for cell in notebook.cells if cell.id == cell_id)


@pytest.fixture
def gradebook(course):
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as gradebook:
        yield gradebook


def marks(gradebook, student):
    submission = gradebook.find_submission_notebook(NAME, NAME, student)
    return {grade.name.removesuffix("-check"): grade.score for grade in submission.grades}


def test_right_and_blank(gradebook):
    assert sum(marks(gradebook, "right").values()) == ANSWERED
    assert gradebook.find_submission(NAME, "right").max_score == ANSWERED + 6
    assert sum(marks(gradebook, "blank").values()) == 0


def test_wrong_crashing_and_never_ending_lose_only_their_own_marks(gradebook):
    assert sum(marks(gradebook, "wrong").values()) == 0
    crashing = marks(gradebook, "crashing")
    assert crashing["sampling"] == 3 and sum(crashing.values()) == 3
    never = marks(gradebook, "never")
    assert never["evidence-bound"] == 3 and sum(never.values()) == 3


def test_tampering_gains_nothing(gradebook):
    tampered = marks(gradebook, "tampered")
    assert tampered["evidence-bound"] == 3 and sum(tampered.values()) == 3
    assert gradebook.find_submission(NAME, "tampered").max_score == ANSWERED + 6


def test_a_submission_that_cannot_be_run_is_named_and_loses_no_other(course):
    errors = (course / "errors").read_text()
    for student in ("broken", "dies"):
        assert f"There was an error processing assignment '{NAME}' for student '{student}'" in errors
        assert not (course / "autograded" / student / NAME).exists()
    graded = {path.name for path in (course / "autograded").iterdir() if any(path.rglob("*.ipynb"))}
    assert graded == {"right", "blank", "wrong", "crashing", "never", "tampered"}


def test_open_questions_by_hand_then_feedback_and_csv(course):
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as gradebook:
        waiting = {student for student in ("right", "blank", "wrong") if _waits(gradebook, student)}
        assert waiting == {"right", "wrong"}  # a blank answer has its 0 already
        for question, points in {"open-prior": 2, "open-table": 3}.items():
            grade = gradebook.find_grade(question, NAME, NAME, "right")
            grade.manual_score, grade.needs_manual_grade = points, False
            gradebook.find_comment(question, NAME, NAME, "right").manual_comment = "Name a second measurement."
        gradebook.db.commit()
    nbgrader(course, "generate_feedback", NAME)
    page = (course / "feedback" / "right" / NAME / f"{NAME}.html").read_text(encoding="utf-8")
    assert "Name a second measurement." in page and "HIDDEN TESTS" in page
    nbgrader(course, "export", "--to", "marks.csv")
    with (course / "marks.csv").open(newline="") as file:
        scores = {row["student_id"]: (float(row["score"]), float(row["max_score"])) for row in csv.DictReader(file)}
    assert scores["right"] == (ANSWERED + 5, ANSWERED + 6)
    assert scores["blank"] == (0, ANSWERED + 6)


def _waits(gradebook, student):
    return any(grade.needs_manual_grade for grade in gradebook.find_submission_notebook(NAME, NAME, student).grades)
