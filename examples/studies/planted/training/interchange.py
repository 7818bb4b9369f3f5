"""Runs of a transformer in which parts give what they give for another text (interchange interventions)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from examples.studies.planted.transformer import Transformer

__all__ = ["Run", "node_names", "run"]


@dataclass(frozen=True)
class Run:
    """What a model gave.

    Attributes:
        outputs: shape (texts, positions, outputs).
        parts: what each attention's heads, side by side, and each feed-forward part gave, in order of
            execution.
    """

    outputs: Tensor
    parts: tuple[Tensor, ...]


def node_names(model: Transformer) -> list[str]:
    """Heads and feed-forward parts in order of execution: ``a0.h0``, ``m0`` ..."""
    shape = model.shape
    return [
        node
        for layer in range(shape.layers)
        for node in [*(f"a{layer}.h{head}" for head in range(shape.heads)), f"m{layer}"]
    ]


def run(model: Transformer, tokens: Tensor, swapped: Tensor | None = None, other: Run | None = None) -> Run:
    """The model on texts.

    Args:
        model: the model.
        tokens: the texts, (texts, positions).
        swapped: which nodes give what they gave in another run, boolean (texts, nodes); None for none.
        other: that run.
    """
    stream = sum(model.embedded(tokens), torch.zeros(()))
    parts: list[Tensor] = []
    heads = model.shape.heads

    def given(part: Tensor, first: int, nodes: int) -> Tensor:
        if swapped is not None and other is not None:
            chosen = swapped[:, first : first + nodes].repeat_interleave(part.shape[-1] // nodes, 1)
            part = torch.where(chosen[:, None], other.parts[len(parts)], part)
        parts.append(part)
        return part

    for layer, (attention, feed_forward) in enumerate(model.layers):
        first = layer * (heads + 1)
        read = attention.norm(stream)
        mixed = attention.mixed(attention.query(read), attention.key(read), attention.value(read))
        stream = stream + attention.out(given(mixed, first, heads))
        stream = stream + given(feed_forward(stream), first + heads, 1)
    return Run(model.output(model.norm(stream)), tuple(parts))
