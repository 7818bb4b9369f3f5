"""The view of a picture and of a sound: numbers over what was given, linked to layers and heads."""

import json

import pytest
from playwright.sync_api import expect

from semiring_widgets.widgets.overlay_widget import OverlayWidget
from tests import made_cells
from tests.browser.corpus_kernel import open_live
from tests.browser.patience import patiently
from tests.browser.test_axe import violations
from tests.browser.test_smallest_text import DRAWN, SMALLEST, WRITTEN
from tests.browser.view import colours, expect_no_wider

MADE = {"image": made_cells.build_image, "sound": made_cells.build_sound, "methods": made_cells.build_methods}
# What lies over the cell in row 2, column 2, whose effect is the largest.
STRONGEST = 5


@pytest.fixture
def opened(watched, tmp_path):
    """Opens the view as a page from disk, or as a widget."""

    def open_view(kind="image", live=False, drawn=False, **options):
        page = watched(**options)
        if drawn:
            page.add_init_script(DRAWN)
        if live:
            open_live(page, tmp_path / "live.html", OverlayWidget(MADE[kind]()))
        else:
            page.goto(MADE[kind]().to_html(tmp_path / f"{kind}.html").as_uri())
        expect(page.locator(".field .rover").first).to_be_attached()
        return page

    return open_view


def rover(page, pane="picture"):
    return page.locator(f'[data-pane="{pane}"] .rover')


def notice(page):
    return page.locator(".notice")


def selected(page):
    return json.loads(page.locator(".semiring-widgets").first.get_attribute("data-selection"))


def colour_in(page, row, column, inset=3):
    """The colour near the corner of a cell of the picture, as red, green, blue."""
    box = page.locator('[data-pane="picture"] .field').bounding_box()
    left = box["x"] + box["width"] * column / made_cells.COLUMNS + inset
    top = box["y"] + box["height"] * row / made_cells.ROWS + inset
    (colour,) = colours(page.screenshot(clip={"x": left, "y": top, "width": 1, "height": 1}))
    return colour


@pytest.mark.parametrize("live", [False, True], ids=["page", "widget"])
def test_a_cell_and_a_head_are_linked_both_ways(opened, live):
    page = opened(live=live)
    rover(page).focus()
    for key in ("ArrowRight", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    expect(notice(page)).to_contain_text("row 2, column 2: effect +2 logit (tested)")
    expect(notice(page)).to_contain_text("enter head 0·1 (1.7 %)")
    expect(page.locator('[data-pane="layers"] h3')).to_contain_text("at the chosen patch")
    rover(page, "layers").focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowRight", "ArrowRight", "Enter"):
        page.keyboard.press(key)
    expect(page.locator('[data-pane="picture"] h3')).to_contain_text("head 0·1")
    expect(notice(page)).to_contain_text("head 0·1: 1.7 % of all paths enter it by its values at row 2")
    assert [one["token"] for one in selected(page)] == [STRONGEST, None]
    page.keyboard.press("Escape")
    expect(notice(page)).to_contain_text("Choose a patch")
    assert selected(page) == []


def test_a_click_meets_the_cell_under_it_and_a_hint_says_its_numbers(opened):
    page = opened()
    field = page.locator('[data-pane="picture"] .field')
    box = field.bounding_box()
    field.click(position={"x": box["width"] * 0.9, "y": box["height"] * 0.9})
    expect(notice(page)).to_contain_text("row 3, column 4: effect")
    field.hover(position={"x": box["width"] * 0.4, "y": box["height"] * 0.5})
    expect(page.locator(".tip")).to_be_visible()
    expect(page.locator(".tip")).to_contain_text("row 2, column 2: effect +2 logit (tested)")


def test_the_tints_lie_over_the_picture_as_strongly_as_one_likes(opened):
    page = opened()

    def blue():
        red, _, blue = colour_in(page, 1, 1)
        return blue - red

    def orange():
        red, _, blue = colour_in(page, 0, 0)
        return red - blue

    patiently(lambda: _true(blue() > 60 and orange() > 40))
    page.locator('[data-action="opacity"]').fill("0")
    # The picture alone: in its upper left corner there is neither red nor blue.
    patiently(lambda: _true(abs(orange()) < 25 and blue() < 60))
    red, green, _ = colour_in(page, 0, 0)
    assert abs(green - 128) < 12
    assert red < 60


def _true(found):
    assert found


def test_every_measure_can_be_shown_and_has_its_scale(opened):
    page = opened("methods")
    choice = page.locator('[data-action="measure"]')
    assert choice.locator("option").all_inner_texts() == ["effect (tested)", "GradCAM (on its own scale)"]
    choice.select_option("method_1")
    expect(page.locator('[data-pane="picture"] h3')).to_contain_text("GradCAM")
    expect(page.locator(".scale-of-all")).to_contain_text("positive, to 110")
    expect(page.locator(".scrolled").first).to_contain_text("mine failed: <b>no maps</b>.")


def test_the_tables_hold_the_same_numbers(opened):
    page = opened()
    page.locator("summary").click()
    rows = page.locator("details table").first.locator("tbody tr")
    expect(rows).to_have_count(made_cells.CELLS)
    expect(rows.first).to_contain_text("row 2, column 2+2 logit+1 logit7.7 %")
    rows.first.locator(".named").click()
    expect(notice(page)).to_contain_text("row 2, column 2")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("kind", MADE)
def test_axe_finds_nothing_and_no_letter_is_small(opened, kind, theme):
    page = opened(kind, drawn=True, color_scheme=theme)
    page.locator("summary").click()
    page.locator(".rover").first.focus()
    page.keyboard.press("Enter")
    expect(notice(page)).to_contain_text("effect")
    page.locator(".field").first.hover()
    expect(page.locator(".tip")).to_be_visible()
    assert violations(page) == []
    assert page.locator(".semiring-widgets").get_attribute("data-theme") == theme
    root = page.locator(".semiring-widgets")
    found = root.evaluate(WRITTEN) + page.evaluate("window.drawn")
    assert len(found) > 20
    assert [one for one in found if one["size"] < SMALLEST - 0.01] == []


@pytest.mark.parametrize("width", [320, 700, 2000])
def test_it_is_no_wider_than_its_window(opened, width):
    page = opened()
    page.set_viewport_size({"width": width, "height": 900})
    expect_no_wider(page, width)

    def fits():
        box = page.locator('[data-pane="picture"] .field').bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
        # As tall as the picture is: 12 to 16.
        assert box["height"] / box["width"] == pytest.approx(0.75, abs=0.02)

    patiently(fits)


def test_it_is_seen_in_forced_colours(opened):
    page = opened(forced_colors="active")
    tinted, plain = colour_in(page, 1, 1), colour_in(page, 2, 3)
    assert tinted != plain
    rover(page).focus()
    page.keyboard.press("Enter")
    expect(notice(page)).to_contain_text("row 1, column 1")


def test_a_notebook_shows_it_and_knows_what_is_selected(open_lab):
    notebook = open_lab(
        "import scenes\ne = scenes.patches()\ne",
        "from semiring_widgets.widgets.display import widget_of\nwidget_of(e).selection",
    )
    output = notebook.run(0)
    output.locator('[data-pane="picture"] .rover').focus()
    notebook.page.keyboard.press("ArrowRight")
    notebook.page.keyboard.press("Enter")
    expect(output.locator(".notice")).to_contain_text("row 1, column 2")
    expect(notebook.run(1)).to_contain_text("'token': 1")
