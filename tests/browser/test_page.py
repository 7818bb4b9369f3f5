"""The exported page, opened from disk, and marimo."""

import re

import pytest
from playwright.sync_api import expect

from semiring_widgets.export.page import write_page
from tests.browser import scenes, servers
from tests.browser.view import View


@pytest.fixture(scope="module")
def opened(watched, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "page.html"
    write_page(scenes.real(), path)
    page = watched()
    page.goto(path.as_uri())
    return View(page.locator(".semiring-widgets").first)


def test_page_answers_without_a_kernel(opened):
    opened.expect_state("done")
    opened.head(3, 1).click()
    opened.expect_conditioned("ready")
    expect(opened.pane("head").locator("canvas")).to_have_count(3)
    opened.clear()
    opened.button("chart").click()
    expect(opened.pane("chart").locator(".figure > *").first).to_be_visible()
    assert opened.page.watch.errors == []
    assert all(re.match(r"(file|blob|data):", url) for url in opened.page.watch.requests)


def test_every_part_can_be_clicked_and_has_numbers_and_routes(opened):
    parts = opened.root.locator("[data-item]:not([data-route])")
    layers, heads, tokens = 4, 4, 12
    # Layers twice: in the grid and among the heads.
    expect(parts).to_have_count(tokens + layers * tokens + layers * heads + 2 * layers)
    expect(opened.root.locator("[aria-disabled]")).to_have_count(0)
    cell = opened.pane("flow").locator('[data-layer="2"][data-token="2"]')
    cell.click()
    opened.expect_conditioned("ready")
    expect(opened.root.locator(".notice")).to_contain_text("Only paths through layer 2 at keys")
    expect(opened.pane("routes")).to_contain_text("of the first 80 routes of this ranking pass")
    expect(opened.pane("routes").locator(".entry").first).to_contain_text("keys")
    opened.clear()


def test_a_route_is_drawn_when_it_is_pointed_at_or_chosen(opened):
    opened.page.mouse.move(0, 0)
    last = opened.pane("flow").locator('.route[data-route="9"]')
    expect(last).to_be_hidden()
    opened.route(9).hover()
    expect(last).to_be_visible()
    expect(opened.pane("flow").locator('.route[data-route="0"]')).to_have_css("opacity", "0.2")
    opened.page.mouse.move(0, 0)
    expect(last).to_be_hidden()
    opened.route(9).click()
    opened.page.mouse.move(0, 0)
    expect(last).to_be_visible()
    opened.route(9).click()


def test_lines_can_be_clicked_and_the_middle_of_a_cell_is_the_cell(opened):
    line = opened.pane("flow").locator('.route[data-route="0"] path.branch').first
    box = line.bounding_box()
    opened.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    opened.expect_selected(opened.route(0))
    opened.route(0).click()
    opened.expect_selected(opened.route(0), selected=False)
    middle = opened.pane("flow").locator('[data-layer="2"][data-token="6"]')
    middle.click()
    opened.expect_selected(middle)
    opened.clear()


def test_keyboard(opened):
    opened.token(0).focus()
    opened.page.keyboard.press("ArrowRight")
    opened.page.keyboard.press("Enter")
    assert opened.selection() == [{"token": 1}]
    opened.page.keyboard.press("Escape")
    assert opened.selection() == []


def test_routes_are_ranked_three_ways(opened):
    pane = opened.pane("routes")
    first = pane.locator(".entry").first
    choice = pane.locator("[data-by]")
    expect(first).to_contain_text("stays on the skip connections")
    for by, says in (("mass", "hold"), ("contribution", "Together these routes contribute")):
        choice.select_option(by)
        expect(pane.locator("[data-remark]")).to_contain_text(says)
        expect(first).not_to_contain_text("stays on the skip connections")
        expect(first).to_contain_text("cancellation")
    choice.select_option("best")
    opened.layer(1).click()
    expect(pane).to_contain_text("Routes through the selection")
    expect(first).to_contain_text("L1")
    # The keyboard alone: to the choice, one down, and the focus stays there.
    choice.focus()
    opened.page.keyboard.press("ArrowDown")
    expect(choice).to_have_value("mass")
    expect(choice).to_be_focused()
    choice.select_option("best")
    opened.clear()
    expect(first).to_contain_text("stays on the skip connections")


def test_a_semiring_of_ones_own(watched, tmp_path):
    path = tmp_path / "own.html"
    result = scenes.own()
    write_page(result, path, answers=12)  # a semiring in Python takes its time for each; three are of layers
    page = watched()
    page.goto(path.as_uri())
    view = View(page.locator(".semiring-widgets").first)
    expect(view.root.locator("[data-measure]")).to_have_value("statistic:0")
    value = float(result.dataset.token_statistic[0, 2])
    expect(view.token(2)).to_have_attribute("title", f"keys: collision entropy {value:.4g} nats")
    expect(view.head(3, 1)).to_have_attribute("title", re.compile(r"collision entropy [\d.]+ nats$"))
    whole = view.token(2).get_attribute("title")
    view.layer(1).click()
    view.expect_conditioned("ready")
    expect(view.token(2)).not_to_have_attribute("title", whole)
    view.button("chart").click()
    expect(view.pane("chart").locator(".bk-Figure")).to_have_count(2)
    view.root.locator("[data-measure]").select_option("token_entropy")
    expect(view.pane("tokens")).to_contain_text("not known for the selection")
    assert page.watch.errors == []


def test_hostile_page(watched, tmp_path):
    path = tmp_path / "page.html"
    scenes.hostile().to_html(path)
    page = watched()
    page.goto(path.as_uri())
    assert "<script>" in View(page.locator(".semiring-widgets").first).token(0).inner_text()
    assert page.evaluate("window.harmed") is None


def test_narrow_and_dark(watched, tmp_path):
    path = tmp_path / "page.html"
    scenes.explanation().to_html(path)
    page = watched(color_scheme="dark")
    page.set_viewport_size({"width": 420, "height": 900})
    page.goto(path.as_uri())
    expect(page.locator(".semiring-widgets").first).to_have_attribute("data-theme", "dark")
    assert page.evaluate("document.documentElement.scrollWidth") <= 420


def test_marimo(watched, tmp_path):
    notebook = tmp_path / "app.py"
    notebook.write_text(
        "import marimo\n\napp = marimo.App()\n\n\n@app.cell\ndef _():\n    import scenes\n\n"
        "    scenes.real()\n    return\n\n\nif __name__ == '__main__':\n    app.run()\n"
    )
    with servers.marimo(notebook, tmp_path) as address:
        page = watched()
        page.goto(address)
        view = View(page.locator(".semiring-widgets").first)
        view.expect_state("done")
        view.head(3, 1).click()
        view.expect_conditioned("ready")
