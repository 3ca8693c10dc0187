"""The learners' notebook is what the teacher's makes, and the students' zip gives no answer away."""

import ast
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest
from nbgrader.utils import is_grade, is_solution

from pylib._marking import MARKED
from tools import make_exercises
from tools.printed import printed
from tools.student_release import WORKED

ROOT = Path(__file__).parents[1]
MASTER = nbformat.read(make_exercises.MASTER, as_version=4)
STUDENT = nbformat.read(make_exercises.STUDENT, as_version=4)


def checks_of(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code" and is_grade(cell)]


def test_learners_notebook_is_made_from_the_teachers():
    made = make_exercises.student_version(MASTER)

    def parts(notebook):
        own = ("mystnb", "tolerance")  # of what the notebook itself draws and prints
        metadata = [{key: value for key, value in cell.metadata.items() if key not in own} for cell in notebook.cells]
        return [(c.cell_type, c.id, kept, c.source) for c, kept in zip(notebook.cells, metadata, strict=True)]

    assert parts(made) == parts(STUDENT), "run `make exercises`"


def test_master_passes_all_and_the_unsolved_none():
    assert all(printed(cell).startswith("right: ") for cell in checks_of(MASTER))
    assert all(printed(cell).startswith("not written yet: ") for cell in checks_of(STUDENT))
    assert len(checks_of(MASTER)) == len(checks_of(STUDENT)) == 18


def test_points_in_the_table_are_those_of_the_cells():
    graded = [cell for cell in MASTER.cells if is_grade(cell)]
    points = [cell.metadata.nbgrader.points for cell in graded]
    table = re.findall(r"^\| ([\d, ]+) \|.*\| (\d+) \| (\d+) \|$", MASTER.cells[0].source, re.MULTILINE)
    assert sum(cell.cell_type == "markdown" for cell in graded) == 2
    stated = [int(n) for cell in MASTER.cells[1:] for n in re.findall(r"(\d+) points", cell.source)]
    assert [int(row[2]) for row in table[:-1]] + [int(table[-1][2]) // 2] * 2 == stated
    # Exercise 12 has three checks and 13 two
    by_exercise = [*points[:11], sum(points[11:14]), sum(points[14:16]), *points[16:]]
    assert by_exercise == stated


def test_times_and_points_of_the_teachers_page_are_those_of_the_exercises():
    page = (ROOT / "TEACHING.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| [^|]+ \| ([\d, ]+) \| (\d+) \| (\d+) \|$", page, re.MULTILINE)
    table = re.findall(r"^\| (\d+) \|[^|]+\| (\d+) \| (\d+) \|$", MASTER.cells[0].source, re.MULTILINE)
    minutes_and_points = {int(n): (int(minutes), int(points)) for n, minutes, points in table}
    assert len(minutes_and_points) == 15 and len(rows) == 6
    for exercises, points, minutes in rows[:-1]:
        own = [minutes_and_points[int(n)] for n in exercises.split(",")]
        assert (int(minutes), int(points)) == tuple(map(sum, zip(*own, strict=True)))


def test_each_exercise_has_its_parts():
    text = "\n".join(cell.source for cell in STUDENT.cells if cell.cell_type == "markdown")
    sections = re.split(r"^## \d+\. ", text, flags=re.MULTILINE)[1:16]
    assert len(sections) == 15
    for section in sections:
        assert "**Goal:**" in section and "**Stretch goal:**" in section
        assert "Expected:" in section
        assert 2 <= section.count("<details><summary>Hint") <= 3
        assert re.search(r"\d+ minutes, \d points", section)
        # A learner alone finds the solution, folded, after the last hint.
        assert section.rindex("<summary>Hint") < section.index("<details><summary>Worked solution")
        assert "```python" in section


def test_worked_solutions_are_the_masters_and_say_why():
    folded = {cell.id: cell.source for cell in STUDENT.cells if WORKED in cell.metadata.get("tags", [])}
    answers = [cell for cell in MASTER.cells if is_solution(cell)]
    assert len(folded) == len(answers) == 20
    for answer in answers:
        source = folded[f"worked-{answer.id}"]
        assert source.startswith("<details><summary>") and source.endswith("</details>")
        if answer.cell_type == "code":
            reason, code = source.split("\n\n```python\n")
            assert len(reason.split()) > 20, answer.id
            ast.parse(code.split("\n```")[0])
            for region in re.findall(r"### BEGIN SOLUTION\n(.*?)### END SOLUTION", answer.source, re.DOTALL):
                code_lines = [line for line in region.splitlines() if not line.strip().startswith("#")]
                assert "\n".join(code_lines).strip() in code
        else:
            assert "Marks:" in source


def test_every_test_that_counts_has_a_hidden_part():
    for cell in checks_of(MASTER):
        check = re.search(r"^verdict = checks\.(\w+)\((.*)\)$", cell.source, re.MULTILINE)
        hidden = cell.source.split("### BEGIN HIDDEN TESTS")[1]
        assert "assert verdict.right, verdict.message" in hidden
        assert f'checks.mark("{check[1]}", {check[2]})' in hidden
        assert MARKED.findall(cell.source) == [check[1]]


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    folder = tmp_path_factory.mktemp("release")
    command = [sys.executable, "-m", "tools.student_release", folder / "students.zip"]
    subprocess.run(command, check=True, cwd=ROOT)
    with zipfile.ZipFile(folder / "students.zip") as archive:
        archive.extractall(folder)
    return folder / "vae-by-doing"


def regions(marker):
    """The lines between the markers in the teacher's notebook, without indentation, a list for each region."""
    for cell in MASTER.cells:
        for region in re.findall(rf"### BEGIN {marker}\n(.*?)### END {marker}", cell.source, re.DOTALL):
            yield [line.strip() for line in region.splitlines() if line.strip()]


def lines_of(file):
    if file.suffix == ".ipynb":
        cells = nbformat.read(file, as_version=4).cells
        return [line.strip() for cell in cells for line in cell.source.splitlines() if line.strip()]
    return [line.strip() for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]


def test_zip_holds_no_answer_and_no_hidden_test(released):
    blocks = []
    for marker in ("SOLUTION", "HIDDEN TESTS"):
        found = list(regions(marker))
        assert len(found) >= 18
        # A region as a whole, and each three lines of a longer one
        blocks += ["\n".join(region[i : i + 3]) for region in found for i in range(max(1, len(region) - 2))]
    blocks = [block for block in blocks if "assert verdict.right" not in block]  # a line that says nothing
    files = [file for file in released.rglob("*") if file.is_file() and file.suffix not in (".npz", ".png")]
    assert {"05_exercises.ipynb", "probability.py", "requirements.txt", "README.md"} <= {file.name for file in files}
    for file in files:
        text = "\n".join(lines_of(file))
        assert "### BEGIN" not in text and "teacher" not in file.relative_to(released).parts
        assert not [block for block in blocks if block in text], file.name
        assert "Worked solution" not in text and "Model answer" not in text
    # The same search finds the answers where they are.
    assert [block for block in blocks if block in "\n".join(lines_of(make_exercises.MASTER))]


def files_below(folder):
    files = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}
    return {file for file in files if not file.endswith(".pyc")}


def test_zip_is_complete(released):
    text = "\n".join(cell.source for cell in STUDENT.cells)
    pictures = re.findall(r'show_image\("([^"]+)"', text)
    assert len(pictures) == 7 and all((released / "images" / picture).is_file() for picture in pictures)
    assert files_below(released / "pylib") == files_below(ROOT / "pylib")
    code = "import pylib; from pylib import pretrained, widgets; pretrained.load('vae_2'); print(pylib.__file__)"
    run = subprocess.run([sys.executable, "-c", code], cwd=released, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == str(released / "pylib" / "__init__.py")
