"""Turn a drawing of any size into an image as MNIST's are."""

import numpy as np

from pylib import _validate


def centre_digit(drawing, pixels=28):
    """Scale and centre a drawing as MNIST's digits are.

    The ink's bounding box is scaled to fit 20 x 20 pixels, keeping its aspect and averaging over the area of
    each pixel, and put into 28 x 28 so that its centre of mass is in the middle, at row and
    column 14 of 0 to 27, where MNIST has it (Y. LeCun et al., 1998). Images of other sizes have the same share of
    margin, and the same middle.

    Parameters
    ----------
    drawing : `(rows, columns)`, from 0 (paper) to 1 (ink), of any size; booleans and lists of rows count, too
    pixels : the side of a square image, or height and width

    Returns
    -------
    image : `(height * width,)` float32 in [0, 1]

    Raises
    ------
    ValueError : there is no ink, the drawing is no picture, or `pixels` no size
    """
    sides = _validate.sides(pixels)
    drawing = _validate.numeric(drawing, "drawing").astype("float64")
    if drawing.ndim != 2 or drawing.size == 0:
        raise ValueError(f"a drawing must have shape (rows, columns), not {drawing.shape}")
    if not (drawing.min() >= 0 and drawing.max() <= 1):
        raise ValueError("a drawing must hold numbers from 0 (paper) to 1 (ink), and no NaN")
    rows, columns = np.nonzero(drawing.max(axis=1) > 0.05)[0], np.nonzero(drawing.max(axis=0) > 0.05)[0]
    if len(rows) == 0:
        raise ValueError("there is no ink in this drawing: draw a digit first")
    ink = drawing[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = 20 / 28 * min(side / size for side, size in zip(sides, ink.shape, strict=True))
    small = _averages(ink, *(max(1, round(round(size * scale, 6))) for size in ink.shape))

    image = np.zeros(sides)
    centre = [np.average(np.arange(size), weights=small.sum(axis=1 - axis)) for axis, size in enumerate(small.shape)]
    # Half pixels are common, where a drawing is symmetric: they fall the same way on every machine, and in drawing.js.
    steps = [round(round(side / 2 - middle, 6)) for side, middle in zip(sides, centre, strict=True)]
    top, left = (min(max(step, 0), side - size) for step, side, size in zip(steps, sides, small.shape, strict=True))
    image[top : top + small.shape[0], left : left + small.shape[1]] = small
    return image.ravel().astype("float32")


# By hand, because Pillow's box filter counts each old pixel wholly or not at all: the worst pixel of a stroke usually
# differs by 0.12, now and then by half.
def _averages(ink, height, width):
    """`ink` on a grid of another size, each new pixel the mean of the area that it covers."""

    def weights(old, new):
        """How much each old pixel counts in each new one, `(new, old)`; each row sums to 1."""
        edges = np.linspace(0, old, new + 1)
        start, end = edges[:-1, None], edges[1:, None]
        overlap = np.minimum(end, np.arange(old) + 1) - np.maximum(start, np.arange(old))
        return np.clip(overlap, 0, None) * new / old

    return np.clip(weights(ink.shape[0], height) @ ink @ weights(ink.shape[1], width).T, 0, 1)
