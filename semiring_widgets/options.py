"""The options that the command line and the cell magic share: one question about one prediction.

Both build an `argparse` parser from here, so that an option means the same in a terminal and in a notebook.
Names, defaults and help are those of `semiring_widgets.question`.
A wrong option is an `InputError` with one sentence, never an exit of the interpreter.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable
from dataclasses import Field, fields
from typing import Any, Final, NoReturn

from semiring_widgets.errors import InputError
from semiring_widgets.question import ExplainOptions, PathOptions, Question

__all__ = ["Parser", "add_model", "add_question", "keyword_arguments", "pair", "with_pair"]


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are sentences to be caught."""

    def error(self, message: str) -> NoReturn:
        """Raise instead of exiting.

        Raises:
            InputError: always.
        """
        raise InputError(f"{self.prog}: {message}; '{self.prog} --help' lists the options.")


def add_question(parser: argparse.ArgumentParser, options: type[PathOptions] = ExplainOptions) -> None:
    """Add what a function that asks takes: model, question, and its options.

    Args:
        parser: gets them.
        options: the class of the options.
    """
    add_model(parser)
    parser.add_argument(
        "--pair", metavar="TEXT", help="a second text, for models that read two (premise and hypothesis)"
    )
    parser.add_argument(
        "--chat",
        action="store_true",
        help="the text is a chat: a list of messages in JSON, which the tokenizer's template writes out",
    )
    for option in _options_of(options):
        words: dict[str, Any] = {**option.metadata, "default": option.default}
        name = option.name
        if option.default is True:
            name = f"no_{name.removeprefix('add_')}"
            words["action"] = "store_false"
        elif option.default is False:
            words["action"] = "store_true"
        if option.name in _READ:
            words["type"] = _READ[option.name]
        parser.add_argument(f"--{name.replace('_', '-')}", dest=option.name, **words)


def add_model(parser: argparse.ArgumentParser) -> None:
    """Add the model and its tokenizer, for `pair`.

    Args:
        parser: gets them.
    """
    parser.add_argument(
        "--model",
        default="demo",
        metavar="NAME",
        help="'demo' (embedded, the default), a folder, or a name on the Hugging Face Hub",
    )
    parser.add_argument("--tokenizer", metavar="NAME", help="tokenizer, if it is not the model's own")


def keyword_arguments(
    given: argparse.Namespace,
    look_up: Callable[[str], Any] = lambda name: None,
    options: type[PathOptions] = ExplainOptions,
) -> dict[str, Any]:
    """The keyword arguments of `explain_run` or `compare_run`.

    Args:
        given: what a parser with these options returned.
        look_up: as in `pair`, for the semiring, the reference, and the parts that paths pass or avoid.
        options: as in `add_question`.

    Raises:
        InputError: parts of a model that are neither JSON nor the name of a variable.
    """
    found = {option.name: getattr(given, option.name) for option in _options_of(options)}
    if found.get("semiring") is not None:
        held = look_up(found["semiring"])
        # A variable may happen to bear the name of a semiring.
        if hasattr(held, "lift"):
            found["semiring"] = held
    if isinstance(words := found.get("reference"), str) and hasattr(held := look_up(words), "shape"):
        found["reference"] = held
    for name in _PARTS:
        if isinstance(words := found[name], str):
            held = look_up(words)
            found[name] = _parts(name, words) if held is None else held
    return found


def _options_of(options: type[PathOptions]) -> list[Field[Any]]:
    """What of a question and its options can be given in words."""
    return [part for part in (*fields(Question), *fields(options)) if "help" in part.metadata]


def with_pair(text: str, options: argparse.Namespace) -> str | tuple[str, str] | list[dict[str, str]]:
    """The text, the pair that ``--pair`` makes of it, or the chat that it is with ``--chat``.

    Raises:
        InputError: a chat that is no JSON, or one beside a pair.
    """
    if options.chat:
        if options.pair is not None:
            raise InputError("Both --chat and --pair were given; a chat is one text, so leave one out.")
        try:
            messages = json.loads(text)
        except ValueError as error:
            messages = str(error)
        if not isinstance(messages, list) or not messages or not all(isinstance(m, dict) for m in messages):
            raise InputError(
                f"With --chat the text is a list of messages in JSON, and this is {text[:60]!r}; write "
                """'[{"role": "user", "content": "a question"}]'."""
            )
        return messages
    return text if options.pair is None else (text, options.pair)


def _token(word: str) -> str | int:
    """A word, or the number of ``id:N``."""
    number = re.fullmatch(r"id:(\d+)", word)
    return word if number is None else int(number[1])


def _size(words: str) -> int:
    """Bytes, from words such as ``500MB``."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMG]?)B?\s*", words, re.IGNORECASE)
    if found is None:
        raise argparse.ArgumentTypeError(f"{words!r} is no size; write for example 500MB or 2GB")
    number, unit = found.groups()
    return int(float(number) * {"": 1, "K": 10**3, "M": 10**6, "G": 10**9}[unit.upper()])


def _parts(name: str, words: str) -> Any:
    """Parts of a model, from JSON."""
    try:
        return json.loads(words)
    except ValueError as error:
        raise InputError(
            f"--{name} {words!r} is no JSON ({error}); write a part such as "
            """'{"layer": 3, "head": 2}', or a list of them."""
        ) from error


_PARTS: Final = ("through", "avoiding")
_READ: Final[dict[str, Callable[[str], Any]]] = {"target": _token, "contrast": _token, "max_memory": _size}


def pair(options: argparse.Namespace, look_up: Callable[[str], Any] = lambda name: None) -> tuple[Any, Any]:
    """The model and the tokenizer.

    Args:
        options: ``model`` and ``tokenizer`` are read.
        look_up: gives the object of a name (a variable of the notebook) or None.

    Returns:
        What `load_model` gave, or the objects found.

    Raises:
        InputError: nothing of that name, or a model object without a tokenizer.
    """
    from semiring_widgets.explanation import load_model

    found = look_up(options.model)
    if isinstance(found, tuple) and len(found) == 2:  # as load_model and load_demo return it
        model, tokenizer = found
    elif callable(found):
        model, tokenizer = found, None
    else:  # no variable, or one that happens to bear the name of a model
        model, tokenizer = load_model(options.model)
    if options.tokenizer is not None:
        tokenizer = look_up(options.tokenizer)
        if tokenizer is None:
            _, tokenizer = load_model(options.tokenizer)
    if tokenizer is None:
        raise InputError(
            f"{options.model} is a model object and knows no tokenizer; name the variable that holds it with "
            "--tokenizer."
        )
    return model, tokenizer
