"""What the exercises of lesson 05 call to tell a right answer from a wrong one, and why it is wrong.

A check takes the learner's function, tries it on cases of its own, prints one line and returns a
`Verdict`. It raises nothing: an answer that stops with an error is a wrong answer with a message.
It compares with a right value, then with the usual mistakes, each of which has a message of its own.
Images and models it takes from pylib, not from the notebook, and it passes copies.

Answers may use NumPy, TensorFlow or Keras, in float32 or float64: whatever becomes an array counts.
"""

from pylib.checks._judge import Verdict
from pylib.checks.data_and_compression import different_compression, new_numbers, own_noise
from pylib.checks.inference import inpainting, which_digit
from pylib.checks.latent_space import drawn_digit, same_hand, spherical_interpolation
from pylib.checks.marking import mark
from pylib.checks.probability import (
    derived_entropy,
    derived_kl,
    derived_second_moment,
    kl_between_gaussians,
    less_biased_evidence,
    mended_loss,
    sampling,
)
from pylib.checks.progress import ProgressTable
from pylib.checks.training import importance_weighted_training, learned_sigma, loss_with_sigma

__all__ = [
    "ProgressTable",
    "Verdict",
    "different_compression",
    "drawn_digit",
    "importance_weighted_training",
    "inpainting",
    "kl_between_gaussians",
    "derived_entropy",
    "derived_kl",
    "derived_second_moment",
    "learned_sigma",
    "less_biased_evidence",
    "mark",
    "mended_loss",
    "new_numbers",
    "own_noise",
    "same_hand",
    "sampling",
    "loss_with_sigma",
    "spherical_interpolation",
    "which_digit",
]
