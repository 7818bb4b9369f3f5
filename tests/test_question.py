"""Whoever asks takes the same arguments: those of the question and of its options, each with its default."""

import inspect
from dataclasses import asdict, fields

import pytest

import semiring_widgets as sw
from semiring_widgets.attr import compare_run, comparing
from semiring_widgets.explanation import explain_run, explaining
from semiring_widgets.question import CompareOptions, ExplainOptions, Question, signature_of
from semiring_widgets.widgets import live

ASKING = {
    ExplainOptions: (sw.explain, explain_run, live.explain),
    CompareOptions: (sw.compare, compare_run, live.compare),
}


def taken_by(signature):
    return {name: (part.kind, part.default) for name, part in signature.parameters.items()}


@pytest.mark.parametrize(
    ("function", "options"), [(function, options) for options in ASKING for function in ASKING[options]]
)
def test_all_take_the_same_arguments(function, options):
    assert taken_by(inspect.signature(function)) == taken_by(signature_of(options))


@pytest.fixture
def seen(monkeypatch):
    """What reaches the computation."""
    found = {}

    def run_of(model, tokenizer, question, options):
        found.update(asdict(question), **asdict(options), model=model, tokenizer=tokenizer)
        return lambda report, check: None

    for module in (explaining, comparing):
        monkeypatch.setattr(module, "_run_of", run_of)
    return found


@pytest.mark.parametrize(
    ("function", "options"), [(function, options) for options in ASKING for function in ASKING[options][:2]]
)
def test_every_argument_arrives_where_it_belongs(seen, function, options):
    given = {part.name: f"a {part.name}" for part in (*fields(Question), *fields(options))}
    function("a model", "a tokenizer", **given)
    assert seen == {**given, "model": "a model", "tokenizer": "a tokenizer"}


def test_a_wrong_argument_is_refused_as_by_any_function():
    with pytest.raises(TypeError, match="wrong"):
        explain_run("model", "tokenizer", "text", wrong=1)
    with pytest.raises(TypeError, match="text"):
        explain_run("model", "tokenizer")
    with pytest.raises(TypeError, match="positional"):
        explain_run("model", "tokenizer", "text", None, None, None, "too many")
