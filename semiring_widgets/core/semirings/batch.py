"""Many cotangents in one sweep: independent values of one semiring, side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from semiring_widgets.core.semirings.base import Norm, Semiring, Value
from semiring_widgets.core.semirings.edge_weight import Weight

__all__ = ["Batch"]


class Batch(Semiring):
    """``size`` independent values of one semiring, so that every edge is visited once for all of them.

    The parts of a value are those of the first, then those of the second, and so on.

    Args:
        inner: the semiring of each.
        size: how many, at least 1.
    """

    def __init__(self, inner: Semiring, size: int) -> None:
        self.inner, self.size = inner, size
        self.multiplicative = inner.multiplicative
        self.name = f"{size} x {inner.name}"
        self.zero = inner.zero * size
        self.one = inner.one * size

    def split(self, value: Value) -> list[Value]:
        """One value of the inner semiring for each."""
        width = len(self.inner.zero)
        return [value[start : start + width] for start in range(0, len(value), width)]

    def join(self, values: Sequence[Value]) -> Value:
        """The inverse of `split`."""
        return tuple(part for value in values for part in value)

    def _stacked(self, act: Callable[..., Value], *values: Value) -> Value:
        """Act once on all values: their parts get a first dimension of size ``size``."""
        width = len(self.inner.zero)
        stacked = [tuple(torch.stack(value[part::width]) for part in range(width)) for value in values]
        columns = [part.unbind(0) for part in act(*stacked)]
        return tuple(part for one in zip(*columns, strict=True) for part in one)

    def lift(self, weight: Tensor) -> Value:
        return self.inner.lift(weight) * self.size

    def times(self, a: Value, b: Value) -> Value:
        pairs = zip(self.split(a), self.split(b), strict=True)
        return self.join([self.inner.times(x, y) for x, y in pairs])

    def plus(self, a: Value, b: Value) -> Value:
        pairs = zip(self.split(a), self.split(b), strict=True)
        return self.join([self.inner.plus(x, y) for x, y in pairs])

    def scale(self, value: Value, weight: Weight) -> Value:
        return self._stacked(lambda v: self.inner.scale(v, weight), value)

    def sum(self, value: Value, dims: Sequence[int]) -> Value:
        rank = value[0].dim()
        return self._stacked(lambda v: self.inner.sum(v, [dim % rank + 1 for dim in dims]), value)

    def through_softmax(self, value: Value, result: Weight, dims: Sequence[int]) -> Value:
        rank = value[0].dim()
        beyond = [dim % rank + 1 for dim in dims]
        return self._stacked(lambda v: self.inner.through_softmax(v, result, beyond), value)

    def through_norm(self, value: Value, norm: Norm, *, forward: bool) -> Value:
        rank = value[0].dim()
        beyond = norm._replace(dims=tuple([dim % rank + 1 for dim in norm.dims]))
        return self._stacked(lambda v: self.inner.through_norm(v, beyond, forward=forward), value)

    def contract(self, value: Value, weight: Weight) -> Value:
        if weight.value.dim() > 2:
            return self._stacked(lambda v: self.inner.contract(v, weight), value)

        def act(stacked: Value) -> Value:
            # Each of many may be at another token: most rows hold no path.
            flat = tuple(v.reshape(-1, v.shape[-1]) for v in stacked)
            rows = ~self.inner.absent(flat).all(1)
            whole = self.inner.contract_rows(flat, weight, rows)
            return tuple(part.reshape(*stacked[0].shape[:-1], -1) for part in whole)

        return self._stacked(act, value)

    def scatter(self, value: Value, index: Tensor, size: int) -> Value:
        shift = torch.arange(self.size, device=index.device)[:, None] * size

        def act(stacked: Value) -> Value:
            flat = tuple(v.reshape(-1) for v in stacked)
            found = self.inner.scatter(flat, (index + shift).reshape(-1), size * self.size)
            return tuple(f.reshape(self.size, size) for f in found)

        return self._stacked(act, value)

    def mark(self, value: Value) -> Value:
        return self._stacked(self.inner.mark, value)

    def facts(self, value: Value) -> Mapping[str, Tensor]:
        each = [self.inner.facts(one) for one in self.split(value)]
        return {name: torch.stack([facts[name] for facts in each], -1) for name in each[0]}

    def __repr__(self) -> str:
        return f"Batch({self.inner!r}, {self.size})"
