"""One class per structure of a local Jacobian.

A block holds all edges from one tensor (its source) to another (its target) that one operator makes. It can
be *pulled* (from target to source, as in backpropagation), *pushed* (from source to target) and asked for
the out-edges of single elements, in any semiring. Blocks know shapes and derivatives, but no operator.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import lru_cache

import torch
from torch import Tensor

from semiring_widgets.core.semirings import Semiring, Value, Weight

__all__ = ["SHAPES", "Block", "Contraction", "Dense", "Elementwise"]

# Entries of a shared weight from which on looking for unused rows and terms pays.
_WORTH_A_LOOK = 1 << 16
# Rows and columns at which that look begins.
_GLANCE = 8
# What depends on shapes alone is remembered up to this often; a model needs a few dozen for each text length.
SHAPES = 4096


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

    @abstractmethod
    def in_edges(self, elements: Tensor) -> tuple[Tensor, Tensor]:
        """As `out_edges`, for the edges that arrive at some elements of the target."""


@lru_cache(maxsize=SHAPES)
def _aligned(shape: tuple[int, ...], full: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """A shape with as many dimensions as the common one, and the dimensions along which it is broadcast."""
    wide = (1,) * (len(full) - len(shape)) + tuple(shape)
    return wide, tuple([d for d, (own, size) in enumerate(zip(wide, full, strict=True)) if own != size])


def _shaped(value: Value, wide: tuple[int, ...], shape: torch.Size) -> Value:
    """Expanded to a shape and reshaped to another, where it is not so already."""
    return tuple([v if v.shape == shape else v.expand(wide).reshape(shape) for v in value])


class Elementwise(Block):
    """Each edge belongs to one place of a common shape, to which source and target broadcast.

    Pointwise operators (the source may be broadcast) and reductions (the target is).

    Args:
        source, target: shapes of the two tensors.
        full: the common shape.
        kept: the target's shape with the reduced dimensions kept as 1.
        derivative: a number, or a tensor that broadcasts to ``full``; a boolean one says where there is an
            edge, of weight 1. Unlike a derivative of 0, no edge hides whatever is behind it, NaN included.
        spread: the source's shape with the dimensions it lacks kept as 1; by default they are the first ones.
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
        spread: Sequence[int] | None = None,
    ) -> None:
        self.source, self.target = source, target
        self._full = tuple(full)
        own = source if spread is None else tuple(spread)
        self._wide_source, self._into_source = _aligned(own, self._full)
        self._wide_target, self._into_target = _aligned(tuple(kept), self._full)
        # A number on a GPU is not looked at: the host would wait for it.
        known = not isinstance(derivative, Tensor) or (
            derivative.dim() == 0 and derivative.device.type == "cpu"
        )
        self._plain = known and bool(derivative == 1.0)
        self._dtype, self._device = dtype, device
        self._absent: Tensor | None = None
        if isinstance(derivative, Tensor) and derivative.dtype == torch.bool:
            self._absent, derivative = ~derivative, derivative.to(dtype)
        self._derivative = derivative
        self._known: Weight | None = None

    @property
    def weight(self) -> Weight | None:
        return None if self._plain or self._absent is not None else self._weight

    @property
    def _weight(self) -> Weight:
        """The derivative as a tensor, made when first asked for: most are 1, and nobody asks."""
        if self._known is None:
            derivative = self._derivative
            if not isinstance(derivative, Tensor):
                derivative = torch.full((), derivative, dtype=self._dtype, device=self._device)
            self._known = Weight(derivative)
        return self._known

    def pull(self, semiring: Semiring, value: Value) -> Value:
        value = self._carry(semiring, value, self._wide_target, self._into_source)
        return _shaped(value, self._wide_source, self.source)

    def push(self, semiring: Semiring, value: Value) -> Value:
        value = self._carry(semiring, value, self._wide_source, self._into_target)
        return _shaped(value, self._wide_target, self.target)

    def _carry(self, semiring: Semiring, value: Value, wide: tuple[int, ...], dims: tuple[int, ...]) -> Value:
        if value[0].shape != wide:
            value = tuple([v.reshape(wide) for v in value])
        if self._absent is not None:
            pairs = zip(torch.broadcast_tensors(*value, self._absent)[:-1], semiring.zero, strict=True)
            value = tuple([part.masked_fill(self._absent, none) for part, none in pairs])
        elif not self._plain:
            value = semiring.scale(value, self._weight)
        if dims:
            value = semiring.sum(tuple([v.expand(self._full) for v in value]), dims)
        return value

    def out_edges(self, elements: Tensor) -> tuple[Tensor, Tensor]:
        return self._meeting(elements, self._wide_source, self._wide_target)

    def in_edges(self, elements: Tensor) -> tuple[Tensor, Tensor]:
        return self._meeting(elements, self._wide_target, self._wide_source)

    def _meeting(self, elements: Tensor, own: Sequence[int], other: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Elements of shape ``other`` that share a place of the common shape with ``elements`` of ``own``."""
        rank, device = len(self._full), elements.device
        fixed = torch.unravel_index(elements, tuple(own)) if rank else ()
        free = [d for d in range(rank) if own[d] != self._full[d]]
        count = math.prod(self._full[d] for d in free)
        turns = torch.unravel_index(torch.arange(count, device=device), [self._full[d] for d in free] or [1])
        shape = (len(elements), count)
        place = [
            (turns[free.index(d)][None, :] if d in free else fixed[d][:, None]).expand(shape)
            for d in range(rank)
        ]
        met = torch.zeros(shape, dtype=torch.int64, device=device)
        for d in range(rank):
            met = met * other[d] + (place[d] if other[d] > 1 else 0)
        derivative = self._weight.value
        if derivative.dim():
            return met, derivative.expand(self._full)[tuple(place)]
        return met, derivative.expand(shape)


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
            return _contract(semiring, value, other)
        turned = _contract(semiring, tuple(v.mT for v in value), other)
        return tuple(v.mT for v in turned)

    def out_edges(self, elements: Tensor) -> tuple[Tensor, Tensor]:
        return self._row(elements, self.source, self.target, self._other.value)

    def in_edges(self, elements: Tensor) -> tuple[Tensor, Tensor]:
        return self._row(elements, self.target, self.source, self._other.value.mT)

    def _row(
        self, elements: Tensor, own: torch.Size, other: torch.Size, weights: Tensor
    ) -> tuple[Tensor, Tensor]:
        place = torch.unravel_index(elements, own)
        batch = place[:-2]
        row, k = (place[-1], place[-2]) if self._swapped else (place[-2], place[-1])
        chosen = weights[(*batch, k)] if weights.dim() > 2 else weights[k]
        columns = torch.arange(chosen.shape[-1], device=elements.device).expand(len(elements), -1)
        rows = row[:, None].expand_as(columns)
        tail = (columns, rows) if self._swapped else (rows, columns)
        met = torch.zeros_like(columns)
        for size, part in zip(other, [*(b[:, None] for b in batch), *tail], strict=True):
            met = met * size + part
        return met, chosen


def _contract(semiring: Semiring, value: Value, other: Weight) -> Value:
    """`Semiring.contract`, without the rows and the terms that no path reaches.

    A score that reads one position and two entries of the vocabulary leaves little of a large product.
    """
    weights = other.value
    if weights.dim() > 2 or weights.numel() < _WORTH_A_LOOK:
        return semiring.contract(value, other)
    flat = tuple(v.reshape(-1, v.shape[-1]) for v in value)
    if _mostly_alive(flat[0], semiring.zero[0]):
        return semiring.contract(value, other)
    alive = flat[0] != semiring.zero[0]
    for part, none in zip(flat[1:], semiring.zero[1:], strict=True):
        alive |= part != none
    rows, terms = alive.any(1), alive.any(0)
    if 2 * int(terms.sum()) <= len(terms):
        other = Weight(weights[terms])
        flat = tuple(v[:, terms] for v in flat)
    shape = (*value[0].shape[:-1], weights.shape[-1])
    if 2 * int(rows.sum()) > len(rows):
        return tuple(v.reshape(shape) for v in semiring.contract(flat, other))
    found = semiring.contract(tuple(v[rows] for v in flat), other)
    whole = semiring.full(semiring.zero, (len(rows), shape[-1]), flat[0])
    for part, new in zip(whole, found, strict=True):
        part[rows] = new
    return tuple(v.reshape(shape) for v in whole)


def _mostly_alive(part: Tensor, none: float) -> bool:
    """Whether a path reaches most of a few elements, and so most rows and terms: quicker than to ask all."""
    rows, terms = part.shape
    if rows == 0 or terms == 0:
        return True
    few = part[:: -(-rows // _GLANCE), :: -(-terms // _GLANCE)]
    return 2 * int((few != none).sum()) > few.numel()


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

    def in_edges(self, elements: Tensor) -> tuple[Tensor, Tensor]:
        source = _positions(self.source, self._source_order, elements.device)
        target = _positions(self.target, self._target_order, elements.device)
        return _rows_of(elements, target, source, self._weight.value.mT)


def _rows_of(elements: Tensor, own: Tensor, other: Tensor, jacobian: Tensor) -> tuple[Tensor, Tensor]:
    """Rows of a batch of matrices (B, n_own, n_other), found and answered by flat index."""
    where = torch.empty_like(own)
    where[own] = torch.arange(len(own), device=own.device)
    batch, row = where[elements] // jacobian.shape[1], where[elements] % jacobian.shape[1]
    return other.reshape(jacobian.shape[0], jacobian.shape[2])[batch], jacobian[batch, row]


def _positions(shape: torch.Size, order: list[int], device: torch.device) -> Tensor:
    """Flat index of every element, in the order batch first."""
    return torch.arange(math.prod(shape), device=device).reshape(shape).permute(order).reshape(-1)
