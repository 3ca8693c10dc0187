import numpy as np
import pytest
from scipy import ndimage

from pylib import preprocessing
from pylib.mnist_dataset import load
from pylib.preprocessing import centre_digit


def middle(image):
    return np.array(ndimage.center_of_mass(image.reshape(28, 28)))


def box(image):
    rows, columns = np.nonzero(image.reshape(28, 28) > 0.02)
    return np.ptp(rows) + 1, np.ptp(columns) + 1


@pytest.fixture
def digits():
    return load("test")[0][:50]


@pytest.mark.parametrize("scale", [1, 3, 7.3])
def test_a_digit_of_mnist_comes_back(digits, scale):
    errors = []
    for digit in digits:
        large = np.clip(ndimage.zoom(digit.reshape(28, 28), scale, order=1), 0, 1)
        again = centre_digit(np.pad(large, ((3, 40), (25, 0))))  # somewhere else on a larger paper
        assert again.shape == (784,) and again.dtype == np.float32
        assert 0 <= again.min() and again.max() <= 1
        assert np.all(np.abs(middle(again) - middle(digit)) < 1)
        moved = [np.roll(again.reshape(28, 28), (i, j), (0, 1)).ravel() for i in (-1, 0, 1) for j in (-1, 0, 1)]
        errors.append(min(np.mean((one - digit) ** 2) for one in moved) / np.mean(digit**2))
    assert np.median(errors) < 0.15 and max(errors) < 0.5


def test_box_and_centre():
    rng = np.random.default_rng(0)
    for height, width in [(100, 30), (7, 90), (50, 50), (1, 1), (3, 200)]:
        ink = np.zeros((220, 260))
        ink[5 : 5 + height, 11 : 11 + width] = rng.uniform(0.5, 1, (height, width))
        image = centre_digit(ink)
        assert max(box(image)) == 20
        assert min(box(image)) == max(1, round(20 * min(height, width) / max(height, width)))
        assert np.all(np.abs(middle(image) - 14) <= 0.5 + 1e-6)


def test_averages_keep_the_mean():
    ink = np.random.default_rng(1).random((91, 53))
    for shape in ((20, 12), (91, 53), (120, 60)):
        assert np.isclose(preprocessing._averages(ink, *shape).mean(), ink.mean())
    blocks = ink[:90, :50].reshape(9, 10, 5, 10).mean(axis=(1, 3))
    assert np.allclose(preprocessing._averages(ink[:90, :50], 9, 5), blocks)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (np.zeros((50, 50)), "no ink in this drawing: draw a digit first"),
        (np.zeros(784), r"shape \(rows, columns\), not \(784,\)"),
        (np.zeros((0, 5)), "shape"),
        (np.full((5, 5), 255), "from 0 .* to 1"),
        (np.full((5, 5), np.nan), "no NaN"),
        (np.zeros((5, 5, 3)), r"shape \(rows, columns\), not \(5, 5, 3\)"),
        ("a drawing", "drawing must be an array of numbers, not 'a drawing'"),
        (None, "drawing must be an array of numbers, not None"),
    ],
)
def test_says_what_is_wrong(wrong, message):
    with pytest.raises(ValueError, match=message):
        centre_digit(wrong)


def test_lists_and_booleans_are_drawings():
    ink = np.zeros((40, 30), bool)
    ink[5:30, 10:14] = True
    for drawing in (ink, ink.tolist(), ink.astype(np.uint8)):
        assert np.array_equal(centre_digit(drawing), centre_digit(ink.astype("float64")))


def test_what_is_fainter_than_a_twentieth_is_paper():
    paper = np.zeros((60, 60))
    paper[20:40, 25:35] = 1
    for place in ((5, 30), (30, 5)):
        for grey, counts in ((0.04, False), (0.06, True)):
            dust = paper.copy()
            dust[place] = grey
            assert np.array_equal(centre_digit(dust), centre_digit(paper)) != counts
