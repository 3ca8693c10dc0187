"""Helpers shared by the lessons in `notebooks/`: import the module you need, e.g. `from pylib import noise`."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # fewer start-up lines of TensorFlow

__version__ = "0.1.0"  # the one place that says so; CITATION.cff repeats it
