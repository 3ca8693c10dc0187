"""What checks take for themselves, so that nothing in a learner's notebook can change it: images, labels, models."""

import functools

import numpy as np

from pylib import mnist_dataset

NOTEBOOKS = 5000  # held-out images that the notebook has; the checks use those behind


@functools.cache
def _held_out():
    images, labels = mnist_dataset.load("train")
    return images[50_000:].copy(), labels[50_000:].copy()


def images_and_labels(n, hidden, start=0):
    """`n` held-out images that the notebook doesn't use, and their labels; others where they are hidden."""
    first = NOTEBOOKS + (2500 if hidden else 0) + start
    return tuple(part[first : first + n].copy() for part in _held_out())


def images(n, hidden, start=0):
    """The images alone."""
    return images_and_labels(n, hidden, start)[0]


def notebooks_images_and_labels(n):
    """The first `n` images that the notebook calls `x_val`, and their labels."""
    return tuple(part[:n].copy() for part in _held_out())


@functools.cache
def model(name):
    """A trained model of pylib's, apart from the notebook's own copy."""
    from pylib import pretrained  # which loads Keras

    return pretrained.load_diffusion() if name == "diffusion_20" else pretrained.load(name)


def fresh(name):
    """A copy of a trained VAE, for an answer that changes its weights."""
    from pylib import pretrained
    from pylib.models import VAE

    vae = VAE(**pretrained.MODELS[name])
    vae.set_weights(model(name).get_weights())
    return vae


def generator(number, hidden):
    """A generator of random numbers for cases, with another seed where they are hidden."""
    return np.random.default_rng([number, 1 if hidden else 0])
