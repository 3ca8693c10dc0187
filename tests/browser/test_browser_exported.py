"""The explorer in a page without a kernel."""

import re

import numpy as np

from tests.browser.explorers import middle, shown_digit
from tests.browser.pages import ExportedPage

EXPORTED = [
    "from pylib.models import VAE",
    "import ipywidgets",
    "from pylib.widgets import LatentExplorer",
    "import numpy as np",
    "rng = np.random.default_rng(0)",
    "vae = VAE(hidden=(64,), latent_dim=3, n_classes=10)",
    "vae.set_weights([rng.normal(0, 0.5, weight.shape) if weight.shape else weight for weight in vae.get_weights()])",
    "explorer = LatentExplorer(vae, rng.normal(size=(500, 3)), rng.integers(0, 10, 500))",
    "explorer",
    "explorer",  # a second view of the same point
    "ipywidgets.IntSlider()",  # which lives with a kernel only
    """z = np.array([[3, -4, 0]]) * explorer._limit / 40
np.save("expected.npy", [255 - 255 * vae.decoder([z, np.array([digit])]).numpy()[0] for digit in (0, 6)])""",
]


def test_exported_explorer_needs_no_kernel(chromium, executed):
    folder = executed("explorer", *EXPORTED)
    exported = ExportedPage(chromium, folder / "explorer.html")
    page, widgets = exported.page, exported.page.locator(".latent-explorer")
    widgets.nth(1).wait_for()
    expected = np.load(folder / "expected.npy")

    widgets.first.locator(".plane").focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowRight", "ArrowUp", "Shift+ArrowDown"):
        page.keyboard.press(key)
    for digit, picture in zip(("0", "6"), expected, strict=True):
        widgets.first.get_by_label("draw a").select_option(digit)
        page.evaluate("() => new Promise(requestAnimationFrame)")
        for widget in widgets.all():
            assert np.abs(shown_digit(widget) - picture).max() <= 2
    assert np.abs(np.subtract(*expected)).max() > 50

    x, y, unit = middle(widgets.first)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - unit, y - 0.5 * unit, steps=4)
    page.mouse.up()
    page.evaluate("() => new Promise(requestAnimationFrame)")
    assert re.search(r"point at \u22121\.0\d, 0\.5\d", widgets.nth(1).locator(".plane").get_attribute("aria-label"))
    assert page.get_by_text("This control works in JupyterLab").count() == 1
    assert exported.errors == [] and exported.requests_outside == []
    page.close()
