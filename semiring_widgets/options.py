"""The options that the command line and the cell magic share: one question about one prediction.

Both build an `argparse` parser from here, so that an option means the same in a terminal and in a notebook.
A wrong option is an `InputError` with one sentence, never an exit of the interpreter.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from typing import Any, NoReturn

from semiring_widgets.errors import InputError
from semiring_widgets.results.schema import GRANULARITIES, LEVELS

__all__ = ["Parser", "add_comparing", "add_question", "asked", "pair", "with_pair"]


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are sentences to be caught."""

    def error(self, message: str) -> NoReturn:
        """Raise instead of exiting.

        Raises:
            InputError: always.
        """
        raise InputError(f"{self.prog}: {message}; '{self.prog} --help' lists the options.")


def add_question(parser: argparse.ArgumentParser) -> None:
    """Add what `semiring_widgets.explain` asks for."""
    parser.add_argument(
        "--model",
        default="demo",
        metavar="NAME",
        help="'demo' (embedded, the default), a folder, or a name on the Hugging Face Hub",
    )
    parser.add_argument("--tokenizer", metavar="NAME", help="tokenizer, if it is not the model's own")
    parser.add_argument(
        "--target",
        metavar="WORD",
        help="the answer to explain: a word, or id:N for token N; default: the model's own",
    )
    parser.add_argument("--contrast", metavar="WORD", help="the answer it is compared with: a word, or id:N")
    parser.add_argument(
        "--pair", metavar="TEXT", help="a second text, for models that read two (premise and hypothesis)"
    )
    parser.add_argument(
        "--no-special-tokens",
        dest="add_special_tokens",
        action="store_false",
        help="the tokenizer adds no [CLS] or </s> of its own; the text brings them along",
    )
    parser.add_argument(
        "--position", type=int, metavar="N", help="where the model is asked; default: mask token or end"
    )
    parser.add_argument(
        "--granularity", choices=GRANULARITIES, default="primitive", help="which graph is counted"
    )
    parser.add_argument("--level", choices=LEVELS, default="unit", help="level of the maxima")
    parser.add_argument(
        "--semiring",
        metavar="NAME",
        help="one more statistic of the paths: variance, hops, kbest, ...; in a notebook also a variable that"
        " holds a semiring",
    )
    parser.add_argument(
        "--max-memory",
        type=_size,
        metavar="SIZE",
        help="what this may take beside the model, such as 500MB or 2GB; default: no limit",
    )
    parser.add_argument("--paths", type=int, default=10, metavar="K", help="how many routes to list (10)")


def add_comparing(parser: argparse.ArgumentParser) -> None:
    """Add what only `semiring_widgets.compare` asks for."""
    parser.add_argument(
        "--methods", nargs="+", metavar="METHOD", help="Captum and path methods by name; default: a choice"
    )
    parser.add_argument(
        "--top-k", type=int, default=3, metavar="K", help="tokens that the overlap looks at (3)"
    )


def asked(options: argparse.Namespace, look_up: Callable[[str], Any] = lambda name: None) -> dict[str, Any]:
    """The keyword arguments of `explain_run` or `compare_run` that were given.

    Args:
        options: what a parser with these options returned.
        look_up: as in `pair`, for the semiring.
    """
    names = ["target", "contrast", "position", "granularity", "level", "max_memory"]
    names += ["methods", "top_k"] if hasattr(options, "methods") else ["paths", "semiring"]
    found = {name: getattr(options, name) for name in names}
    if not options.add_special_tokens:
        found["add_special_tokens"] = False
    for name in ("target", "contrast"):
        found[name] = _token(found[name])
    if found.get("semiring") is not None:
        held = look_up(found["semiring"])
        # A variable may happen to bear the name of a semiring.
        if hasattr(held, "lift"):
            found["semiring"] = held
    return found


def with_pair(text: str, options: argparse.Namespace) -> str | tuple[str, str]:
    """The text, or the pair that ``--pair`` makes of it."""
    return text if options.pair is None else (text, options.pair)


def _token(word: str | None) -> str | int | None:
    """A word, or the number of ``id:N``."""
    number = re.fullmatch(r"id:(\d+)", word or "")
    return word if number is None else int(number[1])


def _size(words: str) -> int:
    """Bytes, from words such as ``500MB``."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMG]?)B?\s*", words, re.IGNORECASE)
    if found is None:
        raise argparse.ArgumentTypeError(f"{words!r} is no size; write for example 500MB or 2GB")
    number, unit = found.groups()
    return int(float(number) * {"": 1, "K": 10**3, "M": 10**6, "G": 10**9}[unit.upper()])


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
