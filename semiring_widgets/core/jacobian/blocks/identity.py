"""Copies, perhaps on another device: every element has one edge to its own."""

from __future__ import annotations

import torch
from torch import Tensor

from semiring_widgets.core.jacobian.blocks.block import Block
from semiring_widgets.core.semirings import Semiring, Value, Weight

__all__ = ["Identity"]


class Identity(Block):
    """Every element has one edge, of weight 1, to its copy.

    Args:
        shape: of both tensors.
        here, there: devices of source and target.
    """

    def __init__(self, shape: torch.Size, here: torch.device, there: torch.device) -> None:
        self.source = self.target = shape
        self._here, self._there = here, there

    @property
    def weight(self) -> Weight | None:
        return None

    def pull(self, semiring: Semiring, value: Value) -> Value:
        return tuple(v.to(self._here) for v in value)

    def push(self, semiring: Semiring, value: Value) -> Value:
        return tuple(v.to(self._there) for v in value)

    def repeated(self, count: int) -> Identity:
        """As `Block.repeated`, all in one go."""
        return Identity(torch.Size((count, *self.source)), self._here, self._there)

    def out_edges(self, elements: Tensor) -> tuple[Tensor, Tensor]:
        met = elements[:, None].to(self._there)
        return met, torch.ones(met.shape, device=self._there)
