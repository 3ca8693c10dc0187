"""A VAE small enough for tests, and images and labels for it."""

import keras
import numpy as np

from pylib.models import VAE

RNG = np.random.default_rng(0)
X = RNG.random((50, 784), dtype="float32") ** 4
Y = RNG.integers(0, 10, 50)
FINISH = {"batch_size": 16, "verbose": 0}  # 16 + 16 + 16 + 2: the last batch is shorter


def small(**options):
    keras.utils.set_random_seed(0)
    return VAE(**({"hidden": (8,)} | options))
