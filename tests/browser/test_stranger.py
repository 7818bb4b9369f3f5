"""Whatever twelve questions ask is in the exported page, in words that are seen or read aloud."""

import pytest
from playwright.sync_api import expect

from tests.browser.patience import eventually
from tests.browser.view import View
from tests.export.stranger.make import make

# Sentences run over elements; spaces of all kinds are one.
SAID = """root => [root.innerText, ...[...root.querySelectorAll("[aria-label]")].map(e => e.ariaLabel)]
  .join(" | ").replace(/\\s+/g, " ")"""


@pytest.fixture(scope="module")
def opened(watched, tmp_path_factory):
    folder = tmp_path_factory.mktemp("stranger")
    asked = make(folder)
    page = watched()
    page.goto((folder / "page.html").as_uri())
    view = View(page.locator(".semiring-widgets").first)
    expect(view.pane("scatter")).to_contain_text("Rank correlation")
    return view, asked


@pytest.mark.parametrize("number", range(12))
def test_the_page_says_what_is_asked(opened, number):
    view, asked = opened
    assert len(asked) == 12
    one = asked[number]
    # Two questions select something; a link that selects it leads there. What is selected before is cleared
    # first, as two selections in a row look the same in the state.
    for clicked in ("", one.clicked):
        view.page.evaluate("clicked => { location.hash = `paths=${clicked}`; }", clicked)
        view.expect_conditioned("ready" if clicked else "none")
    if one.tested:
        view.notice().locator('[data-action="test"]').click()
        expect(view.log().first).to_contain_text(" and ")
    eventually(
        lambda: all(words in view.root.evaluate(SAID) for words in one.shows), f"{one.question} {one.shows}"
    )
