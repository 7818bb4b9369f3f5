"""Paths that use a marked edge at least once, apart from those that never do."""

from __future__ import annotations

from semiring_widgets.core.semirings.base import Semiring, Value
from semiring_widgets.core.semirings.by_marks import ByMarks

__all__ = ["Leaving"]


class Leaving(ByMarks):
    """Pairs of values: of the paths without a marked edge, and of those with at least one.

    Both are sums of their own, so neither is the small difference of two large numbers.

    Args:
        inner: the semiring of each.
    """

    def __init__(self, inner: Semiring) -> None:
        super().__init__(inner, 2)
        self.name = f"leaving {inner.name}"

    def times(self, a: Value, b: Value) -> Value:
        (a0, a1), (b0, b1) = self.split(a), self.split(b)
        inner = self.inner
        crossed = inner.plus(inner.times(a0, b1), inner.times(a1, b0))
        return (*inner.times(a0, b0), *inner.plus(crossed, inner.times(a1, b1)))

    def mark(self, value: Value) -> Value:
        without, marked = self.split(value)
        return (*self._none(value[0]), *self.inner.plus(without, marked))

    def __repr__(self) -> str:
        return f"Leaving({self.inner!r})"
