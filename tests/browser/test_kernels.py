"""Kernels that serve several views, that outlive their page, and that are started again under a view."""

import pytest
from playwright.sync_api import expect

from tests.browser.patience import eventually
from tests.browser.view import View

SHOWN = """
import scenes
from IPython.display import display
shown = [*globals().get("shown", []), scenes.slow(), scenes.slow()]
display(*shown[-2:], shown[-2])
"""
STATES = "print([one.result.status.state for one in shown], shown[0].selection)"
DIES = "import os\nos._exit(1)"


@pytest.fixture(scope="module")
def notebook(open_lab):
    """A notebook whose first cell shows two widgets that compute, the first of them twice."""
    notebook = open_lab(SHOWN, STATES, DIES)
    notebook.run(0)
    return notebook


def views(notebook):
    roots = notebook.cells.nth(0).locator(".semiring-widgets")
    expect(roots).to_have_count(3)
    return [View(root) for root in roots.all()]


def said(notebook, words):
    """What Python says once it says it."""

    def found():
        return words in notebook.run(1).locator(".jp-OutputArea-output").inner_text()

    eventually(found, words)


def test_several_widgets_of_one_kernel_and_two_views_of_one(notebook):
    first, second, again = views(notebook)
    for view in (first, second, again):
        view.expect_state("running")
    second.button("cancel").click()
    second.expect_state("cancelled")
    revision = int(first.root.get_attribute("data-revision"))
    first.token(2).click()
    again.expect_selection([{"token": 2}])
    second.expect_selection([])

    def goes_on():
        return all(int(view.root.get_attribute("data-revision")) > revision for view in (first, again))

    eventually(goes_on, "news in both views")
    said(notebook, "['running', 'cancelled'] [{'layer': None")


def test_a_page_that_is_loaded_again_comes_back_with_all(notebook):
    notebook.save()
    expect(notebook.page.locator(".jp-mod-dirty")).to_have_count(0)
    notebook.page.reload()
    expect(notebook.cells.first).to_be_visible()
    first, second, again = views(notebook)
    for view, state, selection in (
        (first, "running", [{"token": 2}]),
        (second, "cancelled", []),
        (again, "running", [{"token": 2}]),
    ):
        view.expect_state(state)
        view.expect_selection(selection)
    first.token(1).click()
    again.expect_selection([{"token": 1}])
    # The views of the page before count no more.
    notebook.run(0)
    said(notebook, "['cancelled', 'cancelled', 'running', 'running']")


def test_a_kernel_that_dies_is_said(notebook):
    first, second, again = views(notebook)
    first.expect_state("running")
    notebook.start(2)
    for view in (first, second, again):
        expect(view.root.locator("[data-silent]")).to_contain_text("run the cell again")
    notebook.page.locator(".jp-Dialog button").first.click()
    expect(notebook.page.locator(".jp-Dialog")).to_have_count(0)
    first.button("cancel").click()
    expect(first.root.locator("[data-error]")).to_contain_text("No kernel has answered")
    first.button("pull").click()
    expect(first.root.locator("[data-silent]")).to_contain_text("run the cell again")
    # A new kernel knows none of the widgets before.
    notebook.run(0)
    for view in views(notebook):
        view.expect_state("running")
