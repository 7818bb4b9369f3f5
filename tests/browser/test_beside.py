"""Two explanations side by side, as a reader of the page meets them."""

import json

import pytest
from playwright.sync_api import expect

from tests.browser import scenes
from tests.browser.patience import patiently
from tests.browser.test_axe import violations
from tests.browser.view import Spot, View, expect_no_wider
from tests.export.reading import payload_of

WIDE, NARROW = 1400, 320


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A page of two texts, the second with another word and one more."""
    path = tmp_path_factory.mktemp("beside") / "sides.html"
    scenes.beside().to_html(path)
    return path


@pytest.fixture
def opened(watched, written):
    def open_page(width=WIDE, **options):
        page = watched(**options)
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(written.as_uri())
        return View(page.locator(".semiring-widgets").first)

    return open_page


def boxes(view, name):
    return [view.pane(f"{name}-{side}").bounding_box() for side in ("a", "b", "difference")]


def test_three_pictures_stand_beside_each_other_or_below(opened):
    view = opened()

    def beside():
        for name in ("token", "head", "node"):
            a, b, difference = boxes(view, name)
            assert a["x"] + a["width"] <= b["x"] + 1
            assert b["x"] + b["width"] <= difference["x"] + 1
            assert a["y"] == b["y"] == difference["y"]

    def below():
        for name in ("token", "head", "node"):
            a, b, difference = boxes(view, name)
            assert a["y"] + a["height"] <= b["y"]
            assert b["y"] + b["height"] <= difference["y"]

    patiently(beside)
    view.page.set_viewport_size({"width": NARROW, "height": 900})
    expect(view.root.locator('.three[data-columns="1"]')).to_have_count(3)
    patiently(below)
    expect_no_wider(view.page, NARROW)


def test_a_click_on_one_side_selects_on_all_and_brings_the_numbers_of_both(opened):
    view = opened()
    Spot(view.pane("head-difference"), 2, 2).click()
    view.expect_selection([{"layer": 2, "head": 1}])
    expect(view.root.locator(".mark.selected")).to_have_count(3)
    expect(view.root).to_have_attribute("data-conditioned", "ready")
    expect(view.notice()).to_contain_text("share of all mass: A 61 %, B 61 %")
    expect(view.notice()).to_contain_text("A − B")
    view.page.keyboard.press("Escape")
    view.expect_selection([])
    # Of a word that one text has alone, that side has numbers.
    view.pane("token-b").locator(".different").last.click()
    expect(view.notice()).to_contain_text("A: it has no such word")
    expect(view.notice()).to_contain_text("A not known, B 61 %")


def test_what_is_pointed_at_on_one_side_lights_up_on_the_others(opened):
    view = opened()
    word = view.pane("token-a").locator('[data-token="1"]')
    view.hover(word)
    for side in ("b", "difference"):
        expect(view.pane(f"token-{side}").locator('[data-token="1"].preview')).to_have_count(1)
        expect(view.pane(f"node-{side}").locator(".mark.nearby")).to_have_count(1)
    expect(view.tip()).to_contain_text("keys: effect (tested): A ")
    Spot(view.pane("head-a"), 1, 1).hover()
    for side in ("b", "difference"):
        expect(view.pane(f"head-{side}").locator(".mark.pointed")).to_have_count(1)


def test_the_keyboard_goes_through_all_and_a_sentence_selects(opened):
    view = opened()
    rover = view.pane("node-b").locator(".rover")
    rover.focus()
    view.page.keyboard.press("ArrowRight")
    expect(view.tip()).to_contain_text("B ")
    view.page.keyboard.press("Enter")
    expect(view.root.locator(".mark.selected")).to_have_count(3)
    named = view.pane("answer").locator(".named").first
    named.focus()
    view.page.keyboard.press("Enter")
    expect(named).to_have_attribute("aria-pressed", "true")


def test_the_table_tells_the_numbers_of_the_pictures(opened):
    view = opened()
    view.root.locator(".beside-table summary").click()
    rows = view.root.locator(".sides tbody tr")
    expect(rows).to_have_count(10)
    told = rows.filter(has_text="keys / key").locator("td").all_inner_texts()
    a, b, difference = (float(text.replace("−", "-").replace("+", "")) for text in told)
    assert difference == pytest.approx(a - b, abs=0.02)
    label = view.pane("token-difference").locator('[data-token="1"]').get_attribute("aria-label")
    assert label.startswith("keys / key: ")
    shown = float(label.rsplit("A − B ", 1)[1].replace("−", "-").replace("+", ""))
    assert shown == pytest.approx(difference, abs=0.01)
    view.root.get_by_role("button", name="words × layers").click()
    expect(rows).to_have_count(3 * 10)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(opened, scheme):
    view = opened(color_scheme=scheme)
    view.root.locator(".beside-table summary").click()
    view.pane("token-a").locator('[data-token="2"]').click()
    expect(view.root).to_have_attribute("data-conditioned", "ready")
    view.drawn()
    found = violations(view.page)
    assert found == [], json.dumps(found, indent=1)


def test_the_page_asks_nobody_and_holds_what_it_shows(opened, written):
    text = written.read_text(encoding="utf-8")
    payload = payload_of(text)
    assert set(payload["held"]) == {"condition"}
    assert payload["held"]["condition"]
    view = opened()
    expect(view.root.locator('[data-item][aria-disabled="true"]')).to_have_count(0)
