"""Pictures: each function takes arrays and returns a matplotlib Figure; `plt.show()` displays it."""

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.offsetbox import AnnotationBbox, OffsetImage
from matplotlib.ticker import LogLocator, NullLocator

DIGITS = {"cmap": "gray_r", "vmin": 0, "vmax": 1, "interpolation": "nearest"}


def use_style():
    """Set the one style of all lessons: seaborn's white theme, colour-blind-safe, 144 dots per inch."""
    sns.set_theme(context="notebook", style="ticks", palette="colorblind", font_scale=0.8)
    plt.rcParams.update(
        {
            "figure.dpi": 144,
            "figure.figsize": (6, 3.6),
            "figure.constrained_layout.use": True,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "legend.frameon": False,
        }
    )


def digit_rows(rows, titles=None):
    """Draw rows of digits under each other.

    Parameters
    ----------
    rows : dict of a row's label to its images, each `(n, 784)`
    titles : n strings above the columns
    """
    columns = {len(images) for images in rows.values()}
    if len(columns) != 1:
        raise ValueError(f"all rows need the same number of images, not {sorted(columns)}")
    (n,) = columns
    size = 0.62
    figsize = (size * n + 1.5, size * len(rows) + 0.3)
    figure, axes = plt.subplots(len(rows), n, figsize=figsize, squeeze=False, layout="constrained")
    figure.get_layout_engine().set(w_pad=0.02, h_pad=0.02, wspace=0, hspace=0)
    for row, (label, images) in zip(axes, rows.items(), strict=True):
        for cell, image in zip(row, images, strict=True):
            cell.imshow(np.reshape(image, (28, 28)), **DIGITS)
            cell.set(xticks=[], yticks=[])
            cell.spines[:].set_visible(False)
        row[0].set_ylabel(label, rotation=0, ha="right", va="center", fontsize=10)
    for cell, title in zip(axes[0], titles or [], strict=False):
        cell.set_title(title, fontsize=9, pad=3)
    return figure


def curves(lines, xlabel, ylabel, log="", title=None):
    """Draw one line with markers for each entry of `lines`.

    Parameters
    ----------
    lines : dict of a line's label to its points `(x, y)`
    xlabel, ylabel : the axes' titles, with units
    log : the axes with a logarithmic scale, among "", "x", "y" and "xy"
    """
    figure, axes = plt.subplots(figsize=(6.5, 3.4))
    for (label, (x, y)), marker in zip(lines.items(), "osD^vPX*<>" * len(lines), strict=False):
        axes.plot(x, y, marker=marker, markersize=5, label=label)
    for axis in log:
        axes.set(**{f"{axis}scale": "log"})
    if "x" in log:
        axes.set_xticks(x, [f"{value:g}" for value in x])
        axes.tick_params(axis="x", which="minor", bottom=False)
    if "y" in log:
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_locator(NullLocator())
    axes.set(xlabel=xlabel, ylabel=ylabel, title=title)
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))  # beside the lines, never over them
    return figure


def bars(groups, names, ylabel):
    """Draw a group of bars for each of `names`.

    Parameters
    ----------
    groups : dict of a bar's label to its heights, one for each of `names`
    ylabel : the y axis' title, with the unit
    """
    figure, axes = plt.subplots()
    width = 0.8 / len(groups)
    for i, (label, heights) in enumerate(groups.items()):
        axes.bar(np.arange(len(names)) + (i - (len(groups) - 1) / 2) * width, heights, 0.9 * width, label=label)
    axes.axhline(0, color="0.3", linewidth=0.8)
    axes.set(ylabel=ylabel)
    axes.set_xticks(range(len(names)), names)
    axes.legend()
    return figure


def arrows(points, at, panels, pictures=None):
    """Draw arrows over points of the plane, a panel for each entry of `panels`.

    Parameters
    ----------
    points : `(m, 2)`, drawn in grey below the arrows
    at : `(n, 2)`, where the arrows start
    panels : dict of a panel's title to its arrows, `(n, 2)` each, drawn at their true length
    pictures : `(m, 784)` digits to draw at the points instead of dots
    """
    figure, row = plt.subplots(1, len(panels), figsize=(4.2 * len(panels), 4.2), sharey=True, squeeze=False)
    for axes, (title, steps) in zip(row[0], panels.items(), strict=True):
        axes.quiver(*at.T, *np.transpose(steps), angles="xy", scale_units="xy", scale=1, width=0.004, color="C0")
        if pictures is None:
            axes.plot(*points.T, "o", color="0.6", markersize=3, zorder=0)
        for point, picture in zip(points, [] if pictures is None else pictures, strict=pictures is not None):
            image = OffsetImage(np.reshape(picture, (28, 28)), zoom=0.7, cmap="gray_r", interpolation="nearest")
            axes.add_artist(AnnotationBbox(image, point, pad=0.1))
        axes.set(title=title, aspect="equal", xlabel="first coordinate")
    row[0, 0].set_ylabel("second coordinate")
    return figure
