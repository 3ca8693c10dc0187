"""The site and the widgets for all: what axe-core finds, in both themes; keys alone; a finger; pictures in the dark."""

import io
import json
import re

import matplotlib.image
import matplotlib.pyplot as plt
import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from ipywidgets.embed import embed_data

from pylib import pretrained
from pylib.diffusion import Diffusion, build_velocity
from pylib.mnist_dataset import load
from pylib.models import VAE, build_autoencoder
from pylib.widgets import DenoisedDrawing, DiffusionWalk, DrawnDigit, FigureSlider, LatentExplorer, NoiseExplorer
from tests.browser.explorers import middle
from tests.browser.pages import LESSONS, SitePage, is_dark, too_narrow
from tests.small_vae import weights_at_random
from tools.notebooks import WIDGET

WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]

UNFOLD = """() => { for (const details of document.querySelectorAll("details")) details.open = true; }"""

# Of formulas, and of words of code with the same colour, some stand for all, or axe-core looks at 15,000 elements.
# They come back afterwards, since the page may serve other tests.
THIN = """() => {
    const formulas = [...document.querySelectorAll(".MathJax")].slice(10), code = [...document.querySelectorAll("pre")];
    const whole = [...formulas, ...code].map(each => [each, [...each.childNodes]]);
    for (const formula of formulas) formula.replaceChildren();
    const seen = new Set(), places = "details, .admonition, .cell_input, .cell_output";
    for (const pre of code) {
        const place = pre.closest(places)?.className + pre.parentElement.className;
        for (const word of pre.querySelectorAll(":scope > span")) {
            if (seen.has(place + word.className)) word.replaceWith(word.textContent);
            seen.add(place + word.className);
        }
    }
    window.putBack = () => whole.forEach(([element, nodes]) => element.replaceChildren(...nodes));
}"""

# Of texts with the same colours and font, one stands for all: axe-core takes most of a minute for a lesson's thousands.
SAMPLE = """() => {
    const seen = new Set(), grounds = new Map([[null, ""]]);
    function ground(element) {
        if (!grounds.has(element)) {
            const {backgroundColor, backgroundImage, opacity} = getComputedStyle(element);
            const own = backgroundColor == "rgba(0, 0, 0, 0)" ? "" : backgroundColor;
            const image = backgroundImage == "none" ? "" : backgroundImage, fade = opacity == 1 ? "" : opacity;
            grounds.set(element, `${ground(element.parentElement)} ${own} ${image} ${fade}`.trim());
        }
        return grounds.get(element);
    }
    for (const element of document.body.querySelectorAll("*")) {
        element.removeAttribute("data-sample");
        const hasText = [...element.childNodes].some(node => node.nodeType == Node.TEXT_NODE && node.data.trim());
        if (!hasText && !element.matches("input, select") || !element.checkVisibility()) continue;
        const {color, fontSize, fontWeight} = getComputedStyle(element);
        const looks = [color, fontSize, fontWeight, ground(element)].join();
        if (!seen.has(looks)) element.setAttribute("data-sample", "");
        seen.add(looks);
    }
}"""
DIM = """() => [...document.querySelectorAll("article img")].filter(image => {
    const style = getComputedStyle(image);
    return style.backgroundColor != "rgb(255, 255, 255)" || style.filter != "none" || style.opacity != 1;
}).map(image => image.alt || image.src.slice(-80))"""


def axe(page, part, **options):
    """What axe-core calls serious or critical: the rule, the element, and why."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(Axe().axe_script)
    options = {"resultTypes": ["violations"], "preload": False} | options  # files can't read their stylesheets
    found = page.evaluate("async ([part, options]) => (await axe.run(part, options)).violations", [part, options])
    return [
        (rule["id"], node["html"][:160], [check["message"] for check in node["any"]][:1])
        for rule in found
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
    ]


def contrast(page):
    page.evaluate(SAMPLE)
    return axe(page, "[data-sample]", runOnly=["color-contrast"])


def violations(page):
    return axe(page, "html", runOnly=WCAG, rules={"color-contrast": {"enabled": False}}) + contrast(page)


def set_theme(page, theme):
    page.emulate_media(reduced_motion="reduce", color_scheme=theme)  # or colours might be half-way
    page.wait_for_function("theme => document.documentElement.dataset.theme == theme", arg=theme)
    assert is_dark(page) == (theme == "dark")


def in_both_themes(page):
    """The violations in light, those that the dark theme adds, and pictures that turn dark with it."""
    page.evaluate(UNFOLD)
    page.evaluate(THIN)
    set_theme(page, "light")
    found = violations(page)
    set_theme(page, "dark")
    found += [("dark", *each) for each in contrast(page) + axe(page, "html", runOnly=["link-in-text-block"])]
    page.evaluate("putBack()")
    return found + [("dark picture", alt) for alt in page.evaluate(DIM)]


@pytest.fixture
def opened(chromium, site):
    opened = SitePage(chromium, site / "index.html")
    set_theme(opened.page, "light")
    yield opened
    opened.close_clean()


@pytest.fixture(scope="module")
def all_widgets():
    """Each widget with each of its controls."""
    vae, (images, labels) = pretrained.load("vae_2"), load("test")
    codes = np.asarray(vae.encoder(images[:300])[0])
    velocity = weights_at_random(build_velocity(2, (32,), n_classes=10))
    networks = {name: weights_at_random(build_autoencoder([size])[2]) for name, size in (("small", 8), ("large", 32))}

    def draw(value):
        figure, axes = plt.subplots(figsize=(3, 2))
        axes.plot([0, 1], [0, value])
        return figure

    conditional = weights_at_random(VAE(hidden=(16,), latent_dim=3, n_classes=10))
    rng = np.random.default_rng(0)
    return [
        LatentExplorer(conditional, rng.normal(size=(300, 3)), rng.integers(0, 10, 300)),
        DiffusionWalk(Diffusion(velocity, np.zeros(2), np.ones(2)), vae.decoder),
        NoiseExplorer(networks, images[:20]),
        FigureSlider(draw, "slope", -1, 1, 1, 0),
        DrawnDigit(vae, codes, labels[:300]),
        DenoisedDrawing(networks),
    ]


@pytest.fixture
def gallery(opened, site, all_widgets):
    """The first page with all widgets in the place of its own, as they are now: notebooks may store earlier ones."""
    embedded = embed_data(views=all_widgets, drop_defaults=False)
    page = (site / "index.html").read_text("utf-8")
    for kind, contents in (("state", [embedded["manager_state"]]), ("view", embedded["view_specs"])):
        texts = [json.dumps(content).replace("</", "<\\/") for content in contents]
        scripts = "".join(f'<div><script type="{WIDGET.format(kind)}">{text}</script></div>' for text in texts)
        pattern = rf'<script type="{re.escape(WIDGET.format(kind))}">.+?</script>'
        page, count = re.subn(pattern, lambda _, scripts=scripts: scripts, page, flags=re.DOTALL)
        assert count == 1
    path = site / "gallery.html"
    path.write_text(page, encoding="utf-8")
    opened.open(path)
    path.unlink()  # or other tests would take it for a page of the site
    opened.page.locator(".vae-widget").nth(len(all_widgets) - 1).wait_for()
    return opened.page


# --- axe-core ---------------------------------------------------------------------------------------


def test_no_lesson_shuts_anybody_out(lesson_page):
    assert in_both_themes(lesson_page.page) == []


def test_no_other_page_shuts_anybody_out(opened, site):
    paths = sorted(path for path in site.rglob("*.html") if "_static" not in path.parts and path.stem not in LESSONS)
    assert len(paths) > 20
    found = {}
    for path in paths:
        opened.open(path)
        found[path.name] = in_both_themes(opened.page)
        found[path.name] += [("scrolls sideways", width) for width in too_narrow(opened.page)]
    assert {name: each for name, each in found.items() if each} == {}


def test_no_widget_shuts_anybody_out(gallery):
    assert in_both_themes(gallery) == []


def test_what_opens_shuts_nobody_out(opened, site):
    page, found = opened.page, {}
    for theme in ("light", "dark"):
        set_theme(page, theme)
        page.keyboard.press("Control+k")
        page.locator("input[type=search]:visible").wait_for()
        found[theme, "search"] = violations(page)
        page.keyboard.press("Escape")
        page.locator(".theme-switch-button:visible").click()
        page.locator(".dropdown-menu.show").wait_for()
        found[theme, "menu"] = violations(page)
        opened.open(site / "index.html")
    page.set_viewport_size({"width": 390, "height": 844})
    page.locator(".primary-toggle:visible").click()
    page.get_by_role("link", name="5. Exercises").first.wait_for()
    found["narrow"] = violations(page)
    assert {name: each for name, each in found.items() if each} == {}


def test_formulas_are_no_stops_but_where_they_scroll(opened, site):
    page = opened.page
    page.set_viewport_size({"width": 390, "height": 844})
    opened.open(site / "notebooks" / "05_exercises.html")
    page.evaluate(UNFOLD)
    page.locator("div.math[tabindex='0']").first.wait_for()
    assert violations(page) == []
    assert page.locator(".MathJax").count() > 5 and page.locator(".MathJax[tabindex='0']").count() == 0
    wide = page.locator("div.math[tabindex='0']").first
    wide.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("wide => wide.scrollLeft > 0", arg=wide.element_handle())


# --- Keys alone -------------------------------------------------------------------------------------

# Numbers all that can be worked; returns what a hand could reach. An element shows the focus itself or in its icon.
NUMBER = """() => {
    const all = [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex='0']")];
    window.numbered = all.filter(each => each.checkVisibility({visibilityProperty: true}) && !each.disabled);
    return numbered.map(each => each.outerHTML.slice(0, 100));
}"""
FOCUSED = """() => {
    const focused = document.activeElement;
    const shown = [focused, ...focused.children].map(each => getComputedStyle(each));
    const isShown = shown.some(({outlineStyle, boxShadow}) => outlineStyle != "none" || boxShadow != "none");
    return [numbered.indexOf(focused), isShown];
}"""


def test_tab_reaches_everything_and_shows_where_it_is(gallery):
    names = gallery.evaluate(NUMBER)
    reached, unseen = [], []
    for _ in range(len(names) + 10):
        gallery.keyboard.press("Tab")
        number, is_shown = gallery.evaluate(FOCUSED)
        if number in reached:
            break
        if number >= 0:
            reached.append(number)
            unseen += [] if is_shown else [names[number]]
    assert [name for number, name in enumerate(names) if number not in reached] == [] and unseen == []
    assert gallery.locator(".vae-widget :is(select, input, button, [tabindex='0'])").count() == 22
    assert reached == sorted(reached)


def test_keys_work_the_page(opened):
    page = opened.page
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # "Skip to main content"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') != null")
    page.locator(".theme-switch-button:visible").focus()
    page.keyboard.press("Enter")
    page.locator(".dropdown-menu.show").wait_for()
    for _ in range(5):
        page.keyboard.press("ArrowDown")
        if page.evaluate("document.activeElement.dataset.mode") == "dark":
            page.keyboard.press("Enter")
            break
    assert is_dark(page)
    arrow = page.get_by_label("Pages under pylib’s reference").first
    arrow.focus()
    page.keyboard.press("Enter")
    assert page.get_by_role("link", name="pylib.widgets").first.is_visible()
    toggle = page.locator(".primary-toggle:visible")
    toggle.focus()
    page.keyboard.press("Enter")
    arrow.wait_for(state="hidden")


def draw(page):
    for key in ["Space", *4 * ["ArrowDown"], "Space"]:
        page.keyboard.press(key)


def press(page, kind, control):
    """What works the control that has the focus."""
    if kind == "drawing":
        draw(page)
    elif kind == "button":
        page.keyboard.press("Enter")
    elif kind == "select":
        is_last = control.evaluate("menu => menu.selectedIndex == menu.options.length - 1")
        page.keyboard.press("ArrowUp" if is_last else "ArrowDown")
    else:
        is_last = kind == "input" and control.evaluate("range => range.value == range.max")
        page.keyboard.press("ArrowLeft" if is_last else "ArrowRight")


def test_keys_move_what_each_control_of_a_widget_shows(gallery, all_widgets):
    read = "pictures => pictures.map(picture => picture.src ?? picture.toDataURL()).join()"
    worked, still = 0, []
    for widget in gallery.locator(".vae-widget").all():
        pictures = widget.locator("canvas:not([aria-hidden]), img")
        controls = widget.locator("select, input, button, [tabindex='0']").all()
        controls[0].focus()
        for control in controls:
            assert control.evaluate("control => control == document.activeElement")
            kind = control.evaluate("control => control.matches('.drawing') ? 'drawing' : control.localName")
            before = pictures.evaluate_all(read)
            press(gallery, kind, control)
            gallery.evaluate("() => new Promise(requestAnimationFrame)")
            if pictures.evaluate_all(read) == before:
                still.append(control.evaluate("({labels}) => labels?.[0]?.firstChild.textContent.trim()"))
            if kind == "button" and control.inner_text() == "Clear":
                gallery.keyboard.press("Shift+Tab")
                draw(gallery)
                gallery.keyboard.press("Tab")
            gallery.keyboard.press("Tab")
            worked += 1
    assert worked == 22
    assert set(still) <= {"from", "to"}  # which the next walk will follow; this one may be going on


# --- A finger, and pictures in the dark -------------------------------------------------------------


def test_a_swipe_over_the_plane_scrolls_the_page(opened):
    page = opened.page
    page.set_viewport_size({"width": 390, "height": 844})
    widget = opened.page.locator(".latent-explorer")
    widget.locator(".plane").scroll_into_view_if_needed()
    page.evaluate("() => new Promise(requestAnimationFrame)")
    place = widget.locator("output").text_content()
    x, y, unit = middle(widget)
    top = page.evaluate("scrollY")
    touch = page.context.new_cdp_session(page)
    for step in range(0, 201, 20):
        kind = "touchMove" if step else "touchStart"
        point = {"x": x - unit, "y": y + unit - step}  # off the handle, which drags the point
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [point]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.wait_for_function("top => scrollY > top + 50", arg=top, timeout=5000)
    assert widget.locator("output").text_content() == place


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_widgets_draw_on_white(gallery, theme):
    set_theme(gallery, theme)
    png = gallery.screenshot(full_page=True)
    picture = matplotlib.image.imread(io.BytesIO(png))[..., :3]
    corners = {}
    for parts in (".plane", ".legend", ".drawing", "figure:first-child .digit", "article img"):
        boxes = [part.bounding_box() for part in gallery.locator(parts).all()]
        assert boxes
        top = gallery.evaluate("scrollY")
        corners[parts] = min(float(picture[round(box["y"] + top) + 4, round(box["x"]) + 4].min()) for box in boxes)
    assert all(corner > 0.95 for corner in corners.values()), corners
