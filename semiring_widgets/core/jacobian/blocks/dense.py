"""Small Jacobians written out, entry by entry."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from semiring_widgets.core.jacobian.blocks.block import Block
from semiring_widgets.core.semirings import Semiring, Value, Weight

__all__ = ["Dense"]


class Dense(Block):
    """A small Jacobian written out, one per batch element.

    Args:
        source, target: shapes; both hold the same batch of B independent problems.
        jacobian: (B, n_source, n_target): entry [b, i, o] is d target[b, o] / d source[b, i].
        source_order, target_order: dimension order that puts the batch first, or None if it is first.
    """

    def __init__(
        self,
        source: torch.Size,
        target: torch.Size,
        jacobian: Tensor,
        source_order: Sequence[int] | None = None,
        target_order: Sequence[int] | None = None,
    ) -> None:
        self.source, self.target = source, target
        self._weight = Weight(jacobian)
        self._source_order = list(source_order) if source_order is not None else list(range(len(source)))
        self._target_order = list(target_order) if target_order is not None else list(range(len(target)))

    @property
    def weight(self) -> Weight | None:
        return self._weight

    def pull(self, semiring: Semiring, value: Value) -> Value:
        rows = self._rows(value, self._target_order, self._weight.value.shape[2])
        return self._back(semiring.contract(rows, self._weight.mT), self.source, self._source_order)

    def push(self, semiring: Semiring, value: Value) -> Value:
        rows = self._rows(value, self._source_order, self._weight.value.shape[1])
        return self._back(semiring.contract(rows, self._weight), self.target, self._target_order)

    def _rows(self, value: Value, order: list[int], size: int) -> Value:
        batch = self._weight.value.shape[0]
        return tuple(v.permute(order).reshape(batch, 1, size) for v in value)

    def _back(self, rows: Value, shape: torch.Size, order: list[int]) -> Value:
        moved = [shape[d] for d in order]
        inverse = [order.index(d) for d in range(len(order))]
        return tuple(r.reshape(moved).permute(inverse) for r in rows)

    def out_edges(self, elements: Tensor) -> tuple[Tensor, Tensor]:
        source = _positions(self.source, self._source_order, elements.device)
        target = _positions(self.target, self._target_order, elements.device)
        return _rows_of(elements, source, target, self._weight.value)


def _rows_of(elements: Tensor, own: Tensor, other: Tensor, jacobian: Tensor) -> tuple[Tensor, Tensor]:
    """Rows of a batch of matrices (B, n_own, n_other), found and answered by flat index."""
    where = torch.empty_like(own)
    where[own] = torch.arange(len(own), device=own.device)
    batch, row = where[elements] // jacobian.shape[1], where[elements] % jacobian.shape[1]
    return other.reshape(jacobian.shape[0], jacobian.shape[2])[batch], jacobian[batch, row]


def _positions(shape: torch.Size, order: list[int], device: torch.device) -> Tensor:
    """Flat index of every element, in the order batch first."""
    return torch.arange(math.prod(shape), device=device).reshape(shape).permute(order).reshape(-1)
