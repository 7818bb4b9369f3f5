"""What can be opened beside the pictures: each has its place at every width, and axe finds nothing in it."""

import json

import pytest
from playwright.sync_api import expect

import semiring_widgets as sw
from semiring_widgets.contract.inquiry import Inquiry, PastQuestion
from semiring_widgets.explanation import demo
from tests.browser import scenes
from tests.browser.live import Kernel, write_live
from tests.browser.patience import patiently
from tests.browser.test_axe import violations
from tests.browser.view import View, expect_no_wider
from tests.continued import continued


@pytest.fixture(scope="module")
def result():
    return sw.explain(*sw.load_demo(), demo.DEMO_TEXT, target="are", contrast="is")


def questions(result):
    """The one that is shown, and one whose answer was let go."""
    asked = result.arguments
    past = [PastQuestion(number, asked, result.score.label, 8.0, held=number == 2) for number in (2, 1)]
    return Inquiry(2, 2, asked, None, "", tuple(past))


@pytest.fixture
def shown(watched, tmp_path):
    def open_live(result, width=1168, **options):
        page = watched(**options)
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(write_live(tmp_path / "live.html", result, running=False, inquiry=questions(result)))
        view = View(page.locator(".semiring-widgets").first)
        kernel = Kernel(page, result)
        kernel.answer()
        return view, kernel

    return open_live


def open_all(view, kernel):
    """The units and the path of a head, a group, the question, the gestures, the filter, the picture."""
    view.unfold()
    view.head(3, 3).click()
    kernel.answer()
    for key in "up":
        view.page.keyboard.press(key)
        kernel.answer()
    view.token(2).click(modifiers=["Shift"])
    kernel.answer()
    view.page.keyboard.press("g")
    name = view.root.locator(".groups input")
    expect(name).to_be_focused()
    view.page.keyboard.type("a group that has quite a long name")
    name.press("Enter")
    kernel.answer()
    kernel.answer()
    expect(view.root.locator(".chip.group [aria-pressed=true]")).to_be_visible()
    for action in ("picture", "help", "question"):
        view.button(action).click()
    expect(view.root.locator(".ask form")).to_be_visible()
    expect(view.root.locator("[data-walked]")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_any_panel(shown, result, scheme):
    view, kernel = shown(result, color_scheme=scheme)
    open_all(view, kernel)
    view.root.evaluate(f"(root) => root.setAttribute('data-theme', '{scheme}')")
    view.drawn()
    found = violations(view.page, ".semiring-widgets")
    result.groups.remove("a group that has quite a long name")
    assert found == [], json.dumps(found, indent=1)


def test_all_panels_fit_into_a_narrow_view(shown, result):
    view, kernel = shown(result, 320)
    open_all(view, kernel)
    result.groups.remove("a group that has quite a long name")
    expect_no_wider(view.page, 320)
    for place in (".gestures", ".picture-acts", ".ask form", ".chip.group", "[data-units] table"):
        box, whole = view.root.locator(place).bounding_box(), view.root.bounding_box()
        assert box["x"] + box["width"] <= whole["x"] + whole["width"], place
    # What a gesture does is read in lines of some words.
    does = view.root.locator(".gestures td:last-child").first
    assert does.bounding_box()["width"] > 200


@pytest.mark.parametrize("width", [1000, 1400])
def test_the_choices_are_one_line(watched, tmp_path, width):
    path = tmp_path / "page.html"
    scenes.explanation().to_html(path)
    page = watched()
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(path.as_uri())
    View(page.locator(".semiring-widgets").first)
    bar = page.locator(".choices").first

    def is_a_line():
        assert bar.bounding_box()["height"] < 40

    patiently(is_a_line)


@pytest.mark.parametrize("width", [320, 700, 1168])
@pytest.mark.parametrize("count", [4, 200])
def test_the_score_is_read_whole(watched, tmp_path, width, count):
    path = tmp_path / "page.html"
    scenes._made().build_explanation([f"word{n}" for n in range(count)] + ["[MASK]"]).to_html(path, answers=2)
    page = watched()
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(path.as_uri())
    pane = View(page.locator(".semiring-widgets").first).pane("flow")
    pill, text, field = pane.locator(".pill rect"), pane.locator(".pill text"), pane.locator(".field")

    def is_whole():
        (x, right), (own, end) = edges(field), edges(pill)
        assert x <= own
        assert end <= right
        assert edges(text)[0] > own
        assert edges(text)[1] < end

    patiently(is_whole)


def edges(locator):
    box = locator.bounding_box()
    return box["x"], box["x"] + box["width"]


def test_one_piece_of_the_answer_is_asked_for_in_its_field(shown):
    result = continued(scenes._made().build_explanation)
    view, _ = shown(result)
    view.button("question").click()
    field = view.root.locator('[data-field="piece"]')
    expect(field.locator(".means")).to_contain_text("only this one")
    picks = field.locator("[data-pick]")
    expect(picks).to_have_count(len(result.score.pieces))
    picks.nth(1).click()
    view.button("ask").click()
    (asked,) = view.page.evaluate("window.sent.filter(({ type }) => type === 'ask')")
    assert asked["changes"] == [{"name": "piece", "words": ["1"]}]
