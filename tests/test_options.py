"""The options that the command line and the cell magic share become the arguments of `explain`."""

from types import SimpleNamespace

import pytest

from semiring_widgets import cli, notebook
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
