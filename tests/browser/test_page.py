"""The exported page, opened from disk, and marimo."""

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from playwright.sync_api import expect

from semiring_widgets.export.page import write_page
from tests.browser import scenes, servers
from tests.browser.patience import SECONDS
from tests.browser.view import View, expect_no_wider
from tests.export.reading import payload_of


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
    expect(opened.pane("head").locator("figure")).to_have_count(3)
    opened.clear()
    opened.button("chart").click()
    expect(opened.pane("chart").locator(".figure > *").first).to_be_visible()
    assert opened.page.watch.errors == []
    assert all(re.match(r"(file|blob|data):", url) for url in opened.page.watch.requests)


# Where the address says what to show, part by part: the first of which the numbers of just that did not come.
ANSWERED = """async ([names, seconds]) => {
  const root = document.querySelector(".semiring-widgets");
  for (const name of names) {
    const before = root.dataset.selection;
    location.hash = `paths=${name}`;
    const until = performance.now() + 1000 * seconds;
    while (performance.now() < until) {
      await new Promise((done) => setTimeout(done));
      if (root.dataset.selection !== before && root.dataset.conditioned !== "pending") break;
    }
    const parts = JSON.parse(root.dataset.selection).length;
    if (root.dataset.conditioned !== "ready" || parts !== name.split(",").length) return name;
  }
  return null;
}"""


def test_a_page_below_a_megabyte_answers_every_click_and_200_pairs(opened):
    text = Path(unquote(urlsplit(opened.page.url).path)).read_text(encoding="utf-8")
    # With the chart; a tenth of the megabyte is left for what the bundle will learn.
    assert len(text.encode()) <= 900_000
    payload = payload_of(text)
    layers, tokens = payload["summary"]["layers"], payload["summary"]["streams"][0]["tokens"]
    held = payload["held"]["condition"]
    singles = [name for name in held if "," not in name]
    # Layers, their MLPs, heads, words, and cells of the grid.
    heads = sum(layer["heads"] for layer in layers)
    assert len(singles) == 2 * len(layers) + heads + len(tokens) + len(layers) * len(tokens)
    assert len(held) - len(singles) == 200
    pairs = [name for name in held if "," in name]
    assert opened.page.evaluate(ANSWERED, [[*singles, *pairs[::10]], SECONDS]) is None
    opened.clear()


def test_every_part_can_be_clicked_and_has_numbers_and_routes(opened):
    expect(opened.root.locator("[data-item][aria-disabled]")).to_have_count(0)
    expect(opened.root.locator(".hint", has_text="dashed edge")).to_have_count(0)
    for spot in (opened.cell(3, 11), opened.layer(0), opened.head(0, 0), opened.mlp(3)):
        expect(spot.element).not_to_have_attribute("aria-disabled", "true")
    opened.cell(2, 2).click()
    opened.expect_conditioned("ready")
    expect(opened.root.locator(".notice")).to_contain_text("Only paths through layer 2 at keys")
    expect(opened.pane("routes")).to_contain_text("may miss some")
    expect(opened.pane("routes").locator(".entry").first).to_contain_text("keys")
    opened.clear()


def test_it_opens_with_the_answer(opened):
    answer = opened.pane("answer")
    expect(answer.locator("h2")).to_have_text(re.compile(r"^The model says are rather than is"))
    expect(answer).to_contain_text("mostly because of keys")
    expect(opened.root.locator(".totals")).to_be_hidden()
    # What a sentence names lights up in the pictures, and is chosen by a click.
    answer.locator(".named", has_text="keys").first.hover()
    expect(opened.token(2)).to_have_class(re.compile("preview"))
    answer.locator(".named", has_text="keys").first.click()
    opened.expect_selection([{"token": 2}])
    opened.clear()


def test_a_number_is_explained_under_the_pointer(opened):
    opened.head(3, 3).hover()
    expect(opened.tip()).to_be_visible()
    expect(opened.tip()).to_contain_text(
        re.compile(r"head 3·3: effect \+[\d.]+ \(tested, predicted .*measured")
    )
    opened.page.mouse.move(0, 0)
    expect(opened.tip()).to_be_hidden()


def test_nothing_jumps_when_something_is_selected(opened):
    opened.clear()
    opened.drawn()
    places = "elements => elements.map((e) => e.getBoundingClientRect().top + scrollY)"
    panes = opened.root.locator(":is([data-pane=tokens], [data-pane=flow], [data-pane=routes])")
    before = panes.evaluate_all(places)
    opened.token(2).click()
    opened.expect_conditioned("ready")
    expect(opened.root.locator(".chip")).to_have_count(1)
    assert panes.evaluate_all(places) == before
    opened.root.locator(".chip button").click()
    opened.expect_selection([])


def test_what_was_tested_is_told_without_a_kernel(opened):
    opened.head(3, 3).click()
    expect(opened.notice().locator(".facts")).to_contain_text("Tested: without it")
    opened.notice().locator('[data-action="test"]').click()
    first = opened.log().first
    expect(first).to_contain_text("head 3·3")
    expect(first).to_contain_text("predicted")
    # Of pairs the likeliest were, of cells none.
    opened.token(2).click(modifiers=["Shift"])
    button = opened.notice().locator('[data-action="test"]')
    expect(button).to_have_attribute("aria-disabled", "false")
    opened.cell(2, 2).click()
    expect(button).to_have_attribute("aria-disabled", "true")
    opened.hover(button)
    expect(opened.tip()).to_contain_text("a notebook can test it")
    opened.clear()


def test_a_family_is_drawn_when_it_is_pointed_at_or_chosen(opened):
    opened.show("best")
    opened.page.mouse.move(0, 0)
    last = opened.line(3)
    expect(last).to_be_hidden()
    opened.family(3).hover()
    expect(last).to_be_visible()
    expect(opened.line(0)).to_have_css("opacity", "0.2")
    opened.page.mouse.move(0, 0)
    expect(last).to_be_hidden()
    opened.family(3).click()
    opened.page.mouse.move(0, 0)
    expect(last).to_be_visible()
    opened.family(3).click()
    opened.show("reasons")


def test_lines_can_be_clicked_and_the_middle_of_a_cell_is_the_cell(opened):
    expect(opened.pane("routes").locator(".caption")).to_have_text("by contribution")
    opened.line(0).scroll_into_view_if_needed()
    opened.drawn()
    # A point on the line itself, wherever it runs.
    x, y = (
        opened.line(0)
        .locator("path.line")
        .evaluate(
            "(path) => { const p = path.getPointAtLength(0.4 * path.getTotalLength());"
            " const s = path.getScreenCTM(); return [p.x * s.a + s.e, p.y * s.d + s.f]; }"
        )
    )
    opened.page.mouse.click(x, y)
    opened.expect_selected(opened.family(0))
    opened.family(0).click()
    opened.expect_selected(opened.family(0), selected=False)
    middle = opened.cell(2, 6)
    middle.click()
    opened.expect_selected(middle)
    opened.clear()


def test_keyboard(opened):
    opened.token(0).focus()
    opened.page.keyboard.press("ArrowRight")
    opened.page.keyboard.press("Enter")
    opened.expect_selection([{"token": 1}])
    opened.page.keyboard.press("Escape")
    opened.expect_selection([])


def test_one_switch_drives_all_pictures(opened):
    pane = opened.pane("routes")
    for name, by, says in (
        ("mass", "by mass", "hold"),
        ("best", "by best path", "Exact order"),
        ("reasons", "by contribution", "Found by a search"),
    ):
        opened.show(name)
        expect(pane.locator(".caption")).to_have_text(by)
        expect(pane.locator("[data-remark]")).to_have_attribute("data-tip", re.compile(says))
        for element in (opened.token(1), opened.cell(1, 1), opened.head(1, 1), opened.mlp(1)):
            words = {"mass": "share of mass", "best": "best path"}.get(name, "effect|contribution")
            assert re.search(words, element.get_attribute("aria-label"))
    assert "->" not in opened.root.inner_text()
    pane.locator(".unfold").first.click()
    expect(pane.locator(".variant").first).to_contain_text("MLP")
    pane.locator(".unfold").first.click()
    opened.layer(1).click()
    expect(pane).to_contain_text("Routes through the selection")
    # The keyboard alone: to the next choice, and the focus stays there.
    opened.measure("reasons").focus()
    opened.page.keyboard.press("ArrowRight")
    expect(opened.measure("mass")).to_be_checked()
    expect(opened.measure("mass")).to_be_focused()
    opened.show("reasons")
    opened.clear()


def test_a_semiring_of_ones_own(watched, tmp_path):
    path = tmp_path / "own.html"
    result = scenes.own()
    write_page(result, path, answers=20)  # a semiring in Python takes its time for each; four are of layers
    page = watched()
    page.goto(path.as_uri())
    view = View(page.locator(".semiring-widgets").first)
    expect(view.measure("statistic:0")).to_be_checked()
    value = float(result.dataset.token_statistic[0, 2])
    expect(view.token(2)).to_have_attribute("aria-label", f"keys: collision entropy {value:.4g} nats")
    assert re.search(r"collision entropy [\d.]+ nats$", view.head(3, 1).get_attribute("aria-label"))
    whole = view.token(2).get_attribute("aria-label")
    view.layer(1).click()
    view.expect_conditioned("ready")
    expect(view.token(2)).not_to_have_attribute("aria-label", whole)
    view.button("chart").click()
    expect(view.pane("chart").locator(".bk-Figure")).to_have_count(2)
    view.show("entropy")
    expect(view.pane("tokens")).to_contain_text("not known for the selection")
    assert page.watch.errors == []


def test_hostile_page(watched, tmp_path):
    path = tmp_path / "page.html"
    scenes.hostile().to_html(path)
    page = watched()
    page.goto(path.as_uri())
    assert "<script>" in View(page.locator(".semiring-widgets").first).token(0).inner_text()
    assert page.evaluate("window.harmed") is None
    # A browser saves a page as it stands, with what was unpacked.
    saved = tmp_path / "saved.html"
    saved.write_text(page.content())
    page.goto(saved.as_uri())
    assert "<script>" in View(page.locator(".semiring-widgets").first).token(0).inner_text()
    assert page.evaluate("window.harmed") is None


def test_narrow_and_dark(watched, tmp_path):
    path = tmp_path / "page.html"
    scenes.explanation().to_html(path)
    page = watched(color_scheme="dark")
    page.set_viewport_size({"width": 420, "height": 900})
    page.goto(path.as_uri())
    expect(page.locator(".semiring-widgets").first).to_have_attribute("data-theme", "dark")
    expect_no_wider(page, 420)


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
