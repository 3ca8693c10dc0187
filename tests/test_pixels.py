"""Pictures of other sizes than MNIST's: 20 rows of 36 pixels, and the sentence where a size does not fit."""

import keras
import numpy as np
import pytest
from scipy import ndimage, special, stats

from pylib import evidence, noise, plots
from pylib.models import VAE, build_autoencoder
from pylib.preprocessing import centre_digit
from pylib.widgets import DenoisedDrawing, DrawnDigit, LatentExplorer, NoiseExplorer

HEIGHT, WIDTH = PIXELS = 20, 36
IMAGES = (np.random.default_rng(0).random((40, HEIGHT * WIDTH), dtype="float32") > 0.6).astype("float32")
LABELS = np.arange(40) % 10


@pytest.fixture(scope="module")
def vae():
    keras.utils.set_random_seed(0)
    vae = VAE(latent_dim=2, hidden=(16,), pixels=PIXELS)
    vae.compile(keras.optimizers.Adam(1e-2))
    vae.fit(IMAGES, epochs=3, batch_size=8, verbose=0)
    return vae


@pytest.mark.parametrize(("pixels", "n_pixels"), [(32, 1024), ((32, 32), 1024), (PIXELS, 720), ([5, 3], 15), (1, 1)])
def test_networks_have_as_many_inputs_and_outputs(pixels, n_pixels):
    encoder, decoder, autoencoder = build_autoencoder([7, 3], pixels=pixels)
    assert encoder.input_shape == decoder.output_shape == autoencoder.output_shape == (None, n_pixels)
    vae = VAE(hidden=(4,), pixels=pixels)
    assert vae.encoder.input_shape == vae.decoder.output_shape == (None, n_pixels)
    assert vae.n_pixels == n_pixels == np.prod(vae.pixels)


def test_the_default_is_that_of_mnist():
    assert VAE(hidden=(4,)).pixels == (28, 28)
    assert build_autoencoder([4])[2].input_shape == (None, 784)


def test_loss_and_log_likelihood_sum_over_all_pixels(vae):
    x = IMAGES[:3]

    def log_likelihoods(image, z):
        return stats.bernoulli.logpmf(image, np.asarray(vae.decoder(z.astype("float32")), "float64")).sum(axis=1)

    rng = np.random.default_rng(0)
    for image, mean, log_var, bound in zip(
        x, *(np.asarray(part) for part in vae.encoder(x)[:2]), evidence.elbo(vae, x, 2000, 0), strict=True
    ):
        posterior = stats.norm(mean, np.exp(0.5 * log_var))
        z = posterior.rvs((2000, 2), random_state=rng)
        terms = log_likelihoods(image, z) + (stats.norm.logpdf(z) - posterior.logpdf(z)).sum(axis=1)
        assert bound == pytest.approx(terms.mean(), abs=6 * terms.std() / np.sqrt(2000))
    side = np.linspace(-5, 5, 121)
    z = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    log_prior = stats.norm.logpdf(z).sum(axis=1) + 2 * np.log(side[1] - side[0])
    expected = [special.logsumexp(log_likelihoods(image, z) + log_prior) for image in x]
    assert evidence.exact_log_likelihood(vae, x, points=121) == pytest.approx(expected, abs=0.01)


def test_a_saved_vae_keeps_its_size(vae, tmp_path):
    vae.save(tmp_path / "wide.keras")
    again = keras.models.load_model(tmp_path / "wide.keras")
    assert again.pixels == PIXELS
    assert np.array_equal(again.predict(IMAGES, verbose=0), vae.predict(IMAGES, verbose=0))


@pytest.mark.parametrize("amount", [0.1, 0.4, 1])
def test_a_block_has_the_image_s_shape_and_comes_everywhere(amount):
    ones = np.ones((3000, HEIGHT * WIDTH), "float32")
    hidden = noise.block(ones, amount, np.random.default_rng(0), PIXELS).reshape(-1, HEIGHT, WIDTH) == 0
    rows, columns = round(HEIGHT * amount**0.5), round(WIDTH * amount**0.5)
    corners = set()
    for mask in hidden:
        down, across = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        assert (len(down), len(across)) == (rows, columns) and mask.sum() == rows * columns
        corners.add((int(down[0]), int(across[0])))
    places = {(i, j) for i in range(HEIGHT - rows + 1) for j in range(WIDTH - columns + 1)}
    by_chance = len(places) * np.exp(-3000 / len(places))  # that no image has, on average
    assert corners <= places and len(places - corners) <= by_chance + 6 * np.sqrt(by_chance) + 1


@pytest.mark.parametrize("spoil", [noise.uniform, noise.gaussian, noise.salt_and_pepper])
def test_noises_of_single_pixels_take_rows_of_any_length(spoil):
    noisy = spoil(IMAGES, 0.3, np.random.default_rng(0))
    assert noisy.shape == IMAGES.shape and 0.1 < np.mean(noisy != IMAGES) < 0.9


def drawn(axes):
    return [np.asarray(image.get_array()) for image in axes.get_images()]


def test_plots_draw_them_upright():
    upright = IMAGES.reshape(-1, HEIGHT, WIDTH)
    rows = plots.digit_rows({"a": IMAGES[:3], "b": upright[3:6]}, pixels=PIXELS)
    for axes, expected in zip(rows.axes, upright, strict=False):
        assert np.array_equal(drawn(axes)[0], expected)
    grid, tick = upright[:9].reshape(3, 3, HEIGHT, WIDTH), np.array([-1.0, 0, 1])
    whole = grid.transpose(0, 2, 1, 3).reshape(3 * HEIGHT, 3 * WIDTH)
    for figure, axes in (
        (plots.latent_grids({"a": grid}, [tick], [np.eye(3)]), 0),
        (plots.plane(np.zeros((4, 2)), [0, 1, 2, 3], grid, tick, "a"), 1),
    ):
        assert np.array_equal(drawn(figure.axes[axes])[0], whole)
        figure.draw_without_rendering()
        cell = figure.axes[axes].transData.transform([[0, 0], [1, 1]])
        across, down = np.abs(cell[1] - cell[0])
        assert down / across == pytest.approx(HEIGHT / WIDTH)  # no digit is stretched
    side = np.tile(np.linspace(-1, 1, 8), (3, 1))
    density = np.exp(-(side[:, :, None] ** 2) - side[:, None] ** 2)
    of_posteriors = plots.posteriors(IMAGES[:3], side, side, density, np.zeros((3, 2)), np.zeros((3, 2)), pixels=PIXELS)
    corners = [child for axes in of_posteriors.axes for child in axes.child_axes]
    assert [np.array_equal(drawn(corner)[0], x) for corner, x in zip(corners, upright, strict=False)] == [True] * 3
    points = np.random.default_rng(0).normal(size=(3, 2))
    arrows = plots.arrows(points, points, {"a": points}, pictures=IMAGES[:3], pixels=PIXELS)
    boxes = [box.offsetbox.get_data() for box in arrows.axes[0].artists]
    assert np.array_equal(boxes, upright[:3])
    assert {round(WIDTH * box.offsetbox.get_zoom(), 6) for box in arrows.axes[0].artists} == {19.6}  # as a digit


@pytest.mark.parametrize("pixels", [PIXELS, 32, 9, (40, 12)])
def test_a_drawing_fills_the_same_share_and_stands_in_the_middle(pixels):
    height, width = pixels if isinstance(pixels, tuple) else (pixels, pixels)
    rng = np.random.default_rng(0)
    for rows, columns in [(100, 30), (7, 90), (50, 50), (1, 1), (3, 200)]:
        ink = np.zeros((220, 260))
        ink[5 : 5 + rows, 11 : 11 + columns] = rng.uniform(0.5, 1, (rows, columns))
        image = centre_digit(ink, pixels).reshape(height, width)
        inked = [np.ptp(np.flatnonzero((image > 0.02).any(axis=axis))) + 1 for axis in (1, 0)]
        scale = 20 / 28 * min(height / rows, width / columns)
        for size, wanted in zip(inked, (rows * scale, columns * scale), strict=True):
            assert size == max(1, round(wanted))
        middle = np.array(ndimage.center_of_mass(image))
        assert np.all(np.abs(middle - [height / 2, width / 2]) <= 0.5 + 1e-6)


def test_widgets_take_them(vae):
    codes = vae.encoder(IMAGES)[0]
    explorer = LatentExplorer(vae, codes, LABELS, pixels=PIXELS)
    explorer.z = [0.5, -0.5]
    assert np.allclose(explorer.image, vae.decoder(np.array([[0.5, -0.5]], "float32"))[0], atol=1e-6)
    ink = np.zeros((112, 112), np.uint8)
    ink[20:90, 50:60] = 255
    for canvas in (
        DrawnDigit(vae, codes, LABELS, pixels=PIXELS),
        DenoisedDrawing(build_autoencoder([4], pixels=PIXELS)[2], pixels=PIXELS),
    ):
        canvas.ink = ink.tobytes()
        assert np.array_equal(canvas.image, centre_digit(ink / 255, PIXELS))
    noisy = NoiseExplorer(build_autoencoder([4], pixels=PIXELS)[2], IMAGES, PIXELS)
    assert (
        noisy._draws["normals"]
        == np.concatenate([np.random.default_rng(i).standard_normal((1, 720), dtype="float32") for i in range(10)])
        .astype("<f4")
        .tobytes()
    )
    noisy.index = 39
    with pytest.raises(ValueError, match="index must be an integer from 0 to 39, not 40"):
        noisy.index = 40


@pytest.mark.parametrize("wrong", [0, -3, 28.0, True, "28", None, (28,), (28, 0), (28, 28, 1), [28, 2.5], np.nan])
def test_no_size(wrong):
    sentence = r"^pixels must be the side of a square, such as 28, or height and width, such as \(28, 28\), not "
    for call in (
        lambda: VAE(pixels=wrong),
        lambda: build_autoencoder([4], pixels=wrong),
        lambda: noise.block(IMAGES, 0.1, np.random.default_rng(0), wrong),
        lambda: plots.digit_rows({"a": IMAGES}, pixels=wrong),
        lambda: centre_digit(np.ones((5, 5)), wrong),
        lambda: DenoisedDrawing(build_autoencoder([4])[2], wrong),
        lambda: NoiseExplorer(build_autoencoder([4])[2], IMAGES, wrong),
    ):
        with pytest.raises(ValueError, match=sentence):
            call()


def test_sizes_that_do_not_fit(vae):
    codes = vae.encoder(IMAGES)[0]
    of_decoder = "^decoder must give 784 pixels for each code, 28 x 28 as `pixels` says, not 720$"
    with pytest.raises(ValueError, match=of_decoder):
        LatentExplorer(vae, codes, LABELS)
    with pytest.raises(ValueError, match=of_decoder):
        DrawnDigit(vae, codes, LABELS)
    with pytest.raises(ValueError, match="dense layers from 720 pixels to 720"):
        NoiseExplorer(build_autoencoder([4])[2], IMAGES, PIXELS)
    rows = r"must have shape \(n, 784\), .*, not \(40, 720\)$"
    for call in (
        lambda: plots.digit_rows({"a": IMAGES}),
        lambda: noise.block(IMAGES, 0.1, np.random.default_rng(0)),
        lambda: NoiseExplorer(build_autoencoder([4])[2], IMAGES),
        lambda: VAE().fit(IMAGES),
    ):
        with pytest.raises(ValueError, match=rows):
            call()
    with pytest.raises(ValueError, match=r"must have shape \(n, 720\), .*, not \(2, 784\)$"):
        evidence.elbo(vae, np.zeros((2, 784)), 1, 0)
