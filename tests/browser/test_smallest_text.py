"""Nothing on a page is written smaller than 11 px, whatever is unfolded, wide or narrow."""

import pytest
from playwright.sync_api import expect

from tests.browser import scenes
from tests.browser.view import View

SMALLEST = 11

# What is drawn on a canvas, with the size of its letters on screen.
DRAWN = """
window.drawn = [];
const write = CanvasRenderingContext2D.prototype.fillText;
CanvasRenderingContext2D.prototype.fillText = function (text, ...where) {
  const { a, b } = this.getTransform();
  const size = (parseFloat(/([\\d.]+)px/.exec(this.font)?.[1]) * Math.hypot(a, b)) / devicePixelRatio;
  window.drawn.push({ text: String(text), size });
  return write.call(this, text, ...where);
};
"""

# Elements with text of their own that is seen; letters of a drawing are as large as it is.
WRITTEN = """(root) => {
  const found = [];
  for (const element of root.querySelectorAll("*")) {
    const text = [...element.childNodes].filter((n) => n.nodeType === 3).map((n) => n.data).join("").trim();
    const field = element.matches("input, select, textarea");
    if ((text === "" && !field) || element.matches("style, script") || !element.checkVisibility()) continue;
    const scale = element instanceof SVGElement ? Math.abs(element.getScreenCTM()?.d ?? 1) : 1;
    found.push({ text, size: parseFloat(getComputedStyle(element).fontSize) * scale });
  }
  return found;
}"""


def unfold(view):
    """Opens whatever can be opened, and selects something."""
    view.unfold()
    for toggle in ("help", "question"):
        for button in view.root.locator(f'[data-action="{toggle}"]').all():
            button.click()
    for variants in view.root.locator(".unfold").all():
        variants.click()
    for row, name in enumerate(("minuend", "subtrahend"), 1):
        for choices in view.root.locator(f'select[data-option="{name}"]').all():
            choices.select_option(index=row)
    token = view.root.locator("[data-item][data-token]").first
    token.click()
    token.hover()


@pytest.mark.parametrize("width", [1400, 400])
@pytest.mark.parametrize("scene", ["explanation", "comparison", "beside"])
def test_nothing_is_smaller(watched, tmp_path, scene, width):
    path = tmp_path / "page.html"
    getattr(scenes, scene)().to_html(path)
    page = watched()
    page.set_viewport_size({"width": width, "height": 1000})
    page.add_init_script(DRAWN)
    page.goto(path.as_uri())
    view = View(page.locator(".semiring-widgets").first)
    expect(view.root.locator("[data-pane]").first).to_be_visible()
    unfold(view)
    if scene == "explanation":
        view.button("chart").click()
        expect(view.pane("chart").locator(".bk-Figure").first).to_be_visible()
    if scene == "comparison":
        expect(view.root.locator("tr[data-difference] small")).to_be_visible()
    view.drawn()
    written, drawn = view.root.evaluate(WRITTEN), page.evaluate("window.drawn")
    assert len(written) > 20
    assert [one for one in written + drawn if one["size"] < SMALLEST - 0.01] == []
