import hashlib
import re
import shutil

import numpy as np
import pytest

from pylib import pretrained
from pylib.quality import classify
from pylib.tf_utils import mnist_train


@pytest.fixture(scope="module")
def held_out():
    images, labels = mnist_train()
    return images[50_000:], labels[50_000:]


def test_all_together_are_small():
    assert pretrained.BUNDLED.stat().st_size < 3e6


@pytest.mark.parametrize(("name", "loss"), [("vae_2", 152), ("vae_20", 110), ("conditional_2", 134)])
def test_they_have_learned(name, loss, held_out):
    vae = pretrained.load(name)
    vae.compile()
    images, labels = held_out
    measured = vae.evaluate(images, labels if vae.n_classes else None, batch_size=1000, verbose=0, return_dict=True)
    assert measured["loss"] < loss


def test_save_keeps_every_weight(tmp_path):
    vaes = {name: pretrained.load(name) for name in pretrained.MODELS}
    pretrained.save(vaes, tmp_path / "again.npz")
    digest = hashlib.sha256((tmp_path / "again.npz").read_bytes()).hexdigest()
    assert (tmp_path / "again.npz.sha256").read_text() == f"{digest}  again.npz\n"  # as sha256sum --check wants it
    # The arrays, and not the file's bytes, which differ between versions of zlib
    with np.load(tmp_path / "again.npz") as again, np.load(pretrained.BUNDLED) as bundled:
        assert set(again) == set(bundled)
        assert len(again) == sum(len(vae.trainable_weights) for vae in vaes.values())
        assert {array.dtype for array in again.values()} == {np.dtype("float16")}
        assert all(np.array_equal(again[name], bundled[name]) for name in bundled)


def test_diffusion_is_small_and_asks_for_a_digit(held_out):
    """Compared with draws of the other label, which a network that knows no labels would give as well."""
    assert pretrained.DIFFUSION.stat().st_size < 2e5
    diffusion = pretrained.load_diffusion()
    wish = np.arange(200) % 10
    codes = diffusion.sample(200, seed=0, steps=10, label=wish).astype("float32")
    read = classify(np.asarray(pretrained.load("vae_20").decoder(codes)))[1].argmax(axis=1)
    assert np.mean(read == wish) > 0.8 and np.mean(read == (wish + 1) % 10) < 0.1


def test_saving_the_diffusion_keeps_every_weight(tmp_path):
    pretrained.save_diffusion(pretrained.load_diffusion(), tmp_path / "again.npz")
    with np.load(tmp_path / "again.npz") as again, np.load(pretrained.DIFFUSION) as bundled:
        assert set(again) == set(bundled) and all(np.array_equal(again[name], bundled[name]) for name in bundled)
    with pytest.raises(ValueError, match="diffusion must be a Diffusion of a build_velocity"):
        pretrained.save_diffusion(pretrained.load("vae_2"), tmp_path / "again.npz")


def test_says_what_is_wrong(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="one of vae_2, vae_20, conditional_2, not 'vae_3'"):
        pretrained.load("vae_3")
    path = tmp_path / "pretrained.npz"
    for file in (pretrained.BUNDLED, pretrained.BUNDLED.with_name("pretrained.npz.sha256")):
        shutil.copy(file, tmp_path)
    monkeypatch.setattr(pretrained, "BUNDLED", path)
    pretrained.load("vae_2")
    whole = path.read_bytes()
    for content in (whole[:-1000], whole + b"\0", b""):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=re.escape("sha256 differs): restore it from the repository")):
            pretrained.load("vae_2")
    path.unlink()
    missing = "there is no file .*pretrained.npz: restore it from the repository, or run `make weights`"
    with pytest.raises(FileNotFoundError, match=missing):
        pretrained.load("vae_2")


@pytest.mark.parametrize("wrong", [None, 2, ["vae_2"], np.array(["vae_2"])])
def test_what_is_no_name(wrong):
    with pytest.raises(ValueError, match="name must be one of vae_2, vae_20, conditional_2, not"):
        pretrained.load(wrong)


def test_save_refuses_what_load_could_not_read(tmp_path):
    vae, path = pretrained.load("vae_2"), tmp_path / "weights.npz"
    broken = pretrained.load("vae_2")
    broken.trainable_weights[0].assign(1e6 * np.ones(broken.trainable_weights[0].shape))
    for vaes, message in (
        ({}, "vaes must be a dict of names in MODELS to VAEs"),
        (vae, "vaes must be a dict"),
        ({"vae_3": vae}, "name must be one of .* not 'vae_3'"),
        ({"vae_20": vae}, r"vaes\['vae_20'\] must be a VAE\(\*\*pretrained.MODELS\['vae_20'\]\)"),
        ({"vae_2": None}, r"vaes\['vae_2'\] must be a VAE"),
        ({"vae_2": broken}, "a weight that float16 can't hold"),
    ):
        with pytest.raises(ValueError, match=message):
            pretrained.save(vaes, path)
    with pytest.raises(ValueError, match="path must end in .npz"):
        pretrained.save({"vae_2": vae}, tmp_path / "weights")
    with pytest.raises(ValueError, match="path must be a path"):
        pretrained.save({"vae_2": vae}, None)
    with pytest.raises(FileNotFoundError, match="there is no folder .*: make it first"):
        pretrained.save({"vae_2": vae}, tmp_path / "none" / "weights.npz")
    assert list(tmp_path.iterdir()) == []
    pretrained.save({"vae_2": vae}, str(path))  # text is a path, too
    assert path.is_file()
