"""The lessons as a learner meets them: in JupyterLab, in a browser, with the network shut."""

import urllib.error
import urllib.request

import nbformat
import pytest
from playwright.sync_api import expect

from tests.browser.live_cells import shows_widget
from tests.browser.pages import LESSONS, Lesson, broken_pictures


@pytest.mark.parametrize("name", LESSONS)
def test_lesson_shows_its_pictures_and_runs(chromium, server, name):
    stored = nbformat.read(server.notebooks / f"{name}.ipynb", as_version=4)
    cells = [cell for cell in stored.cells if cell.cell_type == "code"]
    n_pictures = sum("image/png" in output.get("data", {}) for cell in cells for output in cell.outputs)
    with_widget = [place for place, cell in enumerate(cells) if shows_widget(cell)]
    assert n_pictures > 5 and with_widget

    opened = Lesson(chromium, server, name)
    page, pictures = opened.page, opened.page.locator(".jp-Notebook img")
    expect(page.locator(".jp-OutputArea-output img")).to_have_count(n_pictures, timeout=120_000)
    assert broken_pictures(pictures) == []

    opened.start()
    opened.wait()
    tracebacks = page.locator(".jp-OutputArea-output", has_text="Traceback (most recent call last)")
    assert tracebacks.all_text_contents() == []
    assert "[ ]:" not in page.locator(".jp-CodeCell .jp-InputPrompt").all_text_contents()
    for place in with_widget:
        page.locator(".jp-CodeCell").nth(place).locator(".vae-widget, .widget-html").first.wait_for()
    assert broken_pictures(pictures) == []
    assert opened.errors == []
    assert opened.requests_outside == []
    page.close()  # one that stays open takes time from those that come after


def test_the_token_is_asked_for(server):
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(f"{server.url}api/contents")
