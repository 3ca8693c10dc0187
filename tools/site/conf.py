"""Sphinx's settings for the site; tools/build_site.py lays out the pages' sources and calls it."""

import inspect
import re
import sys
from pathlib import Path

import nbformat
from docutils import nodes

from tools.build_site import REPOSITORY, ROOT, source_address
from tools.notebooks import alt_texts

project = "Variational autoencoders by doing"
html_title = project
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.linkcode"]
templates_path = ["templates"]

# Notebooks, as they are stored
nb_execution_mode = "off"
nb_merge_streams = True
nb_ipywidgets_js = {"widgets.js": {"defer": "defer"}}
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 3
myst_update_mathjax = False  # it knows later versions only
mathjax_path = "mathjax/MathJax.js"
mathjax2_config = {
    "config": ["TeX-AMS-MML_HTMLorMML-full.js", "Safe.js", "lessons.js"],
    "tex2jax": {"processClass": "math"},
    "menuSettings": {"inTabOrder": False},  # nothing can be done at a formula
    "HTML-CSS": {"styles": {"@font-face": {"src": "local(serif)"}}},  # its own, about:blank, can't be loaded by files
}

# Docstrings
default_role = "py:obj"
autodoc_preserve_defaults = True  # or the paths of this machine would be read
autodoc_member_order = "bysource"
napoleon_google_docstring = False
napoleon_use_rtype = False

# Pages
html_theme = "sphinx_book_theme"
html_theme_options = {
    "navbar_persistent": [],  # the search is in the column on the left
    "use_download_button": False,
    "use_fullscreen_button": False,
    "article_footer_items": ["source.html"],
    "footer_content_items": [],
}
html_context = {"default_mode": "auto"}  # dark or light as the reader's system is
html_static_path = ["static"]
html_css_files = ["site.css"]
html_js_files = [("site.js", {"defer": "defer"})]
html_extra_path = ["extra"]
html_copy_source = False
html_show_search_summary = False  # a page opened as a file can't read another one


def add_alt_texts(app, doctree):
    """MyST-NB leaves out the alt texts, which Jupyter keeps beside each picture."""
    path = Path(app.env.doc2path(app.env.docname))
    if path.suffix != ".ipynb":
        return
    cells = nbformat.read(path, as_version=4).cells
    for place in doctree.findall(lambda node: isinstance(node, nodes.container) and "cell_index" in node):
        alts = alt_texts(cells[place["cell_index"]].outputs)
        for image, alt in zip(place.findall(nodes.image), alts, strict=True):
            image["alt"] = alt


def adapt_docstring(app, what, name, thing, options, lines):
    """Rewrite pylib's habits for napoleon, which takes what follows a colon for a type. An indented block is code."""
    text = re.sub(r"^([\w*, ]+) : (.+)$", r"\1\n    \2", "\n".join(lines), flags=re.MULTILINE)
    lines[:] = re.sub(r"^(\S.*\n\n)(?= )", r"\1::\n\n", text, flags=re.MULTILINE).splitlines()


def signature_of_class(app, what, name, thing, options, signature, returns):
    """Of what a class takes, autodoc sees only Keras' `*args, **kwargs`."""
    if what == "class":
        self, *parameters = inspect.signature(thing.__init__).parameters.values()
        signature = str(inspect.Signature(parameters))
    return signature, returns


def source_of(page):
    """Which file of the repository a page is made from, or "" where it is made from several or none."""
    module = page.replace("reference/", "pylib/", 1)
    names = [f"{page}.ipynb", f"{page}.md", f"{module}.py", f"{module}/__init__.py", f"tools/site/{page}.md"]
    return next((name for name in names if (ROOT / name).exists()), "")


def name_the_source(app, page, template, context, doctree):
    """Give templates/source.html what it shows."""
    context["source"] = source_of(page)
    context["source_address"] = source_address(context["source"])


def name_toggles(app, page, template, context, doctree):
    """The theme unfolds a page's own pages by an arrow without a name."""
    tree = context["generate_toctree_html"]

    def named(*args, **kwargs):
        arrow = r"(<a [^>]*>([^<]+)</a>\s*<details[^>]*>\s*<summary)"
        return re.sub(arrow, r'\1 aria-label="Pages under \2"', str(tree(*args, **kwargs)))

    context["generate_toctree_html"] = named


def linkcode_resolve(domain, info):
    """The address of a public object's source."""
    if not REPOSITORY:
        return None
    thing = sys.modules[info["module"]]
    for name in info["fullname"].split("."):
        thing = getattr(thing, name, None)
    try:
        thing = inspect.unwrap(thing.fget if isinstance(thing, property) else thing)
        file, line = inspect.getsourcefile(thing), inspect.getsourcelines(thing)[1]
    except TypeError:  # a constant
        return None
    return f"{source_address(Path(file).relative_to(ROOT).as_posix())}#L{line}"


def setup(app):
    """Connect the functions above."""
    app.connect("doctree-read", add_alt_texts)
    app.connect("autodoc-process-docstring", adapt_docstring, priority=400)  # before napoleon
    app.connect("autodoc-process-signature", signature_of_class)
    app.connect("html-page-context", name_the_source)
    app.connect("html-page-context", name_toggles, priority=900)  # after the theme
