"""The widget looks the same wherever it is: hosts' stylesheets stay outside, and its theme is the host's."""

from itertools import combinations

import pytest
from playwright.sync_api import expect

from tests.browser import scenes, servers
from tests.browser.patience import patiently
from tests.browser.view import View

# What hosts do to plain elements, collected from JupyterLab, nbconvert and Bootstrap, and worse.
RUDE = """
dt { float: left; width: 20%; font-weight: bold } dd { float: left; width: 80%; margin: 0 0 0 9em }
table { table-layout: fixed; width: 100%; margin: 40px } th, td { padding: 30px }
tr:nth-child(even) { background: lime } button, select, input { width: 100%; height: 60px; display: block }
details, summary, p, ul, ol, li { padding: 25px; margin: 25px; list-style: square }
h1, h2, h3 { font-size: 60px } a { color: lime } label { display: block; font-size: 30px }
svg, img, canvas { max-width: 50px; max-height: 50px; display: block; margin: 40px }
section, header, figure { position: absolute; padding: 33px }
div { line-height: 4; letter-spacing: 5px } * { text-transform: uppercase; text-align: right }
"""


def boxes(locator):
    return [element.bounding_box() for element in locator.all()]


def overlapping(found):
    """Pairs of boxes that cover each other by more than a pixel."""
    return [
        (one, other)
        for one, other in combinations(found, 2)
        if min(one["x"] + one["width"], other["x"] + other["width"]) - max(one["x"], other["x"]) > 1
        and min(one["y"] + one["height"], other["y"] + other["height"]) - max(one["y"], other["y"]) > 1
    ]


@pytest.mark.parametrize("host", ["open_lab", "open_notebook7"])
def test_totals_stand_beside_each_other(host, request):
    view = request.getfixturevalue(host)("import scenes\nscenes.explanation()").view(0)
    view.expect_state("done")
    view.root.locator("summary", has_text="Numbers of all paths").click()
    totals = view.root.locator(".totals :is(dt, dd)")
    expect(totals).to_have_count(18)
    view.drawn()
    assert overlapping(boxes(totals)) == []


@pytest.mark.parametrize("scene", ["explanation", "comparison"])
def test_a_rude_host_changes_nothing(watched, tmp_path, scene):
    path = tmp_path / "page.html"
    getattr(scenes, scene)().to_html(path)
    page = watched()
    page.goto(path.as_uri())
    view = View(page.locator(".semiring-widgets").first)
    text = "dt, dd, h2, h3, p, em, ol, li, table, th, td, section, summary, label"
    kinds = (
        f":is({text}, button, select, input, svg, svg rect):not(details *)"  # what is folded away has no box
    )
    view.drawn()
    before = boxes(view.root.locator(kinds))
    assert len(before) > 30
    page.add_style_tag(content=RUDE)
    view.drawn()
    assert boxes(view.root.locator(kinds)) == before


def test_the_theme_of_jupyterlab_is_followed(open_lab):
    view = open_lab("import scenes\nscenes.explanation()").view(0)
    expect(view.root).to_have_attribute("data-theme", "light")
    view.page.evaluate("document.body.dataset.jpThemeLight = 'false'")
    expect(view.root).to_have_attribute("data-theme", "dark")


def test_marimo_is_light_on_a_dark_system(watched, tmp_path):
    notebook = tmp_path / "app.py"
    notebook.write_text(
        "# /// script\n# [tool.marimo.display]\n# theme = 'light'\n# ///\n"
        "import marimo\n\napp = marimo.App()\n\n\n@app.cell\ndef _():\n    import scenes\n\n"
        "    scenes.explanation()\n    return\n\n\nif __name__ == '__main__':\n    app.run()\n"
    )
    with servers.marimo(notebook, tmp_path) as address:
        page = watched(color_scheme="dark")
        page.goto(address)
        view = View(page.locator(".semiring-widgets").first)
        view.expect_state("done")
        expect(view.root).to_have_attribute("data-theme", "light")


def test_paper_is_light(watched, tmp_path):
    path = tmp_path / "page.html"
    scenes.explanation().to_html(path, chart=False)
    page = watched(color_scheme="dark")
    page.goto(path.as_uri())
    view = View(page.locator(".semiring-widgets").first)
    expect(view.root).to_have_css("background-color", "rgb(21, 24, 28)")
    page.emulate_media(media="print")
    expect(view.root).to_have_css("background-color", "rgb(255, 255, 255)")


def test_tints_are_printed(watched, tmp_path):
    path = tmp_path / "page.html"
    scenes.explanation().to_html(path, chart=False)
    page = watched(forced_colors="active")
    page.goto(path.as_uri())
    view = View(page.locator(".semiring-widgets").first)
    tints = "elements => new Set(elements.map(e => getComputedStyle(e).backgroundColor)).size"
    assert view.pane("tokens").locator(".token").evaluate_all(tints) > 3
    view.drawn()
    shown = [view.head(layer, head).colour() for layer in range(3) for head in range(2)]
    assert len(set(shown)) > 3

    def is_the_same():
        assert [view.head(layer, head).colour() for layer in range(3) for head in range(2)] == shown

    page.emulate_media(media="print")
    assert view.token(2).evaluate("element => getComputedStyle(element).printColorAdjust") == "exact"
    patiently(is_the_same)
