"""One class per structure of a local Jacobian.

A block holds all edges from one tensor (its source) to another (its target) that one operator makes. It can
be *pulled* (from target to source, as in backpropagation), *pushed* (from source to target) and asked for
the out-edges of single elements, in any semiring. Blocks know shapes and derivatives, but no operator.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor

from semiring_widgets.core.semirings import Semiring, Value, Weight

__all__ = ["Block", "Contraction", "Dense", "Elementwise"]


class Block(ABC):
    """Edges between the elements of two tensors of shapes ``source`` and ``target``."""

    source: torch.Size
    target: torch.Size

    @property
    @abstractmethod
    def weight(self) -> Weight | None:
        """The local derivatives, or None where every edge has weight 1."""

    @abstractmethod
    def pull(self, semiring: Semiring, value: Value) -> Value:
        """Cotangent: from values of shape ``target`` to values of shape ``source``."""

    @abstractmethod
    def push(self, semiring: Semiring, value: Value) -> Value:
        """Tangent: from values of shape ``source`` to values of shape ``target``."""

    @abstractmethod
    def out_edges(self, elements: Tensor) -> tuple[Tensor, Tensor]:
        """All edges that leave some elements of the source.

        Args:
            elements: flat indices, int64 of shape (E,).

        Returns:
            Flat target indices, int64 of shape (E, C), and derivatives of the same shape; an entry with
            derivative 0 is no edge.
        """


def _align(shape: Sequence[int], rank: int) -> tuple[int, ...]:
    return (1,) * (rank - len(shape)) + tuple(shape)


class Elementwise(Block):
    """Each edge belongs to one place of a common shape, to which source and target broadcast.

    Pointwise operators (the source may be broadcast) and reductions (the target is).

    Args:
        source, target: shapes of the two tensors.
        full: the common shape.
        kept: the target's shape with the reduced dimensions kept as 1.
        derivative: a number, or a tensor that broadcasts to ``full``.
    """

    def __init__(
        self,
        source: torch.Size,
        target: torch.Size,
        full: Sequence[int],
        kept: Sequence[int],
        derivative: float | Tensor,
        dtype: torch.dtype,
        device: torch.device,
    ) -> None:
        self.source, self.target = source, target
        rank = len(full)
        self._full = tuple(full)
        self._wide_source = _align(source, rank)
        self._wide_target = _align(kept, rank)
        self._into_source = [d for d in range(rank) if self._wide_source[d] != full[d]]
        self._into_target = [d for d in range(rank) if self._wide_target[d] != full[d]]
        if not isinstance(derivative, Tensor):
            derivative = torch.full((), derivative, dtype=dtype, device=device)
        self._weight = Weight(derivative)
        self._plain = derivative.dim() == 0 and float(derivative) == 1.0

    @property
    def weight(self) -> Weight | None:
        return None if self._plain else self._weight

    def pull(self, semiring: Semiring, value: Value) -> Value:
        value = tuple(v.reshape(self._wide_target) for v in value)
        if not self._plain:
            value = semiring.scale(value, self._weight)
        if self._into_source:
            value = tuple(v.expand(self._full) for v in value)
            value = semiring.sum(value, self._into_source)
        return tuple(v.expand(self._wide_source).reshape(self.source) for v in value)

    def push(self, semiring: Semiring, value: Value) -> Value:
        value = tuple(v.reshape(self._wide_source) for v in value)
        if not self._plain:
            value = semiring.scale(value, self._weight)
        if self._into_target:
            value = tuple(v.expand(self._full) for v in value)
            value = semiring.sum(value, self._into_target)
        return tuple(v.expand(self._wide_target).reshape(self.target) for v in value)

    def out_edges(self, elements: Tensor) -> tuple[Tensor, Tensor]:
        rank = len(self._full)
        places = torch.unravel_index(elements, self._wide_source) if rank else ()
        spread = [self._full[d] for d in self._into_source]
        extra = torch.cartesian_prod(*[torch.arange(n, device=elements.device) for n in spread]) if spread else None
        if extra is not None:
            extra = extra.reshape(-1, len(spread))
        coordinates = []
        for d in range(rank):
            own = places[d][:, None]
            if d in self._into_source and extra is not None:
                own = extra[None, :, self._into_source.index(d)].expand(len(elements), -1)
            coordinates.append(own)
        width = 1 if extra is None else len(extra)
        shape = (len(elements), width)
        coordinates = [c.expand(shape) for c in coordinates]
        targets = torch.zeros(shape, dtype=torch.int64, device=elements.device)
        for d in range(rank):
            size = self._wide_target[d]
            targets = targets * size + (coordinates[d] if size > 1 else 0)
        derivative = self._weight.value
        if derivative.dim():
            wide = derivative.expand(self._full)
            return targets, wide[tuple(coordinates)]
        return targets, derivative.expand(shape)


class Contraction(Block):
    """One operand of a matrix product: ``out[b, i, j] = sum_k own[b, i, k] * other[b, k, j]``.

    Args:
        source, target: shapes (B, I, K) and (B, I, J) up to reshaping.
        other: the weight as (B, K, J) or, shared by the batch, (K, J).
        swapped: True for the right operand: then source is (B, K, J) as stored, and ``other`` is given
            for the transposed product (B, J, K)·(B, K, I).
    """

    def __init__(self, source: torch.Size, target: torch.Size, other: Weight, *, swapped: bool) -> None:
        self.source, self.target = source, target
        self._other, self._swapped = other, swapped

    @property
    def weight(self) -> Weight | None:
        return self._other

    def pull(self, semiring: Semiring, value: Value) -> Value:
        return self._apply(semiring, value, self._other.mT)

    def push(self, semiring: Semiring, value: Value) -> Value:
        return self._apply(semiring, value, self._other)

    def _apply(self, semiring: Semiring, value: Value, other: Weight) -> Value:
        if not self._swapped:
            return semiring.contract(value, other)
        turned = semiring.contract(tuple(v.mT for v in value), other)
        return tuple(v.mT for v in turned)

    def out_edges(self, elements: Tensor) -> tuple[Tensor, Tensor]:
        place = torch.unravel_index(elements, self.source)
        batch = place[:-2]
        row, k = (place[-1], place[-2]) if self._swapped else (place[-2], place[-1])
        weights = self._other.value[(*batch, k)] if self._other.value.dim() > 2 else self._other.value[k]
        columns = torch.arange(weights.shape[-1], device=elements.device).expand(len(elements), -1)
        rows = row[:, None].expand_as(columns)
        tail = (columns, rows) if self._swapped else (rows, columns)
        targets = torch.zeros_like(columns)
        full = [b[:, None].expand_as(columns) for b in batch] + list(tail)
        for size, own in zip(self.target, full, strict=True):
            targets = targets * size + own
        return targets, weights


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
        return tuple(v.permute(order).reshape(-1, 1, size) for v in value)

    def _back(self, rows: Value, shape: torch.Size, order: list[int]) -> Value:
        moved = [shape[d] for d in order]
        inverse = [order.index(d) for d in range(len(order))]
        return tuple(r.reshape(moved).permute(inverse) for r in rows)

    def out_edges(self, elements: Tensor) -> tuple[Tensor, Tensor]:
        jacobian = self._weight.value
        place = _positions(self.source, self._source_order, elements.device)
        where = torch.empty_like(place)
        where[place] = torch.arange(len(place), device=place.device)
        batch, row = where[elements] // jacobian.shape[1], where[elements] % jacobian.shape[1]
        out = _positions(self.target, self._target_order, elements.device)
        return out.reshape(jacobian.shape[0], -1)[batch], jacobian[batch, row]


def _positions(shape: torch.Size, order: list[int], device: torch.device) -> Tensor:
    """Flat index of every element, in the order batch first."""
    return torch.arange(math.prod(shape), device=device).reshape(shape).permute(order).reshape(-1)
