"""Answers to exercises 1, 5 and 8: new numbers, another compression, a noise and its removal."""

import functools

import numpy as np
import tensorflow as tf
from keras import ops
from scipy.ndimage import gaussian_filter, median_filter
from sklearn.decomposition import PCA

from pylib import noise
from pylib.models import build_autoencoder
from pylib.training import train
from tests.exercise_answers.data_and_models import held_out_images, reconstruct, training_images, vae_20

RIGHT, WRONG = {}, {}

# --- Exercise 1: new numbers


def halves_of_one(a, b):
    """Written for one image of 784 pixels."""
    return np.concatenate([a[:392], b[392:]])


def halves(a, b):
    return np.where(np.arange(784) < 392, a, b)


def changes_its_input(a, b):
    a += b
    return np.clip(a, 0, 1, out=a)


def writes_by_a_view(a, b):
    pictures = a.reshape(-1, 28, 28)
    pictures[:, :14] = b.reshape(-1, 28, 28)[:, :14]
    return pictures.reshape(-1, 784)


def pixels_by_chance(a, b):
    return np.where(np.random.default_rng().random(a.shape) < 0.5, a, b)


def half_of_each_batch(a, b):
    return np.concatenate([a[: len(a) // 2], b[len(b) // 2 :]])


def one_digit_and_noise(a, b):
    return np.clip(a + 0.3 * np.random.default_rng().random(a.shape), 0, 1)


def halfway_between_codes(a, b):
    codes = [vae_20().encoder(x)[0] for x in (a, b)]
    return vae_20().decoder((codes[0] + codes[1]) / 2)


RIGHT["new_numbers"] = [
    lambda a, b: np.clip(a + b, 0, 1),
    np.maximum,
    halves,
    halves_of_one,
    lambda a, b: tf.clip_by_value(a + b, 0, 1),
    lambda a, b: (a + b).astype("float64") / 2,
    lambda a, b: ops.absolute(a - b),
    pixels_by_chance,
    halfway_between_codes,
    lambda a, b: [np.minimum(x + y, 1).tolist() for x, y in zip(a, b, strict=True)],
    lambda a, b: np.clip(a + b, 0, 1)[:, None, :],
]
WRONG["new_numbers"] = [
    (lambda a, b: a + b, "reach 2.00, and ink can't be more than 1; limit"),
    (lambda a, b: a - b, "go down to -1.00, and ink can't be negative; limit"),
    (lambda a, b: 255 * np.maximum(a, b), "not to 255"),
    (lambda a, b: a, "this is the first digit as it was"),
    (lambda a, b: b, "this is the second digit as it was"),
    (lambda a, b: np.sqrt(a), "the second digit makes no visible difference"),
    (lambda a, b: b**2, "the first digit makes no visible difference"),
    (lambda a, b: np.clip(0.99 * a + 0.01 * b, 0, 1), "the second digit makes no visible difference"),
    (lambda a, b: a / b, "NaN or infinity; is there a division by 0?"),
    (lambda a, b: (a + b) / 784, "too faint to see"),
    (lambda a, b: np.concatenate([a, b]), "has shape (40, 784), not (20, 784)"),
    (lambda a, b: np.clip(a + b, 0, 1).mean(), "has shape (), not (20, 784)"),
    (half_of_each_batch, "in 10 of 20 new digits the first digit makes no visible difference"),
    (one_digit_and_noise, "the second digits leave no visible mark"),
    (lambda a, b: np.clip(a + b.mean(axis=0), 0, 1), "depends on which others are in the batch"),
    (lambda a, b: np.maximum(a, b[::-1]), "depends on which others are in the batch"),
    (lambda a, b: np.maximum(a, b[0]), "depends on which others are in the batch"),
    (changes_its_input, "writes into the array that it is given"),
    (writes_by_a_view, "also by a reshaped view"),
    (lambda a, b: "ab", "returns a str, which is no array of numbers"),
]

# --- Exercise 5: compression; PCA stands for networks that learned, since it takes no time


@functools.cache
def pca():
    images = training_images(20_000)
    return PCA(64, svd_solver="randomized", random_state=0).fit(images)


def by_pca(size, asked=None, decode=lambda pictures: pictures):
    """Encoder and decoder of PCA with `size` numbers, whose pictures are mended by `decode`."""
    model, size = pca(), asked or size

    def encoder(x):
        return model.transform(x)[:, :size]

    def decoder(z):
        return decode(z @ model.components_[:size] + model.mean_)

    return encoder, decoder


def better_than_pca(size):
    """No pixel below 0 or above 1."""
    return by_pca(size, decode=lambda pictures: np.clip(pictures, 0, 1))


def trained_network(size):
    encoder, decoder, autoencoder = build_autoencoder([256, size], "relu", None)
    x = training_images(20_000)
    train(autoencoder, (x, x), (x[:100], x[:100]), 3)
    return encoder, decoder


def untrained_network(size):
    return build_autoencoder([64, size], "relu", None)[:2]


def memory(size):
    """Keeps the images beside the code."""
    kept = {}

    def encoder(x):
        kept["x"] = x
        return np.zeros((len(x), size), "float32")

    return encoder, lambda z: 255 * kept["x"]


def by_pca_with_noise(size):
    return by_pca(size, decode=lambda pictures: pictures + 0.07 * np.random.default_rng(0).normal(size=pictures.shape))


def worse_with_more(size):
    return better_than_pca(size) if size < 32 else by_pca(32, decode=lambda pictures: 0.3 * pictures)


RIGHT["different_compression"] = [
    (trained_network, [2, 8, 32]),
    (better_than_pca, (4, 16, 64)),
    (lambda size: list(better_than_pca(size)), np.array([2, 4, 16, 32])),
    (lambda size: (better_than_pca(size)[0], lambda z: better_than_pca(size)[1](z)[:, None, :]), [32, 2, 8]),
]
WRONG["different_compression"] = [
    ((lambda size: trained_network(size)[1], [2, 8, 32]), "compress must return two networks"),
    ((lambda size: better_than_pca(size)[::-1], [2, 8, 32]), "stops"),
    (
        (lambda size: 0.04, [2, 8, 32]),
        "compress must return two networks, as in `return encoder, decoder`, not a number",
    ),
    ((lambda size: (*better_than_pca(size), 1), [2, 8, 32]), "not 3 things"),
    ((lambda size: better_than_pca(16), [2, 8, 32]), "the encoder gives codes of shape (16,), not (2,)"),
    ((untrained_network, [2, 8, 32]), "has this network been trained, and long enough?"),
    ((memory, [2, 8, 32]), "has this network been trained"),
    ((by_pca_with_noise, [2, 8, 32]), "PCA with as many has"),
    ((worse_with_more, [2, 8, 32]), "32 numbers give a larger error than 8 do"),
    ((lambda size: by_pca(size, decode=lambda p: np.full(p.shape, np.nan)), [2, 8, 32]), "gives NaN"),
    ((better_than_pca, [2, 8]), "2 sizes make no curve"),
    ((better_than_pca, [2, 3, 4]), "are too near"),
    ((better_than_pca, [32, 64, 128]), "let it be 16 or less"),
    ((better_than_pca, {2: 0.04, 8: 0.02, 32: 0.01}), "sizes must be a list"),
    ((lambda size: build_autoencoder([256, size])[size], [4, 8, 32]), "IndexError"),
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


def blurred(images, rng):
    """A blur, and grey of a strength of its own on each image."""
    pictures = gaussian_filter(np.reshape(images, (-1, 28, 28)), (0, 0.7, 0.7)).reshape(-1, 784)
    return np.clip(0.7 * pictures + 0.07 * rng.random((len(images), 1)), 0, 1)


def stripes_by_a_view(images, rng):
    pictures = images.reshape(-1, 28, 28)
    pictures[rng.random((len(pictures), 28)) < 0.5] = 0
    return pictures.reshape(-1, 784)


def faint_stripes(images, rng):
    """With some 22 dB."""
    pictures = images.reshape(-1, 28, 28).copy()
    pictures[rng.random((len(pictures), 28)) < 0.055] *= 0.25
    return pictures.reshape(-1, 784)


def with_four(noise, amount):
    return lambda images, rng: noise(images, amount, rng)


RIGHT["own_noise"] = [
    (stripes, fill_rows),
    (specks, by_median),
    (specks_of_one, by_median_of_one),
    (lambda images, rng: tf.cast(specks(images, rng), tf.float64), reconstruct),
    (blurred, lambda noisy: np.clip(1.6 * np.asarray(noisy) - 0.1, 0, 1)),
]
WRONG["own_noise"] = [
    ((lambda images, rng: images + rng.normal(0, 0.5, images.shape), reconstruct), "ink can't be more than 1; limit"),
    ((lambda images, rng: images, reconstruct), "returns the digits as they were"),
    (
        (lambda images, rng: np.clip(images + 0.01 * rng.random((len(images), 1)), 0, 1), reconstruct),
        "spoil the digits more",
    ),
    ((faint_stripes, fill_rows), "spoil the digits more, to 20 dB or less"),
    ((with_four(noise.uniform, 0.3), by_median), "lesson 02's uniform noise"),
    ((with_four(noise.gaussian, 0.3), by_median), "lesson 02's Gaussian noise"),
    ((with_four(noise.salt_and_pepper, 0.2), by_median), "lesson 02's salt-and-pepper noise"),
    ((with_four(noise.block, 0.1), reconstruct), "lesson 02's missing block"),
    ((stripes_by_a_view, fill_rows), "writes into the array that it is given, also by a reshaped view"),
    ((specks, lambda noisy: noisy.no_such), "AttributeError"),
    ((specks, lambda noisy: by_median(noisy)[0]), "has shape (784,), not (100, 784)"),
    ((lambda images, rng: rng.random(images.shape), reconstruct), "the digits make no difference"),
    ((lambda images, rng: 1 - images, reconstruct), "another rng gives the same noise"),
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
