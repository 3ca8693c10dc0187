"""Each lesson run with one epoch: as papermill does it, and with networks spoilt on purpose."""

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.own_pictures import FASHION, write_digits, write_fashion
from tests.small_lessons import make_small
from tests.spoilt_lessons import SPOILT
from tools.address import FIRST_CELL
from tools.printed import claims, printed

pytestmark = pytest.mark.slow

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
LESSONS = sorted(set(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb")) - {NOTEBOOKS / "05_exercises.ipynb"})  # it claims nothing

# Imported by every Python in the test's processes: an address off this machine is an error.
NO_NETWORK = """
import socket

def local_only(connect):
    def wrapper(self, address, *rest):
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise OSError(f"the network was asked for: {address}")
        return connect(self, address, *rest)
    return wrapper

socket.socket.connect = local_only(socket.socket.connect)
socket.socket.connect_ex = local_only(socket.socket.connect_ex)
"""

# Every network in the lesson forgets what it learned.
SHUFFLE = """
def forget():
    rng = np.random.default_rng(0)
    values = [value for name, value in globals().items() if not name.startswith("_")]
    values += [item for value in values if isinstance(value, dict) for item in value.values()]
    values += [item for value in values if isinstance(value, tuple) for item in value]
    for network in [value for value in values if isinstance(value, keras.Model)]:
        network.set_weights([rng.permuted(w.ravel()).reshape(w.shape) for w in network.get_weights()])
"""


def fewer_draws(lesson, folder):
    """A copy of the lesson in which what takes long has fewer images or draws."""
    notebook = nbformat.read(lesson, as_version=4)
    make_small(notebook, lesson.stem)
    copy = folder / lesson.name
    nbformat.write(notebook, copy)
    return copy


def trains(statement):
    """Whether a statement at the top of a cell trains a network."""
    calls = [node.func for node in ast.walk(statement) if isinstance(node, ast.Call)]
    names = {getattr(call, "id", getattr(call, "attr", None)) for call in calls}
    return bool(names & {"train", "fit", "fit_vae", "fit_by_hand", "fit_velocity"}) and not isinstance(
        statement, ast.FunctionDef
    )


def spoilt(lesson):
    """The lesson with one epoch, its networks shuffled after each training, and what else `SPOILT` says of it."""
    notebook = nbformat.read(lesson, as_version=4)
    # Fewer digits, since what is learned is forgotten anyway.
    make_small(notebook, lesson.stem, digits=(1_280, 3_000, 2_000))
    for cell in notebook.cells:
        cell.source = re.sub(r"^num_epochs = \d+", "num_epochs = 1", cell.source)
        cell.source = re.sub(r"num_epochs >= \d+", "True", cell.source)
        if cell.cell_type == "code" and cell.id != FIRST_CELL and not cell.source.startswith("%"):
            lines = cell.source.splitlines()
            for statement in reversed([s for s in ast.parse(cell.source).body if trains(s)]):
                lines.insert(statement.end_lineno, "forget()")
            cell.source = "\n".join([SPOILT[lesson.stem].get(cell.id, ""), *lines]).lstrip()
    notebook.cells.insert(3, nbformat.v4.new_code_cell(SHUFFLE, id="forget"))
    return notebook


def claims_by_cell(notebook):
    return {cell.id: claims(cell) for cell in notebook.cells if cell.cell_type == "code" and claims(cell)}


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_one_epoch_twice_at_once_and_spoilt(lesson, tmp_path):
    (tmp_path / "sitecustomize.py").write_text(NO_NETWORK)
    (tmp_path / "logs").write_text("in the way, as a checkout that cannot be written is")
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-m", "papermill", "-p", "num_epochs", "1", fewer_draws(lesson, tmp_path), "out.ipynb"]
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True) as papermill:
        null = spoilt(lesson)
        NotebookClient(null, timeout=900, resources={"metadata": {"path": str(tmp_path)}}).execute()
        _, errors = papermill.communicate()
    assert papermill.returncode == 0, errors[-3000:]

    stored = claims_by_cell(nbformat.read(lesson, as_version=4))
    short = claims_by_cell(nbformat.read(tmp_path / "out.ipynb", as_version=4))
    null = claims_by_cell(null)
    expected = {cell: len(found) for cell, found in stored.items()}
    for run in (short, null):
        assert {cell: len(found) for cell, found in run.items()} == expected

    left_open = [claim for found in short.values() for claim in found if claim["short"]]
    assert len(left_open) >= 5
    broken = [c[0] for found in short.values() for c in found if c["word"] != c["wanted"] and not c["short"]]
    assert broken == []  # what one epoch is enough for
    survivors = [claim[0] for found in null.values() for claim in found if claim["word"] == claim["wanted"]]
    assert survivors == []  # what a run without any sense bears out, too


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
    command += [fewer_draws(lesson, tmp_path), "out.ipynb"]
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
