"""Compare a notebook's stored pictures and texts with fresh ones as nbval runs it.

nbval itself passes over pictures, and takes a text for wrong as soon as one digit of it differs.
"""

import pytest
from nbval.plugin import IPyNbCell, coalesce_streams

from tests.nbval_pictures import difference
from tools.notebooks import is_blank, pictures
from tools.printed import refusals, tolerance_of, with_stored_numbers


class Recorder:
    """Stand between nbval and its kernel, and keep what a cell displays, each in its last state."""

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


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    if not isinstance(item, IPyNbCell):
        return (yield)
    recorder = Recorder(item.parent)
    nbvals_comparison = item.compare_outputs

    def compare_texts(fresh, stored):
        """nbval's comparison, once numbers that agree are equal."""
        displayed = iter(recorder.shown)
        for output in fresh:
            if output.output_type in ("display_data", "execute_result"):
                output.data = next(displayed)["data"]
        return nbvals_comparison(*agreed(item, fresh, stored))

    item.compare_outputs = compare_texts
    try:
        result = yield
    finally:
        item.parent.get_kernel_message = recorder.get_message
        item.compare_outputs = nbvals_comparison
    if item.options["check"] and item.cell.execution_count is not None:
        compare_pictures(item, pictures(item.cell.outputs), pictures(recorder.shown))
    return result


def agreed(item, fresh, stored):
    """The outputs that show something, each text of the fresh ones with the stored numbers with which it agrees."""
    tolerance = tolerance_of(item.cell)
    fresh, stored = ([o for o in coalesce_streams(outputs) if not is_blank(o)] for outputs in (fresh, stored))
    for one, other in zip(stored, fresh, strict=False):
        key = "text" if "text" in one else "text/plain"
        one, other = (output if "text" in output else output.get("data", {}) for output in (one, other))
        if key not in one or key not in other:
            continue
        if undecided := refusals(one[key], tolerance):
            item.raise_cell_error(f"The tolerance {tolerance} is wide enough for both sides of: {'; '.join(undecided)}")
        other[key] = with_stored_numbers(one[key], other[key], tolerance)
    return fresh, stored


def compare_pictures(item, stored, fresh):
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
