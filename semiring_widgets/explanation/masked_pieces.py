"""A target of several pieces in the place of a mask: the pseudo-log-likelihood that a masked model gives it.

A masked model has no probability of several tokens at once. So each piece is asked for alone, with the others
written in their places, and the log-probabilities are added (Salazar et al., 2020, arXiv 1910.14659). Pieces
of one word tell each other: behind ``xylo`` little else than ``##phone`` can come, so that long words would
seem likely. Therefore the pieces of the same word that come after the one asked for are masked, too (Kauf and
Ivanova, 2023, arXiv 2305.10588); what was one word's rest no longer counts as known. Of pieces that are words
each, the two are the same.

It is no probability of the whole (it does not add up to 1 over all answers), but a score to compare answers
by; the more pieces, the lower it tends to be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from unicodedata import normalize

from semiring_widgets.checks import shown
from semiring_widgets.errors import InputError
from semiring_widgets.explanation.continuations import Continuation, listed_ids, numbered, written
from semiring_widgets.explanation.model_call import ModelCall
from semiring_widgets.explanation.pieces import Pieces, is_of_word
from semiring_widgets.explanation.places import Place, gap
from semiring_widgets.explanation.questions import index_asked
from semiring_widgets.explanation.targets import token_id
from semiring_widgets.question import Question
from semiring_widgets.results.parts import Score, Stream

__all__ = ["Filling", "PieceAsked", "fillings"]


@dataclass(frozen=True)
class PieceAsked:
    """One piece, and the tokens that are read in the place of the mask while it is asked for.

    Attributes:
        asked: the score, a log-probability.
        read: the pieces, this one and those after it in its word masked.
    """

    asked: Continuation
    read: tuple[int, ...]


@dataclass(frozen=True)
class Filling:
    """What a masked model is asked to say in the place of one mask token.

    Attributes:
        index: of the mask token.
        pieces: all of them.
        each: one by one, as far as they are asked for.
        score: how it is called (value not filled in).
    """

    index: int
    pieces: tuple[int, ...]
    each: tuple[PieceAsked, ...]
    score: Score


def fillings(call: ModelCall, family: str, vocabulary: int, question: Question) -> tuple[Filling, ...]:
    """What a masked model is asked for: the target, and the contrast if there is one.

    Args:
        call: the model and the text.
        family: see `family_and_logits`.
        vocabulary: number of logits.
        question: what is asked.

    Returns:
        None at all for other models, and where target and contrast are a single token each.

    Raises:
        InputError: anything of this that cannot be used as given.
    """
    mask = getattr(call.source.tokenizer, "mask_token_id", None)
    if family != "masked" or mask is None or question.generate is not None:
        return ()
    asked = [(name, getattr(question, name)) for name in ("target", "contrast")]
    alone = question.piece
    if all(isinstance(one, int) or one is None for _, one in asked) and alone is None:
        return ()
    index, where = index_asked(call.source, call.streams[-1], family, question.position)
    place = gap(call.source, call.streams[-1], index)
    many = {name: _pieces(place, one, name, vocabulary) for name, one in asked}
    if not any(many.values()) and alone is None:
        return ()
    if question.target is None:
        raise InputError(
            f"{'The contrast is several pieces' if alone is None else 'piece= was'} and no target was given; "
            f"give target=."
        )
    if alone is not None and question.contrast is not None:
        raise InputError(
            "Both piece= and contrast= were given, and one piece of the target is compared with nothing; "
            "leave one of them out."
        )
    if call.streams[-1].tokens[index].id != mask:
        raise InputError(
            f"position {index} is {call.streams[-1].tokens[index].text!r}, and several pieces are asked for "
            f"in the place of a mask token; put {call.source.tokenizer.mask_token} there."
        )
    found = []
    for name, one in asked:
        if one is not None:
            pieces = many[name] or (token_id(place, one, name, vocabulary),)
            if len(pieces) > 1 and mask in pieces:
                raise InputError(
                    f"{name} has {call.source.tokenizer.mask_token} among its pieces, which stands for any "
                    f"word; give words."
                )
            found.append(_filling(call.source.pieces, pieces, index, where, mask, alone))
    if len({one.pieces for one in found}) < len(found):
        raise InputError("target and contrast are the same pieces; choose another contrast.")
    words = {mask, getattr(call.source.tokenizer, "unk_token_id", None)}
    _check_aligned(found, call.streams[-1], words)
    return tuple(found)


def _check_aligned(found: Sequence[Filling], stream: Stream, words: set[int | None]) -> None:
    """Refuse a difference in which a place behind the gap is one word of the text here and another there."""
    counts = [len(one.pieces) for one in found]
    behind = stream.tokens[found[0].index + 1 :]
    if len(set(counts)) > 1 and any(not token.special or token.id in words for token in behind):
        target, contrast = (f"{shown(one.score.target)} has {len(one.pieces)}" for one in found)
        raise InputError(
            f"target {target} pieces and contrast {contrast}, so the text behind the mask token would stand "
            f"at other places for the one than for the other. Ask for both without a contrast and subtract "
            f"their scores, or choose a contrast of as many pieces."
        )


def _pieces(place: Place, asked: Any, what: str, vocabulary: int) -> tuple[int, ...] | None:
    """The pieces of an answer; None of what is one token, or none at all."""
    if isinstance(asked, (list, tuple)):
        return listed_ids(asked, what, vocabulary)
    if not isinstance(asked, str) or not asked or asked in place.source.pieces.special_ids():
        return None
    forms = dict.fromkeys([asked, *(normalize(form, asked) for form in ("NFC", "NFD"))])
    if any(place.fitting(word) is not None for word in forms) or place.source.pieces.candidates(asked):
        return None
    read = place.filled(asked)
    if read is None:
        raise InputError(
            f"{what} {shown(asked)} and the text around it become other tokens when they are read together, "
            f"so it does not fit there. Give the ids of its pieces: {what}=tokenizer({what}, "
            f"add_special_tokens=False)['input_ids']."
        )
    if len(read) < 2 or getattr(place.source.tokenizer, "unk_token_id", None) in read:
        return None  # `token_id` says why
    return listed_ids(read, what, vocabulary)


def _filling(
    known: Pieces, pieces: tuple[int, ...], index: int, where: str, mask: int, alone: int | None
) -> Filling:
    ends = _word_ends(known, pieces)
    each = tuple(
        PieceAsked(
            Continuation(index + number, (piece,)),
            tuple(mask if number <= place < ends[number] else one for place, one in enumerate(pieces)),
        )
        for number, piece in enumerate(pieces)
    )
    name = written(known, pieces)
    if alone is not None:
        number = numbered(alone, len(pieces))
        piece = known.label(pieces[number])
        score = Score(f"log p({piece}) in {name} {where}", 0.0, piece, None, index + number, "nats")
        return Filling(index, pieces, each[number : number + 1], score)
    return Filling(
        index, pieces, each, Score(f"pseudo-log p({name}) {where}", 0.0, name, None, index, "nats")
    )


def _word_ends(known: Pieces, pieces: Sequence[int]) -> list[int]:
    """For each piece, where its word ends: the place of the first piece after it that begins another."""
    said = [known.data(number).decode("utf-8", "replace") for number in pieces]
    ends = [len(pieces)] * len(pieces)
    for place in reversed(range(len(pieces) - 1)):
        goes_on = is_of_word(said[place][-1:]) and is_of_word(said[place + 1][:1])
        ends[place] = ends[place + 1] if goes_on else place + 1
    return ends
