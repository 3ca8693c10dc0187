"""Sliders whose pictures Python draws, in JupyterLab; their times are printed."""

import statistics

import pytest

# Times each move from the key to the moment when all pictures of the widget have changed and are decoded.
TIME_MOVES = """pictures => {
    window.moves = [];
    let start = null, waiting = new Set();
    document.addEventListener("keydown", event => {
        start = event.timeStamp;
        waiting = new Set(pictures);
    }, true);
    for (const picture of pictures) {
        new MutationObserver(async () => {
            await picture.decode();
            if (waiting.delete(picture) && waiting.size == 0) window.moves.push(performance.now() - start);
        }).observe(picture, {attributeFilter: ["src"]});
    }
}"""


@pytest.mark.parametrize(
    ("name", "there", "back"),
    [("02_denoising", "ArrowRight", "ArrowLeft"), ("03_vae_theory", "ArrowLeft", "ArrowRight")],
)
def test_slider_follows_the_hand(lesson, name, there, back):
    page = lesson(name).page
    widget = page.locator(".widget-vbox", has=page.locator(".widget-slider")).first
    handle = widget.locator(".noUi-handle").first
    picture = widget.locator("img.widget-image")
    assert picture.count() == 1  # of NoiseExplorer, four digits side by side

    picture.evaluate_all(TIME_MOVES)
    handle.focus()
    start = handle.get_attribute("aria-valuenow")
    # FigureSlider draws the first five anew.
    for move, key in enumerate(3 * (5 * [there] + 5 * [back]), start=1):
        page.keyboard.press(key)
        page.wait_for_function("count => window.moves.length == count", arg=move)
    assert handle.get_attribute("aria-valuenow") == start
    times = page.evaluate("window.moves")  # printed only: on a busy machine no bound would hold
    first, all_moves = statistics.median(times[:5]), statistics.median(times)
    print(
        f"\n{name}: slider to picture: median {all_moves:.0f} ms of {len(times)} moves, {first:.0f} ms of the first 5"
    )
    assert len(times) == 30  # each move changed the picture, and none was left behind
