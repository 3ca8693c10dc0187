"""Write notebooks, as they are stored, as pages that need no kernel and no network, and can be opened as files.

`python tools/export_html.py FOLDER NOTEBOOK...` writes FOLDER/NOTEBOOK.html for each, and the scripts that they share
into FOLDER/assets. Anywidgets, such as the latent explorer, go on working in the pages.
"""

import shutil
import sys
from pathlib import Path

import jupyter_server_mathjax
from nbconvert import HTMLExporter

TOOLS = Path(__file__).parent
IMAGES = TOOLS.parent / "images"


def export(folder, notebooks):
    assets = folder / "assets"
    mathjax = Path(jupyter_server_mathjax.__file__).parent / "static"
    unused = shutil.ignore_patterns("a11y", "localization", "SVG")
    shutil.copytree(mathjax, assets / "mathjax", ignore=unused, dirs_exist_ok=True)
    shutil.copy(TOOLS / "mathjax_config.js", assets / "mathjax" / "config" / "lessons.js")
    shutil.copy(TOOLS / "widgets.js", assets)
    shutil.copytree(IMAGES, assets / "images", ignore=shutil.ignore_patterns("*.py"), dirs_exist_ok=True)

    exporter = HTMLExporter(
        require_js_url="",  # nothing here requires it
        mathjax_url="assets/mathjax/MathJax.js?config=TeX-AMS-MML_HTMLorMML-full,Safe,lessons",
        widget_renderer_url="assets/widgets.js",
    )
    for notebook in notebooks:
        page, _ = exporter.from_filename(notebook)
        page = page.replace('src="../images/', 'src="assets/images/')
        (folder / f"{Path(notebook).stem}.html").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    export(Path(sys.argv[1]), sys.argv[2:])
