"""Which cells of a lesson have to run so that its widgets are alive: those that show one, and what these need."""

import ast
import dis
import types

from IPython.core.inputtransformer2 import TransformerManager

from tools.notebooks import WIDGET


def shows_widget(cell):
    return any(WIDGET.format("view") in output.get("data", {}) for output in cell.outputs)


def live_cells(cells):
    """Of a lesson's code cells, in order and with their stored outputs, those that have to run.

    From the last cell back, it is each that shows a widget, and each that makes or changes what a later one uses.
    """
    wanted, live = set(), []
    for cell in reversed(cells):
        tree = ast.parse(TransformerManager().transform_cell(cell.source))
        made, used = _names(compile(tree, cell.id, "exec"))
        if shows_widget(cell) or (made | _changed(tree)) & wanted:
            live.insert(0, cell)
            wanted = (wanted - made) | used
    return live


def _names(code):
    """The names that a cell makes, and those that it uses and has not made before."""
    made, used = set(), set()
    for step in dis.get_instructions(code):
        if step.opname == "STORE_NAME":
            made.add(step.argval)
        elif step.opname in ("LOAD_NAME", "LOAD_GLOBAL") and step.argval not in made:
            used.add(step.argval)
    for inner in code.co_consts:  # functions, and before Python 3.12 comprehensions
        if isinstance(inner, types.CodeType):
            used |= _names(inner)[1]
    return made, used


def _changed(tree):
    """The names that a cell gives an item or an attribute, as in `name[0] = ...`."""
    places = [node for node in ast.walk(tree) if isinstance(node, ast.Subscript | ast.Attribute)]
    return {place.value.id for place in places if isinstance(place.ctx, ast.Store) and hasattr(place.value, "id")}
