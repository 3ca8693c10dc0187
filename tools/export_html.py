"""Write notebooks, as they are stored, as pages that need no kernel and no network, and can be opened as files.

`python -m tools.export_html FOLDER NOTEBOOK...` writes FOLDER/NOTEBOOK.html for each, with its pictures in it, and the
scripts that they share into FOLDER/assets. Anywidgets, such as the latent explorer, go on working in the pages.
"""

import shutil
import sys
from pathlib import Path

import jupyter_server_mathjax
import nbformat
from nbconvert import HTMLExporter

TOOLS = Path(__file__).parent
# nbconvert's own, which leaves out the alt texts of pictures.
TEMPLATE = """\
{%- extends 'lab/index.html.j2' -%}
{%- block data_png scoped -%}
<div class="jp-RenderedImage jp-OutputArea-output {{ extra_class }}">
<img src="data:image/png;base64,{{ output.data['image/png'] | escape_html }}"
alt="{{ output | get_metadata('alt', 'image/png') | escape_html }}">
</div>
{%- endblock -%}
"""


def export(folder, notebooks):
    """Write a page for each notebook, and what the pages share.

    Parameters
    ----------
    folder : where to, a Path; it is made
    notebooks : their paths
    """
    assets = folder / "assets"
    mathjax = Path(jupyter_server_mathjax.__file__).parent / "static"
    unused = shutil.ignore_patterns("a11y", "localization", "SVG")
    shutil.copytree(mathjax, assets / "mathjax", ignore=unused, dirs_exist_ok=True)
    shutil.copy(TOOLS / "mathjax_config.js", assets / "mathjax" / "config" / "lessons.js")
    shutil.copy(TOOLS / "widgets.js", assets)

    exporter = HTMLExporter(
        raw_template=TEMPLATE,
        embed_images=True,
        require_js_url="",  # nothing here requires it
        mathjax_url="assets/mathjax/MathJax.js?config=TeX-AMS-MML_HTMLorMML-full,Safe,lessons",
        widget_renderer_url="assets/widgets.js",
    )
    for path in map(Path, notebooks):
        # nbconvert embeds no picture from outside the notebook's folder, so the notebook is moved up, to the root.
        source = path.read_text(encoding="utf-8").replace("(../images/", "(images/")
        resources = {"metadata": {"name": path.stem, "path": str(TOOLS.parent)}}
        page, _ = exporter.from_notebook_node(nbformat.reads(source, as_version=4), resources)
        (folder / f"{path.stem}.html").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    export(Path(sys.argv[1]), sys.argv[2:])
