"""Keys pressed in the widget stay in the widget, in both notebooks; arrows follow the picture."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.notebooks import saved_cells
from tests.browser.patience import eventually

CELLS = ["import scenes\nscenes.explanation()", "'untouched'"]


@pytest.fixture(scope="module", params=["lab", "notebook 7"])
def opened(request, open_lab, open_notebook7):
    notebook = {"lab": open_lab, "notebook 7": open_notebook7}[request.param](*CELLS)
    notebook.shown = notebook.view(0)
    return notebook


def focused(view):
    """What the focused element stands for, wherever it is."""
    # Which keys it keeps, the widget notes there too.
    return view.page.evaluate("(({ lmSuppressShortcuts, ...what }) => what)(document.activeElement.dataset)")


def test_letters_do_not_edit_the_notebook(opened):
    view = opened.shown
    before = [cell.inner_text() for cell in opened.cells.locator(".cm-content").all()]
    places = [view.family(0), view.token(1), view.cell(1, 2), view.head(1, 1), view.mlp(1), view.layer(1)]
    places += [view.measure("mass"), view.button("chart")]
    for element in places:
        element.focus()
        there = focused(view)
        for key in ("a", "b", "x", "d", "d", "m", "y", "0"):
            view.page.keyboard.press(key)
        assert focused(view) == there
    view.page.wait_for_timeout(500)
    assert [cell.inner_text() for cell in opened.cells.locator(".cm-content").all()] == before
    expect(opened.cells).to_have_count(len(CELLS))


def saves(opened, element):
    """Whether Ctrl+S on an element writes the notebook, which was changed before."""
    cell = opened.cells.nth(1).locator(".cm-content")
    cell.click()
    opened.page.keyboard.type("#")
    written = cell.inner_text()
    element.focus()
    opened.page.keyboard.press("Control+s")
    eventually(lambda: [c.source for c in saved_cells(opened.path)[1:]] == [written], "a saved notebook")


def test_shortcuts_of_the_notebook_work_in_the_widget(opened):
    """Saving, for one; what the widget answers itself starts nothing else."""
    view = opened.shown
    saves(opened, view.token(1))
    saves(opened, view.cell(1, 2))
    expect(view.root.locator(":focus")).to_have_count(1)
    view.token(1).focus()
    prompts = opened.cells.locator(".jp-InputPrompt").all_inner_texts()
    view.page.keyboard.press("?")
    expect(view.root.locator(".gestures")).to_be_visible()
    view.page.keyboard.press("Escape")
    expect(view.root.locator(".gestures")).to_be_hidden()
    view.page.keyboard.press("Control+Enter")
    assert view.selection() == [{"token": 1}]
    view.page.keyboard.press("Escape")
    assert view.selection() == []
    expect(view.token(1)).to_be_focused()
    assert opened.cells.locator(".jp-InputPrompt").all_inner_texts() == prompts
    expect(opened.cells).to_have_count(len(CELLS))


def test_arrows_follow_the_picture(opened):
    view = opened.shown
    steps = [
        (view.cell(0, 2), "ArrowUp", {"layer": "1", "token": "2"}),
        (view.cell(1, 2), "ArrowDown", {"layer": "0", "token": "2"}),
        (view.cell(0, 2), "ArrowDown", {"layer": "0", "token": "2"}),
        (view.cell(2, 2), "ArrowUp", {"layer": "2", "token": "2"}),
        (view.cell(1, 2), "ArrowRight", {"layer": "1", "token": "3"}),
        (view.cell(1, 0), "ArrowLeft", {"layer": "1"}),
        (view.layer(1), "ArrowUp", {"layer": "2"}),
        (view.head(0, 1), "ArrowUp", {"layer": "1", "head": "1"}),
        (view.head(2, 1), "ArrowDown", {"layer": "1", "head": "1"}),
        (view.token(1), "ArrowRight", {"token": "2"}),
        (view.token(1), "ArrowLeft", {"token": "0"}),
        (view.cell(1, 2), "Home", {"layer": "1"}),
        (view.head(1, 0), "End", {"layer": "1", "branch": "mlp"}),
        (view.token(1), "Home", {"token": "0"}),
        (view.family(1), "ArrowDown", {"family": "2"}),
        (view.family(1), "ArrowUp", {"family": "0"}),
    ]
    for element, key, expected in steps:
        element.focus()
        view.page.keyboard.press(key)
        found = focused(view)
        assert {name: found.get(name) for name in ("layer", "head", "token", "family", "branch")} == {
            **dict.fromkeys(("layer", "head", "token", "family", "branch")),
            **expected,
        }, (key, found)


def test_enter_chooses_shift_adds_escape_clears(opened):
    view = opened.shown
    view.head(1, 1).focus()
    view.page.keyboard.press("Enter")
    view.expect_conditioned("ready")
    view.token(1).focus()
    view.page.keyboard.press("Shift+Enter")
    view.expect_selection([{"layer": 1, "head": 1}, {"token": 1}])
    expect(view.notice()).to_contain_text("paths from keys through head 1·1")
    view.page.keyboard.press("Escape")
    view.expect_selection([])
    expect(view.token(1)).to_be_focused()


def test_one_tab_stop_for_each_pane(opened):
    view = opened.shown
    view.drawn()
    view.measure("mass").focus()
    seen = []
    # The filter, the picture, the gestures, and the panes.
    for _ in range(10):
        view.page.keyboard.press("Tab")
        seen.append(view.page.evaluate("document.activeElement.closest('[data-pane]')?.dataset.pane ?? ''"))
    assert [name for name in seen if name][:5] == ["tokens", "flow", "routes", "heads", "scatter"], seen


def test_every_number_is_explained_to_the_keyboard(opened):
    view = opened.shown
    for element in (view.token(1), view.cell(1, 2), view.head(1, 1), view.mlp(1)):
        element.focus()
        # The first focus comes from a script, this one from a key.
        view.page.keyboard.press("ArrowLeft")
        view.page.keyboard.press("ArrowRight")
        here = view.page.locator(":focus")
        expect(view.tip()).to_be_visible()
        expect(view.tip()).to_contain_text(here.get_attribute("aria-label"))
        explained = here.get_attribute("aria-describedby")
        expect(view.root.locator(f'[id="{explained}"]')).to_have_text(re.compile(r"\w.*\.$"))
    view.page.keyboard.press("Escape")
    expect(view.tip()).to_be_hidden()
