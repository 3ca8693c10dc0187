"""Small trained networks, so that lesson 05 starts at once; `make weights` trains them anew.

They have seen the first 50,000 training digits only, so the last 10,000 are held out for them, too.
"""

from pathlib import Path

import numpy as np

from pylib import _bundled, _validate
from pylib.diffusion import Diffusion, build_velocity
from pylib.models import VAE

MODELS = {
    "vae_2": {"latent_dim": 2, "hidden": (256, 128), "activation": "silu"},
    "vae_20": {"latent_dim": 20, "hidden": (256,), "activation": "silu"},
    "conditional_2": {"latent_dim": 2, "hidden": (256, 128), "activation": "silu", "n_classes": 10},
}

BUNDLED = Path(__file__).with_name("pretrained.npz")
DIFFUSION = Path(__file__).with_name("diffusion.npz")
VELOCITY = {"latent_dim": 20, "hidden": (128, 128, 128), "n_classes": 10}
REMEDY = "restore it from the repository, or run `make weights`"


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
    arrays = _bundled.load(BUNDLED, REMEDY)
    vae = VAE(**MODELS[name])
    for i, weight in enumerate(vae.trainable_weights):
        weight.assign(arrays[f"{name}/{i}"].astype("float32"))
    return vae


def load_diffusion():
    """A trained diffusion model of the codes of "vae_20", which knows their labels: a prior as lesson 06 makes one.

    Returns
    -------
    diffusion : a `pylib.diffusion.Diffusion`; its network's weights were rounded to float16 to be stored

    Raises
    ------
    FileNotFoundError : the weights are missing
    ValueError : the weights are not those this project ships
    """
    arrays = _bundled.load(DIFFUSION, REMEDY)
    network = build_velocity(**VELOCITY)
    network.set_weights([arrays[str(i)].astype("float32") for i in range(len(network.weights))])
    return Diffusion(network, arrays["mean"], arrays["scale"])


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


def _validate_save_diffusion(diffusion, path):
    weights, wanted = getattr(getattr(diffusion, "network", None), "weights", []), build_velocity(**VELOCITY).weights
    if [weight.shape for weight in weights] != [weight.shape for weight in wanted]:
        raise ValueError("diffusion must be a Diffusion of a build_velocity(**pretrained.VELOCITY), trained")
    _validate.storable(weights, "diffusion")
    return {"path": _validate.npz_path(path, DIFFUSION.name)}


@_validate.arguments(_validate_save_diffusion)
def save_diffusion(diffusion, path=DIFFUSION):
    """Write the weights of a trained diffusion model as float16, and beside them their sha256.

    Parameters
    ----------
    diffusion : a `pylib.diffusion.Diffusion` whose network is a `build_velocity(**VELOCITY)`
    path : of the .npz file

    Raises
    ------
    FileNotFoundError : there is no such folder
    ValueError : the network has other layers or weights that float16 can't hold, or `path` doesn't end in .npz
    """
    arrays = {str(i): np.asarray(weight).astype("float16") for i, weight in enumerate(diffusion.network.weights)}
    scales = {"mean": diffusion.mean.astype("float32"), "scale": diffusion.scale.astype("float32")}
    _bundled.save(path, arrays | scales)
