"""The table of methods by keyboard and pointer, in a narrow window, and in forced colours."""

import pytest
from playwright.sync_api import expect

from tests.browser import scenes
from tests.browser.view import View, expect_no_wider

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
    order = [asked[0], asked[3], asked[1], asked[2]]
    expect(view.root.locator(".methods tbody th")).to_have_text(order, use_inner_text=True)
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
    view.drawn()
    before = name.bounding_box()
    scroll.evaluate("element => (element.scrollLeft = 600)")
    assert scroll.evaluate("element => element.scrollLeft") == 600
    # But for the gap between cells.
    assert name.bounding_box()["x"] == pytest.approx(before["x"], abs=2)
    curves = view.root.locator(".curves").bounding_box()
    cell = view.root.locator(".methods tbody tr").nth(1).locator("[data-item]").nth(20)
    view.hover(cell)
    expect(view.root.locator(".tip")).to_contain_text("word20")
    assert view.root.locator(".curves").bounding_box() == curves
    expect_no_wider(view.page, width)
    figures = [figure.bounding_box() for figure in view.root.locator("figure svg").all()]
    assert figures[0]["x"] + figures[0]["width"] <= figures[1]["x"] or figures[0]["y"] < figures[1]["y"]


def test_curves_are_seen_in_forced_colours(opened):
    view = opened(scenes.comparison(), forced_colors="active", color_scheme="dark")
    line = view.root.locator(".curves .line").first
    ink = view.root.evaluate("element => getComputedStyle(element).color")
    assert line.evaluate("element => getComputedStyle(element).stroke") == ink
    view.hover(view.root.locator(".methods tbody tr").nth(1).locator("[data-item]").first)
    lit = view.root.locator(".curves .lit .line").first
    expect(lit).not_to_have_css("stroke", ink)
