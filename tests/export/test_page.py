"""The page: complete, small, safe, written as a whole or not at all."""

import base64
import gzip
import re

import numpy as np
import pytest

from semiring_widgets.contract import messages
from semiring_widgets.contract.bundle import read_bundle
from semiring_widgets.contract.requests import EMPTY_SELECTION
from semiring_widgets.errors import InputError, MissingBundleError
from semiring_widgets.export import answers_ahead
from semiring_widgets.export.clicks import name_of, pairs, singles
from semiring_widgets.export.page import page
from semiring_widgets.pictures.chart import bokeh_version
from semiring_widgets.results.parts import Score, Stream, Token
from semiring_widgets.vocabulary import RANKINGS
from tests.export.reading import Scripts, answers_of, payload_of, unpacked

NASTY = "</script><script>alert(1)</script><!-- {{bundle}} \"' & \ud83d"


def selections_of(text):
    return [header["selection"] for header, _ in answers_of(text)["condition"]]


def test_the_payload_is_the_summary_with_its_answers(bundle, make_explanation):
    result = make_explanation()
    text = page(result, answers=3)
    payload = payload_of(text)
    header, buffer = messages.encode(result, 1)
    assert payload["summary"] == header
    assert base64.b64decode(payload["buffer"]) == buffer
    answers = answers_of(text)
    heads = [(layer, head) for layer in range(3) for head in range(2)]
    assert {(header["layer"], header["head"]) for header, _ in answers["head_map"]} == set(heads)
    assert sorted(payload["held"]["head_map"]) == [f"l{layer}h{head}" for layer, head in heads]
    assert [header["by"] for header, _ in answers["routes"]] == list(RANKINGS)
    assert all(header["selection"] == [] for header, _ in answers["routes"])
    ((header, _),) = answers["chart"]
    assert header["item"]["doc"]["version"] == bokeh_version()


@pytest.mark.parametrize("answers", [0, 4, 12])
def test_answers_limit_the_tests_of_parts_too(bundle, make_explanation, answers):
    result = make_explanation()
    tests = payload_of(page(result, chart=False, answers=answers))["tests"]
    assert len([test for test in tests if test["parts"]]) == answers
    # Those of routes are few, and what readers look for first.
    steps = {family.steps for ranking in result.rankings for family in ranking.families if family.steps}
    assert len([test for test in tests if not test["parts"]]) == len(steps)


def test_what_the_page_begins_with_is_packed(bundle, make_explanation):
    text = page(make_explanation([f"word{i}" for i in range(32)], layers=6, heads=12), answers=0)
    body = next(b for a, b in Scripts(text).scripts if a.get("data-semiring-widgets") == "payload")
    # Numbers drawn at random are the worst of all.
    assert 1.4 * len(body) < len(unpacked(text, "payload"))


def test_packed_numbers_keep_their_first_digits(bundle, make_explanation):
    result = make_explanation()
    for header, buffer in answers_of(page(result, chart=False, answers=60))["condition"]:
        dataset, _ = result.session.conditioned(header["selection"])
        for name, values in messages.unpack(header["columns"], buffer).items():
            exact = dataset[name].values
            np.testing.assert_array_equal(np.isfinite(values), np.isfinite(exact))
            tolerance = {"atol": 7e-5, "rtol": 0} if "log" in name else {"atol": 0, "rtol": 7e-5}
            np.testing.assert_allclose(values, exact, **tolerance)


def test_bokehjs_comes_with_the_chart_only(bundle, make_explanation):
    def bokeh(text):
        return [a for a, _ in Scripts(text).scripts if a.get("data-semiring-widgets") == "bokehjs"]

    assert len(bokeh(page(make_explanation(), answers=1))) == 1
    without = page(make_explanation(), chart=False, answers=1)
    assert bokeh(without) == []
    assert "chart" not in payload_of(without)["held"]
    assert "chart" not in answers_of(without)


def test_no_text_leaves_its_place(bundle, make_explanation):
    tokens = (Token(0, NASTY, NASTY, 1, 0, len(NASTY), False),)
    result = make_explanation(
        ("x",),
        text=NASTY,
        model=NASTY,
        score=Score(NASTY, 1.0, NASTY, None, 0),
        streams=(Stream("input", tokens),),
    )
    text = page(result, chart=False)
    found = Scripts(text)
    assert [attrs.get("data-semiring-widgets", attrs["type"]) for attrs, _ in found.scripts] == [
        "payload",
        "answers",
        "bundle",
        "module",
    ]
    assert "<!--" not in text
    assert payload_of(text)["summary"]["text"] == NASTY.replace("\ud83d", "�")
    assert gzip.decompress(base64.b64decode(found.scripts[-2][1])).decode() == bundle


def test_nothing_is_fetched(bundle, make_explanation):
    text = page(make_explanation(), answers=1)
    assert all(address.startswith("data:") for address in Scripts(text).addresses)
    assert not re.search(r"@import|<link|url\(", text.split("<script")[0])


def test_six_layers_of_32_tokens_fit_into_a_megabyte(bundle, make_explanation):
    result = make_explanation([f"word{i}" for i in range(32)], layers=6, heads=12)
    text = page(result, chart=False)
    assert len(text.encode()) <= 1_000_000
    answers = answers_of(text)
    assert len(answers["head_map"]) >= 60
    assert len(answers["condition"]) >= 6


def clicks(result):
    """What one click selects, listed by hand: layers, heads, tokens of the sentence, cells of the grid."""
    layers, tokens = len(result.layers), len(result.tokens)
    heads = [(layer.index, head) for layer in result.layers for head in range(layer.heads)]
    return [
        *({"layer": layer} for layer in range(layers)),
        *({"layer": layer, "branch": "mlp"} for layer in range(layers)),
        *({"layer": layer, "head": head} for layer, head in heads),
        *({"token": token} for token in range(tokens)),
        *({"layer": layer, "token": token} for layer in range(layers) for token in range(tokens)),
    ]


def test_whatever_one_click_selects_is_answered_and_the_likeliest_pairs(bundle, make_explanation):
    result = make_explanation()
    text = page(result, chart=False)
    answered = selections_of(text)
    expected = [[{**EMPTY_SELECTION, **part}] for part in clicks(result)]
    alone, together = answered[: len(expected)], answered[len(expected) :]
    assert sorted(map(str, alone)) == sorted(map(str, expected))
    assert len(together) == 200
    assert all(len(pair) == 2 for pair in together)
    assert len({str(pair) for pair in answered}) == len(answered)
    held = payload_of(text)["held"]["condition"]
    assert len(held) == len(answered)
    assert {"l0m", "t2", "l1h0", "l2", "l1t4"} <= set(held)


def test_pairs_are_not_ranked_where_there_is_room_for_none(make_explanation, monkeypatch):
    """Of 24 layers of 512 tokens these would be 80 million."""
    monkeypatch.setattr(answers_ahead, "pairs", lambda *_: pytest.fail("ranked"))
    budget = answers_ahead._Budget(10**7)
    assert len(answers_ahead._conditions(make_explanation(), budget, 4)) == 4


def test_pairs_begin_with_the_largest_effects(make_explanation):
    result = make_explanation()
    numbers = result.dataset
    tint = {f"t{i}": value for i, value in enumerate(np.abs(numbers["token_effect"].values))}
    words = [part for part in singles(result) if part.layer is None]
    first = pairs(result, words.__contains__)[0]
    assert sorted(map(name_of, first)) == sorted(sorted(tint, key=tint.__getitem__)[-2:])


def test_a_page_is_the_same_on_every_run(bundle, make_explanation):
    assert page(make_explanation()) == page(make_explanation())


def test_a_large_model_has_the_answers_with_the_most_mass(bundle, make_explanation):
    result = make_explanation([f"word{i}" for i in range(120)], layers=12, heads=12, maps=False)
    answered = selections_of(page(result, chart=False))
    assert 4 <= len(answered) < len(clicks(result))
    shares = result.dataset["token_mass_share"].values
    tokens = [part["token"] for (part,) in answered if part["layer"] is None]
    assert tokens == list(np.argsort(-shares)[: len(tokens)])
    assert len(selections_of(page(result, chart=False, answers=30))) == 30


@pytest.mark.parametrize("answers", [-1, 2.5, True, "all"])
def test_answers_are_a_number(bundle, make_explanation, tmp_path, answers):
    with pytest.raises(InputError, match="give a whole number, 0 or more"):
        make_explanation().to_html(tmp_path / "page.html", answers=answers)


def test_a_loaded_explanation_has_no_conditions(bundle, make_explanation):
    text = page(make_explanation(session=False, maps=False), chart=False)
    assert answers_of(text) == {"head_map": [], "routes": [], "units": [], "condition": []}
    assert payload_of(text)["tests"] == []


def test_a_comparison(bundle, make_comparison, tmp_path):
    path = make_comparison().to_html(tmp_path / "comparison.html")
    payload = payload_of(path.read_text(encoding="utf-8"))
    assert payload["summary"]["type"] == "comparison"
    assert payload["held"] == {}
    assert payload["tests"] == []


def test_it_is_written_as_a_whole_or_not_at_all(bundle, make_explanation, tmp_path):
    path = make_explanation().to_html(tmp_path / "page.html", chart=False, answers=1)
    assert path == tmp_path / "page.html"
    before = path.read_bytes()
    assert before.startswith(b"<!doctype html>")
    with pytest.raises(InputError, match="There is no folder"):
        make_explanation().to_html(tmp_path / "missing" / "page.html", chart=False, answers=1)
    assert [entry.name for entry in tmp_path.iterdir()] == ["page.html"]


def test_without_the_bundle_no_file_is_left(make_explanation, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "semiring_widgets.export.page.read_bundle", lambda: read_bundle(tmp_path / "widget.js")
    )
    with pytest.raises(MissingBundleError):
        make_explanation().to_html(tmp_path / "page.html")
    assert list(tmp_path.iterdir()) == []
