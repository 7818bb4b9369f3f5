"""Pictures on a canvas: what is on screen, by colour, at any width; selecting; the address of a page."""

import json
import re

import pytest
from playwright.sync_api import expect

from tests.browser import scenes
from tests.browser.patience import patiently
from tests.browser.view import View, colours, expect_no_wider


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """A small page, and one that is wider than any window."""
    made, folder = scenes._made(), tmp_path_factory.mktemp("canvas")
    made.build_explanation().to_html(folder / "small.html", chart=False)
    words = [f"word{number}" for number in range(160)]
    made.build_explanation(words, 12, 8).to_html(folder / "wide.html", chart=False, answers=4)
    return folder


@pytest.fixture
def opened(watched, pages):
    """Opens one of them."""

    def open_page(name, width=1168, fragment="", **options):
        page = watched(**options)
        page.set_viewport_size({"width": width, "height": 900})
        page.goto((pages / f"{name}.html").as_uri() + fragment)
        view = View(page.locator(".semiring-widgets").first)
        expect(view.pane("flow").locator(".rover")).to_be_visible()
        # Of a large model the other panes are made once this one is on screen.
        expect(view.pane("scatter").locator(".rover")).to_be_visible()
        view.drawn()
        return view

    return open_page


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_colours_are_those_of_the_numbers(opened, theme):
    view = opened("small", color_scheme=theme)
    cells = [(layer, token) for layer in range(3) for token in range(4)]
    shown = [view.cell(layer, token).colour() for layer, token in cells]
    labels = [view.cell(layer, token).get_attribute("aria-label") for layer, token in cells]
    assert len(set(shown)) > 6
    for (red, _, blue), label in zip(shown, labels, strict=True):
        # Blue speaks for the score, red against it.
        assert (blue > red) == ("−" not in label.split("(")[0]), (red, blue, label)
    view.page.emulate_media(color_scheme="dark" if theme == "light" else "light")

    def is_another():
        assert view.cell(0, 0).colour() != shown[0]

    patiently(is_another)


def test_slanted_names_are_whole_where_the_picture_begins(opened):
    view = opened("wide", 420)
    field = view.pane("flow").locator(".field")
    names = field.locator('.strip[data-edge="left"]')

    def expect_corner(written):
        field.scroll_into_view_if_needed()
        # Left of the first column, below the names of rows.
        box, whole = names.bounding_box(), field.bounding_box()
        left, top = box["x"] + box["width"] - 20, whole["y"] + whole["height"] - 90
        clip = {"x": left, "y": top, "width": 16, "height": 60}
        assert (len(colours(view.page.screenshot(clip=clip))) > 1) == written

    for left, written in ((0, True), (300, False)):
        field.evaluate("(element, left) => { element.scrollLeft = left }", left)
        view.drawn()
        patiently(lambda written=written: expect_corner(written))


@pytest.mark.parametrize("width", [320, 420, 2000])
@pytest.mark.parametrize("name", ["small", "wide"])
def test_every_width_has_its_picture_and_no_more(opened, name, width):
    view = opened(name, width)
    expect_no_wider(view.page, width)
    field = view.pane("flow").locator(".field")

    def is_drawn():
        field.scroll_into_view_if_needed()
        box = field.bounding_box()
        picture = view.page.screenshot(clip={**box, "height": 120, "width": min(200, width - 40)})
        assert len(colours(picture)) > 10

    patiently(is_drawn)


def test_names_stay_in_sight_and_what_is_scrolled_to_is_drawn(opened):
    view = opened("wide")
    field = view.pane("flow").locator(".field")
    name = field.locator('.strip[data-edge="left"]')
    before, box = name.bounding_box(), field.bounding_box()

    def is_drawn():
        assert name.bounding_box() == pytest.approx(before, abs=1)
        assert field.bounding_box() == box
        clip = {"x": box["x"] + box["width"] - 90, "y": box["y"] + 60, "width": 60, "height": 60}
        assert len(colours(view.page.screenshot(clip=clip))) > 10

    for left in (300, 900, 1200, 0):
        field.evaluate("(element, left) => { element.scrollLeft = left }", left)
        view.drawn()
        patiently(is_drawn)
    # Far from what is drawn, only the part in sight is.
    assert field.locator("canvas").first.evaluate("canvas => canvas.width") < 2.2 * box["width"]


def test_the_pointer_meets_the_place_that_the_keyboard_goes_to(opened):
    view = opened("wide")
    for spot in (view.cell(3, 40), view.head(7, 5), view.mlp(2)):
        label = spot.get_attribute("aria-label")
        spot.hover()
        expect(view.tip()).to_contain_text(label)


def test_a_finger_reads_a_value(opened):
    view = opened("small", has_touch=True)
    spot = view.cell(1, 2)
    label = spot.get_attribute("aria-label")
    view.drawn()
    box = spot.bounding_box()
    view.page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(view.tip()).to_contain_text(label)
    view.expect_selection([{"layer": 1, "token": 2}])


def test_parts_are_left_out_and_the_way_back_is_kept(opened):
    view = opened("small")
    view.token(1).click()
    view.head(1, 1).click(modifiers=["Alt"])
    expect(view.notice()).to_contain_text("paths from keys, not through head 1·1")
    expect(view.pane("heads").locator(".mark.avoided")).to_have_count(1)
    (avoided,) = json.loads(view.root.get_attribute("data-avoiding"))
    assert (avoided["layer"], avoided["head"]) == (1, 1)
    view.page.keyboard.press("[")
    expect(view.notice().locator(".chip")).to_have_count(1)
    view.page.keyboard.press("]")
    expect(view.notice().locator(".chip")).to_have_count(2)
    view.page.keyboard.press("Escape")
    view.expect_selection([])
    view.page.keyboard.press("?")
    expect(view.root.locator(".gestures tbody tr")).to_have_count(18)


def test_the_address_tells_what_is_shown(opened):
    view = opened("small")
    view.token(2).click()
    view.show("mass")
    view.token(0).click(modifiers=["Alt"])
    fragment = "#paths=t2&not=t0&show=mass"
    expect(view.page).to_have_url(re.compile(re.escape(fragment)))
    view.page.reload()
    again = View(view.page.locator(".semiring-widgets").first)
    expect(again.measure("mass")).to_be_checked()
    again.expect_selection([{"token": 2}])
    for rubbish in ("#paths=t99,%%%&show=nothing", "#<script>", "#not=l0h0&paths=l0h0"):
        other = opened("small", fragment=rubbish)
        other.expect_selection([])
        assert other.page.watch.errors == []
