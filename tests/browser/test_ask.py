"""The question changed and asked again in the view: what is on screen, and what Python received."""

import json
import re

import pytest
from playwright.sync_api import expect

from tests.browser.patience import patiently
from tests.browser.test_axe import violations
from tests.browser.view import View, expect_no_wider

TEXT = "The keys [MASK] here."
WIDGET = f"""
import semiring_widgets as sw
model, tokenizer = sw.load_demo()
w = sw.widgets.explain(model, tokenizer, {TEXT!r}, "are", "is", paths=2)
e = w.wait()
w
"""
# What Python holds; the first explanation stays as it was.
RECEIVED = "print(w.wait().call(), len(w.questions), e.score.label, w.explanation is e)"


class Bar:
    """The bar of one widget."""

    def __init__(self, notebook, view):
        self.notebook, self.view, self.root = notebook, view, view.root
        self.line = self.root.locator(".question")
        self.form = self.root.locator(".ask form")

    def open(self):
        if self.line.get_attribute("aria-expanded") == "false":
            self.line.click()
        expect(self.form).to_be_visible()
        return self

    def field(self, name):
        return self.form.locator(f'[name="{name}"]')

    def ask(self):
        self.root.locator('[data-action="ask"]').click()

    def past(self):
        return self.root.locator("[data-question]")

    def received(self):
        """What Python holds now; a notebook draws what a cell has printed when it has time."""
        said = self.notebook.run(1).locator(".jp-OutputArea-output").first
        expect(said).to_have_text(re.compile(r"(True|False)\s*$"))
        return said.inner_text().strip()


@pytest.fixture(scope="module", params=["lab", "notebook 7"])
def bar(request, open_lab, open_notebook7):
    notebook = {"lab": open_lab, "notebook 7": open_notebook7}[request.param](WIDGET, RECEIVED)
    view = notebook.view(0)
    view.expect_state("done")
    return Bar(notebook, view)


def test_the_question_is_one_line_until_it_is_opened(bar):
    expect(bar.line).to_contain_text(f"“{TEXT}”")
    expect(bar.line).to_contain_text("target are rather than is at [MASK] by reference mask")
    expect(bar.form).to_have_count(0)

    def is_a_line():
        assert bar.line.bounding_box()["height"] < 40

    patiently(is_a_line)
    bar.open()
    expect(bar.field("text")).to_have_value(TEXT)
    expect(bar.form.locator('[data-field="rules"] .means')).to_contain_text("the local derivative")


def test_another_reference_and_back_to_the_question_before(bar):
    bar.open().form.locator('[data-field="reference"] [data-pick="zero"]').click()
    bar.ask()
    expect(bar.line).to_contain_text("by reference zero")
    bar.view.expect_state("done")
    expect(bar.past()).to_have_count(2)
    said = bar.received()
    assert 'reference="zero"' in said
    assert said.endswith("2 logit(are) - logit(is) at [MASK] False")
    bar.past().nth(1).click()
    expect(bar.line).to_contain_text("by reference mask")
    expect(bar.field("reference")).to_have_value("")
    assert bar.received().endswith("2 logit(are) - logit(is) at [MASK] True")


def test_a_target_of_the_models_own_choice(bar):
    pick = bar.open().form.locator('[data-field="target"] [data-pick="were"]')
    expect(pick).to_contain_text("%")
    pick.click()
    bar.field("contrast").fill("was")
    bar.field("contrast").press("Enter")
    expect(bar.root.locator("h2").first).to_contain_text("were")
    bar.view.expect_state("done")
    said = bar.received()
    assert 'target="were"' in said
    assert 'contrast="was"' in said


def test_a_target_that_is_none_is_told_beside_its_field(bar):
    heading = bar.root.locator("h2").first.inner_text()
    before = bar.received()
    bar.open().field("target").fill("☃")
    bar.ask()
    wrong = bar.form.locator('[data-field="target"] [data-wrong]')
    expect(wrong).to_contain_text("target '☃' is")
    expect(bar.field("target")).to_have_attribute("aria-invalid", "true")
    expect(bar.field("target")).to_have_value("☃")
    bar.view.drawn()
    assert bar.root.locator("h2").first.inner_text() == heading
    bar.field("target").fill("were")
    assert "InputError" not in before
    assert violations(bar.root.page, ".ask") == []


def test_another_text_by_the_keyboard_clears_the_selection(bar):
    bar.view.token(1).click()
    bar.view.expect_conditioned("ready")
    text = bar.open().field("text")
    text.fill("The key to the cabinets [MASK] on the table.")
    # Keys that mean something elsewhere are letters here.
    text.press("End")
    text.press("q")
    text.press("Backspace")
    text.press("Control+Enter")
    expect(bar.line).to_contain_text("“The key to the cabinets")
    bar.view.expect_state("done")
    bar.view.expect_selection([])
    assert "The key to the cabinets [MASK] on the table." in bar.received()
    text.press("Escape")
    expect(bar.form).to_have_count(0)
    expect(bar.line).to_be_focused()


def test_the_call_is_that_of_the_selection(bar):
    bar.view.root.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    bar.view.head(3, 3).click()
    bar.open()
    expect(bar.root.locator("pre.call")).to_contain_text('through=[{"layer": 3, "head": 3}]')
    bar.root.locator('[data-action="copy"]').click()
    expect(bar.root.locator("[data-copied]")).to_contain_text("in the clipboard")

    def is_copied():
        copied = bar.root.page.evaluate("navigator.clipboard.readText()")
        assert copied == bar.root.locator("pre.call").inner_text()

    patiently(is_copied)


def test_an_exported_page_shows_its_question_and_says_why_it_stays(watched, tmp_path):
    from tests.browser import scenes

    path = tmp_path / "page.html"
    scenes.real().to_html(path, chart=False, answers=3)
    page = watched(color_scheme="dark")
    page.set_viewport_size({"width": 320, "height": 900})
    page.goto(path.as_uri())
    bar = Bar(None, View(page.locator(".semiring-widgets").first)).open()
    expect(bar.form.locator("[data-unasked]")).to_contain_text("written without the model")
    expect(bar.root.locator('[data-action="ask"]')).to_have_count(0)
    bar.view.drawn()
    for field in bar.form.locator("[name]").all():
        assert field.evaluate("(field) => field.readOnly || field.disabled"), field.get_attribute("name")
    assert 'target="are"' in bar.root.locator("pre.call").inner_text()
    expect_no_wider(page, 320)
    found = violations(page)
    assert found == [], json.dumps(found, indent=1)
