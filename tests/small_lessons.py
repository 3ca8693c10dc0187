"""Smaller lessons, for tests that compare no figures of theirs: their whole run is nbval's."""

import re
from pathlib import Path

import nbformat

from tools.printed import claims

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
LESSONS = sorted(set(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb")) - {NOTEBOOKS / "05_exercises.ipynb"})  # it claims nothing

# What takes long however few digits there are, by lesson: a text, and what stands in its place.
FEWER = {
    "03_vae_theory": {
        "quadrature_error(vae, x_val[:300], ": "quadrature_error(vae, x_val[:30], ",
        "quadrature_error(vae, x_test[:300], ": "quadrature_error(vae, x_test[:30], ",
        "some, log_p_some = x_val[:200], log_p[:200]": "some, log_p_some = x_val[:40], log_p[:40]",
        "seen = exact_log_likelihood(vae, x_train[:2000], ": "seen = exact_log_likelihood(vae, x_train[:200], ",
        "elbo(vae, x_train[:2000], 20, seed=1)": "elbo(vae, x_train[:200], 20, seed=1)",
    },
    "06_latent_diffusion": {
        "some = held_out[:2000]": "some = held_out[:500]",
        "rise_of_bound(300)": "rise_of_bound(30)",
        "rng.permutation(len(x_test))[:2000]": "rng.permutation(len(x_test))[:200]",
        "(0.0, 1.0, 2.0) if labelled": "(0.0, 2.0) if labelled",
        "gain(diffusion, codes[:1000])": "gain(diffusion, codes[:100])",
        "np.linspace(-3.5, 3.5, 101)": "np.linspace(-3.5, 3.5, 41)",
        "priors[name].sample(10_000, seed=seed)": "priors[name].sample(400, seed=seed)",
    },
}


def make_small(notebook, lesson, digits=None):
    """Let a lesson take fewer images and draws where they take long: its text is looked for, and its loss an error.

    `digits` are how many it has for training, held out and for testing; None leaves it all of them.
    """
    if digits is not None:
        n_train, n_val, n_test = digits
        for cell in notebook.cells:
            cell.source = re.sub(r"^n_train = .*", f"n_train = {n_train}", cell.source, flags=re.MULTILINE)
            cell.source = cell.source.replace("[n_train:]", f"[n_train:{n_train + n_val}]")
            cell.source = cell.source.replace("mnist_test(data)", f"(array[:{n_test}] for array in mnist_test(data))")
    for many, few in FEWER.get(lesson, {}).items():
        (cell,) = [cell for cell in notebook.cells if many in cell.source]
        cell.source = cell.source.replace(many, few)


def smaller(lesson, folder, digits=None):
    """A copy of the lesson in which what takes long has fewer images or draws."""
    notebook = nbformat.read(lesson, as_version=4)
    make_small(notebook, lesson.stem, digits)
    copy = folder / lesson.name
    nbformat.write(notebook, copy)
    return copy


def claims_by_cell(notebook):
    return {cell.id: claims(cell) for cell in notebook.cells if cell.cell_type == "code" and claims(cell)}
