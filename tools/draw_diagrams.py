"""Make pictures in images/, five diagrams and one from lesson 01 for the README: `make images`."""

from itertools import pairwise
from pathlib import Path

import matplotlib.pyplot as plt
import nbformat
import numpy as np
from matplotlib.patches import Circle, FancyBboxPatch, PathPatch, Polygon, Rectangle
from matplotlib.path import Path as Curve
from scipy.ndimage import gaussian_filter

from pylib import mnist_dataset, noise
from tools.notebooks import pictures

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "images"

# Seaborn's "colorblind" blue, orange, green and vermilion, each with a pale fill.
BLUE, ORANGE, GREEN, RED = "#0173b2", "#de8f05", "#029e73", "#c44e00"
PALE = {BLUE: "#d6e8f3", ORANGE: "#fbe9cc", GREEN: "#d3efe6", RED: "#ffffff"}
DARK_ORANGE, INK = "#9c6300", "#222222"  # lettering


def canvas(width, height):
    """A white figure whose data coordinates are a hundredth of an inch."""
    figure = plt.figure(figsize=(width / 100, height / 100), facecolor="white")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(0, height))
    axes.axis("off")
    return axes


def save(axes, name):
    axes.figure.savefig(IMAGES / name, dpi=150, metadata={"Software": None})
    plt.close(axes.figure)


def text(axes, x, y, string, size=19, color=INK):
    axes.text(x, y, string, size=size, color=color, ha="center", va="baseline", linespacing=1.3, zorder=4)


def digit(axes, image, x, y, side):
    """A digit of the given side, centred at (x, y)."""
    left, right, bottom, top = extent = (x - side / 2, x + side / 2, y - side / 2, y + side / 2)
    axes.imshow(image, cmap="gray_r", vmin=0, vmax=1, extent=extent, interpolation="nearest", aspect="auto", zorder=2)
    axes.add_patch(Rectangle((left, bottom), right - left, top - bottom, fill=False, edgecolor=INK, lw=1.5, zorder=3))


def box(axes, x, y, width, height, color, *lines):
    """A box centred at (x, y) with lines of text, the first larger."""
    corner = (x - width / 2, y - height / 2)
    style = {"boxstyle": "round,pad=0,rounding_size=8", "facecolor": PALE[color], "edgecolor": color, "lw": 2.2}
    axes.add_patch(FancyBboxPatch(corner, width, height, zorder=2, **style))
    for line, (offset, size) in zip(lines, [(-7, 19)] if len(lines) == 1 else [(8, 19), (-26, 17)], strict=True):
        text(axes, x, y + offset, line, size)


def trapezium(axes, left, right, y, left_height, right_height, color):
    """What narrows or widens from left to right, centred at height y."""
    ends = [(left, left_height), (right, right_height)]
    corners = [(x, y - height / 2) for x, height in ends] + [(x, y + height / 2) for x, height in reversed(ends)]
    axes.add_patch(Polygon(corners, facecolor=PALE[color], edgecolor="none"))


def network(axes, left, right, y, left_height, right_height, color, name):
    trapezium(axes, left, right, y, left_height, right_height, color)
    for x, height in ((left, left_height), (right, right_height)):
        axes.add_patch(Rectangle((x - 4, y - height / 2), 8, height, facecolor=color, edgecolor="none", zorder=3))
    text(axes, (left + right) / 2, y - 7, name)


def arrow(axes, start, end):
    """A black arrow whose tip touches `end`."""
    style = {"arrowstyle": "-|>,head_length=0.7,head_width=0.35", "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", end, start, arrowprops=style | {"color": INK, "lw": 2.2, "mutation_scale": 18}, zorder=5)


def dashed(axes, *points):
    axes.plot(*zip(*points, strict=True), color=RED, lw=2.2, linestyle=(0, (4, 2.5)), zorder=1)


def draw_autoencoder(image, blurred, name, label="input $x$"):
    axes = canvas(1000, 360)
    y, x_code = 180, 500
    heights = {320: 240, 410: 150, x_code: 84, 590: 150, 680: 240}
    units = (784, 256, 128, 256, 784)
    for left, right in pairwise(heights):
        trapezium(axes, left, right, y, heights[left], heights[right], BLUE if right <= x_code else GREEN)
    for (x, height), number in zip(heights.items(), units, strict=True):
        color = ORANGE if x == x_code else BLUE if x < x_code else GREEN
        axes.add_patch(Rectangle((x - 9, y - height / 2), 18, height, facecolor=color, edgecolor="none", zorder=3))
        text(axes, x, y - height / 2 - 30, str(number))

    digit(axes, image, 120, y, 190)
    digit(axes, blurred, 880, y, 190)
    arrow(axes, (215, y), (311, y))
    arrow(axes, (689, y), (785, y))
    text(axes, 120, 318, label)
    text(axes, 880, 318, r"reconstruction $\hat{x}$")
    text(axes, 120, 30, "28 x 28 pixels", 16)
    text(axes, 405, 318, "encoder", color=BLUE)
    text(axes, 595, 318, "decoder", color=GREEN)
    text(axes, x_code, 252, "code $z$", color=DARK_ORANGE)
    save(axes, name)


def draw_vae(image, blurred):
    axes = canvas(1270, 520)
    y, x_boxes, x_z = 275, 478, 762
    digit(axes, image, 92, y, 150)
    digit(axes, blurred, 1178, y, 150)
    text(axes, 92, 165, "input $x$")
    text(axes, 1178, 165, r"output $\hat{x}$")
    network(axes, 204, 334, y, 200, 120, BLUE, "encoder")
    network(axes, 936, 1066, y, 120, 200, GREEN, "decoder")

    box(axes, x_boxes, y + 50, 190, 84, BLUE, "mean", r"$\mu$")
    box(axes, x_boxes, y - 50, 190, 84, BLUE, "log-variance", r"$\log\,\sigma^2$")
    box(axes, x_z, y, 280, 100, ORANGE, "sample $z$", r"$\mu + \exp(0.5\,\log\,\sigma^2)\,\epsilon$")
    box(axes, x_z, 60, 280, 84, ORANGE, r"noise $\epsilon$", r"drawn from $N(0, I)$")

    arrow(axes, (167, y), (200, y))
    for side in (-1, 1):
        arrow(axes, (338, y + 25 * side), (383, y + 45 * side))
        arrow(axes, (573, y + 45 * side), (622, y + 25 * side))
    arrow(axes, (x_z, 102), (x_z, y - 50))
    arrow(axes, (902, y), (932, y))
    arrow(axes, (1070, y), (1103, y))

    for x_digit, x_box in ((92, 425), (1178, 845)):
        dashed(axes, (x_digit, y + 75), (x_digit, 462), (x_box, 462))
    box(axes, 635, 462, 420, 84, RED, "loss 1: reconstruction error", r"$\hat{x}$ against $x$")
    left, right, bottom, top = x_boxes - 107, x_boxes + 107, y - 104, y + 104
    dashed(axes, (left, bottom), (left, top), (right, top), (right, bottom), (left, bottom))
    dashed(axes, (x_boxes, bottom), (x_boxes, 102))
    box(axes, 378, 60, 414, 84, RED, "loss 2: KL divergence", r"from $N(\mu, \sigma^2)$ to the prior $N(0, I)$")
    save(axes, "VAEscheme.png")


def draw_graphical_model():
    """Variables as circles, what is seen in grey, weights as dots, and a frame around what each image has."""
    axes = canvas(900, 400)
    y, x_z, x_x, radius = 235, 330, 570, 48
    axes.add_patch(Rectangle((225, 40), 450, 295, fill=False, edgecolor=INK, lw=1.8))
    text(axes, 450, 56, "once for each image", 15)
    for x, name, fill in ((x_z, "$z$", "white"), (x_x, "$x$", "#d0d0d0")):
        axes.add_patch(Circle((x, y), radius, facecolor=fill, edgecolor=INK, lw=2.2, zorder=3))
        text(axes, x, y - 10, name, 26)
    for x, name, color in ((110, r"$\phi$", BLUE), (790, r"$\theta$", GREEN)):
        axes.add_patch(Circle((x, y), 7, color=color, zorder=3))
        text(axes, x, y + 24, name, 24, color)
    text(axes, 110, y - 72, "encoder's\nweights", 15, BLUE)
    text(axes, 790, y - 72, "decoder's\nweights", 15, GREEN)
    text(axes, x_z - 10, 118, "code, hidden", 16)
    text(axes, x_x + 10, 118, "image, seen", 16)

    text(axes, x_z, 370, "prior $p(z)$", 17)
    arrow(axes, (x_z, 360), (x_z, y + radius + 2))
    arrow(axes, (x_z + radius, y), (x_x - radius - 2, y))
    arrow(axes, (780, y), (x_x + radius + 2, y))
    text(axes, 450, y + 14, "$p(x|z)$", 17)
    bow = Curve([(x_x - 38, y - 30), (450, y - 85), (x_z + 44, y - 36)], [Curve.MOVETO, Curve.CURVE3, Curve.CURVE3])
    line = {"edgecolor": BLUE, "facecolor": "none", "lw": 2.2, "linestyle": (0, (4, 2.5)), "zorder": 2}
    axes.add_patch(PathPatch(bow, **line))
    axes.add_patch(PathPatch(Curve([(118, y), (x_z - radius - 14, y)]), **line))
    for tip, back in (((x_z + 37, y - 31), (8, -5)), ((x_z - radius - 2, y), (-1, 0))):
        head = {"arrowstyle": "-|>,head_length=0.7,head_width=0.35", "shrinkA": 0, "shrinkB": 0, "lw": 0.1}
        start = (tip[0] + back[0], tip[1] + back[1])
        axes.annotate("", tip, start, arrowprops=head | {"color": BLUE, "mutation_scale": 18}, zorder=5)
    text(axes, 450, 148, "$q(z|x)$", 17, BLUE)
    save(axes, "graphical_model.png")


def draw_latent_diffusion(image, blurred):
    """A digit to its code and back above, and below how noise gets to a code."""
    axes = canvas(1270, 520)
    y, y_flow, x_z = 365, 110, 760
    digit(axes, image, 92, y, 150)
    digit(axes, blurred, 1178, y, 150)
    text(axes, 92, y + 100, "digit $x$")
    text(axes, 1168, y + 100, r"drawn digit $\hat{x}$")
    network(axes, 204, 354, y, 200, 100, BLUE, "encoder")
    network(axes, 916, 1066, y, 100, 200, GREEN, "decoder")
    box(axes, x_z, y, 150, 84, ORANGE, "code $z$")
    text(axes, 635, 492, "the VAE, frozen", 17)
    arrow(axes, (167, y), (200, y))
    arrow(axes, (358, y), (681, y))
    arrow(axes, (835, y), (912, y))
    arrow(axes, (1070, y), (1103, y))

    left, right, bottom, top = 20, 850, 18, 222
    dashed(axes, (left, bottom), (left, top), (right, top), (right, bottom), (left, bottom))
    box(axes, 155, y_flow, 240, 84, ORANGE, r"noise $\epsilon$", r"drawn from $N(0, I)$")
    for x, name in ((400, r"$z_\theta$"), (580, r"$z_{\theta\prime}$")):
        box(axes, x, y_flow, 110, 72, ORANGE, name)
    for start, end in ((275, 341), (455, 521), (635, 711)):
        arrow(axes, (start, y_flow), (end, y_flow))
        text(axes, (start + end) / 2, y_flow + 16, "$-v$", 19, RED)
    box(axes, x_z, y_flow, 96, 72, ORANGE, "$z$")
    arrow(axes, (x_z, y_flow + 36), (x_z, y - 46))
    text(axes, 435, 192, "the diffusion: against the learned velocity $v$, step by step", 16, RED)
    text(axes, 1085, y_flow - 6, "a label, if one asks for a digit", 16)
    arrow(axes, (925, y_flow), (855, y_flow))
    save(axes, "latent_diffusion.png")


def copy_from_lesson(lesson, code, name):
    """Save the picture that is stored in a lesson below the cell that holds `code`."""
    notebook = nbformat.read(ROOT / "notebooks" / lesson, as_version=4)
    (cell,) = (cell for cell in notebook.cells if cell.cell_type == "code" and code in cell.source)
    (picture,) = pictures(cell.outputs)
    (IMAGES / name).write_bytes(picture)


def main():
    image = mnist_dataset.load("test")[0][1].reshape(28, 28)
    blurred = np.clip(1.15 * gaussian_filter(image, 0.8), 0, 1)
    noisy = noise.gaussian(image.reshape(1, 784), 0.4, np.random.default_rng(0)).reshape(28, 28)
    draw_autoencoder(image, blurred, "VAE.png")
    draw_autoencoder(noisy, blurred, "denoising.png", r"noisy input $\tilde{x}$")
    draw_vae(image, blurred)
    draw_graphical_model()
    draw_latent_diffusion(image, blurred)
    copy_from_lesson("01_autoencoder.ipynb", "reversed(nets.items())", "reconstructions.png")


if __name__ == "__main__":
    main()
