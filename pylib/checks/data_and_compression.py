"""Checks of exercises 1, 5 and 8: pictures as arrays, error against code size, noise and its removal."""

import functools

import numpy as np
from scipy import special

from pylib import noise
from pylib.checks import _given
from pylib.checks._answers import Answer, NotWrittenError, WrongError
from pylib.checks._judge import (
    as_array,
    check,
    evaluate,
    in_shape,
    kind_of,
    recognise,
    require_functions,
    require_pixels,
    require_shape,
)
from pylib.progress import Progress

# --- Exercise 1 -------------------------------------------------------------------------------------

VISIBLE = 0.05  # the least change of a pixel that leaves a mark


@check
def new_numbers(combine, hidden=False):  # numpydoc ignore=PR01
    """Check new digits made of two others each: exercise 1 of lesson 05.

    Parameters
    ----------
    combine : the learner's `combine(a, b)`, two arrays of images `(n, 784)` in [0, 1] to new ones `(n, 784)`

    Returns
    -------
    verdict : a `Verdict`, whose message is printed; it shows `first`, `second` and `new`, ten rows each
    """
    require_functions(combine=combine)
    first, second, other = np.split(_given.images(60, hidden), 3)

    def combined(a, b):
        return evaluate(combine, a, b, shape=a.shape)

    new = combined(first, second)
    if any(np.array_equal(new, digits) for digits in (first, second)):
        combine.way = ("float32", True)  # as where half of one image's pixels are taken for half of the rows
        new = combined(first, second)
    again = combined(first, second)
    half = np.arange(len(first)) < 10
    among_others = [
        combined(*(np.where(kept[:, None], digits, other) for digits in (first, second))) for kept in (half, ~half)
    ]
    without = {"first": combined(other, second), "second": combined(first, other)}
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
    if np.array_equal(new, again):
        _require_both_marks(new, without)
        if not np.allclose(np.where(half[:, None], *among_others), new, atol=1e-3):
            raise WrongError(
                "what becomes of two digits depends on which others are in the batch; make each new digit of the two "
                "in its own row alone"
            )
    else:
        _require_likeness(new, first, second)
    shown = {"first": first[:10], "second": second[:10], "new": new[:10]}
    return f"{len(first)} new digits, made of two each, all pixels in [0, 1]", shown


def _require_both_marks(new, without):
    """Raise unless in each row either digit makes a difference; `without` has what comes of other digits."""
    for name, changed in without.items():
        marked = np.abs(changed - new).max(axis=1) > VISIBLE
        if not marked.any():
            raise WrongError(f"the {name} digit makes no visible difference to the result; let both leave their mark")
        if not marked.all():
            raise WrongError(
                f"in {np.sum(~marked)} of {len(new)} new digits the {name} digit makes no visible difference; let both "
                "leave their mark in each"
            )


def _require_likeness(new, first, second):
    """Raise unless results that chance has a part in are like both of their digits, more than like any others."""

    def partial(digits, others):
        """How the new digits go with these, apart from what both have in common with the others."""
        residuals = []
        for target in (new, digits):
            for a, b in zip(target, others, strict=True):
                line = np.stack([np.ones(784), b], axis=1)
                residuals.append(a - line @ np.linalg.lstsq(line, a, rcond=None)[0])
        a, b = np.split(np.array(residuals), 2)
        return np.mean(np.sum(a * b, axis=1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1) + 1e-9))

    for name, own, other in (("first", first, second), ("second", second, first)):
        if abs(partial(own, other) - partial(np.roll(own, 3, axis=0), other)) < 0.05:
            raise WrongError(
                f"there is chance in the result, and beside it the {name} digits leave no visible mark; let "
                f"both leave theirs"
            )


# --- Exercise 5 -------------------------------------------------------------------------------------

MEAN_IMAGE_ERROR = 0.0675  # MSE per pixel


@functools.cache
def _pca():
    """PCA of the notebook's held-out images: their mean, and the axes, the first first, `(784, 784)`."""
    images = _given.notebooks_images_and_labels(5000)[0]
    mean = images.mean(axis=0)
    return mean, np.linalg.eigh(np.cov(images.T))[1][:, ::-1].T


def _pca_error(size, images):
    """MSE per pixel of PCA with `size` numbers."""
    mean, axes = _pca()
    centred = images - mean
    return np.mean((centred - centred @ axes[:size].T @ axes[:size]) ** 2)


@check
def different_compression(compress, sizes, hidden=False):  # numpydoc ignore=PR01
    """Check networks whose error falls with the size of the code: exercise 5 of lesson 05.

    Parameters
    ----------
    compress : the learner's `compress(latent_dim)`, which trains a network and returns its encoder, images `(n, 784)`
        -> codes `(n, latent_dim)`, and its decoder, codes -> images `(n, 784)`
    sizes : three sizes of the code or more

    Returns
    -------
    verdict : a `Verdict`, whose message is printed; it shows `sizes`, `errors` and `pca`, the errors of PCA
    """
    require_functions(compress=compress)
    sizes = _sizes(sizes)
    images, errors = _given.images(300, hidden), []
    for size in Progress(sizes, "training"):
        errors.append(_measured_error(images, size, *_networks(compress.trained(size, again=hidden))))
        if errors[-1] > 0.97 * MEAN_IMAGE_ERROR:
            raise WrongError(
                f"with {size} numbers the error is {errors[-1]:.4f}, and the mean image alone has "
                f"{MEAN_IMAGE_ERROR:.4f}: has this network been trained, and long enough?"
            )
    errors, pca = np.array(errors), np.array([_pca_error(size, images) for size in sizes])
    slack = 1.08 if hidden else 1.05
    for i in range(1, len(sizes)):
        if errors[i] > slack * errors[i - 1]:
            raise WrongError(
                f"{sizes[i]} numbers give a larger error than {sizes[i - 1]} do ({errors[i]:.4f} against "
                f"{errors[i - 1]:.4f}); is each size trained in the same way, and long enough?"
            )
    if errors[0] > (1.03 if hidden else 1) * pca[0]:
        raise WrongError(
            f"with {sizes[0]} numbers the error is {errors[0]:.4f}, and PCA with as many has {pca[0]:.4f}: "
            "train on more images, for more epochs or with larger steps, until the network is ahead there"
        )
    beaten = ", ".join(str(size) for size, a, b in zip(sizes, errors, pca, strict=True) if a < b)
    text = f"the error falls from {errors[0]:.4f} with {sizes[0]} numbers to {errors[-1]:.4f} with {sizes[-1]}, and is "
    return text + f"below PCA's at {beaten}", {"sizes": np.array(sizes), "errors": errors, "pca": pca}


def _sizes(sizes):
    """The sizes in their order."""
    if sizes is None:
        raise NotWrittenError("there are no sizes yet")
    if not isinstance(sizes, np.ndarray) or sizes.ndim != 1 or np.any(sizes != np.round(sizes)) or np.any(sizes < 1):
        raise WrongError("sizes must be a list of numbers of numbers in a code, such as [2, 8, 32]")
    sizes = sorted({int(size) for size in sizes})
    if len(sizes) < 3:
        raise WrongError(f"{len(sizes)} sizes make no curve; give three or more")
    if sizes[-1] < 4 * sizes[0]:
        raise WrongError(f"sizes from {sizes[0]} to {sizes[-1]} are too near; let the largest be 4 times the smallest")
    if sizes[0] > 16:
        raise WrongError(f"the smallest size is {sizes[0]}; let it be 16 or less, where a network can be ahead of PCA")
    return sizes


def _networks(pair):
    """Encoder and decoder, as answers."""
    if not (isinstance(pair, tuple) and len(pair) == 2 and all(isinstance(part, Answer) for part in pair)):
        found = f"{len(pair)} things" if isinstance(pair, tuple) and len(pair) != 2 else kind_of(pair)
        raise WrongError(f"compress must return two networks, as in `return encoder, decoder`, not {found}")
    return pair


def _measured_error(images, size, encoder, decoder):
    """MSE per pixel of images that go through the code, and through nothing else."""
    codes = in_shape(as_array(encoder(images), "the encoder"), (len(images), size))
    if codes.shape != (len(images), size):
        raise WrongError(
            f"for {size} numbers the encoder gives codes of shape {codes.shape[1:]}, not ({size},): give compress's "
            "argument to the network, and return its encoder first"
        )
    decoded = in_shape(as_array(decoder(codes.astype("float32")), "the decoder"), images.shape)
    require_shape(decoded, images.shape, "a row of 784 pixels for each code")
    if not np.isfinite(decoded).all():
        raise WrongError(f"with {size} numbers the decoder gives NaN; training went wrong, so try a smaller step size")
    return np.mean((decoded - images) ** 2)


# --- Exercise 8 -------------------------------------------------------------------------------------


@check
def own_noise(spoil, restore, hidden=False):  # numpydoc ignore=PR01
    """Check a noise and its removal: exercise 8 of lesson 05.

    Parameters
    ----------
    spoil : the learner's `spoil(images, rng)`, images `(n, 784)` in [0, 1] to noisy ones `(n, 784)` in [0, 1]
    restore : the learner's `restore(noisy)`, those to images `(n, 784)` in [0, 1] again

    Returns
    -------
    verdict : a `Verdict`, whose message is printed; it shows `clean`, `spoilt` and `restored`, ten rows each
    """
    require_functions(spoil=spoil, restore=restore)
    images, slack = _given.images(100, hidden), 0.5 if hidden else 0.0
    noisy = _judge_spoil(images, spoil, slack)
    clean = evaluate(restore, noisy.astype("float32"), shape=images.shape)
    require_pixels(clean, images, "your restored pixels")
    if np.allclose(clean, noisy, atol=1e-3):
        raise WrongError("restore returns the noisy digits as they are")
    if np.ptp(clean, axis=0).max() < 1e-3:
        raise WrongError("restore gives the same picture for every digit")
    before, after = noise.psnr(images, noisy), noise.psnr(images, clean)
    if after < before:
        raise WrongError(f"restore makes it worse: {before:.1f} dB before, {after:.1f} dB after")
    if after < before + 1 - slack / 2:
        raise WrongError(
            f"restore gains {after - before:.2f} dB, from {before:.1f} to {after:.1f}; find a way to gain 1 dB "
            "or more: where can you tell that a pixel was spoilt, and what do its neighbours say of it?"
        )
    shown = {"clean": images[:10], "spoilt": noisy[:10], "restored": clean[:10]}
    return f"restored from {before:.1f} to {after:.1f} dB", shown


def _judge_spoil(images, spoil, slack):
    """The noisy images, once they are what is wanted."""

    def spoilt(seed, clean=images):
        return evaluate(spoil, clean, np.random.default_rng(seed), shape=clean.shape)

    noisy, again, other_noise = spoilt(0), spoilt(0), spoilt(1)
    of_others = spoilt(0, images[::-1])
    same = spoilt(0, np.repeat(images[:1], 20, axis=0))
    grey = spoilt(0, np.full((50, 784), 0.5, "float32"))
    require_pixels(noisy, images, "your noisy pixels")
    psnr = noise.psnr(images, noisy)
    if psnr > 60:
        raise WrongError("spoil returns the digits as they were")
    if not np.array_equal(noisy, again):
        raise WrongError("the same rng gives other noise the second time; take all randomness from rng")
    recognise(
        lambda other: np.allclose(noisy, other),
        [
            ("another rng gives the same noise; use the rng you are given", other_noise),
            ("the digits make no difference to what spoil returns; spoil them, and leave a trace of each", of_others),
        ],
    )
    if np.ptp(same, axis=0).max() < 1e-6:
        raise WrongError(
            "every image gets the same noise: one noise vector for the whole batch; draw it for each image"
        )
    _require_new_kind(grey - 0.5, grey)
    if psnr > 20 + slack:
        raise WrongError(f"your noise leaves {psnr:.1f} dB; spoil the digits more, to 20 dB or less")
    return noisy


def _require_new_kind(change, grey):
    """Raise where images of grey 0.5 are spoilt as one of lesson 02's four noises does it."""
    hit = np.abs(change) > 1e-6
    share = hit.mean()
    if share == 0:
        return  # a noise of ink alone
    advice = "; think of something that it does not have, such as whole rows, blots, or a shift"
    pictures = hit.reshape(-1, 28, 28)
    alone = _alone(pictures, share)
    values = grey[hit]
    if alone and share < 0.9 and np.isin(values, (0, 1)).all() and 0.2 < np.mean(values) < 0.8:
        raise WrongError("this is lesson 02's salt-and-pepper noise" + advice)
    inside = hit & (grey > 0) & (grey < 1)
    if alone and share > 0.9 and inside.any():
        sigma = np.sqrt(np.mean(change[inside] ** 2))
        # Clipping at 0 and 1 leaves the middle of the distribution as it is.
        middle = np.sort(change[inside])
        bounds = special.ndtr(np.array([-0.5, 0.5]) / _gaussian_scale(change)) if sigma > 0.2 else (0, 1)
        theory = special.ndtr(middle / _gaussian_scale(change))
        theory = (theory - bounds[0]) / (bounds[1] - bounds[0])
        if np.max(np.abs(theory - (np.arange(middle.size) + 0.5) / middle.size)) < 0.02:
            raise WrongError("this is lesson 02's Gaussian noise" + advice)
    if alone and share < 0.95 and (change[hit] > 0).all():
        below = change[inside]
        if below.size and np.max(np.abs(np.sort(below) / 0.5 - (np.arange(below.size) + 0.5) / below.size)) < 0.05:
            raise WrongError("this is lesson 02's uniform noise" + advice)
    if _are_blocks(pictures) and np.all(values == 0):
        raise WrongError("this is lesson 02's missing block" + advice)


def _gaussian_scale(change):
    """The standard deviation of Gaussian noise, from its middle half, which no clipping at 0 and 1 reaches."""
    return np.quantile(np.abs(change), 0.5) / special.ndtri(0.75)


def _alone(hit, share):
    """Whether pixels are hit with no regard to their neighbours."""
    pairs = [np.mean(hit[:, 1:] & hit[:, :-1]), np.mean(hit[:, :, 1:] & hit[:, :, :-1])]
    rows, columns, whole = hit.mean(axis=2), hit.mean(axis=1), hit.mean(axis=(1, 2))
    spread = np.sqrt(share * (1 - share))
    even = all(np.std(part) < 1.3 * spread / np.sqrt(n) + 1e-3 for part, n in ((rows, 28), (columns, 28), (whole, 784)))
    return even and all(abs(pair - share**2) < 0.02 for pair in pairs)


def _are_blocks(hit):
    """Whether each image has one filled rectangle, near a square, and nothing else."""
    for picture in hit:
        rows, columns = np.flatnonzero(picture.any(axis=1)), np.flatnonzero(picture.any(axis=0))
        if rows.size == 0 or np.ptp(rows) + 1 > 27 or np.ptp(columns) + 1 > 27:
            return False
        box = picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        if not box.all() or abs(box.shape[0] - box.shape[1]) > 1 or box.size < 4:
            return False
    return True
