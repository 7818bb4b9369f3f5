"""Which output is asked, and where: the target token, its contrast and the position."""

from __future__ import annotations

from typing import Any
from unicodedata import normalize

from semiring_widgets.checks import whole_number
from semiring_widgets.errors import InputError
from semiring_widgets.explanation.places import Place
from semiring_widgets.results.parts import Stream
from semiring_widgets.results.visible import shortened, visible

__all__ = ["mask_position", "place_in", "token_id"]


def token_id(place: Place, asked: Any, what: str, vocabulary: int) -> int:
    """The id of one token.

    Args:
        place: where it is asked for.
        asked: the token as text (the word that it is at this place, or a special token), or its id.
        what: ``"target"`` or ``"contrast"``, for messages.
        vocabulary: number of logits.

    Raises:
        InputError: unknown to the tokenizer, several pieces (they are listed), or an id out of range.
    """
    if isinstance(asked, str):
        number = _named(place, asked, what)
        if number >= vocabulary:
            raise InputError(
                f"{what} {asked!r} is token {number} of the tokenizer, and the model has {vocabulary} "
                f"logits; call model.resize_token_embeddings(len(tokenizer)), or choose another word."
            )
        return number
    number = whole_number(asked, what, least=None, most=None, wanted="a token as a string, or its id")
    if not 0 <= number < vocabulary:
        raise InputError(f"{what} id {number} is out of range; the model has tokens 0 to {vocabulary - 1}.")
    return number


def _named(place: Place, asked: str, what: str) -> int:
    source = place.source
    pieces = source.pieces
    if not asked:
        raise InputError(f"{what} is empty; give a token.")
    if asked in (special := pieces.special_ids()):
        return special[asked]
    # Keyboards differ in how they write an accent; both ways are the same word.
    for written in dict.fromkeys([asked, *(normalize(form, asked) for form in ("NFC", "NFD"))]):
        if (found := place.fitting(written)) is not None:
            return found
    told = visible(asked) if asked.strip() else repr(asked)
    others = pieces.candidates(asked)
    if others:
        known = "; ".join(f"{place.label(n)!r} is token {n}" for n in others)
        raise InputError(
            f"{what} {told!r} is no single token at this place, after {_end(place.before)!r}. Another form "
            f"of it is: {known}. Give this id if you mean that, or choose a word that is one token."
        )
    ids = source.answer_ids(asked) if place.answers else source.ids([asked], special=False)
    if not ids or getattr(source.tokenizer, "unk_token_id", None) in ids:
        raise InputError(f"{what} {told!r} is unknown to this tokenizer; choose a word of its vocabulary.")
    listed = ", ".join(f"{pieces.label(number)!r} is {number}" for number in ids)
    if len(ids) == 1:
        raise InputError(
            f"{what} {told!r} is not what the tokenizer makes of it ({listed}); give that, or another word."
        )
    raise InputError(
        f"{what} {told!r} is {len(ids)} pieces for this tokenizer ({listed}), and a score needs one token. "
        f"Choose a word that is one piece, or give the id of one of these pieces."
    )


def _end(text: str) -> str:
    return shortened(visible(text[-20:]), 14) if text else "the beginning"


def mask_position(tokenizer: Any, stream: Stream) -> int:
    """The place of the one mask token of a text.

    Raises:
        InputError: none or several, or a tokenizer without a mask token.
    """
    mask = getattr(tokenizer, "mask_token_id", None)
    if mask is None:
        raise InputError(
            "This tokenizer has no mask token; give position= to say which token's logits are asked."
        )
    places = [token.index for token in stream.tokens if token.id == mask]
    if len(places) == 1:
        return places[0]
    if not places:
        raise InputError(
            f"The text has no {tokenizer.mask_token} token, which a masked language model is asked at. Put "
            f"{tokenizer.mask_token} in the place of a word, or give position=."
        )
    raise InputError(
        f"The text has {len(places)} {tokenizer.mask_token} tokens, at positions {places}; say which "
        f"one by position=."
    )


def place_in(stream: Stream, position: Any) -> int:
    """A position checked against a stream; negative numbers count from the end.

    Raises:
        InputError: no whole number, or out of range.
    """
    count = len(stream.tokens)
    number = whole_number(
        position, "position", least=None, most=None, wanted=f"a token's number, 0 to {count - 1}"
    )
    if not -count <= number < count:
        raise InputError(
            f"position {number} is out of range; the text has {count} tokens, numbered 0 to {count - 1}."
        )
    return number % count
