"""The site's pages, opened as files with the network shut."""

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest

from tests.browser.explorers import shown_digit
from tests.browser.pages import LESSONS, WatchedPage, broken_pictures

OTHERS = [
    "PICTURES",
    "TEACHING",
    "CONTRIBUTING",
    "CHANGELOG",
    "benchmarks/results",
    "reference/index",
    "reference/models",
]
MB = 1_000_000


class SitePage(WatchedPage):
    """A page of the site, with what it has loaded."""

    def __init__(self, browser, path):
        self.loaded = set()
        super().__init__(browser)
        self.page.on("requestfinished", lambda request: self.loaded.add(urlsplit(request.url)))
        self.open(path)

    def open(self, path):
        self.page.goto(path.as_uri())
        self.page.wait_for_function(
            """() => !document.querySelector(".math")
                || window.MathJax?.isReady && MathJax.Hub.queue.pending == 0 && document.querySelector(".MathJax")"""
        )

    def _note(self, message):
        # MathJax tries fonts that may be missing and takes others.
        if "MathJax" not in message.location["url"]:
            super()._note(message)

    def weight(self):
        return sum(Path(unquote(url.path)).stat().st_size for url in self.loaded if url.scheme == "file")

    def close_clean(self):
        assert self.errors == [] and self.requests_outside == []
        self.page.close()


def is_dark(page):
    return sum(map(int, re.findall(r"\d+", page.evaluate("getComputedStyle(document.body).backgroundColor"))[:3])) < 150


@pytest.mark.parametrize("name", LESSONS)
def test_lesson(chromium, site, name):
    opened = SitePage(chromium, site / "notebooks" / f"{name}.html")
    page = opened.page
    assert page.locator(".MathJax").count() > 5 and page.locator(".MathJax_Error, .merror, .noError").count() == 0
    places = page.locator("script[type$='widget-view+json']").count()
    page.wait_for_function(
        """count => [...document.querySelectorAll("article .cell_output > style + div, article .cell_output > p")]
            .filter(shown => shown.firstElementChild || /in JupyterLab/.test(shown.textContent)).length == count""",
        arg=places,
    )
    page.locator("article img").evaluate_all(
        "images => Promise.all(images.map(image => (image.loading = 'eager', image.decode())))"
    )
    assert broken_pictures(page.locator("img")) == []
    assert opened.weight() < 8 * MB
    opened.close_clean()


@pytest.mark.parametrize("name", OTHERS)
def test_other_page(chromium, site, name):
    opened = SitePage(chromium, site / f"{name}.html")
    assert opened.page.locator("article h1").is_visible() and opened.weight() < 3 * MB
    opened.close_clean()


def test_landing_page_has_an_explorer_that_moves(chromium, site):
    opened = SitePage(chromium, site / "index.html")
    widget = opened.page.locator(".latent-explorer")
    widget.wait_for()
    before = shown_digit(widget)
    widget.locator(".plane").focus()
    for _ in range(10):
        opened.page.keyboard.press("ArrowRight")
    opened.page.evaluate("() => new Promise(requestAnimationFrame)")
    assert np.abs(shown_digit(widget) - before).max() > 50
    assert opened.weight() < 3 * MB
    opened.close_clean()


def test_search_finds_a_word(chromium, site):
    opened = SitePage(chromium, site / "index.html")
    page = opened.page
    page.keyboard.press("Control+k")
    page.locator("input[type=search]:visible").fill("reparameterization")
    page.keyboard.press("Enter")
    page.get_by_text(re.compile("found")).wait_for()
    found = page.locator("#search-results li a", has_text="The variational autoencoder")
    found.first.click()
    page.wait_for_url(re.compile("03_vae_theory.html"))
    opened.close_clean()


def test_theme_switch(chromium, site):
    opened = SitePage(chromium, site / "index.html")
    page = opened.page
    text = page.locator(".latent-explorer output")
    for theme in ("dark", "light"):
        page.locator(".theme-switch-button:visible").click()
        page.locator(f".dropdown-menu.show [data-mode={theme}]").click()
        assert is_dark(page) == (theme == "dark")
        color = text.evaluate("element => getComputedStyle(element).color")
        assert (sum(map(int, re.findall(r"\d+", color)[:3])) > 450) == (theme == "dark")
    opened.close_clean()


def test_previous_and_next(chromium, site):
    opened = SitePage(chromium, site / "index.html")
    page = opened.page
    for name in LESSONS:
        page.locator("a.right-next").click()
        page.wait_for_url(re.compile(f"{name}.html"))
    page.locator("a.left-prev").click()
    page.wait_for_url(re.compile(f"{LESSONS[-2]}.html"))
    opened.close_clean()


def test_pages_do_not_scroll_sideways(chromium, site):
    opened = SitePage(chromium, site / "index.html")
    wide = []
    for path in sorted(path for path in site.rglob("*.html") if "_static" not in path.parts):
        opened.open(path)
        for width in (1400, 900, 390):
            opened.page.set_viewport_size({"width": width, "height": 900})
            if opened.page.evaluate("document.documentElement.scrollWidth") > width:
                wide.append((path.name, width))
    assert wide == []
    opened.close_clean()


def test_nothing_moves_by_itself_where_motion_is_reduced(chromium, site):
    opened = SitePage(chromium, site / "index.html")
    opened.page.emulate_media(reduced_motion="reduce")
    slow = """() => [...document.querySelectorAll("*")].filter(element => {
        const style = getComputedStyle(element);
        return style.animationName != "none" || style.scrollBehavior == "smooth"
            || style.transitionProperty != "none" && !/^0s(, 0s)*$/.test(style.transitionDuration);
    }).length"""
    assert opened.page.evaluate(slow) == 0
    opened.close_clean()


def test_paper_shows_all(chromium, site):
    opened = SitePage(chromium, site / "notebooks" / "05_exercises.html")
    page = opened.page
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.querySelector('article p:not(.facts)')).color") == "rgb(20, 24, 30)"
    solution = page.locator("details", has_text="Worked solution").locator("pre").first
    assert solution.evaluate("pre => pre.checkVisibility({ contentVisibilityAuto: true }) && pre.clientHeight > 20")
    assert len(page.pdf()) > 100_000
    opened.close_clean()
