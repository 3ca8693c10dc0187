"""Compare two pictures with a tolerance."""

import io

import numpy as np
from PIL import Image, ImageFilter

# Pictures are compared shrunk and blurred, where other fonts and antialiasing vanish and a line may move
# a little, tile by tile, so that a small wrong part is not averaged away. What is grey is digits, which
# do not move: they are looked at more closely than plots, which have colour.
WIDTH_PLOT, WIDTH_GREY = 100, 200  # pixels
TILE_PLOT, TILE_GREY = 12, 16  # pixels a side, of those
LIMIT_PLOT, LIMIT_GREY = 0.25, 0.12  # the share of its ink by which a tile may differ
FAINT = 0.05  # ink added to each pixel, so that a nearly empty tile does not fail for a speck
SIZE_SLACK = 0.02


def difference(stored, fresh):
    """Say how one PNG differs from another, or return None where they show the same."""
    stored, fresh = (_on_white(png) for png in (stored, fresh))
    for one, other in zip(stored.size, fresh.size, strict=True):
        if abs(one - other) > max(6, SIZE_SLACK * one):
            return f"its size is {fresh.size}, not {stored.size}"
    if all(np.ptp(picture, axis=2).max() < 25 for picture in (stored, fresh)):
        width, tile, limit = WIDTH_GREY, TILE_GREY, LIMIT_GREY
    else:
        width, tile, limit = WIDTH_PLOT, TILE_PLOT, LIMIT_PLOT

    height = max(1, round(width * stored.height / stored.width))
    blur = ImageFilter.BoxBlur(stored.width / width)
    a, b = (
        np.asarray(picture.filter(blur).resize((width, height), Image.Resampling.BOX)) / 255
        for picture in (stored, fresh)
    )
    apart = np.abs(a - b).max(axis=2)
    ink = FAINT + (1 - a).max(axis=2) + (1 - b).max(axis=2)
    worst = max(
        apart[y : y + tile, x : x + tile].sum() / ink[y : y + tile, x : x + tile].sum()
        for y in range(0, height, tile // 2)
        for x in range(0, width, tile // 2)
    )
    return f"it differs by {worst:.2f} where {limit} is allowed" if worst > limit else None


def _on_white(png):
    picture = Image.open(io.BytesIO(png)).convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")
