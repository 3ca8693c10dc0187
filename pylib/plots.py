"""Pictures: each function takes arrays and returns a matplotlib Figure; `plt.show()` displays it.

Where arrays are asked for, lists, data frames and tensors count, too, and booleans or integers as numbers.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import PowerNorm, to_rgb
from matplotlib.font_manager import get_font_names
from matplotlib.lines import Line2D
from matplotlib.offsetbox import AnnotationBbox, OffsetImage
from matplotlib.patches import Circle, Ellipse
from matplotlib.patheffects import withStroke
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

from pylib import _validate

DIGITS = {"cmap": "gray_r", "vmin": 0, "vmax": 1, "interpolation": "nearest"}
# Of the digits 0 to 9. No ten colours that are dark enough to be seen as dots on white can be told apart by all.
COLORS = "#01508c #c97b00 #029e73 #b8400a #a24ba6 #7a4a21 #e0218a #808080 #8a8f00 #0aa0c8".split()
# For class names in letters that matplotlib's own font lacks; of those that come with systems and distributions.
FONTS = ["Noto Sans CJK SC", "Noto Sans CJK JP", "PingFang SC", "Hiragino Sans", "Microsoft YaHei"]
WHITE = [withStroke(linewidth=2.5, foreground="white")]  # around lettering on dots


def _seaborn():
    import seaborn  # only once it is used: with pandas, it takes longer to load than all the rest

    return seaborn


@_validate.arguments(lambda n: _validate.positive_integer(n, "n"))
def palette(n=10):
    """Colours of classes, each with a contrast of 3 or more to white, as dots need it (WCAG 2.2, 1.4.11).

    Parameters
    ----------
    n : how many; up to ten are the first of the ten digits' colours

    Returns
    -------
    colors : seaborn's palette, n of `(r, g, b)` in [0, 1]

    Raises
    ------
    ValueError : n is no integer above 0
    """
    if n <= len(COLORS):
        return _seaborn().color_palette(COLORS[:n])
    light, dark = (_seaborn().husl_palette(n, l=lightness) for lightness in (0.6, 0.35))  # 0.61 would be too light
    return _seaborn().color_palette([(light, dark)[i % 2][i] for i in range(n)])  # since neighbours' hues are alike


def use_style():
    """Set the one style of all lessons: seaborn's white theme, colour-blind-safe, 144 dots per inch."""
    _seaborn().set_theme(context="notebook", style="ticks", palette="colorblind", font_scale=0.8)
    plt.rcParams.update(
        {
            "font.family": ["sans-serif", *(font for font in FONTS if font in get_font_names())],
            "figure.dpi": 144,
            "figure.figsize": (6, 3.6),
            "figure.constrained_layout.use": True,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "legend.frameon": False,
        }
    )


def _validate_rows(rows, titles, pixels):
    _validate.mapping(rows, "rows", "a row's label to its images")
    rows = {
        label: _validate.drawable(images, pixels, f"rows[{_validate.shown(label)}]") for label, images in rows.items()
    }
    columns = {len(images) for images in rows.values()}
    if len(columns) != 1:
        raise ValueError(f"all rows need the same number of images, not {sorted(columns)}")
    if titles is not None:
        _validate.sequence(titles, *columns, "titles", "one above each column")
    return {"rows": rows}


@_validate.arguments(_validate_rows)
def digit_rows(rows, titles=None, pixels=28):
    """Draw rows of digits under each other.

    Parameters
    ----------
    rows : dict of a row's label to its images, each `(n, height * width)`; pixels below 0 or above 1 are drawn as 0 or
        1
    titles : n strings above the columns; upright where they would overlap
    pixels : the side of a square image, or height and width

    Returns
    -------
    figure : a matplotlib Figure

    Raises
    ------
    ValueError : there is no row, or rows hold no images, different numbers of them, or other titles than n
    """
    n = len(next(iter(rows.values())))
    size = 0.62
    titles = [[_short(line) for line in str(title).split("\n")] for title in titles or [""] * n]
    longest = max(len(line) for lines in titles for line in lines)
    upright = longest > 8  # letters, which have room above a picture
    figsize = (size * n + 1.5, size * len(rows) + (0.1 * longest + 0.1 if upright else 0.3))
    figure, axes = plt.subplots(len(rows), n, figsize=figsize, squeeze=False, layout="constrained")
    figure.get_layout_engine().set(w_pad=0.02, h_pad=0.02, wspace=0, hspace=0)
    for row, (label, images) in zip(axes, rows.items(), strict=True):
        for cell, image in zip(row, images, strict=True):
            cell.imshow(image, **DIGITS)
            cell.set(xticks=[], yticks=[])
            cell.spines[:].set_visible(False)
        row[0].set_ylabel(label, rotation=0, ha="right", va="center", fontsize=10)
    for cell, lines in zip(axes[0], titles, strict=True):
        cell.set_title("\n".join(lines), fontsize=9, pad=3, rotation=90 if upright else 0)
    if upright:
        figure.draw_without_rendering()  # a first layout leaves them too little room
    return figure


def _validate_curves(lines, xlabel, ylabel, log, title):
    _validate.mapping(lines, "lines", "a line's label to its points (x, y)")
    for name, text in {"xlabel": xlabel, "ylabel": ylabel, "title": "" if title is None else title}.items():
        _validate.string(text, name)
    if not isinstance(log, str) or log not in ("", "x", "y", "xy"):
        raise ValueError(f"log must be '', 'x', 'y' or 'xy', not {_validate.shown(log)}")
    return {"lines": {label: _points(line, log, f"lines[{_validate.shown(label)}]") for label, line in lines.items()}}


def _points(line, log, name):
    """The `(x, y)` of a line as arrays, once they can be drawn on these axes."""
    if not isinstance(line, tuple | list | np.ndarray) or len(line) != 2:
        raise ValueError(f"{name} must be a pair (x, y), not {_validate.shown(line)}")
    x, y = (_validate.numeric(values, name) for values in line)
    if x.ndim != 1 or x.shape != y.shape or len(x) == 0:
        raise ValueError(f"{name} must have x and y of one shape (n,), not {x.shape} and {y.shape}")
    for axis, values in {"x": x, "y": y}.items():
        if axis in log and np.any(values <= 0):
            raise ValueError(f"{name} has {axis} of 0 or less, which a logarithmic axis can't show")
    return x, y


@_validate.arguments(_validate_curves)
def curves(lines, xlabel, ylabel, log="", title=None):
    """Draw one line for each entry of `lines`, with markers where its points are few.

    Parameters
    ----------
    lines : dict of a line's label to its points `(x, y)`, each `(n,)`; a NaN or infinity leaves a gap
    xlabel, ylabel : the axes' titles, with units
    log : the axes with a logarithmic scale, among "", "x", "y" and "xy"
    title : above the axes

    Returns
    -------
    figure : a matplotlib Figure

    Raises
    ------
    ValueError : there is no line, x and y differ in length, a logarithmic axis gets 0 or less, or a title is no string
    """
    figure, axes = plt.subplots(figsize=(6.5, 3.4))
    for (label, (x, y)), marker in zip(lines.items(), "osD^vPX*<>" * len(lines), strict=False):
        axes.plot(x, y, marker=marker if len(x) <= 20 else None, markersize=5, label=label)
    for axis in log:
        axes.set(**{f"{axis}scale": "log"})
    ticks = np.unique(np.concatenate([x[np.isfinite(x)] for x, _ in lines.values()]))
    if "x" in log:
        axes.set_xticks(ticks, [f"{value:g}" for value in ticks])
        axes.tick_params(axis="x", which="minor", bottom=False)
    elif 1 < len(ticks) <= 8 and np.all(ticks == np.round(ticks)) and np.ptp(np.diff(ticks)) == 0:
        axes.set_xticks(ticks)  # such as layers, which have nothing between them
    if "y" in log:
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_locator(NullLocator())
    axes.set(xlabel=xlabel, ylabel=ylabel, title=title)
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))  # beside the lines, never over them
    return figure


def _plain(name):
    """A name as lettering, whose dollars set no formula."""
    return name.replace("$", r"\$")


def _short(name):
    """A class's name as lettering, cut where it has more than 16 letters."""
    name = " ".join(name.split())
    return _plain(name if len(name) <= 16 else name[:15].rstrip() + "\N{HORIZONTAL ELLIPSIS}")


def _validate_bars(groups, names, xlabel, ylabel):
    _validate.sequence(names, None, "names", "one for each group of bars")
    groups = _validate.arrays(groups, (len(names),), "groups", "a bar's label to its heights")
    _validate.string(xlabel, "xlabel")
    _validate.string(ylabel, "ylabel")
    return {"groups": groups, "names": [str(name) for name in names]}


@_validate.arguments(_validate_bars)
def bars(groups, names, ylabel, xlabel=""):
    """Draw a group of bars for each of `names`, from zero.

    Parameters
    ----------
    groups : dict of a bar's label to its heights, one for each of `names`
    names : of the groups, below them; upright where they would overlap
    ylabel : the y axis' title, with the unit
    xlabel : the x axis' title

    Returns
    -------
    figure : a matplotlib Figure

    Raises
    ------
    ValueError : there is no bar, heights are not one finite number for each name, or a title is no string
    """
    figure, axes = plt.subplots(figsize=(max(8 if len(groups) > 1 else 6, 0.15 * len(names)), 3.6))
    heights = np.concatenate([np.ravel(values) for values in groups.values()])
    _seaborn().barplot(
        x=np.tile(np.arange(len(names)), len(groups)),  # two groups may have one name
        y=heights,
        hue=np.repeat(list(groups), len(names)),
        gap=0.1,
        saturation=1,
        legend=len(groups) > 1,
        ax=axes,
    )
    axes.axhline(0, color="0.3", linewidth=0.8)
    axes.set_xticks(range(len(names)), [_plain(name) for name in names])
    longest = max(len(line) for name in names for line in name.split("\n"))
    if longest * len(names) > 60:  # letters; some 70 have room in a row
        axes.tick_params(axis="x", rotation=90)
    axes.set(xlabel=xlabel, ylabel=ylabel)
    if len(groups) > 1:
        axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))  # beside the bars, never over them
    return figure


def _validate_trade_off(points):
    points = _validate.arrays(points, (2,), "points", "a model's name to its (rate, distortion)")
    return {"points": dict(sorted(points.items(), key=lambda item: item[1][0]))}


@_validate.arguments(_validate_trade_off)
def trade_off(points):
    """Draw distortion over rate, a point for each model, joined in the order of their rates.

    Dashed lines join equal sums of the two, which are -ELBO; the darkest goes through the model with the least.

    Parameters
    ----------
    points : dict of a model's name to its `(rate, distortion)`, in nats

    Returns
    -------
    figure : a matplotlib Figure

    Raises
    ------
    ValueError : there is no point, or one is not two finite numbers
    """
    figure, axes = plt.subplots(figsize=(6.5, 4))
    rate, distortion = np.transpose(list(points.values()))
    axes.plot(rate, distortion, marker="o", markersize=6, zorder=3)
    axes.margins(0.12)
    axes.set_xlim(left=min(0, rate.min()))
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    ends = np.array([left, right])
    least = (rate + distortion).min()
    ticks = MaxNLocator(6, steps=[1, 2, 5, 10]).tick_values(least, (rate + distortion).max())
    lines = np.delete(ticks, np.abs(ticks - least).argmin())  # the darkest one takes its place
    unit = np.array([right - left, top - bottom])

    def room(x, y, letters, size):  # what a text takes from its lower left corner on: it, and the upper right corner
        return np.array([[x, y], [x, y] + size / 10 * np.array([0.017 * letters, 0.06]) * unit])

    names = [room(x, y, len(name) + 1, 10) + 0.02 * unit for name, x, y in zip(points, rate, distortion, strict=True)]
    for level, name, color in [(least, f"{least:.4g}", "0.2"), *((level, f"{level:g}", "0.7") for level in lines)]:
        axes.plot(ends, level - ends, color=color, linewidth=0.8, linestyle="--", zorder=1)
        x = min(right, level - bottom)  # where the line leaves the picture
        label = room(x, level - x, len(name) + 7, 8)
        free = all(np.any((label[0] >= other[1]) | (other[0] >= label[1])) for other in names)
        if left < x and bottom <= level - x < top and free:
            axes.text(x, level - x, f" -ELBO {name}", color="0.35", fontsize=8, va="bottom", ha="left")
            names.append(label)
    for name, x, y in zip(points, rate, distortion, strict=True):
        axes.annotate(name, (x, y), (7, 5), textcoords="offset points", zorder=4, path_effects=WHITE)
    axes.set(xlim=(left, right), ylim=(bottom, top), xlabel="rate (nats)", ylabel="distortion (nats)")
    return figure


def _validate_arrows(points, starts, panels, pictures, density, weights, pixels):
    points = _validate.array(points, ("m", 2), "points")
    starts = _validate.array(starts, ("n", 2), "starts")
    panels = _validate.arrays(panels, (len(starts), 2), "panels", "a panel's title to its arrows")
    if pictures is not None:
        pictures = _validate.drawable(pictures, pixels, "pictures")
        if len(pictures) != len(points):
            raise ValueError(f"there are {len(pictures)} pictures for {len(points)} points: give one for each")
    if density is not None:
        _validate.sequence(density, 3, "density", "(x, y, heights)")
        x, y = (_validate.array(side, ("k",), f"density's {name}") for name, side in zip("xy", density, strict=False))
        density = x, y, _validate.array(density[2], (len(y), len(x)), "density's heights")
    if weights is not None:
        weights = _validate.array(weights, (len(points),), "weights")
        if weights.min() < 0 or weights.max() == 0:
            raise ValueError("weights must be 0 or more, and one of them above 0")
    arrays = {"points": points, "starts": starts, "panels": panels}
    return arrays | {"pictures": pictures, "density": density, "weights": weights}


@_validate.arguments(_validate_arrows)
def arrows(points, starts, panels, pictures=None, density=None, weights=None, pixels=28):
    """Draw arrows over points of the plane, a panel for each entry of `panels`.

    Parameters
    ----------
    points : `(m, 2)`, drawn in grey below the arrows
    starts : `(n, 2)`, where the arrows start
    panels : dict of a panel's title to its arrows, `(n, 2)` each, drawn at their true length
    pictures : `(m, height * width)` digits to draw beside the points, on the side away from the middle of all points
    density : `(x, y, heights)` to colour the plane by, of shapes `(k,)`, `(l,)` and `(l, k)`
    weights : `(m,)` of the points, which are drawn the larger the more they weigh; with them, each start is a dot
    pixels : the side of a square picture, or height and width

    Returns
    -------
    figure : a matplotlib Figure

    Raises
    ------
    ValueError : there is no panel, an array has another shape or holds a NaN or infinity, or a weight is below 0
    """
    figure, row = plt.subplots(1, len(panels), figsize=(4.2 * len(panels), 4.2), sharey=True, squeeze=False)
    for axes, (title, steps) in zip(row[0], panels.items(), strict=True):
        if density is not None:
            axes.contourf(*density, levels=12, cmap="Blues", alpha=0.7, zorder=0)
        axes.quiver(*starts.T, *steps.T, angles="xy", scale_units="xy", scale=1, width=0.004, color="0.1", zorder=3)
        axes.plot(*points.T, "o", color="0.6", markersize=3, zorder=1)
        if weights is not None:
            axes.scatter(*points.T, s=150 * weights / weights.max(), color="C1", zorder=2)
            axes.plot(*starts.T, "o", color="C0", markersize=5, zorder=2)
        for point, picture in zip(points, [] if pictures is None else pictures, strict=pictures is not None):
            image = OffsetImage(picture, zoom=0.7 * 28 / max(picture.shape), cmap="gray_r", interpolation="nearest")
            outwards = point - points.mean(axis=0)
            beside = 26 * outwards / max(1e-9, np.linalg.norm(outwards))
            axes.plot(*point, "o", color="C1", markersize=6, zorder=4)
            style = {"xybox": tuple(beside), "boxcoords": "offset points", "arrowprops": {"arrowstyle": "-"}}
            axes.add_artist(AnnotationBbox(image, point, pad=0.1, **style))
        axes.set(title=title, aspect="equal", xlabel="first coordinate")
    row[0, 0].set_ylabel("second coordinate")
    return figure


def _validate_particles(points, panels):
    points = _validate.array(points, ("m", 2), "points")
    return {
        "points": points,
        "panels": _validate.arrays(panels, ("n", 2), "panels", "a panel's title to its particles"),
    }


@_validate.arguments(_validate_particles)
def particles(points, panels):
    """Draw particles and points of the plane, a panel for each entry of `panels`.

    All panels show the same part of the plane, twice as large as the points': what lies outside is not shown.

    Parameters
    ----------
    points : `(m, 2)`, drawn below the particles
    panels : dict of a panel's title to its particles, `(n, 2)` each

    Returns
    -------
    figure : a matplotlib Figure

    Raises
    ------
    ValueError : there is no panel, or an array has another shape or holds a NaN or infinity
    """
    figure, row = plt.subplots(1, len(panels), figsize=(2.6 * len(panels) + 0.4, 3.4), sharey=True, squeeze=False)
    limit = 2 * np.abs(points).max()
    for axes, (title, places) in zip(row[0], panels.items(), strict=True):
        axes.plot(*places.T, ".", color="C0", markersize=2, rasterized=True, zorder=2)
        axes.plot(*points.T, "o", color="C1", markersize=4, zorder=1)
        axes.set(title=title, aspect="equal", xlabel="first coordinate", xlim=(-limit, limit), ylim=(-limit, limit))
    row[0, 0].set_ylabel("second coordinate")
    return figure


def _validate_scatters(codes, labels, xlabel, ylabel, names):
    _validate.string(xlabel, "xlabel")
    _validate.string(ylabel, "ylabel")
    codes = _validate.arrays(codes, ("n", 2), "codes", "a panel's title to its codes")
    for z in codes.values():
        names = _validate.named_labels(labels, len(z), names)
    return {"codes": codes, "labels": np.asarray(labels), "names": names}


MOST_LETTERS = 200  # of names in a plane, or they would hide the codes


def _name_classes(axes, z, labels, names, width):
    """The classes' names at the medians of their codes; those that would hide each other give way, tied by a line.

    Where they would fill the plane, only the classes with the most codes are named. `width` is that of the axes, in
    latent numbers.
    """
    classes, counts = np.unique(labels, return_counts=True)
    classes = classes[np.argsort(-counts, kind="stable")]
    letters = np.array([len(_short(names[label])) for label in classes])
    named = np.cumsum(letters) <= MOST_LETTERS
    classes, letters = classes[named], letters[named]
    size = np.clip(11 * (10 / letters.sum()) ** 0.25, 6, 11)
    apart = 0.06 * width * size / 11
    wide = np.maximum(1, 0.4 * np.add.outer(letters, letters))  # side by side, long names must keep farther apart
    medians = np.array([np.median(z[labels == label], axis=0) for label in classes])
    places, ways = _parting(z, medians, classes, apart)
    for _ in range(100):
        steps = places[:, None] - places
        distances = np.hypot(steps[:, :, 0] / wide, steps[:, :, 1]) + np.eye(len(classes)) * apart
        push = np.maximum(apart - distances, 0) / (2 * distances)
        places = places + np.sum(push[:, :, None] * steps, axis=1) @ ways
    for label, median, place in zip(classes, medians, places, strict=True):
        if np.hypot(*(place - median)) > apart / 2:
            axes.plot(*zip(median, place, strict=True), color="0.1", linewidth=0.8, zorder=4, path_effects=WHITE)
        style = {"fontsize": size, "weight": "bold", "zorder": 5, "path_effects": WHITE}
        axes.text(*place, _short(names[label]), ha="center", va="center", **style)


def _parting(z, medians, classes, apart):
    """Where names begin to part, and what takes their steps to where they may go: those of a strip only across it."""
    variances, directions = np.linalg.eigh(np.cov(z.T, bias=True))
    narrow, long = np.sqrt(np.maximum(variances, 0))
    if narrow >= long / 5 or long < apart:
        start = 1e-6 * np.stack([np.cos(classes), np.sin(classes)], axis=1)  # equal medians part, too
        return medians + apart * start, np.eye(2)
    across, along = directions.T
    sides = (-1.0) ** np.argsort(np.argsort(medians @ along))  # by turns; along it they would lie on other codes
    return medians + 0.01 * apart * np.outer(sides, across), np.outer(across, across)


def _circle_of_prior(axes):
    axes.add_patch(Circle((0, 0), 2, fill=False, linestyle="--", linewidth=1.2, color="0.1", zorder=3))


def _limits(z):
    """Limits `(low, high)` of the two axes that hold nearly all codes, and the circle of the prior."""
    low, high = 1.1 * np.quantile(z, (0.001, 0.999), axis=0)
    return np.stack([np.minimum(low, -2.2), np.maximum(high, 2.2)], axis=1)


def _draw_codes(axes, z, labels, names, limits):
    colors = np.array(palette(len(names)))
    order = np.random.default_rng(0).permutation(len(z))  # or the last class would hide the others
    axes.scatter(*z[order].T, s=1.5, c=colors[labels[order]], linewidths=0, alpha=0.7, rasterized=True)
    _circle_of_prior(axes)
    axes.set(aspect="equal", xlim=limits[0], ylim=limits[1])
    if len(names) > 1:
        _name_classes(axes, z, labels, names, np.diff(limits).max())


def _add_legend(axes, names, columns):
    dots = [Line2D([], [], marker="o", linestyle="", color=color) for color in palette(len(names))]
    what = dots, [_short(name) for name in names]
    title = "digit" if names == _validate.DIGITS else "class"
    if len(names) <= 10:
        axes.legend(*what, title=title, loc="center left", bbox_to_anchor=(1, 0.5))
        return
    narrow = {"fontsize": 7, "labelspacing": 0.25, "handlelength": 1, "handletextpad": 0.4, "columnspacing": 1}
    # The figure's, since one of the axes would shrink them where it is higher.
    axes.figure.legend(*what, title=title, loc="outside right center", ncols=columns, **narrow)


@_validate.arguments(_validate_scatters)
def scatters(codes, labels, xlabel="first latent number", ylabel="second latent number", names=None):
    """Draw the plane of codes, a panel for each entry of `codes`, coloured by class.

    Each class's name stands at the median of its codes, or beside it on a line; where all of them would hide the codes,
    only the classes with the most codes are named. A dashed circle shows two standard deviations of a unit normal, a
    VAE's prior.

    Parameters
    ----------
    codes : dict of a panel's title to its codes, `(n, 2)`
    labels : `(n,)` integers from 0 on
    xlabel, ylabel : the axes' titles
    names : of the classes in the order of their labels, 1 to 100 strings; None for the digits 0 to 9

    Returns
    -------
    figure : a matplotlib Figure

    Raises
    ------
    ValueError : there is no panel, a title is no string, codes have another shape or hold a NaN or infinity, or labels
        or names don't fit them
    """
    letters, columns = max(len(_short(name)) for name in names), -(-len(names) // 25)
    legend = 0.065 * (letters - 1) * columns + 0.4 * (columns - 1)  # inches beyond those of digits
    figure, row = plt.subplots(1, len(codes), figsize=(3.6 * len(codes) + legend, 3.6), squeeze=False)
    for axes, (title, z) in zip(row[0], codes.items(), strict=True):
        _draw_codes(axes, z, labels, names, _limits(z))
        axes.set(title=title, xlabel=xlabel)
    row[0, 0].set_ylabel(ylabel)
    if len(names) > 1:
        _add_legend(row[0, -1], names, columns)
    if legend > 0:
        for _ in range(2):  # the layout approaches what a wide legend leaves
            figure.draw_without_rendering()
    return figure


def _validate_territories(codes, labels, names):
    codes = _validate.array(codes, ("n", 2), "codes")
    names = _validate.named_labels(labels, len(codes), names)
    return {"codes": codes, "labels": np.asarray(labels), "names": names}


@_validate.arguments(_validate_territories)
def territories(codes, labels, names=None):
    """Draw the plane of codes again and again, a panel for each class: its codes in colour over all others in grey.

    Of more than 20 classes, those 20 have a panel that have the most codes.

    Parameters
    ----------
    codes : `(n, 2)`
    labels : `(n,)` integers from 0 on
    names : of the classes in the order of their labels, 1 to 100 strings; None for the digits 0 to 9

    Returns
    -------
    figure : a matplotlib Figure

    Raises
    ------
    ValueError : codes have another shape or hold a NaN or infinity, or labels or names don't fit them
    """
    counts = np.array([np.sum(labels == label) for label in range(len(names))])
    shown = np.sort(np.argsort(-counts, kind="stable")[:20])
    rows, columns = -(-len(shown) // 5), min(5, len(shown))
    size = max(3, 1.8 * columns), max(2.5, 2 * rows)
    figure, panels = plt.subplots(rows, columns, figsize=size, sharex=True, sharey=True, squeeze=False)
    (xlim, ylim), colors = _limits(codes), palette(len(names))
    for label, axes in zip(shown, panels.flat, strict=False):
        own = codes[labels == label]
        axes.scatter(*codes.T, s=0.5, c="0.85", linewidths=0, rasterized=True)
        axes.scatter(*own.T, s=1.5, color=[colors[label]], linewidths=0, alpha=0.6, rasterized=True)
        _circle_of_prior(axes)
        axes.set(title=_short(names[label]), aspect="equal", xlim=xlim, ylim=ylim)
    for axes in panels.flat[len(shown) :]:
        figure.delaxes(axes)
    for axes in figure.axes[-columns:]:
        axes.tick_params(labelbottom=True)  # also those above a place without a panel
    figure.supxlabel("first latent number", fontsize=10)
    figure.supylabel("second latent number", fontsize=10)
    return figure


def _validate_heat_maps(densities, side, xlabel, ylabel):
    _validate.string(xlabel, "xlabel")
    _validate.string(ylabel, "ylabel")
    densities = _validate.arrays(densities, ("points", "points"), "densities", "a panel's title to its density")
    side = _validate.array(side, ("points",), "side")
    for title, density in densities.items():
        _validate.array(density, (len(side), len(side)), f"densities[{_validate.shown(title)}]")
    return {"densities": densities, "side": side}


@_validate.arguments(_validate_heat_maps)
def heat_maps(densities, side, xlabel="first latent number", ylabel="second latent number"):
    """Draw densities over the plane of codes as heat maps side by side, all on one scale, stretched at its low end.

    A dashed circle shows two standard deviations of a unit normal.

    Parameters
    ----------
    densities : dict of a panel's title to its density, `(n, n)`, rows from low to high second numbers
    side : `(n,)`, the coordinates of both axes, evenly spaced
    xlabel, ylabel : the axes' titles

    Returns
    -------
    figure : a matplotlib Figure

    Raises
    ------
    ValueError : there is no panel, an array has another shape or no finite numbers, or a title is no string
    """
    figure, row = plt.subplots(1, len(densities), figsize=(3.6 * len(densities) + 0.6, 3.4), squeeze=False, sharey=True)
    highest = max(density.max() for density in densities.values())
    scale = {"norm": PowerNorm(0.5, 0, highest), "cmap": "Blues"}  # by the root, or most of the plane would be white
    for axes, (title, density) in zip(row[0], densities.items(), strict=True):
        image = axes.imshow(density, origin="lower", extent=(side[0], side[-1], side[0], side[-1]), **scale)
        _circle_of_prior(axes)
        axes.set(title=title, xlabel=xlabel)
    row[0, 0].set_ylabel(ylabel)
    figure.colorbar(image, ax=row[0], label="density", shrink=0.8)
    return figure


def _validate_grids(grids, ticks, tinted):
    grids = _validate.arrays(grids, ("rows", "columns", "height", "width"), "grids", "a panel's title to its digits")
    _validate.sequence(ticks, len(grids), "ticks", "one array for each panel")
    _validate.sequence(tinted, len(grids), "tinted", "one array for each panel")
    for title, grid in grids.items():
        _validate.array(grid, (len(grid), len(grid), "height", "width"), f"grids[{_validate.shown(title)}]")
        _validate.near_pixels(grid, f"grids[{_validate.shown(title)}]")
    sides = [len(grid) for grid in grids.values()]
    ticks = [_validate.array(tick, (n,), "each of ticks") for tick, n in zip(ticks, sides, strict=True)]
    tinted = [_validate.array(cells, (n, n), "each of tinted") for cells, n in zip(tinted, sides, strict=True)]
    if any(np.any(np.diff(tick) <= 0) for tick in ticks):
        raise ValueError("ticks must ascend in each panel: sort them, and the digits with them")
    if not all(np.isin(cells, (0, 1)).all() for cells in tinted):
        raise ValueError("tinted must hold True where a cell is tinted and False elsewhere, and no other numbers")
    return {"grids": grids, "ticks": ticks, "tinted": [cells.astype(bool) for cells in tinted]}


@_validate.arguments(_validate_grids)
def latent_grids(grids, ticks, tinted):
    """Draw grids of decoded digits side by side.

    Parameters
    ----------
    grids : dict of a panel's title to its digits, `(n, n, height, width)`, the first row on top
    ticks : for each panel its codes' coordinates, `(n,)`, ascending; they hold for both axes
    tinted : for each panel `(n, n)` booleans, True where a cell is tinted

    Returns
    -------
    figure : a matplotlib Figure

    Raises
    ------
    ValueError : there is no panel, an array has another shape or no finite numbers, or ticks don't ascend
    """
    figure, panels = plt.subplots(1, len(grids), figsize=(4.6 * len(grids), 4.8), squeeze=False)
    for axes, (title, grid), tick, cells in zip(panels[0], grids.items(), ticks, tinted, strict=True):
        _draw_grid(axes, grid, tick)
        rows, columns = cells.shape
        tint = np.zeros((rows, columns, 4))
        tint[cells] = (*to_rgb("C1"), 0.25)
        axes.imshow(tint, extent=(0, columns, rows, 0), interpolation="nearest", aspect=axes.get_aspect())
        axes.set(title=title)
    panels[0, 0].set_ylabel("second latent number")
    return figure


def _draw_grid(axes, grid, tick):
    rows, columns = grid.shape[:2]
    height, width = grid.shape[2:]
    box = {"extent": (0, columns, rows, 0), "aspect": height / width}
    axes.imshow(np.block([list(row) for row in grid]), **box, **DIGITS)
    shown = sorted({round(i) for i in np.linspace(0, rows - 1, 5)})
    names = [f"{tick[i]:.2g}" for i in shown]
    axes.set_xticks([i + 0.5 for i in shown], names)
    axes.set_yticks([rows - i - 0.5 for i in shown], names)
    axes.set_xlabel("first latent number")
    axes.spines[:].set_visible(False)


def _validate_plane(codes, labels, grid, tick, title, names):
    tick = _validate.array(tick, ("side",), "tick")
    grid = _validate.array(grid, (len(tick), len(tick), "height", "width"), "grid")
    _validate.near_pixels(grid, "grid")
    if np.any(np.diff(tick) <= 0):
        raise ValueError("tick must ascend: sort it, and the digits with it")
    _validate.string(title, "title")
    return _validate_territories(codes, labels, names) | {"grid": grid, "tick": tick}


@_validate.arguments(_validate_plane)
def plane(codes, labels, grid, tick, title, names=None):
    """Draw codes on the plane beside a grid of what is decoded there.

    Parameters
    ----------
    codes : `(n, 2)`
    labels : `(n,)` integers from 0 on
    grid : decoded digits `(m, m, height, width)`, the first row on top
    tick : `(m,)`, ascending, the grid's coordinates on both axes
    title : of the figure
    names : of the classes in the order of their labels, 1 to 100 strings; None for the digits 0 to 9

    Returns
    -------
    figure : a matplotlib Figure

    Raises
    ------
    ValueError : an array has another shape or no finite numbers, labels or names don't fit the codes, or `tick`
        doesn't ascend
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.4, 4.2))
    _draw_codes(left, codes, labels, names, [(-4, 4), (-4, 4)])  # the same at every epoch
    left.set(xlabel="first latent number", ylabel="second latent number")
    _draw_grid(right, grid, tick)
    right.set_ylabel("second latent number")
    figure.suptitle(title, fontsize=11)
    return figure


@_validate.arguments(lambda values: {"values": _validate.array(values, None, "values")})
def symmetric_limits(values):
    """Limits of an axis that hold nearly all values, and the circle of the prior.

    Parameters
    ----------
    values : one latent number of many codes, an array of any shape

    Returns
    -------
    low, high : the one minus the other

    Raises
    ------
    ValueError : there are no numbers, or a NaN or infinity among them
    """
    limit = max(2.2, 1.1 * np.quantile(np.abs(values), 0.999))
    return -limit, limit


def _validate_posteriors(images, z1, z2, density, z_mean, z_log_var, titles, pixels):
    images = _validate.drawable(images, pixels, "images")
    n = len(images)
    if titles is not None:
        _validate.sequence(titles, n, "titles", "one for each image")
    points = max(2, _validate.array(z1, (n, "points"), "z1").shape[1])  # one would be no grid
    return {
        "images": images,
        "z1": _validate.array(z1, (n, points), "z1"),
        "z2": _validate.array(z2, (n, points), "z2"),
        "density": _validate.array(density, (n, points, points), "density"),
        "z_mean": _validate.array(z_mean, (n, 2), "z_mean"),
        "z_log_var": _validate.array(z_log_var, (n, 2), "z_log_var"),
    }


MASS_OF_ELLIPSES = 1 - np.exp([-0.5, -2])  # of a Gaussian in the plane, within one and two standard deviations


def _levels_of_mass(density, masses):
    """The density at the outline of the region that holds this share of the mass and has the highest density."""
    falling = np.sort(density, axis=None)[::-1]
    held = np.cumsum(falling) / falling.sum()
    return [falling[np.searchsorted(held, mass)] for mass in masses]


@_validate.arguments(_validate_posteriors)
def posteriors(images, z1, z2, density, z_mean, z_log_var, titles=None, pixels=28):
    """Draw each image's true posterior, with the encoder's Gaussian over it as two ellipses.

    Dark blue holds 39 % of the posterior, where its density is highest, and dark and light together hold 86 %, as the
    ellipses do of the Gaussian: if the two agreed, so would the outlines.

    Parameters
    ----------
    images : `(n, height * width)`, drawn in a corner of each panel
    z1, z2, density : as `pylib.evidence.true_posterior` returns them
    z_mean, z_log_var : `(n, 2)`, of the encoder; the ellipses are at one and two standard deviations
    titles : of the panels, or None
    pixels : the side of a square image, or height and width

    Returns
    -------
    figure : a matplotlib Figure

    Raises
    ------
    ValueError : an array has another shape, or holds a NaN or infinity
    """
    rows = 1 if len(images) <= 3 else 2
    columns = -(-len(images) // rows)
    figure, panels = plt.subplots(rows, columns, figsize=(2.5 * columns + 0.5, 2.5 * rows + 0.5), squeeze=False)
    for i, axes in enumerate(panels.flat[: len(images)]):
        # Unique, since a posterior may lie in a single cell.
        levels = np.unique([*_levels_of_mass(density[i], MASS_OF_ELLIPSES), 1.01 * density[i].max()])
        axes.contourf(z1[i], z2[i], density[i], levels=levels, colors=["#b3d2ea", "#4f94c8"])
        low, high = z2[i, [0, -1]]
        axes.update_datalim([(z1[i, 0], high + 0.4 * (high - low))])  # or the image in the corner would hide something
        axes.autoscale_view()
        axes.set_aspect("equal", adjustable="datalim")
        if titles is not None:
            axes.set_title(str(titles[i]), fontsize=10)
        sigma = np.exp(0.5 * z_log_var[i])
        for deviations in (1, 2):
            size = 2 * deviations * sigma
            axes.add_patch(Ellipse(z_mean[i], *size, fill=False, color="C1", linewidth=1.6))
        corner = axes.inset_axes((0.74, 0.74, 0.26, 0.26))
        corner.imshow(images[i], **DIGITS)
        corner.set(xticks=[], yticks=[])
        axes.locator_params(nbins=4)
    figure.supxlabel("first latent number", fontsize=10)
    figure.supylabel("second latent number", fontsize=10)
    return figure
