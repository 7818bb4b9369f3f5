"""The view of a corpus: brushing is exact with and without a kernel, and a click opens a text."""

import json
import re
from xml.etree import ElementTree as ET

import pytest
from playwright.sync_api import expect

import semiring_widgets as sw
from semiring_widgets.overview.reading import numbers_of
from semiring_widgets.widgets.corpus_widget import CorpusWidget
from tests.browser.corpus_kernel import open_live
from tests.browser.patience import patiently
from tests.browser.test_axe import violations
from tests.browser.view import expect_no_wider
from tests.overview.made import write_folder

TEXTS = 60
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return sw.read_corpus(write_folder(tmp_path_factory.mktemp("made") / "run", TEXTS))


@pytest.fixture(scope="module")
def written(corpus, tmp_path_factory):
    return corpus.to_html(tmp_path_factory.mktemp("page") / "corpus.html")


@pytest.fixture(scope="module")
def opened(watched, written, corpus, tmp_path_factory):
    """Opens the view as a page, or with a kernel."""

    def open_view(kind, **options):
        page = watched(**options)
        if kind == "page":
            page.goto(written.as_uri())
        else:
            open_live(page, tmp_path_factory.mktemp("live") / "live.html", CorpusWidget(numbers_of(corpus)))
        expect(page.locator(".figure").first).to_be_attached()
        patiently(lambda: all_filled(page))
        return page

    return open_view


def all_filled(page):
    """Every chart has its numbers; the first also listens to the mouse from then on."""
    for chart in page.locator(".figure").all():
        name = chart.get_attribute("aria-label").removeprefix("chart: ").split(";")[0]
        assert any(drawn(page, name).values()), name


def root(page):
    return page.locator(".semiring-widgets").first


def brush(page):
    return json.loads(root(page).get_attribute("data-brush"))


def expect_count(page, count):
    expect(root(page)).to_have_attribute("data-count", str(count))


def drawn(page, chart, source="data"):
    """The table behind a chart, as Bokeh has it."""
    return page.evaluate(
        """([chart, source]) => {
          const element = document.querySelector(`[aria-label^="chart: ${chart}"]`);
          const [view] = Object.values(window.Bokeh?.index ?? {}).filter((one) => element.contains(one.el));
          if (view === undefined) return {};
          const { data } = view.model.document.get_model_by_name(source);
          const columns = data.entries?.() ?? Object.entries(data);
          return Object.fromEntries([...columns].map(([name, values]) => [name, [...values]]));
        }""",
        [chart, source],
    )


@pytest.mark.parametrize("kind", ["page", "live"])
def test_a_group_and_a_box_change_all_charts(opened, corpus, kind):
    page, texts = opened(kind), corpus.examples()
    expect_count(page, TEXTS)
    own = texts[texts["group"] == "b"]
    page.locator('[data-group="1"]').click()
    expect_count(page, len(own))
    parts = corpus.parts()

    def mean_of_head(rows):
        mine = parts[(parts["kind"] == "head") & (parts["layer"] == 3) & (parts["head"] == 1)]
        return mine[mine["row"].isin(rows)]["effect"].mean()

    def head_drawn():
        table = drawn(page, "heads")
        places = list(zip(table["layer"], table["head"], strict=True))
        return table["mean"][places.index((3, 1))]

    def is_of(rows):
        assert head_drawn() == pytest.approx(mean_of_head(rows), rel=1e-4)

    patiently(lambda: is_of(own["row"]))
    # A box drawn by the mouse.
    chart = page.locator('[data-pane="points"] .figure').bounding_box()
    at = lambda x, y: (chart["x"] + x * chart["width"], chart["y"] + y * chart["height"])  # noqa: E731
    page.mouse.move(*at(0.3, 0.2))
    page.mouse.down()
    page.mouse.move(*at(0.5, 0.5), steps=3)
    page.mouse.move(*at(0.75, 0.8), steps=3)
    page.mouse.up()
    expect(root(page)).to_have_attribute("data-brush", re.compile(r'"box":\['))
    left, right, low, high = brush(page)["box"]
    inside = own[own["score"].between(left, right) & own["entropy"].between(low, high)]
    assert 1 < len(inside) < len(own)
    expect_count(page, len(inside))
    patiently(lambda: is_of(inside["row"]))

    def is_counted():
        assert drawn(page, "histogram by score")["count"] == [len(inside)]

    patiently(is_counted)
    expect(page.locator(".texts tbody tr[data-row]")).to_have_count(min(len(inside), 100))
    page.keyboard.press("Escape")
    expect_count(page, TEXTS)


# A page whose packed numbers are read when the test says so: before, it has the averages of all texts.
HELD_BACK = """
const read = Response.prototype.arrayBuffer;
const released = new Promise((done) => { window.release = done; });
Response.prototype.arrayBuffer = async function () { await released; return read.call(this); };
"""


def test_what_is_chosen_before_the_page_is_read_is_counted_then(watched, written, corpus):
    page, texts = watched(), corpus.examples()
    page.add_init_script(HELD_BACK)
    page.goto(written.as_uri())
    page.locator('[data-group="1"]').click()
    expect(root(page)).to_have_attribute("aria-busy", "true")
    page.evaluate("release()")
    expect_count(page, len(texts[texts["group"] == "b"]))
    expect(root(page)).to_have_attribute("aria-busy", "false")
    expect(page.locator("[data-error]")).to_be_hidden()


def test_the_keyboard_alone_chooses_finds_and_opens(opened, corpus):
    page, texts = opened("page"), corpus.examples()
    page.get_by_label("to the right, from").fill("2")
    page.keyboard.press("Tab")
    expect_count(page, int((texts["score"] >= 2).sum()))
    page.locator('[data-action="clear"]').press("Enter")
    expect_count(page, TEXTS)
    page.get_by_role("searchbox").fill("cabinet 17 ")
    line = page.locator(".texts tbody tr[data-row]")
    expect(line).to_have_count(1)
    line.get_by_role("button").press("Enter")
    one = page.locator('[data-pane="one-text"]')
    expect(one.locator("h3")).to_be_focused()
    expect(one).to_contain_text(
        "sw.explain(model, tokenizer, 'The keys to cabinet 17 [MASK] here', target='are'"
    )
    expect(one.locator("tbody tr")).to_have_count(4)


def test_the_tables_say_what_the_charts_show(opened, corpus):
    page = opened("page")
    page.locator("summary").press("Enter")
    row = page.get_by_role("row", name="MLP 2")
    known = corpus.averages("effect", "mlp").set_index("layer")["mean"][2]
    said = row.locator("td").first.inner_text().replace("−", "-")
    assert float(said) == pytest.approx(known, rel=5e-3)


def test_a_column_sorts_the_texts_of_a_kernel(opened, corpus):
    page = opened("live")
    page.locator('[data-sort="score"]').click()
    first = page.locator(".texts tbody tr[data-row]").first
    expect(first).to_have_attribute("data-row", str(corpus.examples()["score"].idxmin()))
    expect(page.locator("th[aria-sort='ascending']")).to_have_text("score ↑")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(opened, theme):
    page = opened("page", color_scheme=theme)
    page.locator("summary").click()
    page.locator(".texts tbody button").first.click()
    expect(page.locator('[data-pane="one-text"] pre')).to_be_visible()
    found = violations(page)
    assert found == [], json.dumps(found, indent=1)


def test_a_narrow_page_is_not_wider_than_its_window(opened):
    page = opened("page")
    page.set_viewport_size({"width": 320, "height": 700})
    expect_no_wider(page, 320)


def test_a_click_explains_the_text_where_a_model_is(watched, tmp_path):
    model, tokenizer = sw.load_demo()
    rows = [
        {"text": p.text, "target": p.target, "contrast": p.contrast} for p in sw.tasks.agreement_pairs(n=3)
    ]
    run = sw.explain_corpus(model, tokenizer, rows, out=tmp_path / "run")
    page = watched()
    open_live(page, tmp_path / "live.html", CorpusWidget(numbers_of(run), model, tokenizer))
    page.locator(".texts tbody tr[data-row='1'] button").click()
    inner = page.locator('.explained .semiring-widgets[data-view="explanation"]')
    expect(inner).to_be_visible()
    target = run.examples()["target"][1]
    expect(inner.locator('[data-pane="answer"]')).to_contain_text(target)
    # And it answers as in a notebook.
    inner.locator('[data-pane="tokens"] [data-token="2"]').first.click()
    expect(inner).to_have_attribute("data-conditioned", "ready")


def test_a_picture_is_saved(opened):
    page = opened("page")
    page.locator('[data-group="1"]').click()
    expect(page.locator(".notice")).to_contain_text("texts: b")
    page.locator('[data-action="picture"]').click()
    with page.expect_download() as download:
        page.locator('[data-action="picture-svg"]').click()
    assert download.value.suggested_filename.startswith("semiring-widgets-")
    svg = ET.fromstring(download.value.path().read_bytes())
    words = " ".join("".join(found.itertext()) for found in svg.iter(f"{SVG}text"))
    # Which texts, what is what, and no controls.
    assert "texts: b" in words
    assert "Save as" not in words
    assert f"semiring_widgets {sw.__version__}" in words
    images = list(svg.iter(f"{SVG}image"))
    assert len(images) >= page.locator(".figure").count()
    # Charts have their room, one row below the other.
    assert max(float(image.get("y")) for image in images) > 600
