"""What the tokens of a text are: signs of the tokenizer's, the place that is asked, words, or a user's own.

Every token is of one class, the first of `CLASSES` that fits; a user's own come between what is asked for and
punctuation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from semiring_widgets.checks import shown
from semiring_widgets.errors import InputError
from semiring_widgets.explanation.pieces import is_of_word
from semiring_widgets.explanation.prepared import Prepared
from semiring_widgets.results.parts import Token

__all__ = ["CLASSES", "check_names", "classes_of", "word_numbers"]

# By class, what a token of it is.
CLASSES: Final = {
    "asked": "at the position whose logits are read",
    "answer": "a piece of a target of several pieces, which the model reads as its own",
    "special": "a sign of the tokenizer's, such as [CLS], or of a chat's template",
    "punctuation": "without a letter or a digit",
    "piece": "goes on with a word that a token before it began",
    "word": "a word, or its first piece",
}
_WORD: Final = re.compile(r"\S+")


def check_names(names: Any) -> tuple[str, ...]:
    """The columns of a corpus that say which words are of a class, which bears the column's name.

    Args:
        names: one, or several; the first one wins where a word is of two.

    Raises:
        InputError: no names, or that of a class that is there already.
    """
    if not isinstance(names, (str, list, tuple)):
        raise InputError(f"classes is {shown(names)}; give the names of columns.")
    listed = [names] if isinstance(names, str) else list(names)
    for name in listed:
        if not isinstance(name, str) or not name:
            raise InputError(f"classes names {shown(name)}; give the names of columns.")
        if name in CLASSES:
            raise InputError(f"classes names {name!r}, which tokens are called anyway; rename the column.")
    return tuple(dict.fromkeys(listed))


def word_numbers(cell: Any, name: str) -> list[int]:
    """Which words of a text a cell names.

    Args:
        cell: a number, several, or a string of them with blanks or commas between.
        name: of the column.

    Raises:
        InputError: it is none of these.

    Example:
        >>> word_numbers("2 5", "nouns"), word_numbers(4.0, "nouns"), word_numbers([1], "nouns")
        ([2, 5], [4], [1])
    """
    parts: Sequence[Any] = [cell]
    if isinstance(cell, str):
        parts = cell.replace(",", " ").split()
    elif isinstance(cell, (list, tuple, np.ndarray)):
        parts = list(cell)
    found = []
    for part in parts:
        whole = isinstance(part, (int, np.integer)) or (isinstance(part, float) and part.is_integer())
        written = isinstance(part, str) and re.fullmatch("[0-9]{1,9}", part)
        if isinstance(part, bool) or not (whole or written):
            raise InputError(
                f"{name} is {shown(cell)}; give the numbers of words, from 0, with blanks between."
            )
        found.append(int(part))
    if min(found, default=0) < 0:
        raise InputError(f"{name} is {shown(cell)}; words are counted from 0.")
    return found


def classes_of(one: Prepared, own: Mapping[str, Sequence[int]]) -> list[list[str]]:
    """The class of every token, by stream.

    Args:
        one: the question.
        own: by a user's class, which words of the text (between white space, from 0) are of it.

    Raises:
        InputError: the text has no such word, or its tokenizer does not say where tokens stand.
    """
    words = list(_WORD.finditer(one.text))
    for name, numbers in own.items():
        if max(numbers, default=0) >= len(words):
            raise InputError(
                f"{name} names word {max(numbers)}, and the text has {len(words)}, which are counted from 0."
            )
        if numbers and not any(token.end > token.start for token in one.streams[0].tokens):
            raise InputError(
                f"{name} names words, and this tokenizer does not say which characters its tokens stand for; "
                f"give a fast one."
            )
    spans = {name: [words[number].span() for number in numbers] for name, numbers in own.items()}
    last = len(one.streams) - 1
    found = []
    for stream, told in enumerate(one.streams):
        asked = _asked(one) if stream == last else set()
        answer = one.score.continuation if stream == last else None
        of_text = stream == 0
        found.append(
            [
                "asked"
                if token.index in asked
                else "answer"
                if answer is not None and token.index >= answer
                else _class(token, one.text if of_text else "", spans if of_text else {})
                for token in told.tokens
            ]
        )
    return found


def _asked(one: Prepared) -> set[int | None]:
    """Where the model is asked; for several pieces of a masked model, at each of them."""
    if one.halves and one.score.continuation is None:
        return {getattr(half.asked, "index", None) for half in one.halves}
    return {one.score.position}


def _class(token: Token, text: str, own: Mapping[str, Sequence[tuple[int, int]]]) -> str:
    if token.special:
        return "special"
    said = text[token.start : token.end]
    # Some tokenizers count the blank before a word to it.
    start = token.start + len(said) - len(said.lstrip())
    for name, spans in own.items():
        if any(first < token.end and start < end for first, end in spans):
            return name
    said = said.strip() or token.text
    if not any(letter.isalnum() for letter in said):
        return "punctuation"
    goes_on = 0 < start < len(text) and is_of_word(text[start - 1]) and is_of_word(text[start])
    return "piece" if goes_on else "word"
