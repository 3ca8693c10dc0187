"""Ways to spoil an image, and the decibels that measure the damage.

Each noise is `f(images, amount, rng)`; the result is a new array of the same shape. Images may also be a list of
rows or a data frame, of floats, or of booleans or integers 0 and 1. All pixels are alike to three of the noises, which
take rows of any length; `block` has to know an image's height and width.
"""

import numpy as np

from pylib import _validate


def _validate_fraction(images, amount, rng):
    images = _images(images)
    if not (_validate.is_number(amount) and 0 <= amount <= 1):
        raise ValueError(f"amount is a fraction of the pixels, from 0 to 1, not {_validate.shown(amount)}")
    _validate.generator(rng)
    return {"images": images}


def _validate_block(images, amount, rng, pixels):
    height, width = _validate.sides(pixels)
    valid = _validate_fraction(images, amount, rng)
    _validate.row_shape(valid["images"], height * width)
    return valid | {"pixels": (height, width)}


def _validate_sigma(images, amount, rng):
    images = _images(images)
    if not (_validate.is_number(amount) and amount >= 0):
        shown = _validate.shown(amount)
        raise ValueError(f"amount is the noise's standard deviation, 0 or more and finite, not {shown}")
    _validate.generator(rng)
    return {"images": images}


def _images(images):
    images = _validate.numeric(images, "images")
    _validate.images(images, images.shape[-1] if images.ndim else 1)
    return images


def _validate_psnr(clean, image):
    clean, image = _validate.numeric(clean, "clean"), _validate.numeric(image, "image")
    if clean.shape != image.shape:
        raise ValueError(f"psnr compares arrays of one shape, not {clean.shape} with {image.shape}")
    if clean.size == 0 or np.isnan([clean.max(), image.max()]).any():
        raise ValueError("psnr needs at least one pixel and no NaN")
    if not (clean.min() >= 0 and clean.max() <= 1):
        raise ValueError(f"clean must lie in [0, 1], not in [{clean.min():g}, {clean.max():g}]: divide pixels by 255")
    _validate.near_pixels(image, "image")
    return {"clean": clean, "image": image}


@_validate.arguments(_validate_fraction)
def uniform(images, amount, rng):
    """Add uniform noise from [0, 1) to a share of the pixels, clipped at 1.

    Taught in lesson 02.

    Parameters
    ----------
    images : `(n, n_pixels)` in [0, 1]
    amount : fraction of the pixels, from 0 to 1
    rng : a `numpy.random.Generator`

    Returns
    -------
    noisy : `(n, n_pixels)` float32 in [0, 1]

    Raises
    ------
    ValueError : images are empty, of another shape, or out of range; so is the amount; `rng` is no Generator
    """
    hit = rng.random(images.shape, dtype="float32") < amount
    noise = rng.random(images.shape, dtype="float32")
    return np.clip(images + hit * noise, 0, 1).astype("float32")


@_validate.arguments(_validate_sigma)
def gaussian(images, amount, rng):
    """Add Gaussian noise to every pixel, clipped to [0, 1].

    Taught in lesson 02.

    Parameters
    ----------
    images : as `uniform` takes them
    amount : standard deviation of the noise, in units of a pixel, 0 or more
    rng : a `numpy.random.Generator`

    Returns
    -------
    noisy : as `uniform` returns it

    Raises
    ------
    ValueError : as `uniform` does, and for an amount below 0
    """
    noise = amount * rng.standard_normal(images.shape, dtype="float32")
    return np.clip(images + noise, 0, 1).astype("float32")


@_validate.arguments(_validate_fraction)
def salt_and_pepper(images, amount, rng):
    """Turn a share of the pixels black or white, with equal chance.

    Taught in lesson 02.

    Parameters
    ----------
    images, amount, rng : as `uniform` takes them

    Returns
    -------
    noisy : as `uniform` returns it

    Raises
    ------
    ValueError : as `uniform` does
    """
    hit = rng.random(images.shape, dtype="float32") < amount
    black_or_white = rng.integers(0, 2, images.shape)
    return np.where(hit, black_or_white, images).astype("float32")


@_validate.arguments(_validate_block)
def block(images, amount, rng, pixels=(28, 28)):
    """Empty a block of each image, at a random place: its pixels become 0, the paper.

    Taught in lesson 02.

    Parameters
    ----------
    images : as `uniform` takes them
    amount : fraction of the image that the block covers, from 0 to 1; the block has the image's shape
    rng : a `numpy.random.Generator`
    pixels : an image's height and width, or the side of a square

    Returns
    -------
    noisy : images as `uniform` returns them

    Raises
    ------
    ValueError : as `uniform` does
    """
    height, width = pixels
    rows, columns = round(height * amount**0.5), round(width * amount**0.5)
    top = rng.integers(0, height - rows + 1, size=(len(images), 1, 1))
    left = rng.integers(0, width - columns + 1, size=(len(images), 1, 1))
    row, column = np.arange(height)[:, None], np.arange(width)
    in_rows = (top <= row) & (row < top + rows)
    in_columns = (left <= column) & (column < left + columns)
    hidden = (in_rows & in_columns).reshape(images.shape)
    return np.where(hidden, 0, images).astype("float32")


@_validate.arguments(_validate_psnr)
def psnr(clean, image):
    """Peak signal-to-noise ratio, 10 log10(1 / MSE), of the mean squared error over all that is given.

    Taught in lesson 02. R. C. Gonzalez, R. E. Woods, Digital Image Processing.

    Parameters
    ----------
    clean : images in [0, 1], of any shape, so that the peak is 1
    image : those to compare with them, of the same shape; noise may take them beyond [0, 1]

    Returns
    -------
    psnr : decibels, a float; infinity where both are the same

    Raises
    ------
    ValueError : shapes differ, there is no pixel or a NaN, or pixels are not in [0, 1], such as those up to 255
    """
    mse = np.mean(np.subtract(image, clean, dtype="float64") ** 2)
    return float(-10 * np.log10(mse)) if mse > 0 else float("inf")
