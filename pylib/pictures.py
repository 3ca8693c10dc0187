"""Show pictures with a text for those who can't see them."""

import base64
import io
from pathlib import Path

import matplotlib.pyplot as plt
from IPython.display import display
from matplotlib.figure import Figure

from pylib import _validate

HERE = Path(__file__).parent
IMAGES = HERE / "images"  # in an installed wheel
if not IMAGES.is_dir():  # in a checkout
    IMAGES = HERE.parent / "images"


def _validate_alt(alt):
    _validate.string(alt, "alt")
    if len(alt.split()) < 4 or len(alt) < 20:
        raise ValueError(f"alt must say in a sentence what a blind reader should know, not only {_validate.shown(alt)}")


@_validate.arguments(_validate_alt)
def show(alt):
    """Display matplotlib's current figure, as `plt.show()` does, together with its alt text.

    Parameters
    ----------
    alt : what a reader who can't see the picture should know, a sentence or two

    Raises
    ------
    ValueError : `alt` is no text, or too short to say anything; or there is no figure
    """
    if not plt.get_fignums():
        raise ValueError("there is no figure to show: draw one first")
    figure = plt.gcf()
    plt.close(figure)
    data, metadata = described(figure, alt)
    display(data, metadata=metadata, raw=True)


def _validate_described(figure, alt):
    if not isinstance(figure, Figure):
        raise ValueError(f"figure must be a matplotlib Figure, not {_validate.shown(figure)}")
    _validate_alt(alt)


@_validate.arguments(_validate_described)
def described(figure, alt):
    """A figure as IPython's `display` takes it with `raw=True`: as PNG, and as text where pictures can't be shown.

    Parameters
    ----------
    figure : a matplotlib Figure
    alt : its alt text

    Returns
    -------
    data, metadata : dicts by MIME type; the alt text stands where Jupyter has it by convention

    Raises
    ------
    ValueError : `figure` is none, or `alt` says too little
    """
    file = io.BytesIO()
    arranged = figure.get_layout_engine() is not None or figure.get_constrained_layout()
    figure.savefig(file, format="png", bbox_inches=None if arranged else "tight")
    return _with_alt(file.getvalue(), alt)


def _with_alt(png, alt):
    """Bytes of a PNG and their alt text as `display` takes them with `raw=True`."""
    return {"image/png": base64.b64encode(png).decode(), "text/plain": alt}, {"image/png": {"alt": alt}}


def _validate_image(name, alt):
    _validate.string(name, "name")
    known = sorted(path.name for path in IMAGES.glob("*.png"))
    if name not in known:
        raise ValueError(f"name must be one of {', '.join(known)}, not {_validate.shown(name)}")
    _validate_alt(alt)


@_validate.arguments(_validate_image)
def show_image(name, alt):
    """Display one of the course's own pictures, which come with pylib, so that a notebook needs no file beside it.

    Parameters
    ----------
    name : of the PNG file, such as "VAE.png"
    alt : what a reader who can't see the picture should know, a sentence or two

    Raises
    ------
    ValueError : there is no such picture, or `alt` says too little
    """
    data, metadata = _with_alt((IMAGES / name).read_bytes(), alt)
    display(data, metadata=metadata, raw=True)
