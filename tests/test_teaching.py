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

from tools.student_release import graded as graded_edition

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[1]
TEACHER = ROOT / "notebooks" / "teacher"
NAME = "05_exercises"
ANSWERED = 50  # points of the checks; the two open questions have 3 each

WRONG = {
    "kl-answer": "def kl(mean_q, cov_q, mean_p, cov_p):\n    return 0.0",
    "new-numbers-answer": "def combine(a, b):\n    return a + b",
    "open-prior": "Its KL is large.",
}
CRASHING = {
    "new-numbers-answer": "def combine(a, b):\n    return 1 / 0",
    "kl-answer": "def kl(mean_q, cov_q\n",
    "less-biased-answer": "import numpy\nraise SystemExit\n",
}
NEVER_ENDING = {
    "mended-loss-answer": "def vae_loss(*args):\n    while True:\n        pass",
    "laplace-entropy-answer": "def laplace_entropy(s):\n    while True:\n        print('x' * 1000)",
}
RIGHT_ENTROPY = "def laplace_entropy(s):\n    return 1 + np.log(2 * s)"
# Tricks that a student would find in an evening; each has a cell of its own, of a notebook that is otherwise blank.
CHECK_AND_ALL = """import sys, types
for name in dir(checks):
    if callable(getattr(checks, name)):
        setattr(checks, name, lambda *a, **k: types.SimpleNamespace(right=True, written=True, message="", shown={}))
np.allclose = np.array_equal = lambda *a, **k: True
for module in list(sys.modules.values()):
    if getattr(module, "__name__", "").startswith("pylib.checks"):
        for name in ("is_close", "all_close", "recognise", "explain_difference", "require_shape", "judged", "mark"):
            if hasattr(module, name):
                setattr(module, name, lambda *a, **k: True)
"""
ONES = """def kl(*a): return 1.0
def less_biased(w): return w[:, 0]
def laplace_entropy(s): return 1.0
combine = lambda a, b: a
vae_loss = slerp = sample_laplace = spoil = restore = read_digit = inpaint = rewrite = kl
"""
CALMED = """import IPython
IPython.get_ipython().showtraceback = lambda *a, **k: None
class Calm(Exception): pass
import builtins
builtins.AssertionError = Calm
def kl(*a): return 1.0
"""
FRAMES = """import inspect
def kl(*args):
    frame = inspect.currentframe().f_back
    while frame is not None:
        for name in ("right", "rights", "expected"):
            found = frame.f_locals.get(name)
            if found is not None and not callable(found):
                return np.ravel(found)[0]
        frame = frame.f_back
    return 0.0
"""
FORGED = """from IPython.display import display
def kl(*args):
    display({"application/vnd.vae-by-doing.record": "x"}, raw=True)
    return 1.0
"""
TRICKS = {
    "replaces": CHECK_AND_ALL + ONES,
    "calms": CALMED,
    "frames": FRAMES,
    "forges": FORGED,
    "leaves": "def kl(*args):\n    import sys\n    sys.exit(0)",
    "results": "def kl(*args):\n    import sys\n    sys.displayhook(3.0)\n    return 1.0",
    "scored": "def kl(*args):\n    return 1.0\n\nchecks.kl_between_gaussians = lambda kl: 100.0",
}
TAMPERED = {"new-numbers-check": "pass", "kl-answer": TRICKS["scored"], "laplace-entropy-answer": RIGHT_ENTROPY}
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
    """A course in which submissions of many kinds have been graded by machine."""
    course = tmp_path_factory.mktemp("course")
    shutil.copy(TEACHER / "nbgrader_config.py", course)
    (course / "source" / NAME).mkdir(parents=True)
    shutil.copy(TEACHER / f"{NAME}.ipynb", course / "source" / NAME)
    nbgrader(course, "generate_assignment", NAME)

    handed_out = graded_edition(nbformat.read(ROOT / "notebooks" / f"{NAME}.ipynb", as_version=4))
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
    submit(
        course, "never", changed(handed_out, NEVER_ENDING | {"laplace-kl-answer": _source(solved, "laplace-kl-answer")})
    )
    submit(course, "tampered", tampered)
    for trick, source in TRICKS.items():
        submit(course, trick, changed(handed_out, {"kl-answer": source}))
    submit(course, "dies", changed(handed_out, KERNEL_DIES))
    submit(course, "broken", handed_out)
    (course / "submitted" / "broken" / NAME / f"{NAME}.ipynb").write_text('{"cells": [')
    # Two at a time, as TEACHING.md says; xargs returns 123 where one of them has failed.
    students = "\n".join(sorted(path.name for path in (course / "submitted").iterdir()))
    command = ["xargs", "-n", "1", "-P", "2", "nbgrader", "autograde", NAME, "--Execute.timeout=60", "--student"]
    run = subprocess.run(command, input=students, cwd=course, stderr=subprocess.PIPE, text=True)
    assert run.returncode == 123, run.stderr[-3000:]
    assert "Exception while loading config" not in run.stderr, run.stderr[:2000]
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
    assert never["laplace-kl"] == 1 and sum(never.values()) == 1


def test_endless_output_is_not_kept(course):
    for path in (course / "autograded" / "never").rglob("*.ipynb"):
        assert path.stat().st_size < 2e6


def test_tampering_gains_nothing(gradebook):
    tampered = marks(gradebook, "tampered")
    assert tampered["laplace-entropy"] == 1 and sum(tampered.values()) == 1
    assert gradebook.find_submission(NAME, "tampered").max_score == ANSWERED + 6


@pytest.mark.parametrize("trick", TRICKS)
def test_tricks_of_an_evening_gain_nothing(gradebook, trick):
    assert sum(marks(gradebook, trick).values()) == 0


def test_a_submission_that_cannot_be_run_is_named_and_loses_no_other(course):
    errors = (course / "errors").read_text()
    for student in ("broken", "dies"):
        assert f"There was an error processing assignment '{NAME}' for student '{student}'" in errors
        assert not (course / "autograded" / student / NAME).exists()
    graded = {path.name for path in (course / "autograded").iterdir() if any(path.rglob("*.ipynb"))}
    assert graded == {"right", "blank", "wrong", "crashing", "never", "tampered", *TRICKS}


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
