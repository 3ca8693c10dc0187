"""Checks of exercises 1, 5 and 8: pictures as arrays, error against code size, noise and its removal."""

import contextlib
import functools

import numpy as np

from pylib import noise
from pylib.checks._judge import (
    NotWrittenError,
    WrongError,
    as_array,
    batch_or_one_by_one,
    check,
    evaluate,
    quiet,
    recognise,
    require_pixels,
    seeded,
)

# --- Exercise 1 -------------------------------------------------------------------------------------


@check
def new_numbers(combine, images):
    """Check new digits made of two others each: exercise 1 of lesson 05.

    Parameters
    ----------
    combine : the learner's `combine(a, b)`, two arrays of images `(n, 784)` in [0, 1] to new ones `(n, 784)`
    images : 60 images `(n, 784)` in [0, 1] or more, to try it on

    Returns
    -------
    verdict : a `Verdict`, whose message is printed
    """
    return batch_or_one_by_one(functools.partial(_judge_new_numbers, images), combine)


def _judge_new_numbers(images, combine):
    first, second, other = np.split(images[:60], 3)
    new = evaluate(combine, first, second)
    require_pixels(new, first, "your new pixels")
    recognise(
        lambda digits: np.allclose(new, digits, atol=1e-3),
        [
            ("this is the first digit as it was; let both leave their mark", first),
            ("this is the second digit as it was; let both leave their mark", second),
        ],
    )
    if new.max(axis=1).mean() < 0.3:
        raise WrongError(f"the new digits are too faint to see: their darkest pixels reach {new.max():.2f}")
    recognise(
        lambda *changed: np.allclose(new, evaluate(combine, *changed), atol=1e-3),
        [
            ("the first digit makes no difference to the result; let both leave their mark", other, second),
            ("the second digit makes no difference to the result; let both leave their mark", first, other),
        ],
    )
    _require_unchanged_input(combine, first, second)
    return f"{len(first)} new digits, made of two each, all pixels in [0, 1]"


def _require_unchanged_input(combine, *images):
    given = [array.astype("float32") for array in images]
    before = [array.copy() for array in given]
    with quiet(), contextlib.suppress(Exception):
        combine(*given)
    if not all(map(np.array_equal, given, before)):
        raise WrongError("your function changes the digits it is given; return a new array instead of using += on one")


# --- Exercise 5 -------------------------------------------------------------------------------------

# MSE per pixel of PCA on MNIST, which a network comes near or beats: numbers in the code, error
PCA_SIZES = (1, 2, 10, 20, 32, 64, 128, 784)
PCA_ERRORS = (0.0606, 0.0557, 0.0341, 0.0235, 0.0168, 0.0091, 0.0042, 0.0001)
MEAN_IMAGE_ERROR = 0.0675

# Usual mistakes: what makes the MSE per pixel of each
OTHER_UNITS = [
    ("this is the squared error per image; the MSE per pixel is a 784th of it", lambda errors: errors / 784),
    ("this is in pixels from 0 to 255; divide them by 255", lambda errors: errors / 255**2),
    ("this is the root of the mean squared error; leave the root out", lambda errors: errors**2),
]


@check
def different_compression(errors):
    """Check errors that fall with the size of the code: exercise 5 of lesson 05.

    Parameters
    ----------
    errors : dict of latent sizes, three or more, to the held-out MSE per pixel that the learner's function returned

    Returns
    -------
    verdict : a `Verdict`, whose message is printed
    """
    sizes, values = _sizes_and_errors(errors)
    if len(sizes) < 3:
        raise WrongError(f"{len(sizes)} sizes make no curve; give three or more")
    if sizes[-1] < 4 * sizes[0]:
        raise WrongError(f"sizes from {sizes[0]} to {sizes[-1]} are too near; let the largest be 4 times the smallest")
    if not np.isfinite(values).all():
        raise WrongError("there is a NaN or infinity among the errors; training went wrong, so try a smaller step")
    _require_plausible(sizes, values)
    rises = np.flatnonzero(values[1:] > 1.05 * values[:-1])
    if rises.size:
        i = rises[0]
        raise WrongError(
            f"{sizes[i + 1]} numbers give a larger error than {sizes[i]} do ({values[i + 1]:.4f} against "
            f"{values[i]:.4f}); is each size trained by a network of its own, and long enough?"
        )
    if values[-1] > 0.8 * values[0]:
        raise WrongError("the errors hardly fall with the size; does latent_dim reach your network?")
    return f"the error falls from {sizes[0]} to {sizes[-1]} numbers"


def _sizes_and_errors(errors):
    """The sizes in their order, and the error of each."""
    if errors is None or errors is ... or (isinstance(errors, dict) and not errors):
        raise NotWrittenError("there are no errors yet")
    if not isinstance(errors, dict):
        raise WrongError(f"give a dict of latent sizes to errors, such as {{2: 0.04}}, not a {type(errors).__name__}")
    if any(value is None or value is ... for value in errors.values()):
        raise NotWrittenError("an error is None; does your function end with `return`?")
    sizes = np.array(sorted(errors))
    values = [as_array(errors[size], "your function") for size in sizes]
    for size, value in zip(sizes, values, strict=True):
        if value.size != 1:
            raise WrongError(
                f"the error for {size} numbers has shape {value.shape}; average it over pixels and images to one number"
            )
    return sizes, np.array([value.item() for value in values])


def _require_plausible(sizes, values):
    """Raise unless each error may be the MSE per pixel of a network that learned."""
    pca = np.exp(np.interp(np.log(sizes), np.log(PCA_SIZES), np.log(PCA_ERRORS)))

    def plausible(mse):
        return np.all(mse > 0.25 * pca) and np.all(mse < 1.15 * MEAN_IMAGE_ERROR)

    if np.all(np.abs(values - MEAN_IMAGE_ERROR) < 0.05 * MEAN_IMAGE_ERROR):
        raise WrongError("the errors are those of the mean image, 0.067; the network has learned nothing")
    if plausible(values):
        return
    shown = ", ".join(f"{value:.3g}" for value in values)
    if np.all(values < 0):
        raise WrongError(f"the errors are negative ({shown}); is the sign turned, or are they decibels?")
    if np.all(values > 60):
        raise WrongError(f"{shown} looks like a loss in nats; the MSE per pixel is wanted, about 0.01 to 0.05")
    recognise(lambda as_mse: plausible(as_mse(values)), OTHER_UNITS)
    if np.all(values < 0.25 * pca):
        raise WrongError(f"{shown} is too good to be true; is an image compared with itself?")
    raise WrongError(f"{shown} is no MSE per pixel of a network that learned; that would be about 0.01 to 0.05")


# --- Exercise 8 -------------------------------------------------------------------------------------


@check
def own_noise(spoil, restore, images):
    """Check a noise and its removal: exercise 8 of lesson 05.

    Parameters
    ----------
    spoil : the learner's `spoil(images, rng)`, images `(n, 784)` in [0, 1] to noisy ones `(n, 784)` in [0, 1]
    restore : the learner's `restore(noisy)`, those to images `(n, 784)` in [0, 1] again
    images : 100 images `(n, 784)` in [0, 1] or more, to try them on

    Returns
    -------
    verdict : a `Verdict`, whose message is printed
    """
    return batch_or_one_by_one(functools.partial(_judge_own_noise, images[:100]), spoil, restore)


def _judge_own_noise(images, spoil, restore):
    noisy = _judge_spoil(images, spoil)
    clean = evaluate(restore, noisy)
    require_pixels(clean, images, "your restored pixels")
    if np.allclose(clean, noisy, atol=1e-3):
        raise WrongError("restore returns the noisy digits as they are")
    if np.ptp(clean, axis=0).max() < 1e-3:
        raise WrongError("restore gives the same picture for every digit")
    before, after = noise.psnr(images, noisy), noise.psnr(images, clean)
    if after < before:
        raise WrongError(f"restore makes it worse: {before:.1f} dB before, {after:.1f} dB after")
    if after < before + 1:
        raise WrongError(f"restore gains {after - before:.1f} dB; find a way to gain 1 dB or more")
    return f"restored from {before:.0f} to {after:.0f} dB"


def _judge_spoil(images, spoil):
    """The noisy images, once they are what is wanted."""

    def spoilt(seed, clean=images):
        return evaluate(seeded(spoil, seed), clean)

    noisy = spoilt(0)
    require_pixels(noisy, images, "your noisy pixels")
    psnr = noise.psnr(images, noisy)
    if psnr > 25:
        kept = "returns the digits as they were" if psnr > 60 else f"leaves {psnr:.0f} dB"
        raise WrongError(f"your noise is too faint to be worth removing: it {kept}; spoil them to 20 dB or less")
    if psnr < 3:
        raise WrongError(f"nothing is left of the digits ({psnr:.1f} dB); leave a trace of each")
    if not np.array_equal(noisy, spoilt(0)):
        raise WrongError("the same rng gives other noise the second time; take all randomness from rng")
    recognise(
        lambda other: np.allclose(noisy, other()),
        [
            ("another rng gives the same noise; use the rng you are given", lambda: spoilt(1)),
            (
                "the digits make no difference to what spoil returns; spoil them, and leave a trace of each",
                lambda: spoilt(0, images[::-1]),
            ),
        ],
    )
    same = np.repeat(images[:1], 20, axis=0)
    if np.ptp(spoilt(0, same), axis=0).max() < 1e-6:
        raise WrongError(
            "every image gets the same noise: one noise vector for the whole batch; draw it for each image"
        )
    return noisy
