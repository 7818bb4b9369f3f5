"""The reference of a question: what is put in the place of the text's words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from semiring_widgets.checks import choice, shown
from semiring_widgets.errors import InputError
from semiring_widgets.explanation.scores import Prepared
from semiring_widgets.results.parts import Reference

__all__ = ["reference_of"]

_WORDS = ("mask", "mean", "zero")


def reference_of(
    prepared: Prepared, tokenizer: Any, given: Any, score: Callable[[Tensor], Tensor]
) -> tuple[Reference, Tensor]:
    """The reference that a user means.

    Args:
        prepared: the question.
        tokenizer: that of the text.
        given: ``"mask"`` (the mask token in the place of every word; special tokens stay), ``"mean"`` (the
            mean embedding of the text's tokens), ``"zero"``, a tensor shaped as the embeddings, or None:
            ``"mask"`` where the tokenizer has a mask token, else ``"mean"``.
        score: embeddings (B, T, D) of the first stream to scores (B,).

    Returns:
        What it is, and its embeddings of the first stream, shape (1, T, D).

    Raises:
        InputError: an unknown word, or a tensor that does not fit.
    """
    embeds = prepared.inputs_embeds.detach()
    token = getattr(tokenizer, "mask_token", None)
    if given is None:
        given = "mean" if token is None else "mask"
    if isinstance(given, Tensor):
        kind, label, found = "tensor", "the embeddings given", _fitted(given, embeds)
    else:
        kind = choice(given, "reference", _WORDS)
        if kind == "mask":
            if token is None:
                raise InputError(
                    "reference is 'mask', and this tokenizer has no mask token; give 'mean' or 'zero'."
                )
            label, found = f"{token} in the place of every word", prepared.baseline_embeds
        elif kind == "mean":
            label, found = "the mean embedding of the text", embeds.mean(1, keepdim=True).expand_as(embeds)
        else:
            label, found = "embeddings of zeros", torch.zeros_like(embeds)
    with torch.no_grad():
        value = float(score(found))
    return Reference(kind, label, value), found


def _fitted(given: Tensor, embeds: Tensor) -> Tensor:
    found = given.detach().to(dtype=embeds.dtype, device=embeds.device)
    if found.dim() == 2:
        found = found[None]
    if found.shape != embeds.shape or not bool(found.isfinite().all()):
        raise InputError(
            f"reference is {shown(given)}; give finite embeddings of the shape of those of the text, "
            f"{list(embeds.shape)}."
        )
    return found
