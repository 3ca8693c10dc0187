"""A VAE small enough for tests, and images and labels for it."""

import keras
import numpy as np

from pylib.models import VAE

RNG = np.random.default_rng(0)
X = RNG.random((50, 784), dtype="float32") ** 4
Y = RNG.integers(0, 10, 50)
FINISH = {"batch_size": 16, "verbose": 0}  # 16 + 16 + 16 + 2: the last batch is shorter


def weights_at_random(model):
    """The model with larger weights than Keras starts with, the same each time."""
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(0, 0.3, weight.shape) if weight.shape else weight for weight in model.get_weights()])
    return model


def small(**options):
    keras.utils.set_random_seed(0)
    return VAE(**({"hidden": (8,)} | options))
