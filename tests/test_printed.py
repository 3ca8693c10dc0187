"""The comparison of printed text passes what another machine prints, and nothing else."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from pylib.claims import claim
from tools.printed import CLAIM, refusals, with_stored_numbers

STORED = "relu, 128 numbers: MSE 0.0029 on 2,000 digits, gap -1.25e-03, share 69.4%\n"
WITHIN_5_PERCENT = {
    "the same": STORED,
    "numbers a little off": "relu, 128 numbers: MSE 0.0030 on 2,000 digits, gap -1.29e-03, share 71.2%\n",
    "a wider column": STORED.replace("MSE 0.0029", "MSE    0.0029"),
}
NOT_WITHIN_5_PERCENT = {
    "a number out of tolerance": STORED.replace("69.4", "73.0"),
    "another sign": STORED.replace("-1.25e-03", "1.25e-03"),
    "another count": STORED.replace("2,000", "2,001"),
    "another size": STORED.replace("128", "129"),
    "another word": STORED.replace("gap", "rest"),
    "a line too few": STORED * 2,
    "a number too few": STORED.replace(" 69.4%", ""),
    "no number": STORED.replace("0.0029", "nan"),
}


@pytest.mark.parametrize("fresh", WITHIN_5_PERCENT.values(), ids=WITHIN_5_PERCENT)
def test_agrees(fresh):
    assert with_stored_numbers(STORED, fresh, {"relative": 0.05}) == STORED


@pytest.mark.parametrize("fresh", NOT_WITHIN_5_PERCENT.values(), ids=NOT_WITHIN_5_PERCENT)
def test_does_not_agree(fresh):
    assert with_stored_numbers(STORED, fresh, {"relative": 0.05}) != STORED


@pytest.mark.parametrize(
    ("stored", "fresh", "tolerance", "agree"),
    [
        ("0.0029", "0.0030", {}, True),  # one in the last digit
        ("0.0029", "0.0031", {}, False),
        ("1.2e+03", "1.3e+03", {}, True),
        ("1.2e+03", "1.4e+03", {}, False),
        ("0.10", "0.14", {"absolute": 0.05}, True),
        ("0.10", "0.16", {"absolute": 0.05}, False),
        ("0.10", "-0.10", {"absolute": 0.5}, False),
        ("3.76", "3.94", {"relative": 0.05, "absolute": 0.05}, True),  # the wider of the two
        ("1,234.5", "1,290.0", {"relative": 0.05}, True),
        ("12", "13", {"relative": 0.5}, False),
        ("784-256-128", "784-255-128", {"relative": 0.5}, False),
    ],
)
def test_tolerance(stored, fresh, tolerance, agree):
    assert (with_stored_numbers(stored, fresh, tolerance) == stored) is agree


def test_a_tolerance_that_holds_both_figures_of_a_claim_is_refused():
    line = "relu: MSE 0.0029, below PCA's 128 numbers 0.0042 (wanted: below)"
    text = f"0.0042 before\n{line}\nshare 69.4%, above 60.0% (wanted: above)\n"
    assert refusals(text, {}) == []
    assert refusals(text, {"relative": 0.13}) == []
    assert refusals(text, {"relative": 0.14}) == ["share 69.4%, above 60.0% (wanted: above)"]
    assert refusals(text, {"absolute": 0.0013}) == [line]
    assert refusals("a 0.0029, below 0.0030 (wanted: below)", {}) == ["a 0.0029, below 0.0030 (wanted: below)"]


@pytest.mark.parametrize("unit", ["", "nats", "standard errors"])
@pytest.mark.parametrize(("form", "figure", "compared"), [(".3f", "0.250", "-1.500"), (".1%", "25.0%", "-150.0%")])
def test_what_claim_prints_can_be_read_again(capsys, unit, form, figure, compared):
    claim("with 1, 2 numbers:", 0.25, "above", "that of 3,", -1.5, form, unit, trained=False)
    found = CLAIM.fullmatch(capsys.readouterr().out.rstrip("\n"))
    assert found["what"] == "with 1, 2 numbers:" and found["beside"] == "that of 3,"
    assert (found["figure"], found["compared"]) == (figure, compared)
    assert (found["word"], found["wanted"]) == ("above", "above") and found["short"]


CELLS = {  # source, what is stored, the cell's tolerance
    "right": ("print('MSE 0.0030')", "MSE 0.0029\n", {"relative": 0.05}),
    "too far": ("print('MSE 0.0035')", "MSE 0.0029\n", {"relative": 0.05}),
    "count": ("print('12 digits')", "13 digits\n", {"relative": 0.5}),
    "line": ("print('MSE 0.0029')", "MSE 0.0029\nMSE 0.0042\n", {}),
    "word": ("print('MSE 0.0029, above 0.0042 (wanted: above)')", "MSE 0.0029, below 0.0042 (wanted: above)\n", {}),
    "refused": ("print('MSE 0.0029, below 0.0042 (wanted: below)')", None, {"relative": 0.5}),
    "gone": (
        "from IPython.display import display\n"
        "line = display({'text/plain': 'epoch 1 of 2'}, raw=True, display_id=True)\n"
        "line.update({'text/plain': ''}, raw=True)\n"
        "print('MSE 0.0029')",
        "MSE 0.0029\n",
        {},
    ),
}


@pytest.mark.slow
def test_nbval_compares_so(tmp_path):
    cells = []
    for source, stored, tolerance in CELLS.values():
        text = source.split("'")[1] + "\n" if stored is None else stored
        cell = nbformat.v4.new_code_cell(source, execution_count=1, metadata={"tolerance": tolerance})
        cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text=text)]
        cells.append(cell)
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "cells.ipynb")
    command = [sys.executable, "-m", "pytest", "-p", "tests.nbval_plugin", "--nbval", "--nbval-current-env", "-rA"]
    root = Path(__file__).parents[1]
    run = subprocess.run(
        [*command, "cells.ipynb"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
    )
    lines = [line for line in run.stdout.splitlines() if line.startswith(("PASSED", "FAILED"))]
    passed = {list(CELLS)[int(line.split()[-1])] for line in lines if line.startswith("PASSED")}
    assert len(lines) == len(CELLS) and passed == {"right", "gone"}
    assert "wide enough for both sides of: MSE 0.0029, below 0.0042 (wanted: below)" in run.stdout
