"""Answers to exercises 1, 5 and 8: new numbers, another compression, a noise and its removal."""

import numpy as np
import tensorflow as tf
from keras import ops
from scipy.ndimage import median_filter

from tests.exercise_answers.data_and_models import held_out_images, reconstruct

RIGHT, WRONG = {}, {}
EXTRA = {"new_numbers": lambda: (held_out_images(),), "own_noise": lambda: (held_out_images(),)}

# --- Exercise 1: new numbers


def halves_of_one(a, b):
    """Written for one image of 784 pixels."""
    return np.concatenate([a[:392], b[392:]])


def halves(a, b):
    return np.where(np.arange(784) < 392, a, b)


def changes_its_input(a, b):
    a += b
    return np.clip(a, 0, 1, out=a)


RIGHT["new_numbers"] = [
    lambda a, b: np.clip(a + b, 0, 1),
    np.maximum,
    halves,
    halves_of_one,
    lambda a, b: tf.clip_by_value(a + b, 0, 1),
    lambda a, b: (a + b).astype("float64") / 2,
    lambda a, b: ops.absolute(a - b),
]
WRONG["new_numbers"] = [
    (lambda a, b: a + b, "reach 2.00, and ink can't be more than 1; clip"),
    (lambda a, b: a - b, "go down to -1.00, and ink can't be negative; clip"),
    (lambda a, b: 255 * np.maximum(a, b), "not to 255"),
    (lambda a, b: a, "this is the first digit as it was"),
    (lambda a, b: b, "this is the second digit as it was"),
    (lambda a, b: np.sqrt(a), "the second digit makes no difference"),
    (lambda a, b: b**2, "the first digit makes no difference"),
    (lambda a, b: a / b, "NaN or infinity; is there a division by 0?"),
    (lambda a, b: (a + b) / 784, "too faint to see"),
    (lambda a, b: np.concatenate([a, b]), "has shape (40, 784), not (20, 784)"),
    (lambda a, b: np.clip(a + b, 0, 1).mean(), "has shape (), not (20, 784)"),
    (changes_its_input, "changes the digits it is given"),
    (lambda a, b: "ab", "no array of numbers"),
]

# --- Exercise 5: compression

PLAUSIBLE = {2: 0.043, 8: 0.025, 32: 0.011}
RIGHT["different_compression"] = [
    PLAUSIBLE,
    {4: np.float32(0.036), 16: np.float32(0.019), 64: np.float32(0.0085), 128: np.float32(0.0067)},
    {size: tf.constant(error) for size, error in PLAUSIBLE.items()},
]
WRONG["different_compression"] = [
    (
        {size: 784 * error for size, error in PLAUSIBLE.items()},
        "the squared error per image; the MSE per pixel is a 784th",
    ),
    ({size: error**0.5 for size, error in PLAUSIBLE.items()}, "the root of the mean squared error"),
    ({size: 255**2 * error for size, error in PLAUSIBLE.items()}, "loss in nats"),
    ({2: 150.2, 8: 120.1, 32: 104.0}, "looks like a loss in nats"),
    ({size: -error for size, error in PLAUSIBLE.items()}, "is the sign turned"),
    ({2: 0.043, 8: 0.025, 32: 0.031}, "32 numbers give a larger error than 8 do"),
    ({2: 0.068, 8: 0.067, 32: 0.068}, "those of the mean image"),
    ({2: 0.043, 8: 0.0429, 32: 0.0425}, "does latent_dim reach your network?"),
    ({2: 0.043, 8: 0.025}, "2 sizes make no curve"),
    ({2: 0.043, 3: 0.040, 4: 0.036}, "are too near"),
    ({2: 0.043, 8: np.nan, 32: 0.01}, "NaN"),
    ({2: 0.0, 8: 0.0, 32: 0.0}, "too good to be true"),
    ({size: np.full(784, error) for size, error in PLAUSIBLE.items()}, "average it over pixels and images"),
    ([0.04, 0.02, 0.01], "give a dict"),
]

# --- Exercise 8: pairs of spoil and restore


def stripes(images, rng):
    """Whitens half of the rows of pixels, at random."""
    pictures = images.reshape(-1, 28, 28).copy()
    pictures[rng.random((len(pictures), 28)) < 0.5] = 0
    return pictures.reshape(-1, 784)


def fill_rows(noisy):
    """Empty rows become the mean of their neighbours."""
    pictures = np.pad(np.reshape(noisy, (-1, 28, 28)), ((0, 0), (1, 1), (0, 0)))
    middle, around = pictures[:, 1:-1], (pictures[:, :-2] + pictures[:, 2:]) / 2
    return np.where(middle.max(axis=2, keepdims=True) == 0, around, middle).reshape(-1, 784)


def specks(images, rng):
    return np.clip(images + (rng.random(images.shape) < 0.1), 0, 1)


def specks_of_one(image, rng):
    assert image.shape == (784,)
    return specks(image, rng)


def by_median(noisy):
    return median_filter(np.reshape(noisy, (-1, 28, 28)), size=(1, 3, 3)).reshape(-1, 784)


def by_median_of_one(noisy):
    return median_filter(np.reshape(noisy, (28, 28)), size=3).ravel()


RIGHT["own_noise"] = [
    (stripes, fill_rows),
    (specks, by_median),
    (specks_of_one, by_median_of_one),
    (lambda images, rng: tf.cast(specks(images, rng), tf.float64), reconstruct),
]
WRONG["own_noise"] = [
    ((lambda images, rng: images + rng.normal(0, 0.5, images.shape), reconstruct), "ink can't be more than 1; clip"),
    ((lambda images, rng: images, reconstruct), "returns the digits as they were"),
    ((lambda images, rng: np.clip(images + 0.01 * rng.random(images.shape), 0, 1), reconstruct), "too faint"),
    ((lambda images, rng: rng.random(images.shape), reconstruct), "the digits make no difference"),
    ((lambda images, rng: 1 - images, reconstruct), "nothing is left of the digits"),
    ((lambda images, rng: specks(images, np.random.default_rng(0)), reconstruct), "another rng gives the same noise"),
    ((lambda images, rng: specks(images, np.random.default_rng()), reconstruct), "take all randomness from rng"),
    (
        (lambda images, rng: np.clip(images + (rng.random(784) < 0.1), 0, 1), by_median),
        "one noise vector for the whole batch",
    ),
    ((specks, lambda noisy: noisy), "restore returns the noisy digits as they are"),
    ((specks, lambda noisy: np.clip(noisy**0.5 + 0.3, 0, 1)), "restore makes it worse"),
    ((specks, lambda noisy: np.clip(0.98 * noisy, 0, 1)), "find a way to gain 1 dB"),
    (
        (specks, lambda noisy: np.tile(held_out_images().mean(axis=0), (len(noisy), 1))),
        "the same picture for every digit",
    ),
    ((specks, lambda noisy: 1.2 * by_median(noisy)), "reach 1.20"),
    ((specks, lambda noisy: by_median(noisy).mean(axis=1)), "has shape (100,), not (100, 784)"),
]
