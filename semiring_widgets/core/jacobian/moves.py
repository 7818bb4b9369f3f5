"""Copies to another device, with fewer digits, or from real to complex numbers and back."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from semiring_widgets.core.jacobian.blocks import Block
from semiring_widgets.core.jacobian.chains import Chain
from semiring_widgets.core.jacobian.context import Call, Edge
from semiring_widgets.core.semirings import Semiring, Value, Weight

__all__ = ["Moved", "rule"]


class Moved(Block):
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

    def out_edges(self, elements: Tensor) -> tuple[Tensor, Tensor]:
        return _same(elements, self._there)

    def in_edges(self, elements: Tensor) -> tuple[Tensor, Tensor]:
        return _same(elements, self._here)


def rule(call: Call) -> Iterator[Edge]:
    """`Tensor.to` another device, fewer digits, or from real to complex; any other copy is the same node."""
    (source,), (target,) = call.sources, call.targets
    here, there = source.device, target.device
    blocks: list[Block] = []
    if here != there or source.complex == target.complex:
        blocks.append(Moved(source.shape, here, there))
    if source.complex != target.complex:
        # The imaginary part becomes, or was, nothing.
        real_part = torch.tensor([1.0, 0.0], dtype=call.dtype, device=there)
        blocks.append(call.elementwise(source, target, target.outer, target.outer, real_part).block)
    yield call.edge(source, target, Chain(source.shape, target.shape, blocks))


def _same(elements: Tensor, device: torch.device) -> tuple[Tensor, Tensor]:
    met = elements[:, None].to(device)
    return met, torch.ones(met.shape, device=device)
