"""Small trained VAEs, so that lesson 05 starts at once; `make weights` trains them anew.

They have seen the first 50,000 training digits only, so the last 10,000 are held out for them, too.
"""

import hashlib
import io
from pathlib import Path

import numpy as np

from pylib.models import VAE

MODELS = {
    "vae_2": {"latent_dim": 2, "hidden": (256, 128), "activation": "silu"},
    "vae_20": {"latent_dim": 20, "hidden": (256,), "activation": "silu"},
    "conditional_2": {"latent_dim": 2, "hidden": (256, 128), "activation": "silu", "n_classes": 10},
}

BUNDLED = Path(__file__).with_name("pretrained.npz")
BUNDLED_SHA256 = "5fefca6da750795ad530a7170399dbdd260b8b38879962b49e09a08ccb7cf7fb"


def load(name):
    """A trained VAE, ready to use.

    Parameters
    ----------
    name : "vae_2" and "vae_20", with as many latent numbers, or "conditional_2", which takes labels too

    Returns
    -------
    vae : a `pylib.models.VAE`; its weights were rounded to float16 to be stored

    Raises
    ------
    FileNotFoundError : the weights are missing
    ValueError : there is no model of that name, or the weights are not those this project ships
    """
    if name not in MODELS:
        raise ValueError(f"name must be one of {', '.join(MODELS)}, not {name!r}")
    arrays = _read(BUNDLED, BUNDLED_SHA256)
    vae = VAE(**MODELS[name])
    for i, weight in enumerate(vae.trainable_weights):
        weight.assign(arrays[f"{name}/{i}"].astype("float32"))
    return vae


def save(vaes, path):
    """Write the weights of `vaes`, a dict of names in `MODELS` to models, to `path` as float16; return its sha256."""
    arrays = {
        f"{name}/{i}": np.asarray(weight).astype("float16")
        for name, vae in vaes.items()
        for i, weight in enumerate(vae.trainable_weights)
    }
    np.savez_compressed(path, **arrays)
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def _read(path, sha256):
    if not path.is_file():
        raise FileNotFoundError(f"no weights at {path}: restore the file from the repository, or run `make weights`")
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ValueError(
            f"{path} does not hold the weights this project ships (its sha256 differs): "
            "restore it from the repository, or run `make weights`"
        )
    return np.load(io.BytesIO(content), allow_pickle=False)
