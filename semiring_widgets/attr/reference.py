"""The reference of a comparison: Captum's baselines, and what the words are given when they are tested."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from semiring_widgets.explanation.prepared import Prepared
from semiring_widgets.results.parts import Reference

__all__ = ["reference_of"]


def reference_of(
    prepared: Prepared, given: Any, score: Callable[[Tensor], Tensor]
) -> tuple[Reference, Tensor]:
    """The reference that a user means.

    Under ``"mask"`` special tokens stay as they are: a text whose words are all blanked is still a text, and
    complete methods then explain the change that its words make.

    Args:
        prepared: the question.
        given: as for `semiring_widgets.compare`, checked.
        score: embeddings (B, T, D) of the first stream to scores (B,).

    Returns:
        What it is, and its embeddings of the first stream, shape (1, T, D); a decoder keeps its own.

    Raises:
        InputError: it cannot stand in for this text.
    """
    found = prepared.refer(given)
    embeds, label = found.inputs[0].detach(), found.label
    special = [token.special for token in prepared.streams[0].tokens]
    if found.kind == "mask" and any(special):
        stays = torch.tensor(special, device=embeds.device)[None, :, None]
        embeds = torch.where(stays, prepared.inputs_embeds, embeds)
        label = f"{label}, special tokens kept"
    with torch.no_grad():
        value = float(score(embeds))
    return Reference(found.kind, label, value, found.streams, found.aligned), embeds
