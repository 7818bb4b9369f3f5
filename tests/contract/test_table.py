"""One table of messages: what is read, sent, answered and typed follows from it."""

import dataclasses
import json
from pathlib import Path

import pytest

from semiring_widgets.contract import typescript
from semiring_widgets.contract.answers import ANSWERED, answer
from semiring_widgets.contract.requests import another_version, parts_of, request_of
from semiring_widgets.contract.table import ANSWERS, REQUESTS, SUMMARIES, VERSION
from semiring_widgets.errors import InputError
from semiring_widgets.export.page import page
from semiring_widgets.results.log_of_tests import Test
from semiring_widgets.widgets.desk import Desk
from tests.export.reading import answers_of, payload_of

FIXTURES = Path(__file__).parents[1] / "fixtures"
STORED = json.loads((FIXTURES / "messages.json").read_text(encoding="utf-8"))
SELECTIONS = json.loads((FIXTURES / "selections.json").read_text(encoding="utf-8"))
QUEUED = [name for name, kind in REQUESTS.items() if not kind.at_once]


def fields_of(kind):
    return {"type", *(field.name for field in dataclasses.fields(kind))}


def test_the_typescript_is_that_of_the_table():
    for file, text in typescript.sources().items():
        assert file.read_text(encoding="utf-8") == text, "run python -m semiring_widgets.contract.typescript"


@pytest.mark.parametrize("name", STORED)
def test_a_message_has_the_fields_of_its_type(name):
    header = STORED[name]["header"]
    kind = {**SUMMARIES, **ANSWERS}[header["type"]]
    assert set(header) == fields_of(kind)
    json.dumps(header, allow_nan=False)


def test_every_request_of_the_queue_is_answered_by_its_type(make_explanation):
    assert {*ANSWERED, "both"} == set(QUEUED)  # the last is asked of two explanations
    for name in ANSWERED:
        header, _ = answer(make_explanation(), {"type": name, "id": 5, **(REQUESTS[name].example or {})})
        assert (header["type"], header["id"]) == (REQUESTS[name].answer.type, 5)
        assert set(header) == fields_of(REQUESTS[name].answer)


@pytest.mark.parametrize("name", [name for name, kind in REQUESTS.items() if kind.at_once])
def test_what_a_widget_meets_at_once_is_no_question_about_a_result(make_explanation, name):
    with pytest.raises(InputError, match=f"{name}.*is met by a widget; an explanation answers condition, "):
        answer(make_explanation(), {"type": name})


def test_a_page_holds_answers_to_what_the_table_lets_it(make_explanation, make_beside, monkeypatch):
    monkeypatch.setattr("semiring_widgets.export.page.read_bundle", lambda: "")
    texts = page(make_explanation(), answers=3), page(make_beside(), answers=3)
    ahead = {name: found for text in texts for name, found in answers_of(text).items()}
    assert {*ahead, "test"} == {name for name, kind in REQUESTS.items() if kind.ahead}
    for name, found in ahead.items():
        assert {header["type"] for header, _ in found} == {REQUESTS[name].answer.type}
    assert {*payload_of(texts[0])["tests"][0]} == {field.name for field in dataclasses.fields(Test)}


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"type": "dance"}, "unknown type 'dance'; this version knows pull, cancel, condition, routes"),
        ({"type": ["pull"]}, "unknown type .'pull'."),
        ({}, "unknown type None"),
        ({"type": "head_map", "layer": 3}, "A request of type 'head_map' says its head"),
        ({"type": "head_map", "layer": "3", "head": 1}, "layer of the request 'head_map' is '3', not int"),
        ({"type": "head_map", "layer": True, "head": 1}, "is True, not int"),
        (
            {"type": "routes", "by": "luck", "selection": []},
            "no ranking by 'luck'; choose from contribution, best, mass",
        ),
        ({"type": "routes", "by": ["best"], "selection": []}, "There is no ranking by .'best'.;"),
        ({"type": "condition"}, "A selection is a list of parts"),
        ({"type": "chart", "selection": [{"colour": 1}]}, "got 'colour'"),
    ],
)
def test_a_request_that_cannot_be_read_is_refused_with_a_sentence(given, sentence):
    with pytest.raises(InputError, match=sentence):
        request_of(given)


@pytest.mark.parametrize("case", SELECTIONS)
def test_a_selection_is_read_as_in_the_browser(case):
    assert parts_of(case["given"]) == case["parts"]


def test_the_queue_lets_overtake_what_the_table_says():
    """Every type of question waits behind another; then the same type comes with another selection."""

    def waiting(first, second):
        desk = Desk(lambda request, check: ({}, b""), lambda message: None)
        desk._busy = True  # nobody takes anything away
        for number, name in enumerate((first, second)):
            desk.put({"type": name, "id": number, "selection": [{"token": number}]})
        return len(desk._waiting) == 2

    for first in QUEUED:
        for second in QUEUED:
            earlier, later = REQUESTS[first], REQUESTS[second]
            of_selection = earlier.of_selection and later.of_selection
            overtaken = later.latest_wins and (earlier is later or of_selection)
            assert waiting(first, second) != overtaken, (first, second)


@pytest.mark.parametrize(
    ("version", "ways"),
    [
        (VERSION + 1, "restart the kernel, and run the cell again"),
        (VERSION - 1, "reload the page, and if that does not help install semiring_widgets again"),
        ("new", "reload the page"),
    ],
)
def test_a_page_of_another_version_is_told_what_to_do(version, ways):
    said = another_version({"type": "pull", "version": version})
    assert ways in said
    assert f"in the kernel version {VERSION}:" in said
    assert another_version({"type": "pull", "version": VERSION}) is None
    assert another_version({"type": "pull"}) is None


def test_what_has_no_counterpart_in_typescript_is_refused():
    with pytest.raises(TypeError, match=r"dict.* has no counterpart"):
        typescript.type_of(dict[str, int])
