"""Speed of the lessons' models beside others, measured in turn (A B C A B C ...): `make bench`.

Ratios are medians over rounds, with the least and the largest beside them, since the speed of a shared machine
changes from minute to minute and both runs of a round see the same weather. Writes results.md and scaling.png
beside this file. `bench.py fit grids` runs only those parts and keeps the other results; `figures`, `lessons` and
`suite` run only when named, since they take 40 minutes more. A part is a function that yields rows: what is measured,
beside what, the measurement, and what is wanted.
"""

import importlib.util
import inspect
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import matplotlib.pyplot as plt
import nbformat
import numpy as np
import peers
import tensorflow as tf
from nbclient import NotebookClient
from scipy.special import logsumexp
from scipy.stats import norm

from pylib import plots
from pylib.divergence import log_normal
from pylib.evidence import elbo, exact_log_likelihood
from pylib.likelihood import code_limit, square_grid
from pylib.models import VAE
from pylib.tf_utils import mnist_test, mnist_train
from pylib.training import batches, compile_settings, fit_vae

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent))  # for the tools
LESSONS = sorted(HERE.parent.glob("notebooks/[0-9][0-9]_*.ipynb"))
STORE = HERE / "results.json"
IMAGES = 50_000
SECONDS = {"02": 120, "03": 120, "04": 240}  # that a lesson may take; the others 150
ENGINES = ("jax", "optax", "torch")
PEERS = """The others were written afresh for this table after their documentation (`peers.py`, `engines.py`), at their
own default settings. A ratio is the median over rounds in turn, with the least and the largest in brackets; seconds to
a score include compilation."""


def seconds(run):
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def in_turn(runs, rounds=5):
    """Seconds of each of `runs`, a dict of a name to a function: a list of `rounds` for each."""
    times = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            times[name].append(seconds(run))
    return times


def ratio(slow, fast):
    """The median of the ratios, round by round, and their spread."""
    ratios = np.divide(slow, fast)
    middle, least, largest = (f"{float(f'{r:.3g}'):,g}" for r in (np.median(ratios), ratios.min(), ratios.max()))
    return f"{middle} times ({least} to {largest})"


class Contestant:
    """One in a process of its own, since engines don't always bear each other."""

    def __init__(self, name):
        command = [sys.executable, HERE / "contestant.py", name]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def seconds(self, epochs):
        """Seconds that it takes to train so many epochs."""
        print(epochs, file=self.process.stdin, flush=True)
        for line in self.process.stdout:
            if line.startswith("seconds"):
                return float(line.split()[1])
        raise RuntimeError(f"{self.process.args} stopped: its message is above")


def fit():
    names = {"ours": "ours", "Keras tutorial": "keras_tutorial", "matrix products": "products"}
    if importlib.util.find_spec("jax") and importlib.util.find_spec("optax"):
        names["JAX"] = "jax"
    if importlib.util.find_spec("torch"):
        names["PyTorch"] = "pytorch"
    contestants = {name: Contestant(function) for name, function in names.items()}
    first = {name: contestant.seconds(1) for name, contestant in contestants.items()}
    times = {name: [] for name in contestants}
    for _ in range(5):
        for name, contestant in contestants.items():
            times[name].append(contestant.seconds(2) / 2)
    for contestant in contestants.values():
        contestant.process.kill()
    for name, values in times.items():
        rate = f"{IMAGES / np.median(values):,.0f} images/s"
        compiled = f"{max(0.0, first[name] - np.median(values)):.1f} s to compile"
        yield ("VAE 784-512-2, batch 128: two epochs a round", name, f"{rate}; {compiled}", "")
    yield ("images per second", "Keras tutorial", ratio(times["Keras tutorial"], times["ours"]), "1.6 times")
    others = [times[name] for name in ("JAX", "PyTorch") if name in times]
    if others:
        yield (
            "images per second",
            "the faster of JAX and PyTorch",
            ratio(np.min(others, axis=0), times["ours"]),
            "0.9",
        )
    yield ("images per second", "matrix products", ratio(times["matrix products"], times["ours"]), "printed")


def train_ours(epochs, learning_rate, **network):
    """Seconds to train a VAE, compilation included, and the test -ELBO that it reaches.

    Epochs and step sizes were chosen on the last 10,000 training digits, and all 60,000 are trained on here: 4e-3 was
    the best of three for the plane's network, and 1.6e-2 in four epochs the best of five choices for the dense one.
    """
    x, test = mnist_train()[0], mnist_test()[0]
    vae = VAE(**network)

    def run():
        vae.compile(**compile_settings(len(x), epochs, learning_rate))
        vae.fit(batches(x), epochs=epochs, shuffle=False, verbose=0)

    return seconds(run), -elbo(vae, test, 5, seed=0).mean()


def tutorial_until(limit, vae, x, test, epochs, cap=np.inf):
    """Seconds and -ELBO of a tutorial's VAE that reached `limit`, or trained for `epochs` or, nearly, `cap` seconds."""
    taken = 0.0
    for done in range(1, epochs + 1):
        taken += seconds(lambda: vae.fit(x, batch_size=128, verbose=0))
        reached = vae.minus_elbo(test)
        if reached <= limit or taken * (done + 1) / done > cap:
            break
    return taken, reached


def dense_target():
    x, test = mnist_train()[0], mnist_test()[0]
    ours, keras_default = [], []
    for seed in range(5):
        keras.utils.set_random_seed(seed)
        ours.append(train_ours(4, 1.6e-2))
        keras_default.append(tutorial_until(157.8, peers.tutorial_dense(), x, test, epochs=10))
    (taken, ends), (theirs, their_ends) = np.transpose(ours), np.transpose(keras_default)
    value = (
        f"{ratio(theirs, taken)}: {np.median(taken):.0f} s to {ends.max():.1f} at worst, for {np.median(theirs):.0f} s"
    )
    yield (
        "seconds to test -ELBO 157.8, 784-512-2",
        f"Keras defaults, to {np.median(their_ends):.1f}",
        value,
        "2.5 times",
    )


def plane_target():
    x, test = mnist_train()[0], mnist_test()[0]
    ours = []
    for seed in range(3):
        keras.utils.set_random_seed(seed)
        ours.append(train_ours(5, 4e-3, hidden=(256, 256, 256, 128), activation="silu"))
    taken, ends = np.transpose(ours)
    images = [array.reshape(-1, 28, 28, 1) for array in (x, test)]
    theirs, end = tutorial_until(146.95, peers.tutorial_convolutional(), *images, epochs=30, cap=300)
    value = f"{theirs / np.median(taken):.1f} times or more: {np.median(taken):.0f} s to {ends.max():.1f} at worst"
    yield (
        "seconds to test -ELBO 146.95, z = 2",
        f"Keras' VAE example: {end:.1f} after {theirs:.0f} s",
        value,
        "10 times",
    )


def grids():
    vae = VAE()
    for side in (8, 30):
        ticks = norm.ppf((np.arange(side) + 0.5) / side)
        z = np.stack(np.meshgrid(ticks, ticks[::-1]), -1).reshape(-1, 2).astype("float32")
        one_by_one = lambda z=z: [vae.decoder.predict(point[None], verbose=0) for point in z]  # noqa: E731
        vae.decoder.predict(z[:1], verbose=0), vae.decoder(z)
        times = in_turn({"one by one": one_by_one, "batch": lambda z=z: np.asarray(vae.decoder(z))})
        yield (f"{side} x {side} latent grid", "one `predict` per cell", ratio(*times.values()), "100 times")


def quadrature():
    x, test = mnist_train()[0], mnist_test()[0]
    vae = VAE()
    fit_vae(vae, (x[:10_000],), (x[-1000:],), 2)
    limit = code_limit(vae, test)
    grid, log_area = square_grid(200, limit)
    logits = np.concatenate([np.asarray(vae.decoder_logits(z)) for z in np.split(grid, 20)])
    softplus = np.logaddexp(0, logits).sum(1)

    def loop(images):
        return [logsumexp(logits @ image - softplus + log_normal(grid)) + log_area for image in images]

    times = in_turn({"loop": lambda: loop(test[:20]), "ours": lambda: exact_log_likelihood(vae, test)})
    assert np.allclose(loop(test[:5]), exact_log_likelihood(vae, test[:5], limit=limit), atol=0.01)
    value = f"{ratio(500 * np.array(times['loop']), times['ours'])}: {np.median(times['ours']):.1f} s"
    yield (
        "log p(x) of 10,000 digits, 200 x 200 points",
        "a loop over images (20 of them, times 500)",
        value,
        "printed",
    )


# Milliseconds of each of 60 moves: the event's handler, and the frame in which everything that follows is drawn.
FRAMES = """async ([root, kind]) => {
    const act = i => {
        if (kind == "slider") {
            const slider = root.querySelector("input[type=range]");
            if (i % 2) slider.stepDown();
            else slider.stepUp();
            slider.dispatchEvent(new Event("input", {bubbles: true}));
        } else {
            const key = i == 0 && kind == "drawing" ? " " : i % 2 ? "ArrowLeft" : i % 4 ? "ArrowDown" : "ArrowUp";
            root.querySelector("[role=application]").dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true}));
        }
    };
    const times = [];
    for (let i = 0; i < 60; i++) {
        const start = performance.now();
        let frame, handler;
        requestAnimationFrame(() => frame = performance.now());
        act(i);
        handler = performance.now() - start;
        await new Promise(requestAnimationFrame);
        times.push(handler + performance.now() - frame);
    }
    return times;
}"""


def widgets():
    """Each in Chromium, where there is one, with networks of the lessons' sizes."""
    from ipywidgets.embed import embed_data
    from playwright.sync_api import sync_playwright

    from pylib import pretrained
    from pylib.models import build_autoencoder
    from pylib.widgets import DenoisedDrawing, DiffusionWalk, DrawnDigit, LatentExplorer, NoiseExplorer
    from tools.notebooks import widget_page

    path = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chrome"))), None)
    if path is None:
        print("no rows for widgets: there is no Chromium on PATH", file=sys.stderr)
        return
    x, y = (array[:500] for array in mnist_test())
    vae, small, denoiser = VAE(), pretrained.load("vae_2"), build_autoencoder([256, 128], "relu", None)[2]
    vae.set_weights([np.random.default_rng(0).normal(0, 0.05, np.shape(weight)) for weight in vae.get_weights()])
    shown = {
        "LatentExplorer": (LatentExplorer(vae, vae.encoder(x)[0], y), "plane"),
        "NoiseExplorer": (NoiseExplorer(denoiser, x), "slider"),
        "DrawnDigit": (DrawnDigit(small, small.encoder(x)[0], y), "drawing"),
        "DenoisedDrawing": (DenoisedDrawing(denoiser), "drawing"),
        "DiffusionWalk": (DiffusionWalk(pretrained.load_diffusion(), pretrained.load("vae_20").decoder), "slider"),
    }
    page_data = embed_data(views=[widget for widget, _ in shown.values()], drop_defaults=False)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.set_content(widget_page(page_data["manager_state"], page_data["view_specs"]))
        roots = page.locator(".vae-widget")
        roots.nth(len(shown) - 1).wait_for()
        for root, (name, (_, kind)) in zip(roots.all(), shown.items(), strict=True):
            times = page.evaluate(FRAMES, [root.element_handle(), kind])
            value = f"{np.median(times):.1f} ms ({min(times):.1f} to {max(times):.1f})"
            yield (f"{name}: a move of the hand, to all that it changes in the page", "", value, "12 ms or less")
        browser.close()


def peak_memory():
    """Of this process, in GB; lessons run it in their kernels."""
    import resource
    from pathlib import Path

    # Linux' own count: getrusage would tell the peak of the process that started this one, where that is higher.
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    peak = [int(line.split()[1]) for line in lines if line.startswith("VmHWM")]
    return (peak[0] if peak else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) / 2**20


def measure(kind, size):
    """For one point of the plot, in a process of its own: seconds, and peak memory in GB."""
    x = mnist_train()[0]
    if kind == "grid":
        vae = VAE()
        run = lambda: exact_log_likelihood(vae, x[:500], points=size, limit=4.0)  # noqa: E731
    else:
        images = x[:size] if kind == "images" else x[:10_000]
        vae = VAE(latent_dim=size if kind == "latent_dim" else 2)
        vae.compile(**compile_settings(len(images), 2))
        data = batches(images)
        run = lambda: vae.fit(data, shuffle=False, verbose=0)  # noqa: E731
    run()
    return min(seconds(run) for _ in range(2)), peak_memory()


def scaling():
    sizes = {
        "images": ([1000, 4000, 15_000, 60_000], "training images", "one epoch"),
        "latent_dim": ([2, 8, 32, 128], "latent_dim", "one epoch of 10,000 digits"),
        "grid": ([50, 100, 200, 400], "points a side", "log p(x) of 500 digits"),
    }
    slope = {"images": 1, "latent_dim": 0, "grid": 2}
    plots.use_style()
    figure, axes = plt.subplots(2, 3, figsize=(10, 5), sharex="col", sharey="row")
    for (kind, (values, xlabel, title)), (above, below) in zip(sizes.items(), axes.T, strict=True):
        command = [sys.executable, __file__, "--measure", kind]
        outputs = [subprocess.run([*command, str(v)], capture_output=True, check=True, text=True) for v in values]
        taken, memory = np.transpose([json.loads(output.stdout.splitlines()[-1]) for output in outputs])
        above.loglog(values, taken, "o-", label="measured")
        expected = taken[-1] * (np.array(values) / values[-1]) ** slope[kind]
        above.loglog(values, expected, "--", color="0.5", label=f"slope {slope[kind]}")
        below.semilogx(values, memory, "s-", color="C1")
        above.set(title=title)
        below.set(xlabel=xlabel, ylim=(0, 3))
        for axis in (above, below):
            axis.set_xticks(values, [f"{v:,}" for v in values], minor=False)
            axis.minorticks_off()
        above.legend()
        yield (
            f"cost against {xlabel}",
            ", ".join(f"{v:,}" for v in values),
            " / ".join(f"{t:.2g} s" for t in taken),
            "",
        )
    axes[0, 0].set_ylabel("seconds")
    axes[1, 0].set_ylabel("peak memory (GB)")
    figure.savefig(HERE / "scaling.png", dpi=110)


def figures():
    """Test -ELBO of the lessons' networks, over three seeds."""
    x, x_val, test = mnist_train()[0][:50_000], mnist_train()[0][50_000:52_000], mnist_test()[0]
    networks = {
        "lesson 03: 512-2": ({}, 8, 6e-3, 156),
        "lesson 04: 256-256-256-128-2, silu": ({"hidden": (256, 256, 256, 128), "activation": "silu"}, 16, 2e-3, 140),
        "lesson 04: 400-20, silu": ({"latent_dim": 20, "hidden": (400,), "activation": "silu"}, 7, 8e-3, 104),
    }
    reached, taken = {name: [] for name in networks}, {name: [] for name in networks}
    for seed in range(3):
        for name, (network, epochs, learning_rate, _) in networks.items():
            keras.utils.set_random_seed(seed)
            vae = VAE(**network)
            taken[name].append(seconds(lambda: fit_vae(vae, (x,), (x_val,), epochs, learning_rate)))  # noqa: B023
            reached[name].append(-elbo(vae, test, 5, seed=0).mean())
    for name, (*_, limit) in networks.items():
        values = reached[name]
        value = f"{np.mean(values):.1f} ({min(values):.1f} to {max(values):.1f})"
        yield ("test -ELBO, three seeds: mean and range", name, value, f"{limit}")
        yield ("its training time, against lesson 03's", name, ratio(taken[name], taken["lesson 03: 512-2"]), "")


def lessons():
    for path in LESSONS:
        lesson = nbformat.read(path, 4)
        lesson.cells.append(nbformat.v4.new_code_cell(f"{inspect.getsource(peak_memory)}\nprint(peak_memory())"))
        client = NotebookClient(lesson, resources={"metadata": {"path": path.parent}})
        taken = seconds(client.execute)
        memory = float(lesson.cells[-1].outputs[0].text)
        yield (
            f"lesson {path.stem}",
            "",
            f"{taken:.0f} s, {memory:.1f} GB",
            f"{SECONDS.get(path.stem[:2], 150)} s, 3 GB",
        )


def suite():
    taken = seconds(lambda: subprocess.run(["make", "test"], cwd=HERE.parent, check=True))
    yield ("`make test`, set up before", "", f"{taken / 60:.1f} min", "25 min")


def machine():
    processor = next((line.split(": ")[1] for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "")
    versions = [f"{module.__name__} {module.__version__}" for module in (tf, keras, np)]
    versions += [f"{name} {version(name)}" for name in ENGINES if importlib.util.find_spec(name)]
    python = f"Python {platform.python_version()}"
    return f"{os.cpu_count()} cores, {processor or platform.processor()}; {', '.join([python, *versions])}."


def table(rows):
    lines = [machine(), "", PEERS, "", "| what | against | measured | wanted |", "|---|---|---|---|"]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join(lines) + "\n"


def _lines(path):
    return Path(path).read_text().splitlines() if Path(path).exists() else []


DEFAULT_PARTS = [fit, dense_target, plane_target, grids, quadrature, widgets, scaling]  # what `make bench` runs
NAMED_PARTS = [figures, lessons, suite]  # what it runs only when it is named


def main(names):
    results = json.loads(STORE.read_text()) if STORE.exists() else {}
    parts = {part.__name__: part for part in DEFAULT_PARTS + NAMED_PARTS}
    for name in names or [part.__name__ for part in DEFAULT_PARTS]:
        results[name] = []
        for row in parts[name]():
            print(" | ".join(row), flush=True)
            results[name].append(row)
        STORE.write_text(json.dumps(results, indent=1))
        (HERE / "results.md").write_text(table([row for part in parts for row in results.get(part, [])]))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        print(json.dumps(measure(sys.argv[2], int(sys.argv[3]))))
    else:
        main(sys.argv[1:])
