"""The lessons as a learner meets them: in JupyterLab, in a browser, with the network shut."""

import urllib.error
import urllib.request

import pytest

from tests.browser.pages import LESSONS, broken_pictures


@pytest.mark.parametrize("name", LESSONS)
def test_lesson_runs(lesson, name):
    run = lesson(name)
    tracebacks = run.page.locator(".jp-OutputArea-output", has_text="Traceback (most recent call last)")
    assert tracebacks.all_text_contents() == []
    assert "[ ]:" not in run.page.locator(".jp-CodeCell .jp-InputPrompt").all_text_contents()
    assert broken_pictures(run.page.locator(".jp-Notebook img")) == []
    assert run.errors == []
    assert run.requests_outside == []
    run.page.close()  # one that stays open takes time from those that come after


def test_the_token_is_asked_for(server):
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(f"{server.url}api/contents")
