"""The widget in real JupyterLab and Notebook 7, with the embedded model and with synthetic results."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser import scenes
from tests.browser.notebooks import saved_outputs
from tests.browser.patience import eventually, patiently
from tests.browser.view import PANES, View

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
    expect(view.token(2)).to_have_text("keys")
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
    view.expect_selection([expected])
    if kind == "head":
        expect(view.pane("head").locator("figure")).to_have_count(3)
    view.clear()
    view.expect_selection([])
    view.expect_selected(chosen(), selected=False)


@pytest.mark.parametrize(
    ("clicks", "words"),
    [
        ([("head", 3, 3), ("token", 2)], "paths from keys through head 3·3"),
        ([("token", 2), ("head", 3, 3)], "paths from keys through head 3·3"),
        ([("head", 3, 2), ("layer", 3)], "paths through head 3·2 and the attention of layer 3"),
        ([("head", 0, 3), ("head", 3, 3), ("cell", 3, 1)], "through head 0·3, head 3·3 and layer 3 at The"),
    ],
    ids=["head and token", "token and head", "head and its layer", "three"],
)
def test_parts_are_added(lab, clicks, words):
    """What the widget says of some parts is what the core says."""
    view = lab.shown
    view.clear()
    elements = [getattr(view, kind)(*place) for kind, *place in clicks]
    for number, element in enumerate(elements):
        element.click(modifiers=["Shift"] if number else [])
    view.expect_conditioned("ready")
    for element in elements:
        view.expect_selected(element)
    names = {"head": ("layer", "head"), "token": ("token",), "layer": ("layer",), "cell": ("layer", "token")}
    through = [dict(zip(names[kind], place, strict=True)) for kind, *place in clicks]
    view.expect_selection(through)
    share, contribution = scenes.selected(through)
    expect(view.notice()).to_contain_text(words)
    expect(view.root).to_contain_text(re.compile(r": \S+ % of all mass"))
    assert said(view, r": (\S+) % of all mass") == pytest.approx(100 * share, rel=0.05)
    expect(view.pane("routes")).to_contain_text("Routes through the selection")
    remark = view.pane("routes").locator("[data-remark]")
    expect(remark).to_contain_text("Found by a search that may miss some.")

    def is_theirs():
        tip = remark.get_attribute("data-tip")
        assert number_in(tip, r"of (\S+) \(slope") == pytest.approx(contribution, rel=0.01)

    patiently(is_theirs)
    expect(view.pane("head")).to_contain_text("of the selected paths")
    view.clear()


def said(view, pattern):
    """A number in the text of the widget."""
    return number_in(view.root.inner_text(), pattern)


def number_in(text, pattern):
    return float(re.search(pattern, text).group(1).replace("−", "-"))


def test_the_chart_is_drawn_without_a_network(lab):
    view = lab.shown
    view.button("chart").click()
    expect(view.pane("chart").locator(".bk-Figure, .figure > *").first).to_be_visible()
    expect(view.pane("chart")).to_contain_text("This chart shows all paths.")
    expect(view.button("chart")).to_be_hidden()
    view.token(2).click()
    expect(view.button("chart")).to_have_text("Draw the chart of the selected paths")
    view.button("chart").click()
    expect(view.pane("chart")).to_contain_text("This chart shows selected paths.")
    expect(view.button("chart")).to_be_hidden()
    view.clear()


def test_a_saved_notebook_holds_a_picture(lab):
    lab.save()
    expect(lab.page.locator(".jp-mod-dirty")).to_have_count(0)

    def pictures():
        return [output for output in saved_outputs(lab.path) if "image/png" in output.get("data", {})]

    eventually(pictures, "a picture in the saved notebook")


def test_cancel_stops_a_running_computation(open_lab):
    notebook = open_lab("import scenes\nscenes.slow()")
    view = notebook.view(0)
    view.expect_state("running")
    view.button("cancel").click()
    view.expect_state("cancelled")


def test_a_cleared_output_stops_its_computation(open_lab):
    notebook = open_lab(
        "import scenes\nshown = [*globals().get('shown', []), scenes.slow()]\nshown[-1]",
        "[widget.result.status.state for widget in shown]",
    )
    notebook.view(0).expect_state("running")
    view = notebook.view(0)
    view.expect_state("running")

    def cancelled():
        return "['cancelled', 'running']" in notebook.run(1).locator(".jp-OutputArea-output").inner_text()

    eventually(cancelled, "the end of the computation whose output is gone")
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
