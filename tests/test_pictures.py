"""The comparison of stored with fresh pictures passes what another machine draws, and nothing else."""

import base64
import io
import os
import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
from matplotlib.figure import Figure

from pylib import mnist_dataset
from tests.nbval_pictures import difference

pytestmark = pytest.mark.slow

EPOCHS = np.arange(1, 11)
LOSS = 0.01 + 0.06 * np.exp(-EPOCHS / 2)
RNG = np.random.default_rng(0)


def digits_and_reconstructions():
    """20 digits, and what 40 principal components keep of them."""
    x = mnist_dataset.load("test")[0][:2000]
    mean = x.mean(axis=0)
    components = np.linalg.svd(x - mean, full_matrices=False)[2][:40]
    x_hat = mean + (x - mean) @ components.T @ components
    return x[:20].reshape(-1, 28, 28), x_hat[:20].reshape(-1, 28, 28).clip(0, 1)


DIGITS, X_HAT = digits_and_reconstructions()


def save(figure):
    file = io.BytesIO()
    figure.savefig(file, dpi=144)
    return file.getvalue()


def curves(*lines, **settings):
    with plt.rc_context(settings):
        figure = Figure(figsize=(6, 3.6), layout="constrained")
        axes = figure.subplots()
        for color, marker, line in zip(("#0173b2", "#de8f05"), "os", lines, strict=False):
            axes.plot(EPOCHS[: len(line)], line, color=color, marker=marker, label=f"network {marker}")
        axes.set(xlabel="epoch", ylabel="MSE per pixel")
        axes.legend()
        return save(figure)


def rows(*images):
    figure = Figure(figsize=(6, 0.7 * len(images)), layout="constrained")
    for cell, image in zip(figure.subplots(len(images), 10).flat, np.concatenate(images), strict=True):
        cell.imshow(image, cmap="gray_r", vmin=0, vmax=1)
        cell.axis("off")
    return save(figure)


STORED_CURVES = curves(LOSS, LOSS + 0.01)
STORED_ROWS = rows(DIGITS[:10], X_HAT[:10])

SAME = {
    "the same curves": (STORED_CURVES, curves(LOSS, LOSS + 0.01)),
    "a loss that differs by 1 %": (STORED_CURVES, curves(LOSS * RNG.normal(1, 0.01, 10), LOSS + 0.01)),
    "other lettering": (STORED_CURVES, curves(LOSS, LOSS + 0.01, **{"font.family": "DejaVu Serif"})),
    "larger lettering": (STORED_CURVES, curves(LOSS, LOSS + 0.01, **{"font.size": 10.5})),
    "no antialiasing": (
        STORED_CURVES,
        curves(LOSS, LOSS + 0.01, **{"lines.antialiased": False, "text.antialiased": False}),
    ),
    "thinner lines": (STORED_CURVES, curves(LOSS, LOSS + 0.01, **{"lines.linewidth": 1.2})),
    "digits a little off": (STORED_ROWS, rows(DIGITS[:10], X_HAT[:10] + RNG.normal(0, 0.02, (10, 28, 28)))),
}
OTHER = {
    "another curve": (STORED_CURVES, curves(LOSS, LOSS[::-1])),
    "a slower curve": (STORED_CURVES, curves(LOSS, 0.02 + 0.06 * np.exp(-EPOCHS / 5))),
    "a curve too few": (STORED_CURVES, curves(LOSS)),
    "half the epochs": (STORED_CURVES, curves(LOSS[:5], LOSS[:5] + 0.01)),
    "colours swapped": (STORED_CURVES, curves(LOSS + 0.01, LOSS)),
    "other digits": (STORED_ROWS, rows(DIGITS[10:], X_HAT[10:])),
    "one other digit": (STORED_ROWS, rows(DIGITS[[0, 1, 2, 3, 17, 5, 6, 7, 8, 9]], X_HAT[:10])),
    "rows swapped": (STORED_ROWS, rows(X_HAT[:10], DIGITS[:10])),
    "a row empty": (STORED_ROWS, rows(DIGITS[:10], 0 * X_HAT[:10])),
    "a row too few": (STORED_ROWS, rows(DIGITS[:10])),
    "another kind of picture": (STORED_ROWS, STORED_CURVES),
}


@pytest.mark.parametrize("pair", SAME.values(), ids=SAME)
def test_passes(pair):
    assert difference(*pair) is None


@pytest.mark.parametrize("pair", OTHER.values(), ids=OTHER)
def test_fails(pair):
    assert difference(*pair)


LIVE = """\
from IPython.display import Image, display
from pathlib import Path
handle = display(Image(Path("first.png").read_bytes()), display_id=True)
handle.update(Image(Path("last.png").read_bytes()))
"""


def run_notebook(folder, stored):
    """Run nbval on a notebook that shows first.png, then updates it to last.png, and stores `stored`."""
    (folder / "first.png").write_bytes(STORED_ROWS)
    (folder / "last.png").write_bytes(STORED_CURVES)
    text = {"text/plain": "<IPython.core.display.Image object>"}
    outputs = [
        nbformat.v4.new_output("display_data", {"image/png": base64.b64encode(png).decode()} | (text if n == 0 else {}))
        for n, png in enumerate(stored)
    ]
    cell = nbformat.v4.new_code_cell(LIVE, execution_count=1, outputs=outputs)
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), folder / "live.ipynb")
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.nbval_plugin", "--nbval", "--nbval-current-env", "live.ipynb"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])},
        capture_output=True,
        text=True,
    )


def test_a_live_picture_is_compared_in_its_last_state(tmp_path):
    run = run_notebook(tmp_path, [STORED_CURVES])
    assert run.returncode == 0, run.stdout


def test_a_wrong_picture_fails(tmp_path):
    run = run_notebook(tmp_path, [STORED_ROWS])
    assert run.returncode == 1
    assert "Picture 1 is not the one stored" in run.stdout
    assert len(list(tmp_path.glob(".pytest_cache/d/pictures/live-cell0-1-*.png"))) == 2


def test_a_picture_too_few_fails(tmp_path):
    run = run_notebook(tmp_path, [STORED_CURVES, STORED_CURVES])
    assert run.returncode == 1
    assert "stores 2 pictures, but the cell shows 1" in run.stdout
