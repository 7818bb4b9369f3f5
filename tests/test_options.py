"""The options that the command line and the cell magic share become the arguments of `explain`."""

from types import SimpleNamespace

import pytest

from semiring_widgets import cli, notebook
from semiring_widgets.errors import InputError
from semiring_widgets.options import Parser, add_question, keyword_arguments, with_pair


def options(*words):
    parser = Parser(prog="explain")
    add_question(parser)
    return parser.parse_args(words)


@pytest.mark.parametrize(
    ("words", "name", "value"),
    [
        ((), "target", None),
        (("--target", "are"), "target", "are"),
        (("--target", " are"), "target", " are"),
        (("--target", "7"), "target", "7"),  # a word; a class by number, where none is called so
        (("--target", "id:7"), "target", 7),
        (("--contrast", "id:7"), "contrast", 7),
        (("--contrast", "id:x"), "contrast", "id:x"),
        (("--no-special-tokens",), "add_special_tokens", False),
    ],
)
def test_what_is_asked(words, name, value):
    found = keyword_arguments(options(*words))[name]
    assert found == value
    assert type(found) is type(value)


def test_a_pair():
    assert with_pair("a", options()) == "a"
    assert with_pair("a", options("--pair", "b")) == ("a", "b")


def test_the_command_line_hands_the_question_on(monkeypatch, capsys):
    given = {}

    def stop(model, tokenizer, text, **rest):
        given.update(rest, text=text)
        raise KeyboardInterrupt

    monkeypatch.setattr("semiring_widgets.explanation.explaining.explain_run", stop)
    monkeypatch.setattr(cli, "pair", lambda options: (None, None))
    assert cli.main(["explain", "one", "--pair", "two", "--no-special-tokens", "--target", "id:3"]) == 130
    assert given["text"] == ("one", "two")
    assert given["target"] == 3
    assert given["add_special_tokens"] is False
    assert "Interrupted" in capsys.readouterr().err


def test_the_magic_hands_the_question_on(monkeypatch):
    given = {}

    shell = SimpleNamespace(user_ns={"model": (print, "tokenizer")})

    def stop(model, tokenizer, text, **rest):
        given.update(rest, text=text, tokenizer=tokenizer)
        raise KeyboardInterrupt

    monkeypatch.setattr("semiring_widgets.widgets.explain", stop)
    with pytest.raises(KeyboardInterrupt):
        notebook.explain_cell(shell, "--model model --pair 'two words' --no-special-tokens", "one\n")
    assert given["text"] == ("one", "two words")
    assert given["tokenizer"] == "tokenizer"
    assert given["add_special_tokens"] is False


HEAD = '{"layer": 3, "head": 2}'


@pytest.mark.parametrize(
    ("words", "name", "value"),
    [
        ((), "through", ()),
        (("--through", HEAD), "through", {"layer": 3, "head": 2}),
        (("--avoiding", f"[{HEAD}, {HEAD}]"), "avoiding", [{"layer": 3, "head": 2}] * 2),
        ((), "leaving_skip", False),
        (("--leaving-skip",), "leaving_skip", True),
    ],
)
def test_which_paths(words, name, value):
    assert keyword_arguments(options(*words))[name] == value


def test_parts_may_be_a_variable_of_the_notebook():
    known = {"head": {"layer": 3}}
    assert keyword_arguments(options("--through", "head"), known.get)["through"] == {"layer": 3}


def test_parts_that_are_no_json_are_refused():
    with pytest.raises(InputError, match=r"--avoiding 'layer 3' is no JSON.*\"layer\": 3"):
        keyword_arguments(options("--avoiding", "layer 3"))
