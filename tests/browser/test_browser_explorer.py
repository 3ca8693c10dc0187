"""The latent explorer in JupyterLab: what it draws and what moves it; its times are printed."""

import statistics
import time

import numpy as np
import pytest
from ipywidgets.embed import embed_data

from pylib import plots, pretrained
from pylib.models import VAE
from pylib.widgets import DrawnDigit, LatentExplorer
from tests.browser.explorers import CELLS, Explorers, middle, place_text, shown_digit
from tests.browser.pages import ExportedPage
from tools.notebooks import widget_page

# Times each move of an explorer from the event to the moment when the digit has been drawn.
TIME_DRAWING = """plane => {
    window.moves = [];
    window.last = {};
    let starts = [];
    const note = event => {
        starts.push(event.timeStamp);
        window.last.move = event.timeStamp;
    };
    for (const kind of ["pointermove", "keydown"]) plane.addEventListener(kind, note, true);
    new MutationObserver(() => {
        window.last.drawn = performance.now();
        window.moves.push(...starts.map(start => window.last.drawn - start));
        starts = [];
    }).observe(plane.querySelector(".handle"), {attributes: true});
}"""


@pytest.fixture(scope="module")
def explorers(lesson, server):
    server.store("explorers", *CELLS)
    run = lesson("explorers")
    yield Explorers(run, server.notebooks)
    run.page.close()


def test_explorers_run(explorers):
    assert explorers.run.errors == [] and explorers.run.requests_outside == []
    assert explorers.page.locator(".latent-explorer").count() == len(explorers.names)


@pytest.mark.parametrize("activation", Explorers.names[4:])
def test_page_computes_what_keras_does(explorers, activation):
    assert explorers.check_digit(activation) == [1.1, -0.7]
    assert np.ptp(shown_digit(explorers[activation])) > 100  # a picture, and not a plain grey


def test_drag_with_the_mouse(explorers):
    plane = explorers["plane"].locator(".plane")
    page, (x, y, unit) = explorers.page, middle(plane)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 1.5 * unit, y - unit, steps=5)
    page.mouse.up()
    page.mouse.move(x, y)  # no longer pressed
    assert explorers.check_digit("plane") == pytest.approx([1.5, 1], abs=0.03)
    assert plane.get_attribute("aria-label").startswith("Latent plane, point at 1.5")
    point = plane.locator(".handle").bounding_box()
    assert point["x"] + point["width"] / 2 == pytest.approx(x + 1.5 * unit, abs=1)
    assert point["y"] + point["height"] / 2 == pytest.approx(y - unit, abs=1)


def test_drag_beyond_the_plane_stops_at_its_edge(explorers):
    page, (x, y, _) = explorers.page, middle(explorers["plane"])
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 1000, y - 20, steps=3)
    page.mouse.up()
    z = explorers.check_digit("plane")
    assert 2 < z[0] < 20 and 0 < z[1] < z[0] / 4
    page.keyboard.press("ArrowRight")
    assert explorers.check_digit("plane") == z


def test_move_with_keys(explorers):
    plane, page = explorers["plane"].locator(".plane"), explorers.page
    plane.focus()
    assert plane.evaluate("plane => getComputedStyle(plane).outlineStyle") == "solid"
    selected = page.locator(".jp-Notebook .jp-mod-selected").count()
    page.keyboard.press("Home")
    assert explorers.check_digit("plane") == [0, 0]
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowUp")
    step, up = explorers.check_digit("plane")
    assert step == up and 0.05 < step < 0.5
    for key in ("Shift+ArrowLeft", "Shift+ArrowDown", "ArrowDown", "ArrowLeft"):
        page.keyboard.press(key)
    assert explorers.check_digit("plane") == pytest.approx([-5 * step, -5 * step])
    page.keyboard.press("3")  # in JupyterLab's command mode, a heading
    assert page.locator(".jp-Notebook .jp-mod-selected").count() == selected
    assert plane.evaluate("plane => plane == document.activeElement")


def test_no_move_is_undone_by_the_answer_to_an_earlier_one(explorers):
    page = explorers.page
    explorers["plane"].locator(".plane").focus()
    page.keyboard.press("Home")
    for move in range(30):  # Python answers each move it hears of; the pauses let answers fall anywhere between
        page.keyboard.press("ArrowUp" if move % 3 else "ArrowRight")
        page.wait_for_timeout(7 * move % 60)
    z = explorers.check_digit("plane")
    assert z[1] == pytest.approx(2 * z[0]) and z[0] == pytest.approx(10 * explorers.python("plane")["step"])


def test_touch(explorers):
    """A finger drags the point by its handle, a tap takes it elsewhere, and a swipe over the plane scrolls."""
    page, widget = explorers.page, explorers["plane"]
    touch = page.context.new_cdp_session(page)
    panel = page.locator(".jp-WindowedPanel-outer").first

    def fingers(*places):
        for kind, points in [("touchStart", places[:1]), *(("touchMove", [p]) for p in places[1:]), ("touchEnd", [])]:
            points = [{"x": x, "y": y} for x, y in points]
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    widget.locator(".plane").focus()
    page.keyboard.press("Home")
    assert explorers.check_digit("plane") == [0, 0]
    x, y, unit = middle(widget)
    top = panel.evaluate("panel => panel.scrollTop")
    fingers((x, y), (x - 0.5 * unit, y - 0.5 * unit), (x - unit, y - 1.2 * unit))
    assert explorers.check_digit("plane") == pytest.approx([-1, 1.2], abs=0.03)
    assert panel.evaluate("panel => panel.scrollTop") == top
    fingers((x + unit, y + 0.5 * unit))
    assert explorers.check_digit("plane") == pytest.approx([1, -0.5], abs=0.03)
    fingers(*((x - unit, y - step) for step in range(0, 121, 10)))
    page.wait_for_function("([panel, top]) => panel.scrollTop > top + 50", arg=[panel.element_handle(), top])
    assert explorers.check_digit("plane") == pytest.approx([1, -0.5], abs=0.03)


def test_walk_between_two_digits(explorers):
    for start, end in [("3", "1"), ("1", "3")]:
        assert len(set(explorers.walk("plane", start, end))) > 7  # more than it has in jumps
        assert explorers.check_digit("plane") == pytest.approx(explorers.python("plane")["ends"][end])


def test_the_hand_stops_the_walk(explorers):
    widget, page = explorers["plane"], explorers.page
    widget.get_by_role("button", name="Walk").click()
    widget.locator(".plane").focus()
    page.keyboard.press("Home")
    assert explorers.check_digit("plane") == [0, 0]


def test_reduced_motion_walks_in_jumps(explorers):
    explorers.page.emulate_media(reduced_motion="reduce")
    places = explorers.walk("plane", "1", "3")
    explorers.page.emulate_media(reduced_motion="no-preference")
    assert 2 <= len(set(places)) <= 7


def test_digit_picker_of_a_conditional_model(explorers):
    widget = explorers["conditional"]
    pictures = []
    for digit in ("7", "2"):
        widget.get_by_label("draw a").select_option(digit)
        explorers.check_digit("conditional")
        assert explorers.python("conditional")["digit"] == int(digit)
        pictures.append(shown_digit(widget))
    assert np.abs(np.subtract(*pictures)).max() > 50
    widget.locator(".plane").click()
    explorers.check_digit("conditional")
    assert explorers["plane"].get_by_label("draw a").count() == 0


def test_sliders_of_further_dimensions(explorers):
    widget, page = explorers["five"], explorers.page
    sliders = widget.locator("input[type=range]")
    assert sliders.count() == 3 and explorers["plane"].locator("input").count() == 0
    sliders.nth(1).focus()
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    z = explorers.check_digit("five")
    assert z[3] > 0.1 and z[:3] + z[4:] == [0, 0, 0, 0]
    widget.locator(".plane").focus()
    page.keyboard.press("ArrowUp")
    z, before = explorers.check_digit("five"), z
    assert z[1] > 0 and z[2:] == before[2:]


def test_python_moves_the_point(explorers):
    page, z = explorers.page, [0.25, -1.5]
    page.locator(".jp-CodeCell .cm-content").last.click()
    page.keyboard.press("Control+a")
    page.keyboard.type(f"explorer.z = np.array({z})")
    page.keyboard.press("Control+Enter")
    page.wait_for_function("() => document.querySelector('.latent-explorer output').textContent.includes('0.25')")
    assert explorers.check_digit("plane") == z


def test_explorer_follows_the_hand(explorers):
    page, plane = explorers.page, explorers["plane"].locator(".plane")
    plane.evaluate(TIME_DRAWING)
    x, y, unit = middle(plane)
    page.mouse.move(x, y)
    page.mouse.down()
    for move in range(30):
        page.mouse.move(x + unit * np.cos(move / 4), y + unit * np.sin(move / 4))
    times = page.evaluate("window.moves")
    page.evaluate("window.moves.length = 0")
    end = time.monotonic() + 2
    while time.monotonic() < end:
        turn = 3 * (end - time.monotonic())
        page.mouse.move(x + 1.5 * unit * np.cos(turn), y + 1.5 * unit * np.sin(turn))
    page.wait_for_function("window.last.drawn > window.last.move")
    late = page.evaluate("window.last.drawn - window.last.move")
    moves = page.evaluate("window.moves.length")
    page.mouse.up()
    explorers.check_digit("plane")
    # Printed only: on a busy machine no bound would hold.
    print(f"\nexplorer: median {statistics.median(times):.1f} ms of {len(times)} moves from event to frame")
    print(f"after a drag of 2 s with {moves} moves, the last picture came {late:.0f} ms after the last of them")
    assert len(times) >= 30 and moves > 1


def test_explorer_starts_at_once(explorers):
    page = explorers.page
    cell = page.locator(".jp-CodeCell", has_text="LatentExplorer(plane").nth(1)
    cell.locator(".cm-content").click()
    page.evaluate(
        """() => {
            window.starts = [];
            let start = null;
            document.addEventListener("keydown", event => { start ??= event.timeStamp; }, true);
            new MutationObserver(changes => {
                const added = changes.flatMap(change => [...change.addedNodes]);
                const shown = added.some(node => node.querySelector?.(".latent-explorer") || node.matches?.(".handle"));
                if (start === null || !shown) return;
                window.starts.push(performance.now() - start);
                start = null;
            }).observe(document, {childList: true, subtree: true});
        }"""
    )
    for run in range(1, 6):
        page.keyboard.press("Control+Enter")
        page.wait_for_function("run => window.starts.length == run", arg=run)
    times = ", ".join(f"{time:.0f}" for time in sorted(page.evaluate("window.starts")))
    print(f"\nexplorer: {times} ms from running its cell to the first picture")


def test_dark_theme(explorers):
    page, widget = explorers.page, explorers["plane"]
    before = shown_digit(widget)
    page.get_by_role("menuitem", name="Settings", exact=True).click()
    page.locator(".lm-Menu-itemLabel").get_by_text("Theme", exact=True).first.hover()
    page.locator(".lm-Menu-itemLabel").get_by_text("JupyterLab Dark", exact=True).click(force=True)
    page.wait_for_function("() => document.body.dataset.jpThemeLight == 'false'")
    brightness = """element => Math.min(...getComputedStyle(element).fill.match(/[0-9]+/g).slice(0, 3).map(Number))"""
    text = widget.locator("svg text").first
    page.wait_for_function(f"text => ({brightness})(text) > 150", arg=text.element_handle())  # once it has faded in
    assert np.array_equal(shown_digit(widget), before)
    explorers.check_digit("plane")  # dark on light as ever


# --- Classes with names, in a page of their own -------------------------------------------------------

NAMES = ["Ankle boot", "<b>x</b>", "字"]


@pytest.fixture(scope="module")
def named(chromium, tmp_path_factory):
    """Explorers and drawings with names, without, and as a notebook older than names has one; and one of one class."""
    rng = np.random.default_rng(0)
    vae = VAE(hidden=(16,), n_classes=3)
    vae.set_weights([rng.normal(0, 0.3, weight.shape) if weight.shape else weight for weight in vae.get_weights()])
    labels = np.arange(300) % 3
    codes = np.array([[-2, 0], [2, 0], [0, 2]])[labels] + rng.normal(0, 0.1, (300, 2))
    explorers = [LatentExplorer(vae, codes, labels, names) for names in (NAMES, None, None)]
    plain = pretrained.load("vae_2")
    drawings = [DrawnDigit(plain, codes, labels, names) for names in (NAMES, None)]
    only = LatentExplorer(plain, codes, 0 * labels, ["only"])
    data = embed_data(views=[*explorers, *drawings, only], drop_defaults=False)
    del data["manager_state"]["state"][explorers[2].model_id]["state"]["_names"]
    path = tmp_path_factory.mktemp("named") / "named.html"
    path.write_text(widget_page(data["manager_state"], data["view_specs"]), encoding="utf-8")
    page = ExportedPage(chromium, path)
    page.page.locator(".vae-widget").nth(5).wait_for()
    page.typical = explorers[0]._typical
    yield page
    assert page.errors == [] and page.requests_outside == []
    page.page.close()


def options(widget, label):
    return widget.get_by_label(label).locator("option").all_text_contents()


def test_names_stand_wherever_digits_would(named):
    widget, *of_digits, _ = named.page.locator(".latent-explorer").all()
    assert [options(widget, label) for label in ("draw the class", "from", "to")] == [NAMES] * 3
    assert widget.locator(".legend > span").all_text_contents() == NAMES
    colors = widget.locator(".legend i").evaluate_all("dots => dots.map(dot => getComputedStyle(dot).backgroundColor)")
    expected = [tuple(round(255 * part) for part in color) for color in plots.palette()[:3]]
    assert colors == [f"rgb({r}, {g}, {b})" for r, g, b in expected]
    assert widget.locator("canvas.digit").get_attribute("aria-label") == "the decoded picture"
    assert named.page.locator("b").count() == 0  # a name is text, whatever it looks like
    for widget in of_digits:
        assert [options(widget, label) for label in ("draw a", "from", "to")] == [["0", "1", "2"]] * 3
        assert widget.locator(".legend > span").all_text_contents() == list("0123456789")
        assert widget.locator("canvas.digit").get_attribute("aria-label") == "the decoded digit"


def test_named_classes_are_drawn_and_walked_between(named):
    page, widget = named.page, named.page.locator(".latent-explorer").first
    before = shown_digit(widget)
    widget.get_by_label("draw the class").select_option(label="字")
    page.evaluate("() => new Promise(requestAnimationFrame)")
    assert np.abs(shown_digit(widget) - before).max() > 20
    for menu, name in zip(widget.locator(".walk select").all(), ("字", "<b>x</b>"), strict=True):
        menu.select_option(label=name)
    widget.get_by_role("button", name="Walk").click()
    page.wait_for_function(
        "text => document.querySelector('.latent-explorer output').textContent === text",
        arg=place_text(named.typical["1"]),
    )


def test_one_class_has_nothing_to_tell_apart_and_nowhere_to_walk(named):
    widgets = named.page.locator(".latent-explorer")
    assert [widgets.nth(i).locator(".legend, .walk").count() for i in (0, 3)] == [2, 0]


def test_a_drawing_for_named_classes_is_no_digit(named):
    widget, of_digits = named.page.locator(".digit-drawing").all()
    for drawing, what, names in ((widget, "picture", NAMES), (of_digits, "digit", list("0123456789"))):
        drawing.locator(".drawing").click()
        text = f"Draw a {what}, large and in the middle. Keys: arrows, space, Delete."
        assert drawing.locator("[role=status]").text_content() == text
        assert drawing.locator(".legend > span").all_text_contents() == names
