"""Which output is asked, and where: the target token, its contrast and the position."""

from __future__ import annotations

from typing import Any

from semiring_widgets.errors import InputError
from semiring_widgets.explanation.results import Stream

__all__ = ["mask_position", "place_in", "token_id"]


def token_id(tokenizer: Any, asked: str | int, what: str, vocabulary: int, *, inside_text: bool) -> int:
    """The id of one token.

    Args:
        tokenizer: splits the string.
        asked: the token as text, or its id.
        what: ``"target"`` or ``"contrast"``, for messages.
        vocabulary: number of logits.
        inside_text: True where the token follows other text, so that " are" is meant by "are".

    Raises:
        InputError: unknown to the tokenizer, several pieces (they are listed), or an id out of range.
    """
    if isinstance(asked, bool) or not isinstance(asked, (str, int)):
        raise InputError(f"{what} is {asked!r}; give a token as a string, or its id.")
    if isinstance(asked, int):
        if not 0 <= asked < vocabulary:
            raise InputError(f"{what} id {asked} is out of range; the model has {vocabulary} tokens.")
        return asked
    if not asked.strip():
        raise InputError(f"{what} is empty; give a token.")
    own = tokenizer.get_vocab().get(asked)
    candidates = (
        [asked] if asked[:1].isspace() else [" " + asked, asked] if inside_text else [asked, " " + asked]
    )
    unknown = getattr(tokenizer, "unk_token_id", None)
    tried = []
    for candidate in candidates:
        ids = tokenizer(candidate, add_special_tokens=False)["input_ids"]
        if len(ids) == 1 and ids[0] != unknown:
            return int(ids[0])
        tried.append(ids)
    if own is not None and own != unknown:
        return int(own)
    ids = min(tried, key=len)
    pieces = ", ".join(repr(str(piece)) for piece in tokenizer.convert_ids_to_tokens(ids))
    if not ids or unknown in ids:
        raise InputError(f"{what} {asked!r} is unknown to this tokenizer; choose a word of its vocabulary.")
    raise InputError(
        f"{what} {asked!r} is {len(ids)} pieces for this tokenizer ({pieces}), and a score needs one token. "
        f"Choose a word that is one piece, or give one of these pieces."
    )


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
    if isinstance(position, bool) or not isinstance(position, int):
        raise InputError(f"position is {position!r}; give a token's number, 0 to {count - 1}.")
    if not -count <= position < count:
        raise InputError(
            f"position {position} is out of range; the text has {count} tokens, numbered 0 to {count - 1}."
        )
    return position % count
