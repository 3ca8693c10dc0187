"""Speed of the lessons' models beside others, measured in turn (A B C A B C ...): `make bench`.

Ratios are medians over rounds, with the least and the largest beside them, since the speed of a shared machine
changes from minute to minute and both runs of a round see the same weather. Writes results.md and scaling.png
beside this file. `bench.py fit grids` runs only those parts and keeps the other results; `figures`, `lessons` and
`suite` run only when named, since they take 40 minutes more. A part is a function that yields rows: what is measured,
beside what, the measurement, and what is wanted.
"""

import functools
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
from sklearn.mixture import GaussianMixture

from pylib import plots, pretrained, priors
from pylib.divergence import log_normal
from pylib.evidence import best_gaussian, elbo, exact_log_likelihood, importance_weighted_bound
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


def contest(names, epochs=2):
    """Seconds for an epoch by name: of the first, which compiles, and of five rounds of `epochs` in turn."""
    contestants = {name: Contestant(function) for name, function in names.items()}
    first = {name: contestant.seconds(1) for name, contestant in contestants.items()}
    rounds = in_turn({name: lambda c=contestant: c.seconds(epochs) for name, contestant in contestants.items()})
    for contestant in contestants.values():
        contestant.process.kill()
    return first, {name: np.array(values) / epochs for name, values in rounds.items()}


def engines(suffix=""):
    """The functions of those peers whose engine is installed, by the engine's name."""
    needed = {"JAX": ("jax", "optax"), "PyTorch": ("torch",)}
    return {
        name: f"{name.lower()}{suffix}"
        for name, modules in needed.items()
        if all(map(importlib.util.find_spec, modules))
    }


def rates(what, unit, first, times):
    """A row for each contestant."""
    for name, values in times.items():
        rate = f"{IMAGES / np.median(values):,.0f} {unit}/s"
        compiled = f"{max(0.0, first[name] - np.median(values)):.1f} s to compile"
        yield (what, name, f"{rate}; {compiled}", "")


def beside_engines(what, times, wanted):
    """A row with the faster of those engines that are installed, in each round."""
    others = [times[name] for name in engines() if name in times]
    if others:
        yield (what, "the faster of JAX and PyTorch", ratio(np.min(others, axis=0), times["ours"]), wanted)


def fit():
    names = {"ours": "ours", "Keras tutorial": "keras_tutorial", "matrix products": "products"} | engines()
    first, times = contest(names)
    yield from rates("VAE 784-512-2, batch 128: two epochs a round", "images", first, times)
    yield ("images per second", "Keras tutorial", ratio(times["Keras tutorial"], times["ours"]), "1.6 times")
    yield from beside_engines("images per second", times, "0.9")
    yield ("images per second", "matrix products", ratio(times["matrix products"], times["ours"]), "printed")


def diffusion():
    first, times = contest({"ours": "our_diffusion"} | engines("_diffusion"), epochs=5)
    yield from rates("diffusion of 20 numbers, 4 x 256, batch 512: five epochs a round", "codes", first, times)
    yield from beside_engines("codes per second", times, "printed")


def mixture():
    codes = some_codes(20_000).astype(float)  # as Mixture takes them
    own = lambda: priors.Mixture(codes, 10)  # noqa: E731
    plain = lambda: GaussianMixture(10, tol=0.01, random_state=0).fit(codes)  # noqa: E731
    times = in_turn({"scikit-learn": plain, "ours": own})
    value = f"{ratio(times['scikit-learn'], times['ours'])}: {np.median(times['ours']):.1f} s"
    yield ("mixture of 10 Gaussians of 20 numbers, fitted to 20,000 codes", "scikit-learn's own call", value, "printed")


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


def some_images(n):
    return mnist_train()[0][:n]


def some_codes(n):
    return np.asarray(pretrained.load("vae_20").encoder(some_images(n))[2])


def an_epoch(n, latent_dim=2):
    vae = VAE(latent_dim)
    vae.compile(**compile_settings(n, 2))
    data = batches(some_images(n))
    return lambda: vae.fit(data, shuffle=False, verbose=0)


def an_epoch_of_diffusion(n):
    return functools.partial(peers.our_diffusion(range(n)), 1)


def density_of_diffusion(steps):
    prior, codes = pretrained.load_diffusion(), some_codes(500)
    return lambda: prior.log_density(codes, steps)


def fitted_mixture(components):
    codes = some_codes(5000)
    return lambda: priors.Mixture(codes, components)


def bound(k):
    vae, x = VAE(), some_images(200)
    return lambda: importance_weighted_bound(vae, x, k, seed=0)


def quadrature_of(points):
    vae, x = VAE(), some_images(500)
    return lambda: exact_log_likelihood(vae, x, points=points, limit=4.0)


def best_gaussians(n):
    vae, x = VAE(), some_images(n)
    return lambda: best_gaussian(vae, x, limit=4.0)


# What grows, its sizes, what is measured, the exponent that its seconds should have, and what prepares it.
SCALING = {
    "training images": ([1000, 4000, 15_000, 60_000], "one epoch", 1, an_epoch),
    "latent_dim": ([2, 8, 32, 128], "one epoch of 10,000 digits", 0, functools.partial(an_epoch, 10_000)),
    "points a side": ([50, 100, 200, 400], "log p(x) of 500 digits", 2, quadrature_of),
    "k": ([10, 40, 160, 640], "importance-weighted bound of 200 digits", 1, bound),
    "components": ([1, 4, 16, 64], "mixture of 5,000 codes", 1, fitted_mixture),
    "codes": ([1000, 4000, 15_000, 60_000], "one epoch of diffusion", 1, an_epoch_of_diffusion),
    "steps of the flow": ([5, 10, 20, 40], "log-density of 500 codes", 1, density_of_diffusion),
    "digits": ([25, 50, 100, 200], "best Gaussian q for each digit", 1, best_gaussians),
}


def measure(kind, size):
    """For one point of the plot, in a process of its own: seconds, and peak memory in GB."""
    run = SCALING[kind][-1](size)
    run()
    return min(seconds(run) for _ in range(2)), peak_memory()


def scaling():
    plots.use_style()
    figure, all_axes = plt.subplots(4, 4, figsize=(13, 10), sharey="row")
    pairs = np.concatenate([all_axes[:2].T, all_axes[2:].T])
    for (kind, (values, title, slope, _)), (above, below) in zip(SCALING.items(), pairs, strict=True):
        command = [sys.executable, __file__, "--measure", kind]
        outputs = [subprocess.run([*command, str(v)], capture_output=True, check=True, text=True) for v in values]
        taken, memory = np.transpose([json.loads(output.stdout.splitlines()[-1]) for output in outputs])
        above.loglog(values, taken, "o-", label="measured")
        expected = taken[-1] * (np.array(values) / values[-1]) ** slope
        above.loglog(values, expected, "--", color="0.5", label=f"slope {slope}")
        below.semilogx(values, memory, "s-", color="C1")
        above.set_title(title, fontsize="medium")
        below.set(xlabel=kind, ylim=(0, 3))
        for axis in (above, below):
            axis.set_xticks(values, [f"{v:,}" for v in values], minor=False)
            axis.minorticks_off()
        above.legend()
        yield (
            f"cost against {kind}: {title}",
            ", ".join(f"{v:,}" for v in values),
            " / ".join(f"{t:.2g} s" for t in taken),
            "",
        )
    for row, label in enumerate(2 * ["seconds", "peak memory (GB)"]):
        all_axes[row, 0].set_ylabel(label)
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
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}  # where peers may lie
    taken = seconds(lambda: subprocess.run(["make", "test"], cwd=HERE.parent, env=environment, check=True))
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


# What `make bench` runs, and what it runs only when it is named.
DEFAULT_PARTS = [fit, diffusion, mixture, dense_target, plane_target, grids, quadrature, widgets, scaling]
NAMED_PARTS = [figures, lessons, suite]


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
