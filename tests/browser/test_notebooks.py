"""The widget in real JupyterLab and Notebook 7, with the embedded model and with synthetic results."""

import nbformat
import pytest
from playwright.sync_api import expect

from tests.browser.patience import eventually
from tests.browser.view import EMPTY, PANES, View

REAL = "import scenes\nscenes.real()"


@pytest.fixture(scope="module")
def lab(open_lab):
    """One notebook with the real explanation, run once."""
    notebook = open_lab(REAL)
    notebook.shown = notebook.view(0)
    return notebook


def test_lab_shows_every_pane(lab):
    view = lab.shown
    view.expect_state("done")
    for name in PANES:
        expect(view.pane(name)).to_be_visible()
    assert view.token(2).inner_text() == "keys"
    assert lab.page.watch.errors == []


@pytest.mark.parametrize("kind", ["layer", "head", "token"])
def test_a_click_is_linked_and_answered(lab, kind):
    view = lab.shown
    view.clear()
    chosen = {
        "layer": lambda: view.layer(2),
        "head": lambda: view.head(3, 1),
        "token": lambda: view.token(2),
    }[kind]
    chosen().click()
    view.expect_conditioned("ready")
    view.expect_selected(chosen())
    expected = {"layer": {"layer": 2}, "head": {"layer": 3, "head": 1}, "token": {"token": 2}}[kind]
    assert view.selection() == {**EMPTY, **expected}
    if kind == "head":
        expect(view.pane("head").locator("canvas")).to_have_count(3)
    view.clear()
    assert view.selection() == EMPTY
    view.expect_selected(chosen(), selected=False)


def test_the_chart_is_drawn_without_a_network(lab):
    view = lab.shown
    view.button("chart").click()
    expect(view.pane("chart").locator(".bk-Figure, .figure > *").first).to_be_visible()


def test_a_saved_notebook_holds_a_picture(lab):
    lab.save()
    expect(lab.page.locator(".jp-mod-dirty")).to_have_count(0)

    def pictures():
        saved = nbformat.read(lab.path, 4)
        return [output for output in saved.cells[0].outputs if "image/png" in output.get("data", {})]

    eventually(pictures, "a picture in the saved notebook")


def test_cancel_stops_a_running_computation(open_lab):
    notebook = open_lab("import scenes\nscenes.slow()")
    view = notebook.view(0)
    view.expect_state("running")
    view.button("cancel").click()
    view.expect_state("cancelled")


def test_hostile_tokens_are_text(open_lab):
    notebook = open_lab("import scenes\nscenes.hostile()")
    view = notebook.view(0)
    assert "<script>" in view.token(0).inner_text()
    assert notebook.page.evaluate("window.harmed") is None


def test_comparison(open_lab):
    view = open_lab("import scenes\nscenes.real_comparison()").view(0)
    expect(view.pane("comparison")).to_contain_text("Saliency")


def test_notebook_7(open_notebook7):
    view = open_notebook7(REAL).view(0)
    view.expect_state("done")
    view.head(3, 1).click()
    view.expect_conditioned("ready")


def test_cell_magic(open_lab):
    notebook = open_lab(
        "%load_ext semiring_widgets",
        "%%explain --target are --contrast is\nThe keys to the cabinet [MASK] on the table.",
    )
    notebook.run(0)
    View(notebook.run(1).locator(".semiring-widgets").first).expect_state("done")
