"""The site's pages, opened as files with the network shut."""

import re
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest

from tests.browser.explorers import shown_digit
from tests.browser.pages import LESSONS, SitePage, broken_pictures, is_dark, too_narrow

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


def test_lesson(lesson_page):
    page = lesson_page.page
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
    assert lesson_page.weight() < 8 * MB


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


def test_previous_and_next(lesson_page):
    order = ["index", *LESSONS]
    place = order.index(Path(urlsplit(lesson_page.page.url).path).stem)
    for link, neighbour in (("a.left-prev", order[place - 1]), ("a.right-next", (*order, "PICTURES")[place + 1])):
        assert Path(lesson_page.page.locator(link).get_attribute("href")).stem == neighbour


def test_previous_and_next_open(chromium, site):
    opened = SitePage(chromium, site / "index.html")
    opened.page.locator("a.right-next").click()
    opened.page.wait_for_url(re.compile(f"{LESSONS[0]}.html"))
    opened.page.locator("a.left-prev").click()
    opened.page.wait_for_url(re.compile("index.html"))
    opened.close_clean()


def test_a_lesson_does_not_scroll_sideways(lesson_page):
    assert too_narrow(lesson_page.page) == []


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
