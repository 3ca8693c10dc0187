"""One good call for each public function and class of pylib, its arguments by name: what `test_wrong_calls` spoils."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from pylib import pretrained, quality
from pylib.diffusion import Diffusion, build_velocity, field
from pylib.models import VAE, build_autoencoder
from pylib.priors import UnitNormal
from tests import exercise_answers
from tests.known_models import LinearGaussian
from tests.own_pictures import write_digits
from tests.small_vae import X, Y, small

LINEAR = LinearGaussian()
SIX_PIXELS = LINEAR.draw(2)
Z = np.random.default_rng(1).normal(size=(50, 2))
LOG_VAR = np.full((50, 2), -1.0)
GAUSSIANS = dict(
    zip(("q_mean", "q_log_var", "p_mean", "p_log_var"), np.linspace(-1, 1, 24).reshape(4, 2, 3), strict=True)
)
GRID = {"vae": LINEAR, "x": SIX_PIXELS, "points": 12, "limit": 4.0}
PRIOR_GRID = GRID | {"prior": UnitNormal(2)}
NOISE = {"images": X[:3], "amount": 0.2}
NAMES = list("abcdefghij")


def drawing():
    ink = np.zeros((60, 40))
    ink[10:50, 15:25] = 1
    return {"drawing": ink, "pixels": (28, 28)}


def drawn_grids():
    ticks = np.array([-1.0, 0, 1])
    return {"grids": {"one": np.zeros((3, 3, 28, 28))}, "ticks": [ticks], "tinted": [np.eye(3, dtype=bool)]}


def posteriors():
    side = np.tile(np.linspace(-1, 1, 8), (3, 1))
    density = np.exp(-(side[:, :, None] ** 2) - side[:, None] ** 2)
    grid = {"z1": side, "z2": side, "density": density}
    return {"images": X[:3], **grid, "z_mean": Z[:3], "z_log_var": LOG_VAR[:3], "titles": ["a", "b", "c"], "pixels": 28}


def trained():
    return {"vae": pretrained.load("vae_2"), "codes": Z, "labels": Y, "names": NAMES, "pixels": 28}


def small_velocity():
    """A network for velocities that isn't untrained: no bias is 0."""
    network = build_velocity(2, (4,), 3)
    network.set_weights([np.cos(np.arange(weight.size)).reshape(weight.shape) for weight in network.get_weights()])
    return network


def walk():
    prior = Diffusion(small_velocity(), np.zeros(2), np.ones(2))
    return {"prior": prior, "decoder": pretrained.load("vae_2"), "names": NAMES[:3], "pixels": (28, 28)}


def draw(value):
    from matplotlib.figure import Figure

    figure = Figure()
    figure.subplots().plot([0, value])
    return figure


def shown():
    plt.figure()
    return {"alt": "A straight line that rises."}


def with_rng(arguments):
    return lambda: arguments | {"rng": np.random.default_rng(0)}


def settings(**options):
    return {"epochs": 1, "learning_rate": 1e-3} | options


def check(name, *parameters):
    """The call of a check with a right answer."""

    def call():
        right = exercise_answers.RIGHT[name][0]
        answers = right if isinstance(right, tuple) else (right,)
        return dict(zip(parameters, answers, strict=True))

    return call


DATA = {
    "claims.claim": lambda: {
        "what": "MSE",
        "figure": 0.1,
        "wanted": "below",
        "beside": "PCA's",
        "compared": 0.2,
        "form": ".4f",
        "unit": "nats",
        "trained": True,
        "own_pictures": True,
    },
    "claims.claims_of": lambda: {"data": "a_folder"},
    "claims.identity": lambda: {
        "left": "a",
        "left_value": np.arange(3.0),
        "right": "b",
        "right_value": np.arange(3.0),
        "form": ".4f",
        "unit": "nats",
        "within": 1e-6,
    },
    "image_folder.class_names": lambda: {"path": write_digits(Path("digits"))},
    "image_folder.load": lambda: {"split": "test", "path": write_digits(Path("digits"))},
    "mnist_dataset.class_names": lambda: {"path": None},
    "mnist_dataset.load": lambda: {"split": "test", "path": None},
    "noise.block": with_rng(NOISE | {"pixels": 28}),
    "noise.gaussian": with_rng(NOISE),
    "noise.psnr": lambda: {"clean": X[:3], "image": X[3:6]},
    "noise.salt_and_pepper": with_rng(NOISE),
    "noise.uniform": with_rng(NOISE),
    "preprocessing.centre_digit": drawing,
    "tensorboardcmd.TensorBoardCommand": lambda: {"log_dir": "logs"},
    "tensorboardcmd.new_run": lambda: {"lesson": "01_autoencoder"},
    "tensorboardcmd.tensorboard_cmd": lambda: {"log_dir": "logs"},
    "tf_utils.class_names": lambda: {"path": None},
    "tf_utils.mnist_test": lambda: {"path": None},
    "tf_utils.mnist_train": lambda: {"path": None},
}

PLOTS = {
    "pictures.described": lambda: {"figure": draw(1), "alt": "A straight line that rises."},
    "pictures.show": shown,
    "pictures.show_image": lambda: {"name": "VAE.png", "alt": "A digit, its code, and the digit again."},
    "plots.arrows": lambda: {
        "points": Z[:3],
        "starts": Z[3:8],
        "panels": {"one": Z[8:13]},
        "pictures": X[:3],
        "pixels": 28,
    },
    "plots.particles": lambda: {"points": Z[:3], "panels": {"one": Z[3:8], "other": Z[8:10]}},
    "plots.bars": lambda: {"groups": {"a": np.array([1.0, 2])}, "names": ["b", "c"], "ylabel": "d", "xlabel": "e"},
    "plots.curves": lambda: {
        "lines": {"a": (np.array([1, 2]), np.array([3, 4]))},
        "xlabel": "b",
        "ylabel": "c",
        "log": "xy",
        "title": "d",
    },
    "plots.digit_rows": lambda: {"rows": {"a": X[:3], "b": X[3:6]}, "titles": ["c", "d", "e"], "pixels": 28},
    "plots.heat_maps": lambda: {
        "densities": {"a": np.eye(5)},
        "side": np.linspace(-4, 4, 5),
        "xlabel": "b",
        "ylabel": "c",
    },
    "plots.latent_grids": drawn_grids,
    "plots.palette": lambda: {"n": 20},
    "plots.plane": lambda: {
        "codes": Z,
        "labels": Y,
        "grid": np.zeros((3, 3, 28, 28)),
        "tick": np.array([-1.0, 0, 1]),
        "title": "a",
        "names": NAMES,
    },
    "plots.posteriors": posteriors,
    "plots.scatters": lambda: {"codes": {"a": Z}, "labels": Y, "xlabel": "b", "ylabel": "c", "names": NAMES},
    "plots.territories": lambda: {"codes": Z, "labels": Y, "names": NAMES},
    "plots.trade_off": lambda: {"points": {"a": (1.0, 2.0), "b": (3.0, 1.0)}},
    "plots.symmetric_limits": lambda: {"values": Z},
    "plots.use_style": dict,
}

PROBABILITY = {
    "divergence.gaussian_kl": lambda: GAUSSIANS,
    "divergence.log_normal": lambda: {"z": np.ones((4, 3)), "mean": np.ones((4, 3)), "log_var": np.ones((4, 3))},
    "evidence.best_gaussian": lambda: GRID,
    "evidence.elbo": lambda: {"vae": LINEAR, "x": SIX_PIXELS, "samples": 2, "seed": 0, "prior": UnitNormal(2)},
    "evidence.exact_log_likelihood": lambda: PRIOR_GRID,
    "evidence.gaussian_elbo": lambda: {
        "vae": LINEAR,
        "x": SIX_PIXELS,
        "z_mean": Z[:2],
        "z_log_var": LOG_VAR[:2],
        "nodes": 3,
    },
    "evidence.given_label": lambda: {"vae": small(n_classes=10), "y": 3},
    "evidence.importance_weighted_bound": lambda: {
        "vae": LINEAR,
        "x": SIX_PIXELS,
        "k": 2,
        "seed": 0,
        "prior": UnitNormal(2),
    },
    "evidence.log_weights": lambda: {"vae": LINEAR, "x": SIX_PIXELS, "k": 2, "seed": 0, "prior": UnitNormal(2)},
    "evidence.quadrature_error": lambda: PRIOR_GRID,
    "evidence.true_posterior": lambda: GRID,
    "likelihood.blocks": lambda: {"array": Z, "size": 20},
    "likelihood.code_limit": lambda: {"vae": LINEAR, "x": SIX_PIXELS},
    "likelihood.encode": lambda: {"vae": LINEAR, "x": SIX_PIXELS},
    "likelihood.log_likelihood": lambda: {"vae": LINEAR, "x": SIX_PIXELS, "z": Z[:2]},
    "likelihood.log_likelihood_table": lambda: {"vae": LINEAR, "z": Z},
    "likelihood.log_sum_exp": lambda: {"a": Z.copy()},
    "likelihood.softplus": lambda: {"a": Z},
    "likelihood.square_grid": lambda: {"points": 5, "limit": 2.0},
}

PRIORS = {
    "diffusion.Diffusion": lambda: {"network": small_velocity(), "mean": np.zeros(2), "scale": np.ones(2)},
    "diffusion.build_velocity": lambda: {"latent_dim": 2, "hidden": (4,), "n_classes": 3},
    "diffusion.divergence": lambda: {"velocity": field(small_velocity()), "z": Z, "theta": 0.5},
    "diffusion.field": lambda: {"network": small_velocity(), "label": 1, "guidance": 0.5},
    "diffusion.fit_velocity": lambda: settings(network=small_velocity(), z=Z, label=Y % 3, callbacks=()),
    "diffusion.flow_log_density": lambda: {"velocity": field(small_velocity()), "z": Z, "angles": np.array([0.1, 0.2])},
    "diffusion.follow": lambda: {"velocity": field(small_velocity()), "z": Z, "angles": np.array([0.2, 0.1])},
    "diffusion.noised": lambda: {"z": Z, "label": Y},
    "priors.Gaussian": lambda: {"codes": Z},
    "priors.Mixture": lambda: {"codes": Z, "components": 2, "seed": 0},
    "priors.UnitNormal": lambda: {"latent_dim": 2},
}

NETWORKS = {
    "losses.bernoulli_reconstruction": lambda: {"x": X, "logits": X - 0.5},
    "losses.gaussian_reconstruction": lambda: {"x": X, "mean": X, "sigma": 0.5},
    "losses.kl_to_unit": lambda: {"z_mean": X[:, :3], "z_log_var": X[:, :3]},
    "losses.sample": lambda: {"z_mean": X[:, :3], "z_log_var": X[:, :3], "eps": X[:, :3]},
    "models.VAE": lambda: {
        "latent_dim": 2,
        "hidden": (4,),
        "pixels": 28,
        "activation": "relu",
        "likelihood": "gaussian",
        "sigma": 0.2,
        "beta": 1.0,
        "n_classes": 3,
    },
    "models.build_autoencoder": lambda: {
        "layer_sizes": [4, 2],
        "activation": "relu",
        "code_activation": "relu",
        "pixels": (28, 28),
    },
    "pretrained.load": lambda: {"name": "vae_2"},
    "pretrained.load_diffusion": dict,
    "pretrained.save_diffusion": lambda: {"diffusion": pretrained.load_diffusion(), "path": "weights.npz"},
    "pretrained.save": lambda: {"vaes": {"vae_2": pretrained.load("vae_2")}, "path": "weights.npz"},
    "progress.Progress": lambda: {"steps": [1, 2], "what": "counting", "total": 2},
    "quality.build_classifier": dict,
    "quality.classify": lambda: {"images": X},
    "quality.confident_share": lambda: {"images": X, "above": 0.5},
    "quality.frechet_distance": lambda: {"images": X, "reference": X[::-1]},
    "quality.gaussian_frechet_distance": lambda: {
        "mean": np.zeros(3),
        "covariance": np.diag([1.0, 2, 3]),
        "other_mean": np.ones(3),
        "other_covariance": np.eye(3),
    },
    "quality.save_classifier": lambda: {"classifier": quality.build_classifier(), "path": "weights.npz"},
    "training.LossPlot": lambda: {"levels": {"baseline": 0.1}, "bottom": 0.01, "panels": {"loss": "nats"}},
    "training.TrainingProgress": dict,
    "training.batches": lambda: {"data": (X, Y), "batch_size": 16},
    "training.compile_settings": lambda: settings(n_images=50, batch_size=16),
    "training.fit_vae": lambda: settings(vae=VAE(hidden=(4,)), training=(X,), held_out=(X,), callbacks=()),
    "training.train": lambda: settings(model=build_autoencoder([4])[2], training=(X, X), held_out=(X, X), callbacks=()),
    "training.xla_works": dict,
}

CHECKS = {
    "checks.ProgressTable": lambda: {"path": "progress.json"},
    "checks.different_compression": check("different_compression", "compress", "sizes"),
    "checks.drawn_digit": check("drawn_digit", "read_digit"),
    "checks.importance_weighted_training": check("importance_weighted_training", "iw_step"),
    "checks.inpainting": check("inpainting", "inpaint"),
    "checks.kl_between_gaussians": check("kl_between_gaussians", "kl"),
    "checks.derived_entropy": check("derived_entropy", "entropy"),
    "checks.derived_kl": check("derived_kl", "kl"),
    "checks.derived_second_moment": check("derived_second_moment", "second_moment"),
    "checks.learned_sigma": check("learned_sigma", "train_sigma"),
    "checks.less_biased_evidence": check("less_biased_evidence", "less_biased"),
    "checks.mended_loss": check("mended_loss", "vae_loss"),
    "checks.new_numbers": check("new_numbers", "combine"),
    "checks.own_noise": check("own_noise", "spoil", "restore"),
    "checks.same_hand": check("same_hand", "rewrite"),
    "checks.sampling": check("sampling", "sample_laplace"),
    "checks.loss_with_sigma": check("loss_with_sigma", "sigma_loss"),
    "checks.spherical_interpolation": check("spherical_interpolation", "slerp"),
    "checks.which_digit": check("which_digit", "label_probabilities"),
}

WIDGETS = {
    "widgets.DiffusionWalk": walk,
    "widgets.DigitCanvas": lambda: {"pixels": 28},
    "widgets.DrawnDigit": trained,
    "widgets.DenoisedDrawing": lambda: {"reconstruct": build_autoencoder([4])[2], "pixels": 28},
    "widgets.FigureSlider": lambda: {"draw": draw, "name": "a", "low": 0.0, "high": 1.0, "step": 0.5, "value": 0.5},
    "widgets.LatentExplorer": trained,
    "widgets.NoiseExplorer": lambda: {"reconstruct": build_autoencoder([4])[2], "images": X, "pixels": 28},
}

GOOD = DATA | PLOTS | PROBABILITY | PRIORS | NETWORKS | CHECKS | WIDGETS
