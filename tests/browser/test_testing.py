"""Tests of parts in a live notebook: asked for by a click, listed, kept, and ended with the computation."""

import pytest
from playwright.sync_api import expect

from tests.browser.view import View


@pytest.fixture(scope="module")
def lab(open_lab):
    return open_lab("import scenes\ne = scenes.real()\ne", "e", "len(e.tests)")


def test_what_was_tested_stays_when_the_cell_is_run_again(lab):
    first = lab.view(0)
    first.head(2, 1).click()
    first.expect_conditioned("ready")
    first.notice().get_by_role("button", name="Test it").click()
    expect(first.log().first).to_contain_text("head 2·1")
    told = first.log().first.inner_text()
    again = lab.view(1)
    expect(again.log().first).to_have_text(first.log().first.text_content())
    assert again.log().first.inner_text() == told
    assert lab.page.watch.errors == []


def test_a_route_is_tested_by_its_button(lab):
    view = View(lab.cells.nth(1).locator(".semiring-widgets").first)
    before = view.log().count()
    view.pane("routes").get_by_role("button", name="Test it").nth(1).click()
    expect(view.log().first).to_contain_text("effect")
    expect(view.log()).to_have_count(before + 1)
