"""What was asked, as the call that asks it again; the same cases are read by vitest."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from semiring_widgets.contract.requests import parts_of
from semiring_widgets.errors import InputError
from semiring_widgets.question import ExplainOptions, Question, taken
from semiring_widgets.results.asked_arguments import argument_of_words, arguments_of, call_of

FILE = Path(__file__).parents[1] / "fixtures" / "calls.json"
CASES = json.loads(FILE.read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_call_is_written_as_in_the_browser(case):
    asked = {"text": "", **case["asked"]}
    text = asked.pop("text")
    arguments = arguments_of(
        *taken(ExplainOptions, (tuple(text) if isinstance(text, list) else text,), asked)
    )
    assert [json.loads(json.dumps(asdict(one))) for one in arguments] == case["arguments"]
    assert call_of(arguments, case["selection"], case["avoiding"]) == case["call"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_call_is_read_by_python_as_what_was_asked(case):
    seen = {}

    class Names:
        @staticmethod
        def explain(model, tokenizer, text, **named):
            seen.update(named, text=text)

    eval(case["call"], {"sw": Names, "model": None, "tokenizer": None})
    asked = dict(case["asked"])
    if isinstance(asked["text"], list):
        asked["text"] = tuple(asked["text"])
    parts = {name: seen.pop(name, []) for name in ("through", "avoiding")}
    old = {name: asked.pop(name, []) for name in ("through", "avoiding")}
    assert seen == asked
    for name, more in (("through", case["selection"]), ("avoiding", case["avoiding"])):
        before = [old[name]] if isinstance(old[name], dict) else old[name]
        # A part is named once.
        assert parts_of(parts[name]) == parts_of(
            [*before, *(one for one in more if one not in parts_of(before))]
        )


def test_objects_of_the_caller_are_names_in_the_call():
    def margin(output):
        return output

    question, options = Question("Two keys", score=margin), ExplainOptions(reference=object())
    arguments = arguments_of(question, options)
    assert call_of(arguments) == 'sw.explain(model, tokenizer, "Two keys", score=margin, reference=reference)'
    assert [one.name for one in arguments if one.own] == ["score", "reference"]


@pytest.mark.parametrize(
    ("name", "words", "value"),
    [
        ("target", ["id:12"], 12),
        ("target", [""], None),
        ("contrast", ["is"], "is"),
        ("position", ["3"], 3),
        ("position", [" "], None),
        ("reference", ["zero"], "zero"),
        ("rules", ["secant"], "secant"),
        ("granularity", [""], "primitive"),
        ("semiring", [""], None),
        ("text", [""], ""),
        ("text", ["one", "two"], ("one", "two")),
    ],
)
def test_words_of_a_field_are_read(name, words, value):
    assert argument_of_words(name, words) == value


@pytest.mark.parametrize(
    ("name", "words", "sentence"),
    [
        ("position", ["here"], "position is 'here'; give a whole number"),
        ("through", ["x"], "no field 'through'"),
        ("colour", ["x"], "no field 'colour'"),
    ],
)
def test_words_that_cannot_be_read_are_refused(name, words, sentence):
    with pytest.raises(InputError, match=sentence):
        argument_of_words(name, words)
