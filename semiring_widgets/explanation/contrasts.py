"""The difference of two continuations of one text, as one question.

Both are read in one padded batch of two, one below the other: a part of the model is then one part of the
difference, and a place of the text one place of both. The continuations may have other numbers of pieces; the
shorter one is padded behind its end, where no path runs. Where tokens differ, a place is called by both.
"""

from __future__ import annotations

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

__all__ = ["contrasted"]

_NOTHING = "–"  # where one of them has no more tokens


def contrasted(target: Prepared, contrast: Prepared) -> Prepared:
    """The score of one continuation minus that of another.

    Args:
        target: the question about the one.
        contrast: about the other, of the same text and model.
    """
    both = BatchCall((target, contrast))
    value = target.score.value - contrast.score.value
    scale = max(target.scale, contrast.scale, abs(target.score.value))

    def run(*embeds: Tensor) -> Tensor:
        if len(embeds[0]) != 2:
            raise InputError(
                "The difference of two continuations is read in a batch of two, and these are embeddings for "
                f"{len(embeds[0])}; ask for the two continuations one by one."
            )
        scores = both(*embeds)
        return scores[:1] - scores[1:]

    def check(recorded: Tensor) -> None:
        if not bool(torch.isfinite(recorded).all()):
            raise NonFiniteError(f"The recorded score is {float(recorded[0])}; look for an overflow.")
        check_same(target.call.model, value, recorded, scale, recorded=True)

    def refer(given: Any) -> Referenced:
        found = target.refer(given)
        return replace(found, inputs=both.padded([found.inputs, contrast.refer(given).inputs]))

    check_same(target.call.model, value, run(*both.inputs), scale)
    return replace(
        target,
        streams=(*target.streams[:-1], _together(target, contrast)),
        score=_difference(target.score, contrast.score, value),
        inputs=both.inputs,
        scale=scale,
        run=run,
        check=check,
        refer=refer,
        halves=(target, contrast),
    )


def _difference(target: Score, contrast: Score, value: float) -> Score:
    where = target.label.removeprefix(f"log p({target.target})")
    label = f"log p({target.target}) - log p({contrast.target}){where}"
    return replace(
        target, label=label, value=value, contrast=contrast.target, contrast_pieces=contrast.pieces
    )


def _together(target: Prepared, contrast: Prepared) -> Stream:
    """The last stream, each place with what stands there in both."""
    own, other = (one.streams[-1].tokens for one in (target, contrast))
    tokens = tuple(_both(number, *pair) for number, pair in enumerate(zip_longest(own, other)))
    return replace(target.streams[-1], tokens=tokens)


def _both(number: int, own: Token | None, other: Token | None) -> Token:
    known = own or other
    assert known is not None  # noqa: S101  (one of them is there)
    if own is not None and other is not None and own.id == other.id:
        return own
    said = " / ".join(_NOTHING if token is None else token.text.strip() for token in (own, other))
    return replace(known, index=number, text=said)
