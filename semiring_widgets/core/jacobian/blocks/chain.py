"""Blocks made of blocks: one after the other, or turned round.

A convolution is a selection of windows, a matrix product and a change of order; written as a chain of
those three it needs no sweep of its own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from semiring_widgets.core.jacobian.blocks.block import Block, Reversible
from semiring_widgets.core.semirings import Semiring, Value, Weight

__all__ = ["Chain", "Turned"]


class Chain(Block):
    """Blocks one after the other, as the single edges that they amount to.

    Between any element of the source and any element of the target there must be at most one way through
    the blocks: then the ways *are* the edges, and every semiring sees the graph without the steps between.
    At most one of the blocks has weights other than 1. Shapes need to agree up to reshaping.

    Args:
        source, target: shapes of the two ends.
        blocks: from source to target.
    """

    def __init__(self, source: torch.Size, target: torch.Size, blocks: Sequence[Block]) -> None:
        self.source, self.target = source, target
        self._blocks = tuple(blocks)

    @property
    def weight(self) -> Weight | None:
        return next((block.weight for block in self._blocks if block.weight is not None), None)

    def pull(self, semiring: Semiring, value: Value) -> Value:
        for block in reversed(self._blocks):
            value = block.pull(semiring, tuple(v.reshape(block.target) for v in value))
        return tuple(v.reshape(self.source) for v in value)

    def push(self, semiring: Semiring, value: Value) -> Value:
        for block in self._blocks:
            value = block.push(semiring, tuple(v.reshape(block.source) for v in value))
        return tuple(v.reshape(self.target) for v in value)

    def out_edges(self, elements: Tensor) -> tuple[Tensor, Tensor]:
        reached, derivative = self._blocks[0].out_edges(elements)
        for block in self._blocks[1:]:
            further, factor = block.out_edges(reached.reshape(-1))
            reached, derivative = _join_steps(derivative, further, factor)
        return reached, derivative


class Turned(Block):
    """The same edges in the other direction: source and target change places."""

    def __init__(self, block: Reversible) -> None:
        self.source, self.target = block.target, block.source
        self._block = block

    @property
    def weight(self) -> Weight | None:
        return self._block.weight

    def pull(self, semiring: Semiring, value: Value) -> Value:
        return self._block.push(semiring, value)

    def push(self, semiring: Semiring, value: Value) -> Value:
        return self._block.pull(semiring, value)

    def out_edges(self, elements: Tensor) -> tuple[Tensor, Tensor]:
        return self._block.in_edges(elements)


def _join_steps(derivative: Tensor, further: Tensor, factor: Tensor) -> tuple[Tensor, Tensor]:
    rows = len(derivative)
    width = math.prod(derivative.shape[1:]) * factor.shape[1]
    product = derivative.reshape(-1, 1) * factor
    return further.reshape(rows, width), product.reshape(rows, width)
