"""Every widget with pictures of 12 rows of 44 pixels, in a page of its own: the same numbers as Python's."""

import numpy as np
import pytest
from ipywidgets.embed import embed_data

from pylib import noise
from pylib.diffusion import Diffusion, build_velocity
from pylib.models import VAE, build_autoencoder
from pylib.preprocessing import centre_digit
from pylib.widgets import DenoisedDrawing, DiffusionWalk, DrawnDigit, LatentExplorer, NoiseExplorer
from tests.browser.pages import ExportedPage
from tests.small_vae import weights_at_random
from tools.notebooks import widget_page

HEIGHT, WIDTH = PIXELS = 12, 44
IMAGES = np.random.default_rng(1).random((12, HEIGHT * WIDTH), dtype="float32")
READ = """canvases => canvases.map(canvas => ({
    size: [canvas.height, canvas.width],
    shape: canvas.getBoundingClientRect().height / canvas.getBoundingClientRect().width,
    data: [...canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data].filter((_, i) => !(i % 4)),
}))"""


@pytest.fixture(scope="module")
def widgets():
    vae = weights_at_random(VAE(hidden=(16,), pixels=PIXELS))
    codes, labels = np.random.default_rng(0).normal(size=(30, 2)), np.arange(30) % 10
    network = weights_at_random(build_velocity(2, (8,), n_classes=10))
    explorer = LatentExplorer(vae, codes, labels, pixels=PIXELS)
    explorer.z = [0.7, -1.1]
    walk = DiffusionWalk(Diffusion(network, np.zeros(2), np.ones(2)), vae, pixels=PIXELS)
    ink = np.zeros((112, 112), np.uint8)
    ink[15:95, 40:52] = 255  # a T, lower on the right
    ink[15:30, 25:90] = 200
    drawn = DrawnDigit(vae, codes, labels, pixels=PIXELS)
    reconstruct = weights_at_random(build_autoencoder([12], "relu", None, pixels=PIXELS)[2])
    denoised = DenoisedDrawing(reconstruct, PIXELS)
    drawn.ink = denoised.ink = ink.tobytes()
    explored = NoiseExplorer(reconstruct, IMAGES, PIXELS)
    explored.noise, explored.index, explored.amount = "missing block", 11, 0.3
    image = centre_digit(ink / 255, PIXELS)
    noisy = np.clip(image + denoised.sigma * np.frombuffer(denoised._noise, "<f4"), 0, 1)
    clean = np.rint(255 * IMAGES[[11]]).astype("u1") / np.float32(255)
    hidden = noise.block(clean, 0.3, np.random.default_rng(1), PIXELS)  # index % 10
    expected = {
        ".latent-explorer .digit": [explorer.image],
        ".diffusion-walk .digit": [walk.image],
        ".diffusion-walk .frames div:last-child canvas": [walk.image],
        ".drawn .pictures canvas": [image, vae.decoder(vae.encoder(image[None])[0])[0]],
        ".denoised .pictures canvas": [image, noisy, reconstruct(noisy[None])[0]],
        ".noise-explorer canvas": [clean[0], reconstruct(clean)[0], hidden[0], reconstruct(hidden)[0]],
    }
    return [explorer, walk, drawn, denoised, explored], expected


def test_pictures_are_those_of_python(widgets, chromium, tmp_path):
    views, expected = widgets
    data = embed_data(views=views, drop_defaults=False)
    path = tmp_path / "wide.html"
    path.write_text(widget_page(data["manager_state"], data["view_specs"]), encoding="utf-8")
    exported = ExportedPage(chromium, path)
    page = exported.page
    page.locator(".vae-widget").nth(4).wait_for()
    drawings = "drawings => ['drawn', 'denoised'].forEach((name, i) => drawings[i].classList.add(name))"
    page.locator(".digit-drawing").evaluate_all(drawings)
    for selector, pictures in expected.items():
        canvases = page.locator(selector).evaluate_all(READ)
        assert len(canvases) == len(pictures), selector
        for canvas, picture in zip(canvases, pictures, strict=True):
            assert canvas["size"] == [HEIGHT, WIDTH]
            assert canvas["shape"] == pytest.approx(HEIGHT / WIDTH, abs=0.03)  # its border counts, too
            assert np.ptp(picture) > 0.1
            assert np.abs(canvas["data"] - (255 - 255 * np.asarray(picture))).max() <= 1, selector
    assert exported.errors == [] and exported.requests_outside == []
    page.close()
