import warnings

import matplotlib
import numpy as np
import pandas as pd
import pytest

matplotlib.use("agg")
import matplotlib.pyplot as plt  # noqa: E402

from pylib import plots  # noqa: E402


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.fixture
def style():
    with matplotlib.rc_context():
        plots.use_style()
        yield


def test_digit_rows_shows_each_image_at_its_place():
    images = np.random.default_rng(0).random((2, 3, 784))
    figure = plots.digit_rows({"first": images[0], "second": images[1]}, titles=["a", "b", "c"])
    axes = np.reshape(figure.axes, (2, 3))
    for row in range(2):
        for column in range(3):
            (shown,) = axes[row, column].images
            assert np.array_equal(shown.get_array(), images[row, column].reshape(28, 28))
            assert shown.get_clim() == (0, 1)
    assert [a.get_title() for a in axes[0]] == ["a", "b", "c"]
    assert [a.get_ylabel() for a in axes[:, 0]] == ["first", "second"]


def test_digit_rows_of_unequal_length():
    with pytest.raises(ValueError, match=r"same number of images, not \[1, 2\]"):
        plots.digit_rows({"a": np.zeros((1, 784)), "b": np.zeros((2, 784))})


def test_curves():
    figure = plots.curves({"PCA": ([2, 32], [3, 1]), "other": ([2, 32], [2, 0.5])}, "numbers", "MSE", log="xy")
    (axes,) = figure.axes
    assert [line.get_label() for line in axes.lines] == ["PCA", "other"]
    assert axes.lines[1].get_ydata().tolist() == [2, 0.5]
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    assert [t.get_text() for t in axes.get_xticklabels()] == ["2", "32"]
    assert len({line.get_marker() for line in axes.lines}) == 2  # told apart without colour too


def test_ticks_of_curves():
    figure = plots.curves({"a": ([2, 64], [3, 1]), "b": ([8, 64], [2, 1])}, "numbers", "MSE", log="x")
    assert [t.get_text() for t in figure.axes[0].get_xticklabels()] == ["2", "8", "64"]  # of all lines
    figure = plots.curves({"a": ([100, 200, 300], [4, 3, 2]), "b": ([400], [1])}, "step", "size")
    assert figure.axes[0].get_xticks().tolist() == [100, 200, 300, 400]
    figure = plots.curves({"a": ([2, 8, 128], [4, 3, 2])}, "numbers", "size")  # too close to each other for names
    assert figure.axes[0].get_xticks().tolist() != [2, 8, 128]


def test_style():
    with matplotlib.rc_context():
        plots.use_style()
        assert matplotlib.rcParams["figure.dpi"] == 144


def test_bars():
    figure = plots.bars({"median": [1, 2], "denoiser": [3, -4]}, ["uniform", "block"], "gain (dB)")
    (axes,) = figure.axes
    heights = [[bar.get_height() for bar in group] for group in axes.containers]
    assert heights == [[1, 2], [3, -4]]
    left = [[bar.get_x() for bar in group] for group in axes.containers]
    assert left[0][0] < 0 < left[1][0] + 0.4 < left[0][1] < 1  # side by side around each name
    assert [t.get_text() for t in axes.get_xticklabels()] == ["uniform", "block"]
    figure.draw_without_rendering()
    assert axes.get_legend().get_window_extent().x0 > axes.get_window_extent().x1  # beside the bars, not over them


def test_trade_off_joins_models_and_draws_lines_of_equal_sums():
    points = {"dear": (1.0, 190), "cheap": (60, 90.0), "one": (20, 110)}
    (axes,) = plots.trade_off(points).axes
    joined, *levels = axes.lines
    assert np.transpose(joined.get_data()).tolist() == [[1, 190], [20, 110], [60, 90]]
    sums = [np.unique(np.sum(line.get_data(), axis=0).round(6)) for line in levels]
    assert len(sums) >= 3 and all(len(each) == 1 for each in sums)
    texts = {text.get_text().strip() for text in axes.texts}
    assert set(points) <= texts
    named = {float(text.removeprefix("-ELBO ")) for text in texts if text.startswith("-ELBO")}
    assert len(named) >= 3 and named <= {float(each[0]) for each in sums}
    (dark,) = (each for each, line in zip(sums, levels, strict=True) if line.get_color() == "0.2")
    assert dark == 130 and 130 in named  # of "one"
    for text in axes.texts[:2]:  # a line's name stands on it
        assert sum(text.get_position()) == pytest.approx(float(text.get_text().split()[1]))


def test_the_darkest_line_of_a_trade_off_has_its_name_and_room_for_it(style):
    (axes,) = plots.trade_off({"a": (1, 192), "b": (7, 141), "c": (20, 110.73), "d": (65, 91)}).axes
    (dark,) = (line for line in axes.lines if line.get_color() == "0.2")
    (name,) = (text for text in axes.texts if text.get_text() == " -ELBO 130.7")
    assert np.sum(dark.get_data(), axis=0) == pytest.approx([130.73, 130.73])
    assert sum(name.get_position()) == pytest.approx(130.73)
    axes.figure.draw_without_rendering()
    names = [text.get_window_extent() for text in axes.texts if "ELBO" in text.get_text() and text is not name]
    assert len(names) >= 3 and not any(name.get_window_extent().overlaps(other) for other in names)


def drawn_names(axes):
    """The names below an axis, as they lie in the picture."""
    axes.figure.draw_without_rendering()
    return [label.get_window_extent() for label in axes.get_xticklabels()]


def lettering(text):
    """Where its letters lie, without the room above and below them."""
    box = text.get_window_extent()
    return box.padded(0, -0.15 * box.height)


def overlaps(boxes):
    boxes = list(boxes)
    return sum(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


def test_names_of_bars_never_overlap(style):
    digits = plots.bars({"a": np.arange(10)}, range(10), "gap (nats)", "digit").axes[0]
    assert (digits.get_xlabel(), digits.get_ylabel()) == ("digit", "gap (nats)")
    assert {label.get_rotation() for label in digits.get_xticklabels()} == {0}
    for names in (range(20), FASHION, [f"{name} {i}" for i in range(10) for name in FASHION], list("abcdefghij") * 10):
        axes = plots.bars({"a": np.arange(len(names))}, names, "gap (nats)").axes[0]
        assert len(axes.containers[0]) == len(names) and axes.get_xlabel() == ""
        assert [label.get_text() for label in axes.get_xticklabels()] == [str(name) for name in names]
        assert overlaps(drawn_names(axes)) == 0


def test_territories_have_a_panel_for_each_digit():
    rng = np.random.default_rng(0)
    z, labels = rng.normal(size=(200, 2)), np.arange(200) % 9  # no 9
    panels = plots.territories(z, labels).axes
    assert [axes.get_title() for axes in panels] == [str(digit) for digit in range(10)]
    for digit, axes in enumerate(panels):
        grey, own = axes.collections
        assert np.array_equal(grey.get_offsets(), z) and np.array_equal(own.get_offsets(), z[labels == digit])
        assert axes.get_xlim() == panels[0].get_xlim() and axes.patches[0].radius == 2
    assert tuple(panels[3].collections[1].get_facecolors()[0][:3]) == plots.palette()[3]


def test_territories_of_few_classes_and_of_the_20_most_frequent(style):
    rng = np.random.default_rng(0)
    three = plots.territories(PLANE, [2, 0, 0], ["x", "y", "z"]).axes  # no y
    assert [axes.get_title() for axes in three] == ["x", "y", "z"] and len(three[1].collections[1].get_offsets()) == 0
    assert tuple(three[2].collections[1].get_facecolors()[0][:3]) == plots.palette(3)[2]
    seven = plots.territories(rng.normal(size=(70, 2)), np.arange(70) % 7, list("abcdefg"))
    seven.draw_without_rendering()
    lefts = [round(axes.get_position().x0, 3) for axes in seven.axes]
    assert lefts[5:] == lefts[:2] and len(set(lefts)) == 5
    assert [bool(axes.get_xticklabels()) for axes in seven.axes] == [False, False, *[True] * 5]
    labels = np.repeat(np.arange(23), [9 if label in (4, 11, 12) else 10 + label for label in range(23)])
    panels = plots.territories(rng.normal(size=(len(labels), 2)), labels, [f"c{i}" for i in range(23)]).axes
    assert [axes.get_title() for axes in panels] == [f"c{i}" for i in range(23) if i not in (4, 11, 12)]
    assert [len(axes.collections[1].get_offsets()) for axes in panels[:2]] == [10, 11]


def test_heat_maps_share_one_scale():
    side = np.linspace(-3, 3, 31)
    low = np.exp(-np.add.outer((side - 1) ** 2, side**2))  # its hill at a second number of 1
    figure = plots.heat_maps({"low": low, "high": 4 * low}, side, "a", "b")
    panels = [axes for axes in figure.axes if axes.images]
    assert [(axes.get_xlabel(), axes.get_ylabel()) for axes in panels] == [("a", "b"), ("a", "")]
    assert [axes.get_title() for axes in panels] == ["low", "high"]
    assert all(axes.images[0].get_clim() == (0, 4) for axes in panels)
    first = panels[0].images[0]
    assert first.get_extent() == [-3, 3, -3, 3] and first.origin == "lower"
    assert side[np.argmax(first.get_array().max(axis=1))] == pytest.approx(1)
    assert "density" in [axes.get_ylabel() for axes in figure.axes]


def test_plane_has_codes_beside_the_grid():
    z, labels, tick = np.array([[1.0, 2], [-1, 0], [0, 1]]), [3, 1, 1], np.array([-1.0, 1])
    grid = np.random.default_rng(0).random((2, 2, 28, 28))
    figure = plots.plane(z, labels, grid, tick, "after epoch 2")
    left, right = figure.axes
    assert {tuple(place) for place in left.collections[0].get_offsets().tolist()} == {tuple(row) for row in z.tolist()}
    assert left.get_xlim() == left.get_ylim() == (-4, 4) and figure.get_suptitle() == "after epoch 2"
    drawn = right.images[0].get_array()
    assert np.array_equal(drawn[:28, 28:], grid[0, 1]) and np.array_equal(drawn[28:, :28], grid[1, 0])
    assert [label.get_text() for label in right.get_yticklabels()] == ["-1", "1"]
    assert right.get_yticks()[0] > right.get_yticks()[1]  # image rows count downwards
    assert {text.get_text() for text in left.texts} == {"3", "1"}
    named = plots.plane(z, labels, grid, tick, "a", list("ABCDE")).axes[0]
    assert {text.get_text() for text in named.texts} == {"D", "B"}


def test_arrows_at_true_length():
    at, steps = np.array([[0.0, 0], [1, 2]]), np.array([[0.5, 0], [0, -1]])
    figure = plots.arrows(at, at, {"one": steps, "other": -steps})
    for axes, sign, title in zip(figure.axes, (1, -1), ("one", "other"), strict=True):
        (quiver,) = axes.collections
        assert np.array_equal(quiver.get_offsets(), at)
        assert np.array_equal(np.stack([quiver.U, quiver.V], axis=1), sign * steps)
        assert (quiver.angles, quiver.scale, quiver.scale_units) == ("xy", 1, "xy")
        assert axes.get_title() == title and axes.get_aspect() == 1


def test_arrows_with_pictures_beside_the_points():
    points = np.array([[0.0, 1], [2, 3]])
    (axes,) = plots.arrows(points, points, {"": points}, pictures=np.random.rand(2, 784)).axes
    assert [a.xy for a in axes.artists] == [pytest.approx(point) for point in points]
    first, second = (np.array(a.xybox) for a in axes.artists)  # in points, from there
    assert np.all(first < 0) and second == pytest.approx(-first)  # away from the middle


def test_arrows_over_a_density_with_points_by_weight():
    side, points = np.linspace(-1, 1, 5), np.array([[0.0, 0.5], [0.5, 0], [0, 0]])
    density = side, 2 * side, np.exp(-np.add.outer(4 * side**2, side**2))
    (axes,) = plots.arrows(points, points, {"": points}, density=density, weights=[1, 4, 0]).axes
    heights, dots = (axes.collections[i] for i in (0, 2))
    assert dots.get_sizes() == pytest.approx([150 / 4, 150, 0]) and np.array_equal(dots.get_offsets(), points)
    levels = heights.get_array()
    assert levels.min() < 0.1 and levels.max() > 0.9 and axes.get_ylim() == (-2, 2)


def test_particles_of_all_panels_in_one_square():
    points, near, far = np.array([[1.0, 0], [0, -1.5]]), np.array([[0.5, 0.5]]), np.array([[30.0, 0], [1, 1]])
    first, second = plots.particles(points, {"near": near, "far": far}).axes
    for axes, places, title in ((first, near, "near"), (second, far, "far")):
        assert np.array_equal(np.transpose(axes.lines[0].get_data()), places)
        assert np.array_equal(np.transpose(axes.lines[1].get_data()), points)
        assert axes.get_xlim() == axes.get_ylim() == (-3, 3) and axes.get_title() == title


def test_scatters_colour_codes_by_digit():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, 500)
    around = 2 * np.stack([np.cos(0.6 * labels), np.sin(0.6 * labels)], axis=1)
    z = around + 0.1 * rng.normal(size=(500, 2))
    figure = plots.scatters({"one": z, "other": 5 * z}, labels)
    first, second = figure.axes
    (axes,) = plots.scatters({"": z}, labels, "across", "up").axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("across", "up")
    assert (first.get_xlabel(), first.get_ylabel()) == ("first latent number", "second latent number")
    (dots,) = first.collections
    colors = {
        tuple(place): tuple(color[:3]) for place, color in zip(dots.get_offsets(), dots.get_facecolors(), strict=True)
    }
    palette = plots.palette()
    assert [colors[tuple(code)] for code in z] == [palette[label] for label in labels]
    names = {text.get_text(): text.get_position() for text in first.texts}
    assert names["7"] == pytest.approx(np.median(z[labels == 7], axis=0), abs=1e-4) and len(names) == 10
    assert [text.get_text() for text in second.get_legend().get_texts()] == [str(digit) for digit in range(10)]
    assert first.patches[0].radius == 2 and first.get_title() == "one"
    assert second.get_xlim()[1] > 3 * first.get_xlim()[1] and first.get_xlim()[0] <= -2.2
    assert plots.scatters({"low": z - [0, 9]}, labels).axes[0].get_ylim() == pytest.approx((-12.4, 2.2), abs=0.2)


def test_scatters_keep_the_names_of_digits_apart():
    rng = np.random.default_rng(0)
    z, labels = rng.normal(size=(3000, 2)), rng.integers(0, 10, 3000)  # so that all medians are near 0
    (axes,) = plots.scatters({"": z}, labels).axes
    axes.figure.draw_without_rendering()
    assert len(axes.texts) == 10 and overlaps([name.get_window_extent() for name in axes.texts]) == 0
    tied = [np.transpose(line.get_data()) for line in axes.lines]
    medians = [np.median(z[labels == digit], axis=0) for digit in range(10)]
    assert len(tied) >= 5 and all(np.isclose(medians, median).all(axis=1).any() for median, _ in tied)


FASHION = "T-shirt Trouser Pullover Dress Coat Sandal Shirt Sneaker Bag".split() + ["Ankle boot"]


def shown(text):
    return text.get_text().replace("\\$", "$")  # matplotlib's way to write a dollar that sets no formula


def test_names_of_classes_stand_on_the_plane_and_beside_it():
    names = ["Ankle boot", "_hidden", "é", "$x^{$", "a" * 16, "b" * 17]
    labels = np.arange(600) % 5  # none of the last
    z = 3 * np.stack([np.cos(labels), np.sin(labels)], axis=1) + np.random.default_rng(0).normal(0, 0.1, (600, 2))
    with warnings.catch_warnings(action="error"):
        (axes,) = plots.scatters({"": z}, labels, names=names).axes
        axes.figure.draw_without_rendering()
    legend = axes.get_legend()
    assert [shown(text) for text in legend.get_texts()] == [*names[:5], "b" * 15 + "…"]
    assert legend.get_title().get_text() == "class"
    assert [dot.get_color() for dot in legend.legend_handles] == plots.palette(6)
    places = {shown(text): text.get_position() for text in axes.texts}
    assert list(places) == names[:5]
    assert places["é"] == pytest.approx(np.median(z[labels == 2], axis=0), abs=1e-4)
    digits = plots.scatters({"": z}, labels).axes[0].get_legend()
    assert digits.get_title().get_text() == "digit" and len(digits.get_texts()) == 10


def test_one_class_has_no_name():
    (axes,) = plots.scatters({"": PLANE}, [0, 0, 0], names=["only"]).axes
    assert axes.get_legend() is None and len(axes.texts) == 0
    assert len(plots.plane(PLANE, [0, 0, 0], GRID, [0, 1, 2], "a", ["only"]).axes[0].texts) == 0


@pytest.mark.parametrize(
    "names", [FASHION, list("abcdefghijklmnopqrstuvwxyz"), [f"{i} of a hundred" for i in range(100)]]
)
def test_the_legend_fits_in_the_figure(names, style):
    z = np.random.default_rng(0).normal(size=(100, 2)) * [0.75, 1]
    (axes,) = plots.scatters({"": z}, np.arange(100) % len(names), names=names).axes
    axes.figure.draw_without_rendering()
    box, legend = axes.figure.bbox, axes.get_legend() or axes.figure.legends[0]
    extent = legend.get_window_extent()
    assert len(legend.get_texts()) == len(names)
    whole = axes.figure.get_tightbbox()  # in inches
    assert 0 <= whole.x0 and whole.x1 <= axes.figure.get_size_inches()[0]
    assert extent.x0 > axes.get_window_extent().x1 and extent.x1 <= box.x1 and box.y0 <= extent.y0 < extent.y1 <= box.y1
    assert axes.get_window_extent().height > 0.6 * box.height  # the plane keeps its size


def test_long_names_keep_apart_and_too_many_are_left_out(style):
    rng = np.random.default_rng(0)
    z, labels = rng.normal(size=(3000, 2)), rng.integers(0, 10, 3000)  # so that all medians are near 0
    (axes,) = plots.scatters({"": z}, labels, names=FASHION).axes
    axes.figure.draw_without_rendering()
    assert len(axes.texts) == 10 and overlaps(map(lettering, axes.texts)) == 0
    names = [f"class number {i:02}" for i in range(50)]
    frequent = [3, 7, 20, 21, 30, 31, 32, 33, 40, 41, 42, 43, 49]  # 13 of 15 letters are 195
    labels = np.concatenate([np.arange(50), *[frequent] * 3])
    (axes,) = plots.scatters({"": rng.normal(size=(len(labels), 2))}, labels, names=names).axes
    assert [text.get_text() for text in axes.texts] == [names[label] for label in frequent]


@pytest.mark.parametrize("thickness", [0.05, 0])
def test_names_on_a_strip_part_across_it(thickness, style):
    rng = np.random.default_rng(0)
    along, across = np.array([0.8, 0.6]), np.array([-0.6, 0.8])
    labels = np.arange(3000) % 10
    z = np.outer(1.5 * rng.normal(size=3000), along) + np.outer(thickness * rng.normal(size=3000), across)
    z += np.outer(0.05 * labels, along)  # so that the medians lie close together
    (axes,) = plots.scatters({"": z}, labels).axes
    axes.figure.draw_without_rendering()
    medians = np.array([np.median(z[labels == digit], axis=0) for digit in range(10)])
    moved = np.array([name.get_position() for name in axes.texts]) - medians
    assert np.abs(moved @ along).max() < 0.05 * np.abs(moved @ across).max()
    assert (moved @ across).min() < -0.5 and (moved @ across).max() > 0.5
    if thickness == 0:  # neighbours to either side
        assert np.all(np.diff(np.sign((moved @ across)[np.argsort(medians @ along)])) != 0)
    assert overlaps(map(lettering, axes.texts)) == 0


def test_two_names_in_a_cloud_part_along_the_line_between_them():
    z = np.random.default_rng(0).normal(0, 0.7, (1000, 2))
    z = np.concatenate([z - [0.03, 0], z + [0.03, 0]])
    (axes,) = plots.scatters({"": z}, np.repeat([4, 5], 1000)).axes
    (x, y), (other_x, other_y) = (name.get_position() for name in axes.texts)
    apart = 0.06 * max(np.ptp(axes.get_xlim()), np.ptp(axes.get_ylim()))
    assert other_x - x == pytest.approx(apart) and other_y == pytest.approx(y, abs=1e-3)


def test_one_place_for_all_names():
    (axes,) = plots.scatters({"": np.zeros((10, 2))}, np.arange(10)).axes
    places = np.array([name.get_position() for name in axes.texts])
    assert np.isfinite(places).all() and len(np.unique(places.round(2), axis=0)) == 10


@pytest.mark.parametrize("n", [11, 47, 100])
def test_dots_of_many_classes_contrast_with_white_and_with_their_neighbours(n):
    rgb = np.array(plots.palette(n))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    luminance = linear @ [0.2126, 0.7152, 0.0722]
    assert rgb.shape == (n, 3) and rgb.min() >= 0 and np.all(1.05 / (luminance + 0.05) >= 3)
    assert np.abs(np.diff(rgb, axis=0)).max(axis=1).min() > 0.15 and len(np.unique(rgb, axis=0)) == n


def test_few_classes_have_the_first_colours_of_the_digits():
    assert plots.palette(3) == plots.palette()[:3] and plots.palette(10) == plots.palette()


def test_dots_contrast_with_white():
    rgb = np.array(plots.palette())
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    luminance = linear @ [0.2126, 0.7152, 0.0722]
    assert len(rgb) == 10 and np.all(1.05 / (luminance + 0.05) >= 3)
    apart = np.abs(rgb[:, None] - rgb).max(axis=-1) + np.eye(10)
    assert apart.min() > 0.15


def test_posteriors_have_ellipses_at_one_and_two_sigma():
    axis = np.linspace(-1, 1, 20)[None]
    density = np.exp(-(axis[0] ** 2) - axis[0][:, None] ** 2)[None]
    z_mean, z_log_var = np.array([[0.1, 0.2]]), np.log([[0.25, 0.04]])
    panel = plots.posteriors(np.zeros((1, 784)), axis, axis, density, z_mean, z_log_var).axes[0]
    sizes = [(ellipse.width, ellipse.height) for ellipse in panel.patches]
    assert sizes == [pytest.approx((1, 0.4)), pytest.approx((2, 0.8))]
    assert all(tuple(ellipse.center) == (0.1, 0.2) for ellipse in panel.patches)
    titled = plots.posteriors(np.zeros((1, 784)), axis, axis, density, z_mean, z_log_var, ["gap 3 nats"]).axes[0]
    assert (titled.get_title(), panel.get_title()) == ("gap 3 nats", "")


def test_posteriors_hold_the_mass_that_the_ellipses_hold():
    axis = np.linspace(-4, 4, 400)
    precision = np.linalg.inv([[1.0, 0.3], [0.3, 0.4]])  # tilted, so that no upright ellipse does it
    plane = np.stack(np.meshgrid(axis, axis), axis=-1)
    density = np.exp(-0.5 * np.einsum("abi,ij,abj->ab", plane, precision, plane))
    panel = plots.posteriors(np.zeros((1, 784)), axis[None], axis[None], density[None], [[0, 0]], [[0, 0]]).axes[0]
    outer, inner, _ = panel.collections[0].levels
    # Of a Gaussian in the plane, 1 - exp(-r^2/2) lies where the density is above exp(-r^2/2) of its peak.
    assert (outer, inner) == pytest.approx((np.exp(-2), np.exp(-0.5)), rel=0.02)
    assert panel.get_aspect() == 1


def test_posteriors_may_lie_in_one_cell():
    density = np.zeros((1, 5, 5))
    density[0, 2, 3] = 1
    axis = np.linspace(-1, 1, 5)[None]
    panel = plots.posteriors(np.zeros((1, 784)), axis, axis, density, [[0, 0]], [[0, 0]]).axes[0]
    assert panel.collections[0].levels == pytest.approx([1, 1.01])


def test_latent_grids_show_each_digit_at_its_place_and_tint_what_is_off():
    grid = np.random.default_rng(0).random((3, 3, 28, 28))
    off = np.zeros((3, 3), bool)
    off[0, 2] = True
    figure = plots.latent_grids({"one": grid}, [[-1.5, 0, 2]], [off])
    (axes,) = figure.axes
    digits, tint = (image.get_array() for image in axes.images)
    for row in range(3):
        for column in range(3):
            assert np.array_equal(digits[28 * row : 28 * row + 28, 28 * column : 28 * column + 28], grid[row, column])
    assert (tint[:, :, 3] > 0).tolist() == off.tolist()
    # The first row is on top, so the largest second number stands there.
    at = dict(zip([t.get_text() for t in axes.get_yticklabels()], axes.get_yticks(), strict=True))
    assert at == {"-1.5": 2.5, "0": 1.5, "2": 0.5} and axes.get_ylim() == (3, 0)
    assert [t.get_text() for t in axes.get_xticklabels()] == ["-1.5", "0", "2"]


BITS = np.random.default_rng(1).random((3, 784)) > 0.8
PLANE = np.random.default_rng(2).normal(size=(3, 2))
SIDE = np.linspace(-1, 1, 4)
GRID = np.zeros((3, 3, 28, 28))
POSTERIOR = {
    "images": BITS,
    "z1": np.tile(SIDE, (3, 1)),
    "z2": np.tile(SIDE, (3, 1)),
    "density": np.tile(np.exp(-(SIDE**2) - SIDE[:, None] ** 2), (3, 1, 1)),
    "z_mean": PLANE,
    "z_log_var": PLANE,
}


def pictures_of(figure):
    return [image.get_array().tolist() for axes in figure.axes for image in axes.images]


@pytest.mark.parametrize("convert", [np.uint8, np.array, np.ndarray.tolist, list, pd.DataFrame])
def test_arrays_of_any_kind(convert):
    images = convert(BITS)
    expected = BITS.reshape(-1, 28, 28).astype(float).tolist()
    assert pictures_of(plots.digit_rows({"a": images})) == expected
    codes = convert(PLANE) if convert is not np.uint8 else PLANE.tolist()
    plots.arrows(codes, codes, {"a": codes}, pictures=images)
    plots.scatters({"a": codes}, [3, 1, 4])
    figure = plots.posteriors(**POSTERIOR | {"images": images, "z_mean": codes, "z_log_var": codes})
    corners = [axes.child_axes[0].images[0].get_array().tolist() for axes in figure.axes if axes.child_axes]
    assert corners == expected
    plt.close("all")


def test_images_may_have_rows_and_columns():
    flat = plots.digit_rows({"a": BITS})
    assert pictures_of(plots.digit_rows({"a": BITS.reshape(-1, 28, 28)})) == pictures_of(flat)


def test_a_nan_in_a_curve_is_a_gap():
    (axes,) = plots.curves({"b": ([1, np.inf], [1, 2])}, "x", "y", log="x").axes
    assert axes.get_xticks().tolist() == [1]
    (axes,) = plots.curves({"a": ([1, 2, 3], [1, np.nan, 3])}, "x", "y", log="y").axes
    assert np.isnan(axes.lines[0].get_ydata()).tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: plots.digit_rows({}), "rows must be a dict of a row's label to its images, with one entry or more"),
        (lambda: plots.digit_rows([BITS]), "rows must be a dict"),
        (lambda: plots.digit_rows({"a": BITS[0]}), r"rows\['a'\] must have shape .* use x\[None\] for one image"),
        (lambda: plots.digit_rows({"a": BITS * 255}), r"rows\['a'\] goes from 0 to 255.* divide them by 255"),
        (lambda: plots.digit_rows({"a": BITS}, titles=["b"]), "titles must have 3 entries"),
        (lambda: plots.digit_rows({"a": BITS}, titles="abc"), "titles must be a list"),
        (lambda: plots.curves({}, "x", "y", log="x"), "lines must be a dict"),
        (lambda: plots.curves({"a": ([1, 2], [1])}, "x", "y"), r"x and y of one shape \(n,\), not \(2,\) and \(1,\)"),
        (lambda: plots.curves({"a": [1, 2, 3]}, "x", "y"), r"lines\['a'\] must be a pair \(x, y\)"),
        (lambda: plots.curves({"a": ([0, 1], [1, 2])}, "x", "y", log="x"), "x of 0 or less"),
        (lambda: plots.curves({"a": ([0, 1], [1, 2])}, "x", "y", log="log"), "log must be '', 'x', 'y' or 'xy'"),
        (lambda: plots.bars({}, ["a"], "y"), "groups must be a dict"),
        (lambda: plots.bars({"a": [1, 2]}, ["b"], "y"), r"groups\['a'\] must have shape \(1,\), not \(2,\)"),
        (lambda: plots.bars({"a": [1, 2]}, "bc", "y"), "names must be a list"),
        (lambda: plots.bars({"a": [1, 2]}, ["b", "c"], "y", 3), "xlabel must be a string, not 3"),
        (lambda: plots.palette(0), "n must be a Python integer above 0, not 0"),
        (lambda: plots.trade_off({}), "points must be a dict of a model's name to its .rate, distortion."),
        (lambda: plots.trade_off({"a": (1, 2, 3)}), r"points\['a'\] must have shape \(2,\), not \(3,\)"),
        (lambda: plots.territories(PLANE, [1, 2]), "labels must be 3 integers"),
        (lambda: plots.territories(BITS, [1, 2, 3]), r"codes must have shape \(n, 2\), not \(3, 784\)"),
        (lambda: plots.heat_maps({}, SIDE), "densities must be a dict"),
        (lambda: plots.heat_maps({"a": np.ones((4, 3))}, SIDE), r"densities\['a'\] must have shape \(4, 4\)"),
        (lambda: plots.plane(PLANE, [1, 2, 3], GRID, SIDE, "a"), r"grid must have shape \(4, 4, height, width\)"),
        (lambda: plots.plane(PLANE, [1, 2, 3], GRID, [1, 0, 2], "a"), "tick must ascend"),
        (lambda: plots.plane(PLANE, [1, 2], GRID, [0, 1, 2], "a"), "labels must be 3 integers"),
        (lambda: plots.posteriors(**POSTERIOR | {"titles": ["a"]}), "titles must have 3 entries"),
        (lambda: plots.arrows(PLANE, PLANE, {}), "panels must be a dict"),
        (lambda: plots.arrows(PLANE, PLANE, {"a": PLANE[:2]}), r"panels\['a'\] must have shape \(3, 2\), not \(2, 2\)"),
        (lambda: plots.arrows(PLANE[:2], PLANE, {"a": PLANE}, BITS), "3 pictures for 2 points"),
        (lambda: plots.arrows(PLANE, PLANE, {"a": PLANE}, density=[SIDE, SIDE]), "density must have 3 entries"),
        (
            lambda: plots.arrows(PLANE, PLANE, {"a": PLANE}, density=[SIDE, SIDE[:3], GRID[:, :, 0, 0]]),
            r"density's heights must have shape \(3, 4\), not \(3, 3\)",
        ),
        (lambda: plots.arrows(PLANE, PLANE, {"a": PLANE}, weights=[1, 2]), r"weights must have shape \(3,\)"),
        (lambda: plots.arrows(PLANE, PLANE, {"a": PLANE}, weights=[1, 2, -1]), "weights must be 0 or more"),
        (lambda: plots.particles(PLANE, {}), "panels must be a dict of a panel's title to its particles"),
        (lambda: plots.particles(PLANE, {"a": BITS}), r"panels\['a'\] must have shape \(n, 2\), not \(3, 784\)"),
        (lambda: plots.scatters({"a": PLANE}, [1, 2]), "labels must be 3 integers"),
        (lambda: plots.scatters({"a": PLANE}, [1, 2, 10]), "labels must lie in 0 to 9"),
        (lambda: plots.scatters({"a": PLANE}, [0, 1, 2], names=["a", "b"]), "labels must lie in 0 to 1, not in 0 to 2"),
        (
            lambda: plots.scatters({"a": PLANE}, [0, 1, 2], names="abc"),
            "names must be a list, one for each class",
        ),
        (lambda: plots.territories(PLANE, [0, 1, 2], ["a", "b", 3]), "each of names must be a string, not 3"),
        (lambda: plots.territories(PLANE, [0, 1, 2], []), "names must be those of 1 to 100 classes, not of 0"),
        (lambda: plots.plane(PLANE, [0, 1, 2], GRID, [0, 1, 2], "a", ["a"] * 101), "1 to 100 classes, not of 101"),
        (lambda: plots.latent_grids({"a": GRID}, [SIDE], [GRID[:, :, 0, 0]]), r"each of ticks must have shape \(3,\)"),
        (lambda: plots.latent_grids({"a": GRID[:2]}, [[0, 1]], [[[0]]]), r"must have shape \(2, 2, height, width\)"),
        (lambda: plots.latent_grids({"a": GRID}, [[0, 2, 1]], [GRID[:, :, 0, 0]]), "ticks must ascend"),
        (lambda: plots.latent_grids({"a": GRID}, [[0, 1, 2]], [GRID[:, :, 0, 0] + 2]), "tinted must hold True where"),
        (lambda: plots.latent_grids({"a": GRID}, [], []), "ticks must have 1 entries"),
        (lambda: plots.posteriors(**POSTERIOR | {"images": BITS[0]}), r"images must .* use x\[None\] for one image"),
        (lambda: plots.posteriors(**POSTERIOR | {"z1": SIDE}), r"z1 must have shape \(3, points\), not \(4,\)"),
        (lambda: plots.posteriors(**POSTERIOR | {"z_mean": PLANE[:2]}), r"z_mean must have shape \(3, 2\)"),
        (lambda: plots.symmetric_limits([]), "values is empty"),
        (lambda: plots.symmetric_limits([[1, 2], [3]]), "values must be an array of numbers in rows of one length"),
    ],
)
def test_says_what_is_wrong_and_draws_nothing(call, message):
    plt.close("all")
    with pytest.raises(ValueError, match=message):
        call()
    assert plt.get_fignums() == []


def test_titles_that_would_overlap_stand_upright_and_have_room(style):
    x = np.zeros((3, 784))
    first = ["4 51%\n9 40%", "ankle boot"]  # each line by itself
    short, long = (plots.digit_rows({"a": x}, [title, "1", "2"]) for title in first)
    for figure, text, rotation in zip((short, long), first, (0, 90), strict=True):
        figure.canvas.draw()
        title = figure.axes[0].title
        assert (title.get_text(), title.get_rotation()) == (text, rotation)
        assert figure.bbox.y1 >= title.get_window_extent().y1
    pictures = [figure.axes[0].get_window_extent().height for figure in (short, long)]
    assert pictures[1] > 0.8 * pictures[0]


@pytest.mark.parametrize(
    ("points", "least"),
    [
        ([(104, 372), (50, 381), (20, 402), (1, 453)], "422"),
        ([(51.1, 232.6), (31.4, 236.5), (15.7, 246.8), (6.9, 263), (3.2, 289.5)], "262.5"),  # of clothes
    ],
)
def test_labels_in_a_trade_off_leave_each_other_room(points, least, style):
    (axes,) = plots.trade_off({f"beta = 0.{i}": point for i, point in enumerate(points)}).axes
    axes.figure.canvas.draw()
    labels = [text.get_text() for text in axes.texts if "ELBO" in text.get_text()]
    boxes = [text.get_window_extent() for text in axes.texts]
    assert len(labels) >= 3 and least in labels[0]
    assert not any(one.overlaps(other) for i, one in enumerate(boxes) for other in boxes[:i])
