"""Several readings of one text as one question: the difference of two continuations, a masked model's pieces.

All are read in one padded batch, one below the other: a part of the model is then one part of the whole, and
a place of the text one place of all. The readings may have other numbers of tokens; the shorter ones are
padded behind their end, where no path runs. Where tokens differ, a place is called by both.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import zip_longest
from typing import Any

import torch
from torch import Tensor

from semiring_widgets.errors import InputError, NonFiniteError
from semiring_widgets.explanation.batch_calls import BatchCall
from semiring_widgets.explanation.prepared import Prepared
from semiring_widgets.explanation.references import Referenced
from semiring_widgets.explanation.same_pass import check_same
from semiring_widgets.results.parts import Score, Stream, Token

__all__ = ["both_of", "contrasted", "difference", "taken_together"]

_NOTHING = "–"  # where one of them has no more tokens


def contrasted(target: Prepared, contrast: Prepared) -> Prepared:
    """The score of one continuation minus that of another.

    Args:
        target: the question about the one.
        contrast: about the other, of the same text and model.
    """
    stream = both_of(target.streams[-1], contrast.streams[-1])
    return taken_together([target], [contrast], difference(target.score, contrast.score, "log p"), stream)


def taken_together(
    plus: Sequence[Prepared], minus: Sequence[Prepared], score: Score, stream: Stream
) -> Prepared:
    """The sum of some scores minus that of others, as one question.

    Args:
        plus: questions about readings of one text, to one model.
        minus: those that are subtracted.
        score: how it is called (value not filled in).
        stream: the last one, as it is shown.
    """
    parts = (*plus, *minus)
    both, first, count = BatchCall(parts), parts[0], len(plus)
    value = math.fsum(one.score.value for one in plus) - math.fsum(one.score.value for one in minus)
    scale = max(max(one.scale, abs(one.score.value)) for one in parts)

    def run(*embeds: Tensor) -> Tensor:
        if len(embeds[0]) != len(parts):
            raise InputError(
                f"This score is read in a batch of {len(parts)}, and these are embeddings for "
                f"{len(embeds[0])}; ask for the {len(parts)} readings one by one."
            )
        scores = both(*embeds)
        return _sum(scores[:count]) - _sum(scores[count:]) if minus else _sum(scores)

    def check(recorded: Tensor) -> None:
        if not bool(torch.isfinite(recorded).all()):
            raise NonFiniteError(f"The recorded score is {float(recorded[0])}; look for an overflow.")
        check_same(first.call.model, value, recorded, scale, recorded=True)

    def refer(given: Any) -> Referenced:
        found = [one.refer(given) for one in parts]
        return replace(found[0], inputs=both.padded([one.inputs for one in found]))

    check_same(first.call.model, value, run(*both.inputs), scale)
    return replace(
        first,
        streams=(*first.streams[:-1], stream),
        score=replace(score, value=value),
        inputs=both.inputs,
        scale=scale,
        run=run,
        check=check,
        refer=refer,
        halves=parts,
    )


def _sum(scores: Tensor) -> Tensor:
    return scores if len(scores) == 1 else scores.sum(0, keepdim=True)


def difference(target: Score, contrast: Score, called: str) -> Score:
    """How the difference of two scores of one text is called.

    Args:
        target: the one.
        contrast: the one that is subtracted.
        called: what both are.
    """
    where = target.label.removeprefix(f"{called}({target.target})")
    label = f"{called}({target.target}) - {called}({contrast.target}){where}"
    return replace(target, label=label, contrast=contrast.target, contrast_pieces=contrast.pieces)


def both_of(one: Stream, other: Stream) -> Stream:
    """A stream, each place with what stands there in both.

    Args:
        one: the one.
        other: the other.
    """
    tokens = tuple(_both(number, *pair) for number, pair in enumerate(zip_longest(one.tokens, other.tokens)))
    return replace(one, tokens=tokens)


def _both(number: int, own: Token | None, other: Token | None) -> Token:
    known = own or other
    assert known is not None  # noqa: S101  (one of them is there)
    if own is not None and other is not None and own.id == other.id:
        return own
    said = " / ".join(_NOTHING if token is None else token.text.strip() for token in (own, other))
    return replace(known, index=number, text=said)
