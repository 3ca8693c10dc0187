"""Ways to spoil an image, and the decibels that measure the damage.

Each noise is `f(images, amount, rng)` on `(n, 784)` images in [0, 1]; the result is a new float32
array in [0, 1], and `rng` is a `numpy.random.Generator`. All raise ValueError where the images or
the amount are out of range.
"""

import numpy as np

from pylib import _check


def _check_fraction(images, amount, rng):
    _check.images(images)
    if not 0 <= amount <= 1:
        raise ValueError(f"amount is a fraction of the pixels, from 0 to 1, not {amount}")


def _check_sigma(images, amount, rng):
    _check.images(images)
    if not 0 <= amount < np.inf:
        raise ValueError(f"amount is the noise's standard deviation, 0 or more and finite, not {amount}")


def _check_psnr(clean, image):
    if np.shape(clean) != np.shape(image):
        raise ValueError(f"psnr compares arrays of one shape, not {np.shape(clean)} with {np.shape(image)}")
    if np.size(clean) == 0 or np.isnan(np.sum(clean)) or np.isnan(np.sum(image)):
        raise ValueError("psnr needs at least one pixel and no NaN")


@_check.checked(_check_fraction)
def uniform(images, amount, rng):
    """Add uniform noise from [0, 1) to a fraction `amount` of the pixels, clipped at 1."""
    hit = rng.random(images.shape, dtype="float32") < amount
    noise = rng.random(images.shape, dtype="float32")
    return np.clip(images + hit * noise, 0, 1).astype("float32")


@_check.checked(_check_sigma)
def gaussian(images, amount, rng):
    """Add Gaussian noise of standard deviation `amount` to every pixel, clipped to [0, 1]."""
    noise = amount * rng.standard_normal(images.shape, dtype="float32")
    return np.clip(images + noise, 0, 1).astype("float32")


@_check.checked(_check_fraction)
def salt_and_pepper(images, amount, rng):
    """Turn a fraction `amount` of the pixels black or white, with equal chance."""
    hit = rng.random(images.shape, dtype="float32") < amount
    black_or_white = rng.integers(0, 2, images.shape)
    return np.where(hit, black_or_white, images).astype("float32")


@_check.checked(_check_fraction)
def block(images, amount, rng):
    """Blacken a square that covers a fraction `amount` of each image, at a random place."""
    side = round(28 * amount**0.5)
    top, left = rng.integers(0, 29 - side, size=(2, len(images), 1, 1))
    row, column = np.arange(28)[:, None], np.arange(28)
    in_rows = (top <= row) & (row < top + side)
    in_columns = (left <= column) & (column < left + side)
    hidden = (in_rows & in_columns).reshape(len(images), 784)
    return np.where(hidden, 0, images).astype("float32")


@_check.checked(_check_psnr)
def psnr(clean, image):
    """Peak signal-to-noise ratio of `image` against `clean`, in dB, of the mean squared error over
    all that is given; the peak is 1, and identical arrays give infinity.

    10 log10(1 / MSE): R. C. Gonzalez, R. E. Woods, Digital Image Processing.
    """
    mse = np.mean(np.subtract(image, clean, dtype="float64") ** 2)
    return float(-10 * np.log10(mse)) if mse > 0 else float("inf")
