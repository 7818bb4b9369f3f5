"""From a text to token streams: what people read, and what the model gets."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from semiring_widgets.errors import InputError
from semiring_widgets.explanation.results import Stream, Token

__all__ = ["encode", "stream_of"]


def encode(tokenizer: Any, text: str, limit: int | None) -> dict[str, Any]:
    """Token ids, masks and offsets of a text.

    Args:
        tokenizer: of the transformers library, fast or slow.
        text: what the user gave.
        limit: the most tokens the model takes, or None.

    Returns:
        The tokenizer's encoding with tensors of shape (1, T), and ``offsets`` as a list of pairs, or None
        from a tokenizer that does not know them.

    Raises:
        InputError: no string, nothing to read, or too long.
    """
    if not isinstance(text, str):
        raise InputError(f"text is a {type(text).__name__}; give one string.")
    if not text.strip():
        raise InputError("The text is empty; give a sentence with at least one word.")
    fast = bool(getattr(tokenizer, "is_fast", False))
    encoding = dict(
        tokenizer(text, return_tensors="pt", **({"return_offsets_mapping": True} if fast else {}))
    )
    offsets = encoding.pop("offset_mapping", None)
    encoding["offsets"] = None if offsets is None else [tuple(pair) for pair in offsets[0].tolist()]
    count = int(encoding["input_ids"].shape[1])
    if count == 0:
        raise InputError(f"The tokenizer finds no token in {text!r}; give a sentence with at least one word.")
    if limit is not None and count > limit:
        raise InputError(
            f"The text has {count} tokens and this model takes at most {limit}; shorten it or explain "
            f"a part of it."
        )
    return encoding


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
    special = set(getattr(tokenizer, "all_special_ids", ()))
    tokens = []
    for index, number in enumerate(torch.as_tensor(ids).tolist()):
        raw = str(tokenizer.convert_ids_to_tokens(number))
        start, end = offsets[index] if offsets is not None else (0, 0)
        shown = text[start:end].strip() if end > start else _readable(raw)
        tokens.append(Token(index, shown or _readable(raw), raw, number, start, end, number in special))
    return Stream(name, tuple(tokens))


def _readable(raw: str) -> str:
    """A piece without the tokenizer's marks for word starts and word parts."""
    plain = raw.removeprefix("##").replace("Ġ", " ").replace("▁", " ").replace("Ċ", "\\n").strip()
    return plain or raw
