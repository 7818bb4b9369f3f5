"""Paths that use a marked edge at least once, apart from those that never do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from torch import Tensor

from semiring_widgets.core.semirings.base import Semiring, Value
from semiring_widgets.core.semirings.weights import Weight

__all__ = ["Leaving"]


class Leaving(Semiring):
    """Pairs of values: of the paths without a marked edge, and of those with at least one.

    Both are sums of their own, so neither is the small difference of two large numbers.

    Args:
        inner: the semiring of each.
    """

    def __init__(self, inner: Semiring) -> None:
        self.inner = inner
        self.name = f"leaving {inner.name}"
        self.zero = inner.zero * 2
        self.one = (*inner.one, *inner.zero)

    def split(self, value: Value) -> tuple[Value, Value]:
        """The value of the paths without, and with, a marked edge."""
        width = len(self.inner.zero)
        return value[:width], value[width:]

    def counted(self, value: Value) -> Value:
        """The value of the paths with a marked edge."""
        return self.split(value)[1]

    def _each(self, act: Callable[[Value], Value], value: Value) -> Value:
        without, marked = self.split(value)
        return (*act(without), *act(marked))

    def lift(self, weight: Tensor) -> Value:
        return (*self.inner.lift(weight), *self._none(weight))

    def times(self, a: Value, b: Value) -> Value:
        (a0, a1), (b0, b1) = self.split(a), self.split(b)
        inner = self.inner
        crossed = inner.plus(inner.times(a0, b1), inner.times(a1, b0))
        return (*inner.times(a0, b0), *inner.plus(crossed, inner.times(a1, b1)))

    def plus(self, a: Value, b: Value) -> Value:
        (a0, a1), (b0, b1) = self.split(a), self.split(b)
        return (*self.inner.plus(a0, b0), *self.inner.plus(a1, b1))

    def mark(self, value: Value) -> Value:
        without, marked = self.split(value)
        return (*self._none(value[0]), *self.inner.plus(without, marked))

    def scale(self, value: Value, weight: Weight) -> Value:
        return self._each(lambda v: self.inner.scale(v, weight), value)

    def sum(self, value: Value, dims: Sequence[int]) -> Value:
        return self._each(lambda v: self.inner.sum(v, dims), value)

    def contract(self, value: Value, weight: Weight) -> Value:
        return self._each(lambda v: self.inner.contract(v, weight), value)

    def scatter(self, value: Value, index: Tensor, size: int) -> Value:
        return self._each(lambda v: self.inner.scatter(v, index, size), value)

    def facts(self, value: Value) -> Mapping[str, Tensor]:
        return self.inner.facts(self.split(value)[1])

    def _none(self, like: Tensor) -> Value:
        return self.inner.full(self.inner.zero, like.shape, like)

    def __repr__(self) -> str:
        return f"Leaving({self.inner!r})"
