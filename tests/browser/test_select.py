"""Selecting, grouping, drilling down, sieving, by mouse and keyboard: what is on screen, what Python got.

The page asks as it asks a kernel, and the answers are those of a live explanation of the demo.
"""

import math

import pytest
from playwright.sync_api import expect

import semiring_widgets as sw
from semiring_widgets.explanation import demo
from tests.browser.live import Kernel, write_live
from tests.browser.view import View

HEADS = [{"layer": 0, "head": 3}, {"layer": 3, "head": 3}]


@pytest.fixture(scope="module")
def result():
    return sw.explain(*sw.load_demo(), demo.DEMO_TEXT, target="are", contrast="is")


@pytest.fixture
def shown(watched, tmp_path, result):
    for name in list(result.groups):
        result.groups.remove(name)
    page = watched()
    page.goto(write_live(tmp_path / "select.html", result, running=False))
    view = View(page.locator(".semiring-widgets").first)
    kernel = Kernel(page, result)
    kernel.answer()
    yield view, kernel
    assert page.watch.errors == []


def choose(view, kernel, spot, modifiers=()):
    spot.click(modifiers=modifiers)
    kernel.answer()


def test_the_sentence_has_the_numbers_of_exactly_these_paths(shown, result):
    view, kernel = shown
    choose(view, kernel, view.head(3, 3))
    choose(view, kernel, view.token(2), ("Shift",))
    choose(view, kernel, view.head(0, 1), ("Alt",))
    wanted = {"selection": [HEADS[1], {"token": 2}], "avoiding": [{"layer": 0, "head": 1}]}
    assert {key: kernel.last("condition")[key] for key in wanted} == wanted
    table, log_share = result.session.conditioned(wanted["selection"], avoiding=wanted["avoiding"])
    sentence = view.notice().locator(".meaning")
    expect(sentence).to_contain_text("Only paths from keys through head 3·3, not through head 0·1")
    text = sentence.inner_text()
    share, contribution = 100 * math.exp(log_share), table.attrs["contribution"]
    assert f"{share:.2g} % of all mass" in text or f"{share:.0f} % of all mass" in text
    assert f"contribution {contribution:+.2f}".replace("-", "−") in text
    assert "equally strong paths" in text
    expect(view.notice()).to_contain_text("Effect not tested yet")
    view.page.keyboard.press("t")
    kernel.answer()
    assert kernel.last("test")["selection"] == wanted["selection"]
    expect(view.notice()).to_contain_text("Tested: without it")


def test_a_group_is_made_tested_and_removed_by_keyboard(shown, result):
    view, kernel = shown
    view.head(0, 3).focus()
    view.page.keyboard.press("Enter")
    kernel.answer()
    view.head(3, 3).focus()
    view.page.keyboard.press("Shift+Enter")
    kernel.answer()
    view.page.keyboard.press("g")
    name = view.root.locator(".groups input")
    expect(name).to_be_focused()
    view.page.keyboard.type("the movers")
    view.page.keyboard.press("Enter")
    kernel.answer()  # the group
    kernel.answer()  # its paths
    assert kernel.last("group")["name"] == "the movers"
    assert kernel.last("group")["selection"] == HEADS == kernel.last("condition")["among"]
    view.expect_selection([])
    group = result.groups["the movers"]
    chip = view.root.locator(".chip.group")
    expect(chip).to_contain_text("2 parts")
    expect(view.notice()).to_contain_text("Only paths through any part of the movers")
    assert f"contribution {group.contribution:+.2f}".replace("-", "−") in view.notice().inner_text()
    chip.locator('[data-action="group"]').focus()
    view.page.keyboard.press("t")
    kernel.answer()
    assert kernel.last("test")["selection"] == HEADS
    expect(chip).to_contain_text("effect")
    view.clear()
    chip.locator('[data-action="group"]').press("Enter")
    kernel.answer()
    expect(chip.locator('[aria-pressed="true"]')).to_have_count(1)
    chip.locator('[data-action="ungroup"]').press("Enter")
    kernel.answer()
    expect(chip).to_have_count(0)
    assert len(result.groups) == 0


def test_units_and_the_strongest_path_are_listed(shown, result):
    view, kernel = shown
    choose(view, kernel, view.head(3, 3))
    view.page.keyboard.press("u")
    kernel.answer()
    assert kernel.last("units")["selection"] == [HEADS[1]]
    units = result.units(HEADS[1])
    rows = view.pane("inside").locator("[data-units] tbody tr")
    expect(rows).to_have_count(10)
    assert [int(row) for row in rows.locator("th").all_inner_texts()] == units.unit[:10].tolist()
    slider = view.pane("inside").locator('[data-units] input[type="range"]')
    slider.focus()
    view.page.keyboard.press("End")
    expect(rows).to_have_count(32)
    expect(view.pane("inside").locator("output")).to_have_text("32 of 32")
    view.button("walk").click()
    kernel.answer()
    path = result.path([HEADS[1]])
    steps = view.pane("inside").locator("[data-walked] tbody tr")
    expect(steps).to_have_count(len(path.steps))
    expect(view.pane("inside").locator("[data-walked] figcaption")).to_contain_text(f"unit {path.unit} of")
    # The MLP of the same layer, by keyboard.
    view.mlp(1).focus()
    view.page.keyboard.press("Enter")
    kernel.answer()
    view.page.keyboard.press("u")
    kernel.answer()
    expect(view.pane("inside").locator("[data-units] figcaption")).to_contain_text(
        "256 units of the MLP of layer 1"
    )


def test_a_route_is_followed(shown, result):
    view, kernel = shown
    view.family(0).click()
    view.page.keyboard.press("p")
    kernel.answer()
    steps = kernel.last("path")["steps"]
    assert steps
    expect(view.pane("inside").locator("[data-walked] figcaption")).to_contain_text(
        "The strongest of a route"
    )


def test_the_sieve_shows_the_strongest_and_hides_kinds(shown):
    view, _ = shown
    first, second = view.head(0, 3), view.head(3, 3)
    view.drawn()
    before = first.colour(), second.colour()
    families = view.pane("routes").locator("[data-family]")
    many = families.count()
    assert many > 1
    view.root.locator(".sieve summary").click()
    view.root.locator('[data-sieve="most"]').press("Home")
    expect(view.root.locator(".sieve output").first).to_have_text("the 1 strongest")
    expect(families).to_have_count(1)
    assert first.colour() == before[0]
    assert second.colour() != before[1]
    view.button("everything").press("Enter")
    expect(families).to_have_count(many)
    assert second.colour() == before[1]
    kind = view.root.locator('button[data-kind="attention"]')
    kind.press("Enter")
    expect(kind).to_have_attribute("aria-checked", "false")
    assert first.colour() != before[0]


def test_what_is_new_is_in_the_list_of_gestures(shown):
    view, _ = shown
    view.button("help").click()
    for words in ("as one group under a name", "units of the selected head", "strongest scalar path"):
        expect(view.root.locator(".gestures")).to_contain_text(words)
