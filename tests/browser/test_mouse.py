"""A hand on the mouse: presses last, lists stay open, text is marked; also while updates arrive."""

from dataclasses import replace

import pytest
from playwright.sync_api import expect

from tests.browser import scenes
from tests.browser.live import write_live
from tests.browser.patience import patiently
from tests.browser.view import View, colours

HOLDS = pytest.mark.parametrize("seconds", [0.1, 0.5, 1.0, 2.5])
UPDATES = pytest.mark.parametrize("running", [False, True], ids=["still", "running"])
# Milliseconds between updates.
OFTEN = 100


@pytest.fixture(scope="module")
def shown(watched, tmp_path_factory):
    """Shows a result, with or without updates that keep arriving."""
    made = scenes._made()
    first = made.build_explanation()
    later = replace(first, dataset=0.7 * first.dataset)
    folder = tmp_path_factory.mktemp("live")
    pages = {}
    for name, results in {
        "explanation": [first, later],
        "comparison": [made.build_comparison()],
    }.items():
        page = watched()
        page.goto(write_live(folder / f"{name}.html", *results))
        pages[name] = View(page.locator(".semiring-widgets").first)

    def show(name, running):
        view = pages[name]
        view.page.reload()
        expect(view.root).to_be_visible()
        view.drawn()
        if running:
            view.page.evaluate(f"window.run({OFTEN})")
        return view

    yield show
    assert [error for view in pages.values() for error in view.page.watch.errors] == []


@pytest.mark.parametrize(("seconds", "running"), [(0.1, True), (1.0, False), (2.5, True)])
def test_the_switch_takes_a_choice_and_keeps_it(shown, seconds, running):
    view = shown("explanation", running)
    expect(view.measure("reasons")).to_be_checked()
    for name in ("mass", "entropy", "best", "reasons"):
        view.press(view.root.locator(f'.choice:has([value="{name}"])'), seconds)
        view.page.wait_for_timeout(300)
        expect(view.measure(name)).to_be_checked()
        seconds = 0.1


@pytest.mark.parametrize(("seconds", "running"), [(0.1, True), (0.5, False), (1.0, True), (2.5, False)])
def test_details_open_by_mouse_and_stay_open(shown, seconds, running):
    view = shown("comparison", running)
    details = view.root.locator("details").nth(1)
    view.press(details.locator("summary"), seconds)
    expect(details).to_have_attribute("open", "")
    view.page.evaluate("window.arrives()")
    view.press(view.root.locator('[data-token="1"]').first)
    view.page.wait_for_timeout(300)
    expect(details).to_have_attribute("open", "")
    view.press(details.locator("summary"))
    expect(details).not_to_have_attribute("open", "")


@UPDATES
@pytest.mark.parametrize(
    "selector",
    ["h2", ".tells", "[data-remark]", ".entry .way", '.token[data-token="4"]', ".notice .meaning"],
)
def test_text_can_be_marked_and_copied(shown, selector, running):
    view = shown("explanation", running)
    element = view.root.locator(selector).first
    text = element.inner_text()
    element.scroll_into_view_if_needed()
    view.drawn()
    box = element.bounding_box()
    # An element may be wider than its text.
    left, width = element.evaluate(
        "e => { const r = document.createRange(); r.selectNodeContents(e);"
        " const b = r.getBoundingClientRect(); return [b.left, b.width]; }"
    )
    mouse, middle = view.page.mouse, box["y"] + box["height"] / 2
    mouse.move(left + 0.5, middle)
    mouse.down()
    for part in (0.3, 0.7, 1.0):
        mouse.move(left + part * width + 1, middle)
        view.page.wait_for_timeout(150)
    mouse.up()
    view.page.wait_for_timeout(400)

    def is_marked():
        assert view.page.evaluate("getSelection().toString()").strip() == text.strip()

    patiently(is_marked)
    # Marking is not choosing.
    assert view.root.locator("[aria-pressed='true']").count() == 0


def test_adding_a_part_marks_no_text(shown):
    view = shown("explanation", running=False)
    view.press(view.family(1))
    view.page.keyboard.down("Shift")
    for element in (view.family(2), view.token(1), view.token(5), view.head(1, 1), view.cell(2, 3)):
        view.press(element)
        expect(view.page.locator(":focus")).to_have_attribute("data-item", "")
        assert view.page.evaluate("getSelection().toString()") == ""
    view.page.keyboard.up("Shift")
    view.expect_selection([{"token": 1}, {"token": 5}, {"layer": 1, "head": 1}, {"layer": 2, "token": 3}])


@HOLDS
def test_a_button_takes_a_click_however_long_it_is_held(shown, seconds):
    view = shown("explanation", running=True)
    view.press(view.button("cancel"), seconds)
    assert view.page.evaluate("window.sent.at(-1).type") == "cancel"
    view.press(view.token(1), seconds)
    view.expect_selection([{"token": 1}])


def test_the_keyboard_stays_when_the_button_to_clear_goes(shown):
    view = shown("explanation", running=True)
    view.press(view.head(1, 1))
    view.button("clear").focus()
    view.page.keyboard.press("Enter")
    expect(view.button("clear")).to_have_count(0)
    view.expect_selection([])
    assert view.page.evaluate("document.activeElement.closest('[data-pane]').dataset.pane") == "tokens"


COUNT = """() => {
  const root = document.querySelector(".semiring-widgets");
  const watched = "[data-pane], .notice, .totals, .semiring-widgets";
  const element = ({ target }) => (target.closest ? target : target.parentElement);
  // What a resting pointer is told is no answer to a press, and comes or not as that is slow or quick.
  const isTip = (one) => one.attributeName === "aria-describedby" || element(one).closest("[role=tooltip]");
  const at = (one) => element(one).closest(watched);
  window.changes = [];
  new MutationObserver((all) => window.changes.push(...all.filter((one) => !isTip(one)).map(at))).observe(
    root, { subtree: true, childList: true, attributes: true, characterData: true });
}"""
PANES = """() => [...new Set(window.changes.splice(0).map((e) => e.dataset.pane ?? e.classList[0]))].sort()"""


def test_a_click_changes_what_it_must_and_no_more(shown):
    view = shown("explanation", running=False)
    page = view.page
    page.evaluate(COUNT)
    view.press(view.root.locator("h2"))
    view.press(view.root.locator("[data-remark]"))
    page.wait_for_timeout(300)
    assert page.evaluate(PANES) == []
    view.press(view.family(1))
    view.drawn()
    assert set(page.evaluate(PANES)) == {"flow", "inside", "routes"}
    page.evaluate("window.arrives()")
    view.drawn()
    page.evaluate(PANES)
    # A token changes no number before there is an answer.
    kept = page.evaluate_handle("[...document.querySelectorAll('canvas, .token, .rover, input')]")
    view.press(view.token(1))
    view.drawn()
    assert "heads" not in page.evaluate(PANES)
    assert kept.evaluate("elements => elements.every((element) => element.isConnected)")


def test_nothing_is_left_when_the_output_is_cleared(shown):
    view = shown("explanation", running=True)
    view.page.evaluate("window.remove()")
    assert view.page.evaluate("document.getElementById('out').childNodes.length") == 0
    assert view.page.evaluate("window.sent.at(-1).type") == "gone"


def test_heads_that_are_not_known_yet_are_seen(watched, tmp_path):
    page = watched()
    page.goto(write_live(tmp_path / "page.html", scenes._made().build_explanation(known=False)))
    view = View(page.locator(".semiring-widgets").first)
    view.drawn()
    box = view.head(1, 1).bounding_box()
    view.page.mouse.click(0, 0)

    def is_dashed():
        # Along the upper edge, dashes and gaps.
        edge = view.page.screenshot(
            clip={"x": box["x"] + 5, "y": box["y"], "width": box["width"] - 10, "height": 1}
        )
        assert len(colours(edge)) > 1

    patiently(is_dashed)
