"""What axe-core says about page and widget: nothing."""

import json
from pathlib import Path

import pytest

from tests.browser import scenes
from tests.browser.live import write_live
from tests.browser.view import View

AXE = Path(__file__).parents[2] / "js" / "node_modules" / "axe-core" / "axe.min.js"
RUN = """async (scope) => {
  const found = await axe.run(scope ?? document, { resultTypes: ["violations"] });
  return found.violations.map(({ id, impact, nodes }) =>
    ({ id, impact, nodes: nodes.length, first: nodes[0].html.slice(0, 160), why: nodes[0].failureSummary }));
}"""


def violations(page, scope=None):
    page.add_script_tag(path=AXE)
    return page.evaluate(RUN, scope)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("kind", ["explanation", "comparison", "running"])
def test_nothing_is_found(watched, tmp_path, kind, theme):
    made = scenes._made()
    result = made.build_comparison() if kind == "comparison" else made.build_explanation()
    page = watched(color_scheme=theme)
    path = tmp_path / "page.html"
    if kind == "running":
        page.goto(write_live(path, made.build_explanation(known=False)))
    else:
        result.to_html(path)
        page.goto(path.as_uri())
    view = View(page.locator(".semiring-widgets").first)
    view.root.evaluate(f"(root) => root.setAttribute('data-theme', '{theme}')")
    for summary in view.root.locator("summary").all():
        summary.click()
    for chosen in (0, 1):
        token = view.root.locator(f'[data-item][data-token="{chosen}"]').first
        token.click(modifiers=["Shift"])
    # A page may not hold this pair; a kernel that says nothing gives no answer, a comparison asks for none.
    silent = {"explanation": [], "comparison": ["none"], "running": ["pending"]}[kind]
    view.expect_conditioned("ready", "unavailable", *silent)
    view.drawn()
    found = violations(page, ".semiring-widgets" if kind == "running" else None)
    assert found == [], json.dumps(found, indent=1)
