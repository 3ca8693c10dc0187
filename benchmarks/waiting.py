"""How long nothing moves while a lesson runs, and what the lines that move cost: `python benchmarks/waiting.py`.

A silence is the time within a cell between two things that appear: its start, a line of progress, a picture, a text,
its end. The cost is that of a training with its line and its plot, and of a quadrature with its line, each in turn with
the same without (A B A B ...), as a share of the time without, from best to best.
"""

import ast
import statistics
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
VISIBLE = {"display_data", "update_display_data", "execute_result", "stream"}
ROUNDS = 7

COST = f"""
import time
import keras, numpy as np
from pylib import evidence, training
from pylib.models import VAE, build_autoencoder
from pylib.tf_utils import mnist_train
x = mnist_train()[0]
vae, net = VAE(), build_autoencoder([256, 128], "relu", None)[2]
net.compile(loss="mse", **training.compile_settings(len(x), 5))
data = training.batches(x, x)

def fit(*callbacks):
    net.fit(data, epochs=5, shuffle=False, verbose=0, callbacks=list(callbacks))

def integrate():
    evidence.exact_log_likelihood(vae, x[:5000])

def without_line():
    line, evidence.Progress = evidence.Progress, lambda steps, what: steps
    integrate()
    evidence.Progress = line

ways = {{
    "training, bare": fit,
    "training, with its line": lambda: fit(training.TrainingProgress()),
    "training, with line and plot": lambda: fit(training.TrainingProgress(), training.LossPlot(loss="MSE")),
    "quadrature, bare": without_line,
    "quadrature, with its line": integrate,
}}
seconds = {{name: [] for name in ways}}
for way in ways.values():
    way()
for _ in range({ROUNDS}):
    for name, way in ways.items():
        start = time.perf_counter()
        way()
        seconds[name].append(time.perf_counter() - start)
"""


class Listener(NotebookClient):
    """Notes for each cell when something appears."""

    times = None

    def process_message(self, message, cell, index):
        idle = message["msg_type"] == "status" and message["content"]["execution_state"] == "idle"
        if message["msg_type"] in VISIBLE | {"execute_input"} or idle:
            self.times.setdefault(index, []).append(time.monotonic())
        return super().process_message(message, cell, index)


def silences(path):
    """The longest silence of each code cell, longest first: its seconds, and the cell's first line."""
    notebook = nbformat.read(path, as_version=4)
    client = Listener(notebook, timeout=900, resources={"metadata": {"path": str(path.parent)}})
    client.times = {}
    client.execute()
    found = []
    for index, times in client.times.items():
        gaps = [later - earlier for earlier, later in zip(times, times[1:], strict=False)]
        found.append((max(gaps, default=0), notebook.cells[index].source.strip().splitlines()[0]))
    return sorted(found, reverse=True)


def costs():
    """Seconds of each way of `COST`, by round."""
    cells = [nbformat.v4.new_code_cell(COST), nbformat.v4.new_code_cell("print(seconds)")]
    notebook = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(notebook, timeout=900, resources={"metadata": {"path": str(NOTEBOOKS)}}).execute()
    return ast.literal_eval(notebook.cells[1].outputs[0].text)


def main(lessons):
    for path in [NOTEBOOKS / f"{name}.ipynb" for name in lessons] or sorted(NOTEBOOKS.glob("0*.ipynb")):
        for seconds, line in silences(path)[:3]:
            print(f"{path.stem}: {seconds:.1f} s: {line}")
    seconds = costs()
    for name, taken in seconds.items():
        bare = seconds[name.partition(",")[0] + ", bare"]
        ratios = [one / other for one, other in zip(taken, bare, strict=True)]
        print(f"{name}: {min(taken):.2f} s, {statistics.median(ratios):.3f} of the bare one")


if __name__ == "__main__":
    main(sys.argv[1:])
