import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from pylib import noise

NOISES = [noise.uniform, noise.gaussian, noise.salt_and_pepper, noise.block]


@pytest.fixture
def images():
    return np.random.default_rng(1).random((2000, 784), dtype="float32")


def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("f", NOISES)
@pytest.mark.parametrize("amount", [0, 0.3, 1])
def test_result_is_new_float32_in_range_and_repeatable(f, amount, images):
    before = images.copy()
    noisy = f(images, amount, rng())
    assert noisy.shape == images.shape and noisy.dtype == np.float32
    assert noisy.min() >= 0 and noisy.max() <= 1
    assert np.array_equal(images, before) and not np.shares_memory(noisy, images)
    assert np.array_equal(noisy, f(images, amount, rng()))
    if amount == 0:
        assert np.array_equal(noisy, images)
    elif f is not noise.block or amount < 1:  # a block that covers the image leaves nothing to chance
        assert not np.array_equal(noisy, f(images, amount, np.random.default_rng(9)))


def test_uniform_hits_a_fraction_of_the_pixels_with_uniform_noise():
    noisy = noise.uniform(np.zeros((1000, 784), "float32"), 0.3, rng())
    assert abs((noisy > 0).mean() - 0.3) < 4 * np.sqrt(0.3 * 0.7 / noisy.size)
    assert stats.kstest(noisy[noisy > 0][:10_000], "uniform").pvalue > 1e-4
    assert noise.uniform(np.full((10, 784), 0.9, "float32"), 1, rng()).max() == 1  # clipped


def test_gaussian_has_the_sigma_and_is_clipped():
    noisy = noise.gaussian(np.full((1000, 784), 0.5, "float32"), 0.05, rng())
    assert stats.kstest((noisy.ravel()[:10_000] - 0.5) / 0.05, "norm").pvalue > 1e-4
    from_black = noise.gaussian(np.zeros((1000, 784), "float32"), 0.3, rng())
    assert abs((from_black == 0).mean() - 0.5) < 0.01  # half of the noise would be below black


def test_salt_and_pepper_is_black_or_white_with_equal_chance():
    noisy = noise.salt_and_pepper(np.full((1000, 784), 0.5, "float32"), 0.4, rng())
    for value in (0, 1):
        assert abs((noisy == value).mean() - 0.2) < 4 * np.sqrt(0.2 * 0.8 / noisy.size)
    assert set(np.unique(noisy)) == {0, 0.5, 1}


@pytest.mark.parametrize(("amount", "side"), [(0.25, 14), (0.1, 9), (1, 28)])
def test_block_is_one_square_that_moves(amount, side):
    hidden = noise.block(np.ones((500, 784), "float32"), amount, rng()).reshape(-1, 28, 28) == 0
    corners = set()
    for mask in hidden:
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        assert mask.sum() == side**2 and len(rows) == len(columns) == side
        corners.add((rows[0], columns[0]))
    places = {corner[0] for corner in corners}
    assert places == set(range(29 - side)) and {corner[1] for corner in corners} == places


@pytest.mark.parametrize("f", NOISES)
@pytest.mark.parametrize("amount", [-0.1, np.nan, np.inf])
def test_amount_out_of_range(f, amount, images):
    with pytest.raises(ValueError, match="amount is .* not"):
        f(images, amount, rng())


@pytest.mark.parametrize("f", [noise.uniform, noise.salt_and_pepper, noise.block])
def test_fraction_above_one(f, images):
    with pytest.raises(ValueError, match="from 0 to 1, not 1.1"):
        f(images, 1.1, rng())


def test_a_block_of_images_of_another_size():
    with pytest.raises(ValueError, match=r"shape \(n, 784\), a row each, not \(2, 783\)"):
        noise.block(np.zeros((2, 783)), 0.1, rng())


@pytest.mark.parametrize("f", NOISES)
@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (np.zeros((2, 28, 28)), r"shape \(n, \d+\), a row per image, not \(2, 28, 28\)"),
        (np.zeros(784), "x\\[None\\] for one image"),
        (np.zeros((0, 784)), "empty"),
        (np.full((1, 784), 1.5), r"in \[0, 1\]"),
        (np.full((1, 784), -0.1), r"in \[0, 1\]"),
        (np.full((1, 784), np.nan), "finite numbers, but there is a NaN"),
    ],
)
def test_bad_images(f, bad, message):
    with pytest.raises(ValueError, match=message):
        f(bad, 0.1, rng())


def test_psnr_against_hand_values():
    clean = np.zeros((1, 784))
    assert noise.psnr(clean, clean + 0.1) == pytest.approx(20)
    assert noise.psnr(clean, clean + 1) == pytest.approx(0)
    # of the mean squared error, not the mean of two PSNRs (20 and 0 dB): MSE (0.01 + 1) / 2
    both = np.concatenate([clean + 0.1, clean + 1])
    assert noise.psnr(np.zeros((2, 784)), both) == pytest.approx(2.9671, abs=1e-4)
    assert noise.psnr(np.array([0, 1], np.uint8), np.array([1, 0], np.uint8)) == 0  # no wrap-around


def test_psnr_of_identical_images_is_infinite_without_a_warning(images):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert noise.psnr(images, images) == float("inf")


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        (np.zeros((1, 784)), np.zeros(784), "one shape"),
        (np.zeros(0), np.zeros(0), "at least one pixel"),
        (np.zeros(2), np.array([0, np.nan]), "no NaN"),
    ],
)
def test_psnr_of_bad_arrays(a, b, message):
    with pytest.raises(ValueError, match=message):
        noise.psnr(a, b)


def test_noisy_mnist_has_the_known_psnr():
    from pylib.mnist_dataset import load

    x_test, _ = load("test")
    for sigma, decibels in [(0.2, 16.7), (0.3, 13.3), (0.4, 11.0), (0.5, 9.4)]:
        assert noise.psnr(x_test, noise.gaussian(x_test, sigma, rng())) == pytest.approx(decibels, abs=0.06)


BLACK_OR_WHITE = np.random.default_rng(2).random((5, 784)) > 0.8


@pytest.mark.parametrize("convert", [np.uint8, np.int64, np.array, np.ndarray.tolist, pd.DataFrame])
def test_black_and_white_of_any_kind(convert):
    expected, given = BLACK_OR_WHITE.astype("float32"), convert(BLACK_OR_WHITE)
    for f in NOISES:
        noisy = f(given, 0.3, rng())
        assert noisy.dtype == np.float32 and np.array_equal(noisy, f(expected, 0.3, rng()))
    assert noise.psnr(given, noisy) == noise.psnr(expected, noisy)
    assert noise.psnr(given, given) == float("inf")


@pytest.mark.parametrize("f", NOISES)
@pytest.mark.parametrize("wrong", [0, None, np.random, np.random.RandomState(0)])
def test_what_is_no_generator(f, wrong, images):
    with pytest.raises(
        ValueError, match=r"rng must be a numpy.random.Generator, such as np.random.default_rng\(0\), not"
    ):
        f(images[:2], 0.1, wrong)


@pytest.mark.parametrize("f", NOISES)
@pytest.mark.parametrize("wrong", [None, "0.1", True, np.array([0.1, 0.2])])
def test_amount_that_is_no_number(f, wrong, images):
    with pytest.raises(ValueError, match="amount is .* not"):
        f(images[:2], wrong, rng())


def test_the_hint_fits_the_pixels(images):
    with pytest.raises(ValueError, match="divide pixels by 255"):
        noise.block(255 * images, 0.1, rng())
    with pytest.raises(ValueError, match="undo what shifted the pixels below 0"):
        noise.block(images - 0.5, 0.1, rng())


def test_psnr_is_of_pixels_from_0_to_1(images):
    with pytest.raises(ValueError, match=r"clean must lie in \[0, 1\], not in .*divide pixels by 255"):
        noise.psnr(255 * images, 255 * images)
    with pytest.raises(ValueError, match=r"clean must lie in \[0, 1\]"):
        noise.psnr(images - 0.5, images)
    with pytest.raises(ValueError, match="image goes from 0 to 255, and pixels from 0 to 1: divide them by 255"):
        noise.psnr(np.zeros((1, 2)), [[0, 255]])
    assert noise.psnr(np.ones((1, 4)), np.full((1, 4), -1.0)) == pytest.approx(-6.0206, abs=1e-4)  # -10 log10(4)
