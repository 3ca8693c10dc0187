"""Each lesson with one epoch on pictures that are not MNIST's."""

import shutil
import subprocess
import sys

import nbformat
import pytest

from tests.own_pictures import FASHION, write_digits, write_fashion
from tests.small_lessons import LESSONS, claims_by_cell, smaller
from tools.printed import claims, printed

pytestmark = pytest.mark.slow
OWN = "(your own pictures: not compared with MNIST's)"

# Without classes those that have parts on labels, and the one that has none.
CHOSEN = [("01", "classes"), ("03", "classes"), ("04", "classes"), ("06", "classes")]
CHOSEN += [("02", "no classes"), ("04", "no classes"), ("06", "no classes")]
CHOSEN += [(lesson.name[:2], "clothes") for lesson in LESSONS]


def own_pictures(kind, folder):
    """Pictures of a kind of `CHOSEN`: a folder of folders, a folder, or a file."""
    if kind == "clothes":
        if not FASHION.is_dir():
            pytest.skip("needs Debian's package dataset-fashion-mnist")
        return write_fashion(folder / "clothes.npz")
    write_digits(folder / "digits")
    if kind == "no classes":
        for i, file in enumerate(sorted(folder.glob("digits/*/*.png"))[::3]):
            file.rename(folder / f"{i}.png")
        shutil.rmtree(folder / "digits")
        return folder
    return folder / "digits"


@pytest.mark.parametrize(("number", "kind"), CHOSEN)
def test_own_pictures(number, kind, tmp_path):
    (lesson,) = [path for path in LESSONS if path.name.startswith(number)]
    (tmp_path / "own").mkdir()
    pictures = own_pictures(kind, tmp_path / "own")
    command = [sys.executable, "-m", "papermill", "-p", "num_epochs", "1", "-p", "data", pictures]
    command += [smaller(lesson, tmp_path), "out.ipynb"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[-3000:]

    cells = nbformat.read(tmp_path / "out.ipynb", as_version=4).cells
    warnings = [output.text for cell in cells for output in cell.get("outputs", []) if output.get("name") == "stderr"]
    assert warnings == []
    lines = [line for cell in cells if cell.cell_type == "code" for line in printed(cell).splitlines()]
    assert [line for line in lines if " is not " in line or "nan" in line.split()] == []
    any_pictures = [claim for cell in cells if cell.cell_type == "code" for claim in claims(cell)]
    assert [claim[0] for claim in any_pictures if claim["word"] != claim["wanted"] and not claim["short"]] == []
    stored = sum(map(len, claims_by_cell(nbformat.read(lesson, as_version=4)).values()))
    of_mnist = sum(line.endswith(OWN) for line in lines)
    assert of_mnist >= 10
    claimed = len(any_pictures) + of_mnist
    skipped = [line for line in lines if "skipped" in line]
    if kind != "no classes":
        assert claimed == stored and skipped == []
    elif number != "02":
        assert 0 < claimed < stored and len(skipped) == 1
