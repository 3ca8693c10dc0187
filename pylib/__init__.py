"""Helpers shared by the lessons in `notebooks/`: import the module you need, e.g. `from pylib import noise`."""
