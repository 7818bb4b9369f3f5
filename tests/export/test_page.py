"""The page: complete, small, safe, written as a whole or not at all."""

import base64
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from semiring_widgets.contract import messages
from semiring_widgets.contract.bundle import read_bundle
from semiring_widgets.contract.requests import EMPTY_SELECTION
from semiring_widgets.errors import InputError, MissingBundleError
from semiring_widgets.export.page import page
from semiring_widgets.pictures.chart import bokeh_version
from semiring_widgets.results.parts import Score, Stream, Token
from semiring_widgets.vocabulary import RANKINGS

NASTY = "</script><script>alert(1)</script><!-- {{bundle}} \"' & \ud83d"


class Scripts(HTMLParser):
    """Collects script elements and addresses the way a browser would."""

    def __init__(self, text):
        super().__init__()
        self.scripts, self.addresses, self.titles = [], [], []
        self.open = None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.open = tag
        if tag == "script":
            self.scripts.append((attrs, ""))
        self.addresses += [attrs[name] for name in ("src", "href") if name in attrs]

    def handle_endtag(self, tag):
        self.open = None

    def handle_data(self, data):
        if self.open == "script":
            attrs, before = self.scripts[-1]
            self.scripts[-1] = attrs, before + data
        elif self.open == "title":
            self.titles.append(data)


def payload_of(text):
    return json.loads(
        next(body for attrs, body in Scripts(text).scripts if attrs.get("data-semiring-widgets") == "payload")
    )


def conditions_of(payload):
    return payload["answers"]["condition"]


def test_the_payload_is_the_summary_with_its_answers(bundle, make_explanation):
    result = make_explanation()
    payload = payload_of(page(result))
    header, buffer = messages.encode(result, 1)
    assert payload["summary"] == header
    assert base64.b64decode(payload["buffer"]) == buffer
    assert {(m["header"]["layer"], m["header"]["head"]) for m in payload["answers"]["head_map"]} == {
        (layer, head) for layer in range(3) for head in range(2)
    }
    assert [m["header"]["by"] for m in payload["answers"]["routes"]] == list(RANKINGS)
    assert all(m["header"]["selection"] == [] for m in payload["answers"]["routes"])
    answer = payload["answers"]["condition"][0]
    columns = messages.unpack(answer["header"]["columns"], base64.b64decode(answer["buffer"]))
    assert columns["node_mass_share"].shape == (3, 9)
    (chart,) = payload["answers"]["chart"]
    assert chart["header"]["item"]["doc"]["version"] == bokeh_version()


def test_bokehjs_comes_with_the_chart_only(bundle, make_explanation):
    def bokeh(text):
        return [a for a, _ in Scripts(text).scripts if a.get("data-semiring-widgets") == "bokehjs"]

    assert len(bokeh(page(make_explanation()))) == 1
    without = page(make_explanation(), chart=False)
    assert bokeh(without) == []
    assert "chart" not in payload_of(without)["answers"]


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
        "module",
    ]
    assert "<!--" not in text
    assert payload_of(text)["summary"]["text"] == NASTY.replace("\ud83d", "�")
    module = found.scripts[-1][1]
    assert module == bundle.replace("</script", "<\\/script").replace("<!--", "\\x3c!--")


def test_nothing_is_fetched(bundle, make_explanation):
    text = page(make_explanation())
    assert all(address.startswith("data:") for address in Scripts(text).addresses)
    assert not re.search(r"@import|<link|url\(", text.split("<script")[0])


def test_six_layers_of_32_tokens_fit_into_a_megabyte(bundle, make_explanation):
    result = make_explanation([f"word{i}" for i in range(32)], layers=6, heads=12)
    text = page(result, chart=False)
    assert len(text.encode()) <= 1_000_000
    payload = payload_of(text)
    assert len(payload["answers"]["head_map"]) >= 60
    assert len(payload["answers"]["condition"]) >= 6


def clicks(result):
    """What one click selects, listed by hand: layers, heads, tokens of the sentence, cells of the grid."""
    layers, tokens = len(result.layers), len(result.tokens)
    heads = [(layer.index, head) for layer in result.layers for head in range(layer.heads)]
    return [
        *({"layer": layer} for layer in range(layers)),
        *({"layer": layer, "head": head} for layer, head in heads),
        *({"token": token} for token in range(tokens)),
        *({"layer": layer, "token": token} for layer in range(layers) for token in range(tokens)),
    ]


def test_whatever_one_click_selects_is_answered_and_nothing_else(bundle, make_explanation):
    result = make_explanation()
    answered = [m["header"]["selection"] for m in conditions_of(payload_of(page(result, chart=False)))]
    expected = [[{**EMPTY_SELECTION, **part}] for part in clicks(result)]
    assert sorted(map(str, answered)) == sorted(map(str, expected))


def test_a_page_is_the_same_on_every_run(bundle, make_explanation):
    assert page(make_explanation()) == page(make_explanation())


def test_a_large_model_has_the_answers_with_the_most_mass(bundle, make_explanation):
    result = make_explanation([f"word{i}" for i in range(120)], layers=12, heads=12, maps=False)
    payload = payload_of(page(result, chart=False))
    answered = [m["header"]["selection"] for m in conditions_of(payload)]
    assert 4 <= len(answered) < len(clicks(result))
    shares = result.dataset["token_mass_share"].values
    tokens = [part["token"] for (part,) in answered if part["layer"] is None]
    assert tokens == list(np.argsort(-shares)[: len(tokens)])
    assert len(conditions_of(payload_of(page(result, chart=False, answers=30)))) == 30


@pytest.mark.parametrize("answers", [-1, 2.5, True, "all"])
def test_answers_are_a_number(bundle, make_explanation, tmp_path, answers):
    with pytest.raises(InputError, match="give a whole number, 0 or more"):
        make_explanation().to_html(tmp_path / "page.html", answers=answers)


def test_a_loaded_explanation_has_no_conditions(bundle, make_explanation):
    payload = payload_of(page(make_explanation(session=False, maps=False), chart=False))
    assert payload["answers"] == {"head_map": [], "routes": [], "test": [], "condition": []}


def test_a_comparison(bundle, make_comparison, tmp_path):
    path = make_comparison().to_html(tmp_path / "comparison.html")
    payload = payload_of(path.read_text(encoding="utf-8"))
    assert payload["summary"]["type"] == "comparison"
    assert payload["answers"] == {}


def test_it_is_written_as_a_whole_or_not_at_all(bundle, make_explanation, tmp_path):
    path = make_explanation().to_html(tmp_path / "page.html", chart=False)
    assert path == tmp_path / "page.html"
    before = path.read_bytes()
    assert before.startswith(b"<!doctype html>")
    with pytest.raises(InputError, match="There is no folder"):
        make_explanation().to_html(tmp_path / "missing" / "page.html", chart=False)
    assert [entry.name for entry in tmp_path.iterdir()] == ["page.html"]


def test_without_the_bundle_no_file_is_left(make_explanation, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "semiring_widgets.export.page.read_bundle", lambda: read_bundle(tmp_path / "widget.js")
    )
    with pytest.raises(MissingBundleError):
        make_explanation().to_html(tmp_path / "page.html")
    assert list(tmp_path.iterdir()) == []
