"""Compare a notebook's stored pictures with fresh ones as nbval runs it; nbval itself passes over them."""

import base64
import io

import numpy as np
import pytest
from nbval.plugin import IPyNbCell
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


class Recorder:
    """Stand between nbval and its kernel, and keep the pictures that a cell shows, each in its last state."""

    def __init__(self, file):
        self.get_message, self.shown = file.get_kernel_message, []
        file.get_kernel_message = self

    def __call__(self, **options):
        message = self.get_message(**options)
        content = message["content"]
        if message["msg_type"] in ("display_data", "execute_result"):
            self.shown.append(content)
        elif message["msg_type"] == "update_display_data":  # nbval drops these; a notebook stores the last
            for earlier in self.shown:
                if earlier["transient"].get("display_id") == content["transient"]["display_id"]:
                    earlier["data"] = content["data"]
        return message


def pngs(outputs):
    return [
        base64.b64decode(output["data"]["image/png"]) for output in outputs if "image/png" in output.get("data", {})
    ]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    if not isinstance(item, IPyNbCell):
        return (yield)
    recorder = Recorder(item.parent)
    try:
        result = yield
    finally:
        item.parent.get_kernel_message = recorder.get_message
    if item.options["check"] and item.cell.execution_count is not None:
        compare(item, pngs(item.cell.outputs), pngs(recorder.shown))
    return result


def compare(item, stored, fresh):
    if len(stored) != len(fresh):
        item.raise_cell_error(f"The notebook stores {len(stored)} pictures, but the cell shows {len(fresh)}")
    if "picture-varies" in item.cell.metadata.get("tags", []):
        return  # it shows what a network learned by chance, such as the place of a code
    for number, pair in enumerate(zip(stored, fresh, strict=True), start=1):
        if problem := difference(*pair):
            folder = item.config.cache.mkdir("pictures")
            for name, png in zip(("stored", "fresh"), pair, strict=True):
                (folder / f"{item.path.stem}-cell{item.cell_num}-{number}-{name}.png").write_bytes(png)
            item.raise_cell_error(f"Picture {number} is not the one stored: {problem}. Both are in {folder}")
