"""Diagonal Jacobians, up to broadcasting: pointwise operators and reductions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from copy import copy
from functools import lru_cache

import torch
from torch import Tensor

from semiring_widgets.core.jacobian.blocks.block import SHAPES, Block
from semiring_widgets.core.semirings import Number, Semiring, Value, Weight

__all__ = ["Elementwise"]


@lru_cache(maxsize=SHAPES)
def _aligned_shape(shape: tuple[int, ...], full: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """A shape with as many dimensions as the common one, and the dimensions along which it is broadcast."""
    wide = (1,) * (len(full) - len(shape)) + tuple(shape)
    return wide, tuple([d for d, (own, size) in enumerate(zip(wide, full, strict=True)) if own != size])


def _reshaped_value(value: Value, wide: tuple[int, ...], shape: torch.Size) -> Value:
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
        self._wide_source, self._into_source = _aligned_shape(own, self._full)
        self._wide_target, self._into_target = _aligned_shape(tuple(kept), self._full)
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
        # Whether a number is multiplied by after a sum, where there is less to multiply.
        self._late = False

    @property
    def weight(self) -> Weight | None:
        return None if self._plain or self._absent is not None else self._weight

    @property
    def _weight(self) -> Weight:
        """The derivative, made when first asked for: most are 1, and nobody asks."""
        if self._known is None:
            derivative = self._derivative
            if isinstance(derivative, Tensor):
                self._known = Weight(derivative)
            else:
                self._known = Number(derivative, self._dtype, self._device)
        return self._known

    def scaled(self, factor: Tensor) -> Elementwise:
        """The same edges, each times a factor that the element it leads to has.

        Args:
            factor: of the target's shape.
        """
        spread, kept = self._wide_source, self._wide_target
        derivative = self._weight.value * factor.reshape(kept)
        return Elementwise(
            self.source, self.target, self._full, kept, derivative, self._dtype, self._device, spread
        )

    def pull(self, semiring: Semiring, value: Value) -> Value:
        value = self._carry(semiring, value, self._wide_target, self._into_source)
        return _reshaped_value(value, self._wide_source, self.source)

    def push(self, semiring: Semiring, value: Value) -> Value:
        value = self._carry(semiring, value, self._wide_source, self._into_target)
        return _reshaped_value(value, self._wide_target, self.target)

    def _carry(self, semiring: Semiring, value: Value, wide: tuple[int, ...], dims: tuple[int, ...]) -> Value:
        if value[0].shape != wide:
            value = tuple([v.reshape(wide) for v in value])
        if self._absent is not None:
            pairs = zip(torch.broadcast_tensors(*value, self._absent)[:-1], semiring.zero, strict=True)
            value = tuple([part.masked_fill(self._absent, none) for part, none in pairs])
        elif not self._plain and not (self._late and dims):
            value = semiring.scale(value, self._weight)
        if dims:
            value = semiring.sum(tuple([v.expand(self._full) for v in value]), dims)
            if self._late:
                value = semiring.scale(value, self._weight)
        return value

    def repeated(self, count: int) -> Elementwise:
        """As `Block.repeated`, all in one go."""
        many = copy(self)
        many.source, many.target = torch.Size((count, *self.source)), torch.Size((count, *self.target))
        many._full = (count, *self._full)
        many._wide_source, many._wide_target = (count, *self._wide_source), (count, *self._wide_target)
        many._into_source = tuple([d + 1 for d in self._into_source])
        many._into_target = tuple([d + 1 for d in self._into_target])
        if not self._plain:
            # Their logarithm is taken once.
            many._known = self._weight
            many._late = self._weight.value.dim() == 0
        return many

    def out_edges(self, elements: Tensor) -> tuple[Tensor, Tensor]:
        own, other = self._wide_source, self._wide_target
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
