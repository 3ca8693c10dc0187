"""Larger and coloured pictures: the lines of PICTURES.md, and the example, whose two VAEs learn something."""

import importlib.util
import re
import textwrap
from pathlib import Path

import keras
import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
from PIL import Image

from pylib import evidence
from tests.own_pictures import write_digits

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def example():
    spec = importlib.util.spec_from_file_location("colour_pictures", ROOT / "examples" / "colour_pictures.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_shapes_have_two_colours_and_stay_within(example):
    pictures = example.shapes(300, np.random.default_rng(0)).reshape(-1, 32, 32, 3)
    shares = []
    for picture in pictures:
        colours, counts = np.unique(picture.reshape(-1, 3), axis=0, return_counts=True)
        assert len(colours) == 2
        paper = picture[0, 0]
        assert (picture[0] == paper).all() and (picture[:, 0] == paper).all()
        inside = (picture != paper).any(axis=2)
        assert inside.sum() in counts
        rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
        shares.append(inside.sum() / (len(rows) * len(columns)))
    # Of its box a disc fills pi / 4, a square all, and a triangle half, but for the pixels on the edge.
    of_kinds = np.histogram(shares, [0, 0.65, 0.9, 1.01])[0] / 300
    assert np.all(np.abs(of_kinds - 1 / 3) < 4 * np.sqrt(2 / 9 / 300))


def test_both_learn(example, tmp_path, capsys):
    example.main(4, tmp_path / "picture.png", n=1280)
    printed = capsys.readouterr().out
    mean, dense, convolutions = (float(mse) for mse in re.findall(r"MSE (0\.\d+)", printed))
    assert 0.03 < mean < 0.15
    assert dense < 0.8 * mean and convolutions < 0.8 * mean
    assert plt.imread(tmp_path / "picture.png").std() > 0.1


def test_evidence_takes_convolutions(example, tmp_path):
    keras.utils.set_random_seed(0)
    vae = example.ConvolutionalVAE(latent_dim=2, likelihood="gaussian", sigma=0.5, pixels=example.ROW)
    x = example.shapes(4, np.random.default_rng(0))
    z_mean = np.asarray(vae.encoder(x)[0])
    x_hat = np.asarray(vae.decoder(z_mean), "float64")
    assert x_hat.min() >= 0
    by_hand = -0.5 * ((x - x_hat) ** 2).sum(axis=1) / 0.25 - 3072 / 2 * np.log(2 * np.pi * 0.25)
    exact = evidence.exact_log_likelihood(vae, x, points=60)
    assert exact == pytest.approx(by_hand, abs=5)  # untrained, so the code hardly matters
    vae.save(tmp_path / "shapes.keras")
    again = keras.models.load_model(tmp_path / "shapes.keras", {"ConvolutionalVAE": example.ConvolutionalVAE})
    assert np.array_equal(again.predict(x, verbose=0), vae.predict(x, verbose=0))


def test_the_lines_for_larger_pictures_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_digits(tmp_path / "my_pictures")
    text = (ROOT / "PICTURES.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"(?:^    .*\n|^\n)+", text[text.index("## Larger") :], re.MULTILINE)[1:2]
    cells = {cell.id: cell.source for cell in nbformat.read(ROOT / "notebooks" / "04_latent_grid.ipynb", 4).cells}
    names = {}
    exec(cells["code-01"].removeprefix("%matplotlib inline") + "\n" + cells["code-02"], names)
    exec(textwrap.dedent(block), names)
    pictures, vae = names["images"], names["vae"]
    assert pictures.shape == (1797, 48 * 64) and pictures.min() == 0 and pictures.max() == 1
    first = names["files"][0]
    assert names["names"][names["labels"][0]] == first.parent.name
    upright = np.asarray(Image.open(first).resize((64, 48))) / 255
    assert np.abs(pictures[0].reshape(48, 64) - upright).max() < 1e-6
    mean = np.mean((pictures - pictures.mean(axis=0)) ** 2)
    assert vae.pixels == (48, 64) and np.mean((vae.predict(pictures, verbose=0) - pictures) ** 2) < mean
