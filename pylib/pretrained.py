"""Small trained VAEs, so that lesson 05 starts at once; `make weights` trains them anew.

They have seen the first 50,000 training digits only, so the last 10,000 are held out for them, too.
"""

from pathlib import Path

import numpy as np

from pylib import _bundled, _validate
from pylib.models import VAE

MODELS = {
    "vae_2": {"latent_dim": 2, "hidden": (256, 128), "activation": "silu"},
    "vae_20": {"latent_dim": 20, "hidden": (256,), "activation": "silu"},
    "conditional_2": {"latent_dim": 2, "hidden": (256, 128), "activation": "silu", "n_classes": 10},
}

BUNDLED = Path(__file__).with_name("pretrained.npz")


def _validate_name(name):
    if not isinstance(name, str) or name not in MODELS:
        raise ValueError(f"name must be one of {', '.join(MODELS)}, not {_validate.shown(name)}")


def _validate_save(vaes, path):
    _validate.mapping(vaes, "vaes", "names in MODELS to VAEs")
    for name, vae in vaes.items():
        _validate_name(name)
        weights, wanted = getattr(vae, "trainable_weights", []), VAE(**MODELS[name]).trainable_weights
        if isinstance(vae, type) or [weight.shape for weight in weights] != [weight.shape for weight in wanted]:
            raise ValueError(f"vaes[{name!r}] must be a VAE(**pretrained.MODELS[{name!r}]), trained")
        _validate.storable(weights, f"vaes[{name!r}]")
    return {"path": _validate.npz_path(path, BUNDLED.name)}


@_validate.arguments(_validate_name)
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
    arrays = _bundled.load(BUNDLED, remedy="restore it from the repository, or run `make weights`")
    vae = VAE(**MODELS[name])
    for i, weight in enumerate(vae.trainable_weights):
        weight.assign(arrays[f"{name}/{i}"].astype("float32"))
    return vae


@_validate.arguments(_validate_save)
def save(vaes, path=BUNDLED):
    """Write the weights of trained VAEs as float16, and beside them their sha256.

    Parameters
    ----------
    vaes : dict of names in `MODELS` to models with these settings
    path : of the .npz file

    Raises
    ------
    FileNotFoundError : there is no such folder
    ValueError : there is no model, one has another name, other layers or weights that float16 can't hold, or `path`
        doesn't end in .npz
    """
    arrays = {
        f"{name}/{i}": np.asarray(weight).astype("float16")
        for name, vae in vaes.items()
        for i, weight in enumerate(vae.trainable_weights)
    }
    _bundled.save(path, arrays)
