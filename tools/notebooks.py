"""What several tools and tests do with a notebook's cells and outputs."""

import base64


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
