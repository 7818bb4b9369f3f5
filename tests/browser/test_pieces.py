"""Words by the pieces of an answer: a picture on a canvas, by pointer and keyboard, at any width."""

from dataclasses import replace

import pytest
from playwright.sync_api import expect

from semiring_widgets.results.parts import Status
from tests.browser import scenes
from tests.browser.live import write_live
from tests.browser.view import View, expect_no_wider
from tests.continued import continued


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """A small page, and one whose 200 words are wider than any window."""
    make, folder = scenes._made().build_explanation, tmp_path_factory.mktemp("pieces")
    continued(make).to_html(folder / "small.html", chart=False)
    long = {"text": [f"word{n}" for n in range(193)], "pieces": [f"out{n}" for n in range(8)], "contrast": ()}
    continued(make, **long).to_html(folder / "wide.html", chart=False, answers=4)
    return folder


@pytest.fixture
def opened(watched, pages):
    def open_page(name, width=1168, **options):
        page = watched(**options)
        page.set_viewport_size({"width": width, "height": 900})
        page.goto((pages / f"{name}.html").as_uri())
        view = View(page.locator(".semiring-widgets").first)
        expect(view.pane("pieces").locator(".rover")).to_be_visible()
        return view

    return open_page


@pytest.mark.parametrize("name", ["small", "wide"])
@pytest.mark.parametrize("width", [320, 1168])
def test_every_width_has_its_picture_and_no_more(opened, name, width):
    view = opened(name, width)
    expect_no_wider(view.page, width)
    view.pane("pieces").locator("summary").click()
    expect(view.pane("pieces").locator("tbody tr")).to_have_count(6 if name == "small" else 8)
    expect_no_wider(view.page, width)


def test_a_cell_is_met_and_its_word_is_selected(opened):
    view = opened("small")
    rover = view.pane("pieces").locator(".rover")
    rover.focus()
    view.page.keyboard.press("End")
    view.page.keyboard.press("ArrowDown")
    label = rover.get_attribute("aria-label")
    assert label.startswith("cabinet → on: effect")
    expect(view.tip()).to_contain_text(label)
    view.drawn()
    box = rover.bounding_box()
    view.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    view.expect_selection([{"token": 4}])
    view.expect_conditioned("ready", "unavailable")


def test_a_page_asks_for_no_piece(opened):
    view = opened("small")
    rover = view.pane("pieces").locator(".rover")
    rover.focus()
    view.page.keyboard.press("Home")
    expect(rover).to_have_attribute("aria-disabled", "true")
    view.page.keyboard.press("Enter")
    view.expect_selection([])


def test_rows_come_one_by_one_and_stay_when_it_ends_early(watched, tmp_path):
    make = scenes._made().build_explanation
    running = [continued(make, told=told, status=Status("running", 1, 2, "pieces")) for told in (0, 2)]
    stopped = replace(running[1], status=Status("cancelled", 1, 2, "cancelled"))
    page = watched()
    page.goto(write_live(tmp_path / "live.html", *running, stopped, running=False))
    view = View(page.locator(".semiring-widgets").first)
    told = view.pane("pieces").locator("[data-progress]")
    expect(told).to_have_text("Estimates of 0 of 6 pieces so far.")
    page.evaluate("window.arrives()")
    expect(told).to_have_text("Estimates of 2 of 6 pieces so far.")
    page.evaluate("window.arrives()")
    expect(told).to_have_text("It ended early: 2 of 6 pieces have estimates.")
    view.pane("pieces").locator('input[value="estimates"]').check()
    view.pane("pieces").locator("summary").click()
    rows = view.pane("pieces").locator("tbody tr")
    expect(rows.nth(1).locator("td").nth(1)).not_to_have_text("–")
    expect(rows.nth(2).locator("td").nth(1)).to_have_text("–")
