"""From a text to token streams: what people read, and what the model gets."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from semiring_widgets.errors import InputError
from semiring_widgets.explanation.chats import is_chat, written_out
from semiring_widgets.explanation.pieces import Pieces, texts_of
from semiring_widgets.results.parts import Stream, Token
from semiring_widgets.results.visible import visible

__all__ = ["Source", "check_pair", "encode", "source_of", "stream_of"]

_BREAK = "\n"  # between the two texts of a pair, where they are shown as one


@dataclass(frozen=True)
class Source:
    """What is read, and how.

    Attributes:
        tokenizer: of the transformers library, fast or slow.
        parts: one text, or the two of a pair.
        add_special_tokens: whether the tokenizer adds signs of its own (``[CLS]``, ``</s>``).
        written: of a text that a chat template made, the first and last character of every message, as
            far as that is known; None of one that people wrote as it is.
        roles: who says these messages.
        answer: tokens that the model reads as its own, after the text (or as a decoder).
        filling: a place, and tokens that are read there instead of the one that the text has.
    """

    tokenizer: Any
    parts: tuple[str, ...]
    add_special_tokens: bool = True
    written: tuple[tuple[int, int], ...] | None = None
    roles: tuple[str, ...] = ()
    answer: tuple[int, ...] = ()
    filling: tuple[int, tuple[int, ...]] | None = None

    @property
    def text(self) -> str:
        """The text; of a pair, both with a line break between. Offsets of tokens count its characters."""
        return _BREAK.join(self.parts)

    @cached_property
    def pieces(self) -> Pieces:
        """What the tokenizer's pieces stand for."""
        return Pieces(self.tokenizer)

    def ids(self, parts: Sequence[str], *, special: bool | None = None) -> list[int]:
        """Token ids of other texts, read in the same way, with or without special tokens."""
        added = self.add_special_tokens if special is None else special
        return list(self.tokenizer(*parts, add_special_tokens=added)["input_ids"])

    @cached_property
    def types(self) -> list[int]:
        """The token types that the texts get, if any."""
        encoding = self.tokenizer(*self.parts, add_special_tokens=self.add_special_tokens)
        return sorted(set(encoding.get("token_type_ids", ())))

    @cached_property
    def separated(self) -> bool:
        """Whether special tokens stand between the texts: a pair has more of them than one text."""
        added = [
            len(self.ids(parts)) - len(self.ids(parts, special=False))
            for parts in (self.parts, self.parts[:1])
        ]
        return added[0] > added[1]

    def answer_ids(self, text: str) -> list[int]:
        """Token ids of an answer of an encoder-decoder, which may have a vocabulary of its own."""
        return list(self.tokenizer(text_target=text, add_special_tokens=False)["input_ids"])

    @cached_property
    def appended(self) -> int:
        """How many special tokens the tokenizer puts after the text."""
        read, own = self.ids(self.parts), self.ids(self.parts[-1:], special=False)
        for count in range(len(read) - len(own) + 1):
            end = len(read) - count
            if read[end - len(own) : end] == own:
                return count
        # Read on its own, the end of the text is other tokens: those that are not special are the text's.
        return self._last(read) - self._last(self.ids(self.parts, special=False))

    def _last(self, ids: Sequence[int]) -> int:
        special = set(getattr(self.tokenizer, "all_special_ids", ()))
        return next((n for n, number in enumerate(reversed(ids)) if number not in special), len(ids))


def source_of(tokenizer: Any, text: Any, add_special_tokens: bool = True) -> Source:
    """A checked text, pair of texts, or chat.

    Raises:
        InputError: none of them, nothing to read, a pair for a tokenizer that would write its two texts as
            one, or a chat for one without a template.
    """
    if is_chat(text):
        said, written = written_out(tokenizer, text)
        # The template writes the special tokens.
        roles = tuple(message["role"] for message in text)
        return Source(tokenizer, (said,), add_special_tokens=False, written=written, roles=roles)
    parts = (text,) if isinstance(text, str) else text
    if not isinstance(parts, tuple) or len(parts) not in (1, 2) or not all(isinstance(p, str) for p in parts):
        raise InputError(
            f"text is a {type(text).__name__}; give one string, or two as (first, second), or a chat as "
            "[{'role': 'user', 'content': 'a question'}]."
        )
    if not isinstance(add_special_tokens, bool):
        raise InputError(f"add_special_tokens is {add_special_tokens!r}; give True or False.")
    if not all(part.strip() for part in parts):
        which = "The text is" if len(parts) == 1 else "One of the two texts is"
        raise InputError(f"{which} empty; give a sentence with at least one word.")
    source = Source(tokenizer, parts, add_special_tokens)
    if len(parts) == 2 and not source.separated and len(source.types) < 2:
        raise InputError(
            f"This {type(tokenizer).__name__} puts nothing between two texts, so a pair would be read as one "
            f"text. Give one string with the separator that the model was trained with."
        )
    return source


def check_pair(source: Source, accepted: Collection[str], config: Any) -> None:
    """Whether a model can tell the two texts of a pair apart as the tokenizer does.

    Args:
        source: the text, or pair.
        accepted: names of the model's arguments.
        config: its configuration, or None.

    Raises:
        InputError: it knows fewer token types, or none where nothing else separates the texts.
    """
    if len(source.parts) < 2 or len(source.types) < 2:
        return
    known = getattr(config, "type_vocab_size", None)
    takes = "token_type_ids" in accepted
    if takes and isinstance(known, int) and known <= max(source.types):
        raise InputError(
            f"The tokenizer marks two texts by token types {source.types}, and this model knows {known}; "
            f"give the tokenizer that belongs to it."
        )
    if not takes and not source.separated:
        raise InputError(
            "This model takes no token types and nothing else stands between the two texts, so they would be "
            "read as one. Give one string with the separator that it was trained with."
        )


def encode(source: Source, limit: int | None, *, answered: bool = False) -> dict[str, Any]:
    """Token ids, masks and offsets of a text.

    Args:
        source: the text.
        limit: the most tokens the model takes, or None.
        answered: the answer goes on with the text; signs that the tokenizer adds at its end are left out.

    Returns:
        The tokenizer's encoding with tensors of shape (1, T), and ``offsets`` as a list of pairs, or None
        from a tokenizer that does not know them. Offsets point into ``source.text``.

    Raises:
        InputError: no token, too many, or special tokens that are there twice.
    """
    tokenizer = source.tokenizer
    fast = bool(getattr(tokenizer, "is_fast", False))
    read = tokenizer(
        *source.parts,
        return_tensors="pt",
        add_special_tokens=source.add_special_tokens,
        **({"return_offsets_mapping": True} if fast else {}),
    )
    encoding = dict(read)
    offsets = encoding.pop("offset_mapping", None)
    encoding["offsets"] = None
    if offsets is not None:
        shifts = (0, len(source.parts[0]) + len(_BREAK))
        parts = read.sequence_ids(0)
        encoding["offsets"] = [
            (start + shifts[part or 0], end + shifts[part or 0])
            for (start, end), part in zip(offsets[0].tolist(), parts, strict=True)
        ]
    if answered and source.answer:
        encoding = _with_answer(source, encoding)
    if source.filling is not None:
        encoding = _filled(encoding, *source.filling)
    count = int(encoding["input_ids"].shape[1])
    if count == 0:
        raise InputError(
            f"The tokenizer finds no token in {source.text!r}; give a sentence with at least one word."
        )
    if limit is not None and count > limit:
        raise InputError(
            f"The text has {count} tokens and this model takes at most {limit}; shorten it or explain "
            f"a part of it."
        )
    if not (answered and source.answer):
        _refuse_doubled(source, encoding["input_ids"][0].tolist())
    return encoding


def _with_answer(source: Source, encoding: dict[str, Any]) -> dict[str, Any]:
    """The encoding with the answer behind the text; masks and token types go on as they end."""
    kept = int(encoding["input_ids"].shape[1]) - source.appended
    if kept == 0:
        return encoding
    longer: dict[str, Any] = {}
    for name, value in encoding.items():
        if isinstance(value, torch.Tensor):
            more = value[:, kept - 1 : kept].expand(-1, len(source.answer))
            more = torch.tensor([source.answer]) if name == "input_ids" else more
            longer[name] = torch.cat([value[:, :kept], more.to(value)], 1)
    offsets = encoding["offsets"]
    longer["offsets"] = None if offsets is None else [*offsets[:kept], *[(0, 0)] * len(source.answer)]
    return longer


def _filled(encoding: dict[str, Any], place: int, ids: tuple[int, ...]) -> dict[str, Any]:
    """The encoding with other tokens at a place; masks and token types are as they were there."""
    longer: dict[str, Any] = {}
    for name, value in encoding.items():
        if isinstance(value, torch.Tensor):
            own = value[:, place : place + 1].expand(-1, len(ids))
            own = torch.tensor([ids]).to(value) if name == "input_ids" else own
            longer[name] = torch.cat([value[:, :place], own, value[:, place + 1 :]], 1)
    offsets = encoding["offsets"]
    longer["offsets"] = (
        None if offsets is None else [*offsets[:place], *[(0, 0)] * len(ids), *offsets[place + 1 :]]
    )
    return longer


def _refuse_doubled(source: Source, ids: Sequence[int]) -> None:
    """Special tokens that the text brings along and the tokenizer adds once more."""
    if not source.add_special_tokens or len(ids) < 2:
        return
    for place, way in ((0, 1), (-1, -1)):
        number = ids[place]
        written = source.ids(source.parts[place : place + 1 or None], special=False)
        # Two of them may also be two words that the tokenizer does not know.
        read, own = _run(ids[::way], number), _run(written[::way], number)
        if read > own > 0 and source.pieces.special(number):
            sign, where = source.pieces.raw(number), "begins" if place == 0 else "ends"
            raise InputError(
                f"The text {where} with {sign}, and the tokenizer adds another one, so the model would read "
                f"two. Leave it out of the text, or give add_special_tokens=False and write all of them."
            )


def _run(ids: Sequence[int], number: int) -> int:
    """How often a token stands at the beginning."""
    return next((place for place, other in enumerate(ids) if other != number), len(ids))


def stream_of(
    name: str, tokenizer: Any, ids: Tensor, text: str = "", offsets: list[tuple[int, int]] | None = None
) -> Stream:
    """Tokens as people read them.

    Args:
        name: of the stream.
        tokenizer: gives the raw pieces.
        ids: shape (T,).
        text: the source text that offsets point into.
        offsets: first and last character of every token, or None.
    """
    numbers = torch.as_tensor(ids).tolist()
    pieces = Pieces(tokenizer)
    spans = offsets if offsets is not None else [(0, 0)] * len(numbers)
    data = [b"" if pieces.special(number) else pieces.data(number) for number in numbers]
    read = texts_of(data)
    # A blank that the tokenizer puts before an ideograph claims it, and is not in the source.
    spans = [
        (start, start) if said.isspace() and text[start:end].strip() else (start, end)
        for said, (start, end) in zip(data, spans, strict=True)
    ]
    spans = [
        (start, _with_marks(text, start, end, following))
        for (start, end), following in zip(spans, [*spans[1:], (0, 0)], strict=False)
    ]
    tokens = []
    for index, (number, (start, end)) in enumerate(zip(numbers, spans, strict=True)):
        raw, special = pieces.raw(number), pieces.special(number)
        if end > start and _own(spans, index):
            shown = visible(text[start:end].strip() if special else text[start:end])
        elif special:
            shown = visible(raw)
        else:
            shown = read[index] or f"token {number}"
        tokens.append(Token(index, shown, raw, number, start, end, special))
    return Stream(name, tuple(tokens))


def _with_marks(text: str, start: int, end: int, following: tuple[int, int]) -> int:
    """The end of a token with the accents on its last letter, which composing or dropping them leaves out."""
    claimed = following[0] if following[0] < following[1] else len(text)
    while start < end < claimed and unicodedata.category(text[end])[0] == "M":
        end += 1
    return end


def _own(spans: Sequence[tuple[int, int]], index: int) -> bool:
    """Whether no neighbour claims the same characters, as parts of one emoji do, or a blank put before it."""
    start, end = spans[index]
    before = spans[index - 1] if index else (0, 0)
    after = spans[index + 1] if index + 1 < len(spans) else (end, end)
    return not (before[0] < before[1] and before[1] > start) and not (after[0] < after[1] and after[0] < end)
