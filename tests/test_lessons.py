"""Each lesson run with one epoch: as papermill does it, and with networks spoilt on purpose."""

import ast
import os
import re
import subprocess
import sys

import nbformat
import pytest
from nbclient import NotebookClient

from tests.small_lessons import LESSONS, claims_by_cell, make_small, smaller
from tests.spoilt_lessons import SPOILT
from tools.address import FIRST_CELL

pytestmark = pytest.mark.slow

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


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_one_epoch_twice_at_once_and_spoilt(lesson, tmp_path):
    (tmp_path / "sitecustomize.py").write_text(NO_NETWORK)
    (tmp_path / "logs").write_text("in the way, as a checkout that cannot be written is")
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    copy = smaller(lesson, tmp_path, digits=(50_000, 3_000, 3_000))  # trained on all, and measured on fewer
    command = [sys.executable, "-m", "papermill", "-p", "num_epochs", "1", copy, "out.ipynb"]
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
