"""The table of methods by keyboard and pointer, in a narrow window, and in forced colours."""

import pytest
from playwright.sync_api import expect

from tests.browser import scenes
from tests.browser.view import View

LONG = [f"word{number}" for number in range(40)]


@pytest.fixture
def opened(watched, tmp_path):
    """Opens a page with a comparison."""

    def open_page(result, width=900, **options):
        path = tmp_path / "page.html"
        result.to_html(path)
        page = watched(**options)
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(path.as_uri())
        return View(page.locator(".semiring-widgets").first)

    return open_page


def names(view):
    return view.root.locator(".methods tbody th").all_inner_texts()


def test_the_keyboard_sorts_and_walks_over_rows(opened):
    view = opened(scenes.comparison())
    asked = names(view)
    heading = view.root.locator("th", has=view.page.locator('[data-sort="sufficiency"]'))
    view.page.locator('[data-sort="sufficiency"]').focus()
    expect(view.root.locator(".tip")).to_contain_text("Less is better")
    view.page.keyboard.press("Enter")
    expect(heading).to_have_attribute("aria-sort", "ascending")
    view.page.keyboard.press("Space")
    expect(heading).to_have_attribute("aria-sort", "descending")
    assert names(view) == [asked[0], asked[3], asked[1], asked[2]]
    cell = view.root.locator('.methods [data-item][data-token="1"]').first
    cell.focus()
    view.page.keyboard.press("ArrowDown")
    expect(view.root.locator(".tip")).to_contain_text("keys: ")
    expect(view.root.locator(".curves g.lit")).to_have_count(2)


@pytest.mark.parametrize("width", [420, 900])
def test_names_stay_while_words_are_scrolled_and_nothing_moves(opened, width):
    view = opened(scenes._made().build_comparison(LONG), width)
    name = view.root.locator(".methods tbody th").nth(1)
    scroll = view.root.locator(".scroll").first
    before = name.bounding_box()
    scroll.evaluate("element => (element.scrollLeft = 600)")
    assert scroll.evaluate("element => element.scrollLeft") == 600
    # But for the gap between cells.
    assert name.bounding_box()["x"] == pytest.approx(before["x"], abs=2)
    curves = view.root.locator(".curves").bounding_box()
    cell = view.root.locator(".methods tbody tr").nth(1).locator("[data-item]").nth(20)
    # To scroll hides what was told of another cell.
    cell.scroll_into_view_if_needed()
    cell.hover()
    expect(view.root.locator(".tip")).to_contain_text("word20")
    assert view.root.locator(".curves").bounding_box() == curves
    assert view.page.evaluate("document.documentElement.scrollWidth") <= width
    figures = [figure.bounding_box() for figure in view.root.locator("figure svg").all()]
    assert figures[0]["x"] + figures[0]["width"] <= figures[1]["x"] or figures[0]["y"] < figures[1]["y"]


def test_curves_are_seen_in_forced_colours(opened):
    view = opened(scenes.comparison(), forced_colors="active", color_scheme="dark")
    line = view.root.locator(".curves .line").first
    ink = view.root.evaluate("element => getComputedStyle(element).color")
    assert line.evaluate("element => getComputedStyle(element).stroke") == ink
    view.root.locator(".methods tbody tr").nth(1).locator("[data-item]").first.hover()
    lit = view.root.locator(".curves .lit .line").first
    assert lit.evaluate("element => getComputedStyle(element).stroke") != ink
