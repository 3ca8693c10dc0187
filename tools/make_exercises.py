"""Make the learners' notebook of exercises from the teacher's, with nbgrader's own preprocessors: `make exercises`.

The teacher's notebook is run first, and pictures of what to expect are taken from it. Those who learn alone find
below the hints of each exercise a worked solution, folded, which is made of the master's solution and of the comment
that it begins with. `make student-release` takes these
out again, for the edition that a class gets.
"""

import base64
import re
from pathlib import Path

import nbformat
from nbgrader.preprocessors import ClearHiddenTests, ClearSolutions
from nbgrader.utils import is_solution

from tools.notebooks import cleared, pictures, run
from tools.student_release import STUDENT, WORKED

ROOT = Path(__file__).parents[1]
MASTER = ROOT / "notebooks" / "teacher" / "05_exercises.ipynb"
EXPECTED = {  # the check's cell -> the picture to expect
    "new-numbers-check": "exercise_01.png",
    "compression-check": "exercise_05.png",
    "slerp-check": "exercise_06.png",
    "own-noise-check": "exercise_08.png",
    "which-digit-check": "exercise_10.png",
    "inpainting-check": "exercise_11.png",
    "same-hand-check": "exercise_15.png",
}
REGION = re.compile(r"### BEGIN SOLUTION\n(.*?)### END SOLUTION", re.DOTALL)


def student_version(master):
    """The notebook without hidden tests and outputs, and with solutions folded away below the hints."""
    solved = nbformat.from_dict(master)
    notebook = nbformat.from_dict(master)
    for preprocessor in (ClearSolutions(), ClearHiddenTests()):
        notebook, _ = preprocessor.preprocess(notebook, {})
    cells = []
    for cell, answer in zip(cleared(notebook).cells, solved.cells, strict=True):
        for own in ("tolerance", "mystnb"):  # of what answers print and draw
            cell.metadata.pop(own, None)
        worked = [_worked(answer)] if is_solution(answer) else []
        # A model answer comes below the learner's own.
        cells += [cell, *worked] if cell.cell_type == "markdown" else [*worked, cell]
    notebook.cells = cells
    return notebook


def _worked(answer):
    """A folded cell with the reasoning of a solution and its code, or with the model answer to an open question."""
    if answer.cell_type == "markdown":
        summary, body = "Model answer", REGION.search(answer.source)[1].strip()
    else:
        reasons = []

        def code_of(region):
            lines = region[1].splitlines()
            comment = next(i for i, line in enumerate(lines) if not line.strip().startswith("#"))
            reasons.append(" ".join(line.strip().lstrip("# ") for line in lines[:comment]))
            return "\n".join(lines[comment:]).strip()

        code = REGION.sub(code_of, answer.source).rstrip()
        summary, body = "Worked solution", "\n\n".join(filter(None, reasons)) + f"\n\n```python\n{code}\n```"
    source = f"<details><summary>{summary}</summary>\n\n{body}\n\n</details>"
    return nbformat.v4.new_markdown_cell(source, id=f"worked-{answer.id}", metadata={"tags": [WORKED]})


def main():
    master = nbformat.read(MASTER, as_version=4)
    run(master, MASTER.parent)
    shown = {cell.id: cell for cell in master.cells}
    for check, name in EXPECTED.items():
        (png,) = pictures(shown[check].outputs)
        (ROOT / "images" / name).write_bytes(png)
        above = shown["picture-" + name.removesuffix(".png").replace("_", "-")]  # which has shown the one before
        above.outputs[0]["data"]["image/png"] = base64.b64encode(png).decode()
    nbformat.write(master, MASTER)
    student = student_version(nbformat.read(MASTER, as_version=4))
    run(student, STUDENT.parent)
    nbformat.write(student, STUDENT)
    print(f"{sum(is_solution(cell) for cell in master.cells)} answers to write, in {STUDENT.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
