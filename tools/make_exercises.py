"""Make the learners' notebook of exercises from the teacher's, with nbgrader's own preprocessors: `make exercises`.

The teacher's notebook is run first, and pictures of what to expect are taken from it.
"""

from pathlib import Path

import nbformat
from nbgrader.preprocessors import ClearHiddenTests, ClearSolutions
from nbgrader.utils import is_solution

from tools.notebooks import cleared, pictures, run

ROOT = Path(__file__).parents[1]
MASTER = ROOT / "notebooks" / "teacher" / "05_exercises.ipynb"
STUDENT = ROOT / "notebooks" / "05_exercises.ipynb"
EXPECTED = {  # the check's cell -> the picture to expect
    "new-numbers-check": "exercise_01.png",
    "compression-check": "exercise_05.png",
    "slerp-check": "exercise_06.png",
    "own-noise-check": "exercise_08.png",
    "inpainting-check": "exercise_11.png",
}


def student_version(master):
    """The notebook without solutions, hidden tests and outputs."""
    notebook = nbformat.from_dict(master)
    for preprocessor in (ClearSolutions(), ClearHiddenTests()):
        notebook, _ = preprocessor.preprocess(notebook, {})
    for cell in cleared(notebook).cells:
        for own in ("tolerance", "mystnb"):  # of what answers print and draw
            cell.metadata.pop(own, None)
        cell.source = cell.source.replace("(../../images/", "(../images/")
    return notebook


def main():
    master = nbformat.read(MASTER, as_version=4)
    run(master, MASTER.parent)
    for cell in master.cells:
        if name := EXPECTED.get(cell.id):
            (ROOT / "images" / name).write_bytes(pictures(cell.outputs)[0])
    nbformat.write(master, MASTER)
    student = student_version(nbformat.read(MASTER, as_version=4))
    run(student, STUDENT.parent)
    nbformat.write(student, STUDENT)
    print(f"{sum(is_solution(cell) for cell in master.cells)} answers to write, in {STUDENT.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
