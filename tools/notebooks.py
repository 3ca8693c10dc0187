"""What several tools and tests do with a notebook's cells and outputs."""

import base64
import json
from pathlib import Path

from nbclient import NotebookClient

WIDGET = "application/vnd.jupyter.widget-{}+json"


def run(notebook, folder):
    """Run a notebook in `folder`, without what C++ code says, and tidy what it stores.

    A line of progress leaves an empty output, which is removed. The alt text of a cell's picture is copied into the
    cell's metadata, where MyST-NB looks for it; beside the picture is where Jupyter has it.
    """
    quiet = ["--IPKernelApp.capture_fd_output=False"]  # it goes to the terminal
    options = {"timeout": 900, "record_timing": False, "extra_arguments": quiet}
    NotebookClient(notebook, **options, resources={"metadata": {"path": str(folder)}}).execute()
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if not is_blank(output)]
            cell.metadata.pop("mystnb", None)
            for alt in alt_texts(cell.outputs):
                cell.metadata["mystnb"] = {"image": {"alt": alt}}


def is_blank(output):
    """Whether an output shows nothing, as a line of progress does once it is done."""
    return output["output_type"] == "display_data" and not any(output["data"].values())


def alt_texts(outputs):
    """The alt texts of the PNG pictures among a cell's outputs; "" where one has none."""
    shown = [output for output in outputs if "image/png" in output.get("data", {})]
    return [output["metadata"].get("image/png", {}).get("alt", "") for output in shown]


def cleared(notebook):
    """The notebook itself, its code cells now without outputs and execution counts."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebook


def pictures(outputs):
    """The PNG pictures among a cell's outputs, each as bytes."""
    encoded = [output["data"]["image/png"] for output in outputs if "image/png" in output.get("data", {})]
    return [base64.b64decode(picture) for picture in encoded]


def widget_page(state, views):
    """A page of widgets alone that needs no kernel, as the site has them."""
    page = ['<!doctype html><html lang="en"><meta charset="utf-8"><title>Widgets</title><main>']
    for kind, content in [("state", state), *(("view", view) for view in views)]:
        text = json.dumps(content).replace("</", "<\\/")  # or the script would end there
        page.append(f'<div><script type="{WIDGET.format(kind)}">{text}</script></div>')
    code = Path(__file__).with_name("widgets.js").read_text(encoding="utf-8")
    return "\n".join([*page, f'</main><script type="module">{code}</script></html>'])
