"""What the exercises of lesson 05 call to tell a right answer from a wrong one, and why it is wrong.

A check takes the learner's function, tries it on cases of its own, prints one line and returns a
`Verdict`. It raises nothing: an answer that stops with an error is a wrong answer with a message.
It compares with a right value, then with the usual mistakes, each of which has a message of its own.

Answers may use NumPy, TensorFlow or Keras, in float32 or float64: whatever becomes an array counts.
"""

from pylib.checks._judge import Verdict, quiet
from pylib.checks.data_and_compression import different_compression, new_numbers, own_noise
from pylib.checks.inference import inpainting, which_digit
from pylib.checks.latent_space import drawn_digit, spherical_interpolation
from pylib.checks.probability import evidence_bound, kl_between_gaussians, mended_loss, sampling

__all__ = [
    "Verdict",
    "different_compression",
    "drawn_digit",
    "evidence_bound",
    "inpainting",
    "kl_between_gaussians",
    "mended_loss",
    "new_numbers",
    "own_noise",
    "quiet",
    "sampling",
    "spherical_interpolation",
    "which_digit",
]
