"""The walk from noise to a digit, in JupyterLab and as an exported page; its times are printed."""

import json

import keras
import numpy as np
import pytest
from ipywidgets.embed import embed_data

from pylib import pretrained
from pylib.diffusion import Diffusion, build_velocity
from pylib.widgets import DiffusionWalk
from tests.browser.explorers import shown_digit
from tests.browser.pages import ExportedPage
from tools.notebooks import widget_page

LOAD = """import functools
import json
import os

import numpy as np

from pylib import pretrained
from pylib.diffusion import Diffusion, build_velocity
from pylib.widgets import DiffusionWalk

vae, prior = pretrained.load("vae_20"), pretrained.load_diffusion()
without_labels = build_velocity(20, (32,))
rng = np.random.default_rng(0)
without_labels.set_weights([w + rng.normal(0, 0.1, w.shape) for w in without_labels.get_weights()])
other = Diffusion(without_labels, prior.mean, prior.scale)


@functools.lru_cache
def pictures(prior, noise, *how):
    codes = prior.path([noise], *how)[:, 0]
    return np.asarray(vae.decoder(codes.astype("float32"))).tolist()"""

# `follow` writes down what Python knows, and the pictures of the whole path.
CELLS = [
    LOAD,
    """def follow(name, prior, walk):
    def write(change=None):
        state = {key: getattr(walk, key) for key in ("noise", "digit", "steps", "guidance", "step")}
        how = walk.steps, walk.digit, 0 if walk.digit is None else walk.guidance
        state["pictures"], state["image"] = pictures(prior, tuple(walk.noise), *how), walk.image.tolist()
        with open(f".{name}.new", "w") as file:
            json.dump(state, file)
        os.replace(f".{name}.new", f"{name}.json")  # all of it at once

    walk.observe(write, "image")
    write()
    return walk""",
    """walk = DiffusionWalk(prior, vae)
follow("first", prior, walk)""",
    "walk",
    'follow("other", other, DiffusionWalk(other, vae.decoder))',
]


class Walks:
    """The walks of a page, and what Python knows of them."""

    names = ["first", "again", "other"]

    def __init__(self, run, folder):
        self.run, self.page, self.folder = run, run.page, folder

    def __getitem__(self, name):
        widget = self.page.locator(".diffusion-walk").nth(self.names.index(name))
        widget.scroll_into_view_if_needed()
        return widget

    def check(self, name):
        """The state in Python, once it is at rest and the page has the same: its pictures are Python's for that noise.

        They differ by half a grey level at most, and as much again where the page rounds it.
        """
        state, differ = None, "nothing was read"
        for _ in range(150):
            before, state = state, json.loads((self.folder / f"{name}.json").read_text())
            differ = state != before and "Python is not at rest" or differences(self[name], state)
            if not differ:
                return state
            self.page.wait_for_timeout(100)
        pytest.fail(f"the page and Python never agreed: {differ}")


def differences(widget, state):
    """What of a page isn't as Python has it."""
    if widget.locator("output").text_content() != f"step {state['step']} of {state['steps']}":
        return "another step"
    picker = widget.get_by_label("ask for")
    if picker.count() and picker.input_value() != ("any digit" if state["digit"] is None else str(state["digit"])):
        return "another digit"
    greys = 255 - 255 * np.array([state["image"], *state["pictures"]])
    if np.abs(greys[0] - greys[1 + state["step"]]).max() > 1e-3:
        return "image is not that of its step"
    pairs = [(shown_digit(widget), greys[0])]
    pairs += [(picture, greys[1 + step]) for step, picture in frames(widget)]
    farthest = max(np.abs(shown - grey).max() for shown, grey in pairs)
    return farthest > 1 and f"a picture is {farthest:.2f} grey levels off"


def frames(widget):
    """The small pictures, each with its step."""
    read = """frames => frames.map(frame => [
        Number(frame.getAttribute("aria-label").match(/step (\\d+) of/)[1]),
        [...frame.getContext("2d").getImageData(0, 0, 28, 28).data].filter((_, i) => i % 4 === 0),
    ])"""
    return [(step, np.array(picture)) for step, picture in widget.locator(".frames canvas").evaluate_all(read)]


def walk_to_the_end(widget, start):
    """Do what starts a walk, and wait until it is at its last step."""
    widget.evaluate(
        """widget => {
            const output = widget.querySelector("output");
            window.arrived = false;
            new MutationObserver((_, observer) => {
                const [step, steps] = output.textContent.match(/[0-9]+/g);
                if (step !== steps) return;
                window.arrived = true;
                observer.disconnect();
            }).observe(output, {childList: true});
        }"""
    )
    start()
    widget.page.wait_for_function("window.arrived")


def frames_seen(widget):
    return widget.locator(".frames canvas").evaluate_all(
        "frames => frames.filter(frame => getComputedStyle(frame).visibility === 'visible').length"
    )


@pytest.fixture(scope="module")
def walks(lesson, server):
    server.store("walks", *CELLS)
    run = lesson("walks")
    yield Walks(run, server.notebooks)
    run.page.close()


def test_walks_run(walks):
    assert walks.run.errors == [] and walks.run.requests_outside == []
    assert walks.page.locator(".diffusion-walk").count() == len(walks.names)
    for name in ("first", "other"):
        state = walks.check(name)
        assert [step for step, _ in frames(walks[name])] == [0, 3, 5, 8, 10, 13, 15, 18, 20] and state["step"] == 20


def test_button_draws_noise_and_walks_to_a_digit(walks):
    widget = walks["first"]
    before = walks.check("first")
    widget.evaluate(
        """widget => {
            window.walked = [];
            const output = widget.querySelector("output");
            const seen = () => widget.querySelectorAll(".frames > :not(.ahead)").length;
            const note = () => walked.push([output.textContent, seen(), output.ariaLive, performance.now()]);
            new MutationObserver(() => requestAnimationFrame(note)).observe(output, {childList: true});
        }"""
    )
    walk_to_the_end(widget, widget.get_by_role("button", name="New noise").click)
    after = walks.check("first")
    assert after["step"] == 20 and after["steps"] == 20
    assert np.std(after["noise"]) < 2 and len({*after["noise"], *before["noise"]}) == 40
    assert (
        np.abs(np.subtract(after["image"], after["pictures"][0])).max() > 0.1
    )  # the least of 2,000 noises is 0.19; a walk that stands still has 0
    places = walks.page.evaluate("walked")
    numbers = [int(text.split()[1]) for text, *_ in places]
    assert numbers == sorted(numbers) and len(set(numbers)) > 5 and numbers[-1] == 20
    assert 1.0 < (places[-1][3] - places[0][3]) / 1000 < 2.4
    counts = [seen for _, seen, *_ in places]
    assert counts == sorted(counts) and counts[0] < 3 and counts[-1] == 9 == frames_seen(widget)
    assert {live for _, _, live, _ in places[:-1]} == {"off"} and places[-1][2] == "polite"
    assert np.array_equal(shown_digit(widget), shown_digit(walks["again"]))  # a second view of the same walk


def test_noise_is_normal(walks):
    drawn = []
    walks.page.emulate_media(reduced_motion="reduce")
    for _ in range(12):
        walks["first"].get_by_role("button", name="New noise").click()
        drawn += walks.check("first")["noise"]
    walks.page.emulate_media(reduced_motion="no-preference")
    assert len(set(drawn)) == 240
    assert abs(np.mean(drawn)) < 5 / 240**0.5 and abs(np.std(drawn) - 1) < 5 / 480**0.5  # each in 1 of 1.7 million


def test_ask_for_a_digit(walks):
    widget, images = walks["first"], []
    noise = walks.check("first")["noise"]
    guidance = widget.get_by_label("guidance w")
    assert guidance.is_disabled()
    for digit in ("1", "0", "any digit"):
        widget.get_by_label("ask for").select_option(digit)
        state = walks.check("first")
        assert state["digit"] == (None if digit == "any digit" else int(digit)) and state["noise"] == noise
        assert guidance.is_disabled() == (digit == "any digit")
        images.append(255 * np.array(state["image"]))
    assert np.abs(images[0] - images[1]).max() > 100
    assert walks["other"].get_by_label("ask for").count() == walks["other"].get_by_label("guidance w").count() == 0


def test_steps_and_guidance_start_from_the_same_noise(walks):
    widget, page = walks["first"], walks.page
    widget.get_by_label("ask for").select_option("8")
    before = walks.check("first")
    widget.get_by_label("guidance w").focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    guided = walks.check("first")
    assert guided["guidance"] == 1.5 and guided["noise"] == before["noise"] and guided["step"] == 20
    assert np.abs(np.subtract(guided["image"], before["image"])).max() > 0.1
    steps = widget.get_by_role("slider", name="steps", exact=True)
    for key, number, shown in [("Home", 1, 2), ("ArrowRight", 2, 3), ("End", 40, 9)]:
        steps.press(key)
        state = walks.check("first")
        assert state["steps"] == state["step"] == number and state["noise"] == before["noise"]
        assert len(frames(widget)) == shown
    for _ in range(20):
        steps.press("ArrowLeft")
    assert walks.check("first")["step"] == 20


def test_along_the_way(walks):
    widget, page = walks["first"], walks.page
    way = widget.get_by_label("along the way")
    selected = page.locator(".jp-Notebook .jp-mod-selected").count()
    way.focus()
    assert way.evaluate("way => getComputedStyle(way).outlineStyle") == "solid"
    page.keyboard.press("Home")
    state = walks.check("first")
    assert state["step"] == 0 and way.get_attribute("aria-valuetext") == "step 0 of 20"
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    assert walks.check("first")["step"] == 3
    page.keyboard.press("3")  # in JupyterLab's command mode, a heading
    assert page.locator(".jp-Notebook .jp-mod-selected").count() == selected
    assert way.evaluate("way => way == document.activeElement")
    box = way.bounding_box()
    page.mouse.move(box["x"] + 5, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=5)
    page.mouse.up()
    assert walks.check("first")["step"] == 10
    assert frames_seen(widget) == 9 and widget.locator(".frames .here").text_content() == "10"


def test_keyboard_alone(walks):
    widget, page = walks["other"], walks.page
    noise = walks.check("other")["noise"]
    widget.get_by_role("button", name="New noise").focus()
    walk_to_the_end(widget, lambda: page.keyboard.press("Space"))
    state = walks.check("other")
    assert state["step"] == 20 and state["noise"] != noise
    page.keyboard.press("Tab")
    page.keyboard.press("End")
    assert walks.check("other")["steps"] == 40
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowLeft")
    assert walks.check("other")["step"] == 39


def test_the_hand_stops_the_walk(walks):
    widget, page = walks["first"], walks.page
    widget.get_by_role("button", name="New noise").click()
    page.wait_for_function(
        """() => {
            const frames = document.querySelector(".diffusion-walk .frames").children;
            const ahead = [...frames].filter(frame => frame.matches(".ahead")).length;
            return 0 < ahead && ahead < frames.length - 1;
        }"""
    )
    widget.get_by_label("along the way").press("Home")
    for _ in range(10):  # in the first of which a walk that goes on would be seen
        page.evaluate("() => new Promise(requestAnimationFrame)")
    assert walks.check("first")["step"] == 0 and frames_seen(widget) == 9


def test_reduced_motion_goes_straight_to_the_digit(walks):
    widget, page = walks["first"], walks.page
    widget.get_by_label("along the way").press("Home")
    before = walks.check("first")
    page.emulate_media(reduced_motion="reduce")
    count = "output => {window.places = new Set(); new MutationObserver(() => places.add(output.textContent))"
    widget.locator("output").evaluate(count + ".observe(output, {childList: true})}")
    widget.get_by_role("button", name="New noise").click()
    after = walks.check("first")
    page.emulate_media(reduced_motion="no-preference")
    assert after["step"] == 20 and after["noise"] != before["noise"]
    assert page.evaluate("[...places]") == ["step 20 of 20"]


def test_python_moves_the_walk(walks):
    page = walks.page
    page.locator(".jp-CodeCell .cm-content").last.click()
    page.keyboard.press("Control+a")
    page.keyboard.type("walk.noise = np.ones(20); walk.digit = 4; walk.steps = 7; walk.step = 5; walk.guidance = 0.5")
    page.keyboard.press("Control+Enter")
    page.wait_for_function("() => document.querySelector('.diffusion-walk output').textContent === 'step 5 of 7'")
    state = walks.check("first")
    assert (state["noise"], state["digit"], state["guidance"]) == ([1.0] * 20, 4, 0.5)
    assert walks["first"].get_by_label("guidance w").input_value() == "0.5"


def test_a_path_takes_no_time(walks):
    steps = walks["first"].get_by_role("slider", name="steps", exact=True)
    times = steps.evaluate(
        """async range => {
            const row = range.closest(".diffusion-walk").querySelector(".frames"), times = [];
            const nextChange = () => new Promise(resolve => {
                new MutationObserver((_, observer) => {
                    observer.disconnect();
                    resolve();
                }).observe(row, {childList: true});
            });
            for (let i = 0; i < 20; i++) {
                range.value = 19 + i % 2;
                const drawn = nextChange();
                await new Promise(requestAnimationFrame);
                const start = performance.now();
                range.dispatchEvent(new Event("input"));
                await drawn;
                times.push(performance.now() - start);
            }
            return times;
        }"""
    )
    # Printed only: on a busy machine no bound would hold.
    print(
        f"\nwalk: median {np.median(times):.0f} ms, at most {max(times):.0f}, from event to a guided path of 20 steps"
    )
    assert len(times) == 20
    walks.check("first")


def test_dark_theme(walks):
    page, widget = walks.page, walks["first"]
    before = shown_digit(widget)
    page.get_by_role("menuitem", name="Settings", exact=True).click()
    page.locator(".lm-Menu-itemLabel").get_by_text("Theme", exact=True).first.hover()
    page.locator(".lm-Menu-itemLabel").get_by_text("JupyterLab Dark", exact=True).click(force=True)
    page.wait_for_function("() => document.body.dataset.jpThemeLight == 'false'")
    brightness = """element => Math.min(...getComputedStyle(element).color.match(/[0-9]+/g).slice(0, 3).map(Number))"""
    for part in ("output", ".frames span", "button", "select", "label"):  # once it has faded in
        element = widget.locator(part).first.element_handle()
        page.wait_for_function(f"element => ({brightness})(element) > 150", arg=element)
    assert np.array_equal(shown_digit(widget), before)  # dark on light as ever
    assert walks.run.errors == []


EXPORTED = [
    LOAD,
    "walk = DiffusionWalk(prior, vae)",
    "walk",
    """noise = tuple(walk.noise)
expected = [pictures(prior, noise, *how) for how in [(20,), (20, 3), (20, 3, 2.0), (1, 3, 2.0)]]
with open("expected.json", "w") as file:
    json.dump(expected, file)""",
]


def test_exported_walk_needs_no_kernel(chromium, executed):
    folder = executed("walk", *EXPORTED)
    print(f"\nwalk: {(folder / 'walk.ipynb').stat().st_size / 1e6:.1f} MB stored")
    exported = ExportedPage(chromium, folder / "walk.html")
    page, widget = exported.page, exported.page.locator(".diffusion-walk")
    widget.wait_for()

    def change(number):
        if number == 1:
            widget.get_by_label("ask for").select_option("3")
        if number == 2:
            for _ in range(4):
                widget.get_by_label("guidance w").press("ArrowRight")
        if number == 3:
            widget.get_by_role("slider", name="steps", exact=True).press("Home")
        page.evaluate("() => new Promise(requestAnimationFrame)")

    for number, pictures in enumerate(json.loads((folder / "expected.json").read_text())):
        change(number)
        greys = 255 - 255 * np.array(pictures)
        assert np.abs(shown_digit(widget) - greys[-1]).max() <= 1
        assert all(np.abs(picture - greys[step]).max() <= 1 for step, picture in frames(widget))

    noise = frames(widget)[0][1]
    widget.get_by_role("slider", name="steps", exact=True).press("End")
    walk_to_the_end(widget, lambda: widget.get_by_role("button", name="New noise").press("Enter"))
    assert widget.locator("output").text_content() == "step 40 of 40"
    assert np.abs(frames(widget)[0][1] - noise).max() > 20
    assert np.array_equal(frames(widget)[-1][1], shown_digit(widget))
    widget.get_by_label("along the way").press("Home")
    page.evaluate("() => new Promise(requestAnimationFrame)")
    assert np.array_equal(frames(widget)[0][1], shown_digit(widget))
    assert exported.errors == [] and exported.requests_outside == []
    page.close()


def test_walks_of_named_classes(chromium, tmp_path):
    names = ["Ankle boot", "<b>x</b>", "字"]
    keras.utils.set_random_seed(0)
    network, rng = build_velocity(2, (16,), n_classes=3), np.random.default_rng(0)
    network.set_weights([weight + rng.normal(0, 0.3, weight.shape) for weight in network.get_weights()])
    prior, vae = Diffusion(network, np.zeros(2), np.ones(2)), pretrained.load("vae_2")
    walks = [DiffusionWalk(prior, vae, given) for given in (names, None, None)]
    data = embed_data(views=walks, drop_defaults=False)
    del data["manager_state"]["state"][walks[2].model_id]["state"]["_names"]  # as in a notebook older than names
    (tmp_path / "walks.html").write_text(widget_page(data["manager_state"], data["view_specs"]), encoding="utf-8")
    exported = ExportedPage(chromium, tmp_path / "walks.html")
    page, widgets = exported.page, exported.page.locator(".diffusion-walk")
    widgets.nth(2).wait_for()
    for widget, any_of_them, shown, last in zip(
        widgets.all(),
        ["any class", "any digit", "any digit"],
        [names, "012", "012"],
        ["picture", "digit", "digit"],
        strict=True,
    ):
        menu = widget.get_by_label("ask for")
        assert menu.locator("option").all_text_contents() == [any_of_them, *shown]
        assert widget.locator(".frames span").last.text_content() == last
        assert widget.get_by_label("guidance w").is_disabled()
        menu.select_option(label=shown[1])
        page.evaluate("() => new Promise(requestAnimationFrame)")
        code = prior.path([walks[0].noise], 20, 1)[-1]
        expected = 255 - 255 * np.asarray(vae.decoder(code.astype("float32")))[0]
        assert np.abs(shown_digit(widget) - expected).max() <= 1
        menu.select_option(label=any_of_them)
        page.evaluate("() => new Promise(requestAnimationFrame)")
        assert widget.get_by_label("guidance w").is_disabled()
    assert page.locator("b").count() == 0 and exported.errors == [] and exported.requests_outside == []
    page.close()
