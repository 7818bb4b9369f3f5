"""Which token of one text stands for which token of another.

Word by word (`difflib`): what is the same stands for itself, what was exchanged for what stands in its place,
and the rest has no counterpart. Both texts can then be read in one line, with gaps.

>>> places_of((0, -1, 1, 2), 3)
((0, 0), (1, -1), (2, 1), (3, 2))
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from itertools import product

from semiring_widgets.results.parts import Stream

__all__ = ["aligned_by_words", "places_of"]

# What it says, and its tokens.
_Word = tuple[str, list[int]]


def places_of(aligned: Sequence[int], others: int) -> tuple[tuple[int, int], ...]:
    """All tokens of both texts from left to right, each with its counterpart; -1 where it has none.

    Args:
        aligned: for each token of the first text its counterpart in the second, -1 where there is none; in
            order, as `aligned_by_words` gives them.
        others: how many tokens the second text has.
    """
    found: list[tuple[int, int]] = []
    following = 0
    for token, counterpart in enumerate(aligned):
        if counterpart >= 0:
            found += [(-1, other) for other in range(following, counterpart)]
            following = counterpart + 1
        found.append((token, counterpart))
    return (*found, *((-1, other) for other in range(following, others)))


def aligned_by_words(first: Stream, text: str, second: Stream, other: str) -> tuple[int, ...]:
    """For each token of a text the token of another that stands in for it, -1 where there is none.

    Words that are the same stand in for each other, and so do, in order, those between them that are alike;
    within a word its tokens, in order.

    Args:
        first: tokens of the text.
        text: the text, which their offsets point into.
        second: tokens of the other text.
        other: the other text.

    >>> from semiring_widgets.results.parts import Token
    >>> def stream(text):
    ...     words, at = [], 0
    ...     for index, word in enumerate(text.split()):
    ...         words.append(Token(index, word, word, index, at, at + len(word), False))
    ...         at += len(word) + 1
    ...     return Stream("input", tuple(words))
    >>> aligned_by_words(stream("the old keys are"), "the old keys are", stream("the key is"), "the key is")
    (0, -1, 1, 2)
    """
    own, others = (list(_words(*one)) for one in ((first, text), (second, other)))
    names, its = ([name for name, _ in words] for words in (own, others))
    rows = [-1] * len(first.tokens)
    for _, start, end, begin, stop in difflib.SequenceMatcher(None, names, its, autojunk=False).get_opcodes():
        for (_, here), (_, there) in _paired(own[start:end], others[begin:stop]):
            for token, row in zip(here, there, strict=False):
                rows[token] = row
    return tuple(rows)


def _paired(own: Sequence[_Word], others: Sequence[_Word]) -> Iterator[tuple[_Word, _Word]]:
    """Words that stand for each other: all in order where there are as many, else first those most alike."""
    if not own or not others:
        return
    if len(own) == len(others):
        yield from zip(own, others, strict=True)
        return
    i, j = max(
        product(range(len(own)), range(len(others))),
        key=lambda pair: difflib.SequenceMatcher(None, own[pair[0]][0], others[pair[1]][0]).ratio(),
    )
    yield from _paired(own[:i], others[:j])
    yield own[i], others[j]
    yield from _paired(own[i + 1 :], others[j + 1 :])


def _words(stream: Stream, text: str) -> Iterator[_Word]:
    """The words of a text, each with its tokens; a sign, also of the tokenizer's own, is one by itself."""
    word: list[int] = []
    before = 0  # where the word so far ends in the text; 0 where it cannot go on
    for token in stream.tokens:
        placed = token.end > token.start and not token.special
        goes_on = placed and token.start == before > 0 and text[before - 1 : before + 1].isalnum()
        if word and not goes_on:
            yield _name(stream, word), word
            word = []
        word.append(token.index)
        before = token.end if placed else 0
    if word:
        yield _name(stream, word), word


def _name(stream: Stream, word: Sequence[int]) -> str:
    return "".join(stream.tokens[token].text for token in word)
