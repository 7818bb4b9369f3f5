"""Values kept apart by how often their paths were marked: what `Leaving` and `Passing` have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from torch import Tensor

from semiring_widgets.core.semirings.base import Norm, Semiring, Value
from semiring_widgets.core.semirings.edge_weight import Weight

__all__ = ["ByMarks"]


class ByMarks(Semiring):
    """Several values of one semiring side by side; each set of paths has its own.

    Args:
        inner: the semiring of each.
        kinds: how many sets there are; those that count are the last.
    """

    def __init__(self, inner: Semiring, kinds: int) -> None:
        self.inner = inner
        self.multiplicative = inner.multiplicative
        self.zero = inner.zero * kinds
        self.one = (*inner.one, *inner.zero * (kinds - 1))

    def split(self, value: Value) -> list[Value]:
        """One value of the inner semiring for each set."""
        width = len(self.inner.zero)
        return [value[start : start + width] for start in range(0, len(value), width)]

    def counted(self, value: Value) -> Value:
        return self.split(value)[-1]

    def lift(self, weight: Tensor) -> Value:
        none = self._none(weight) * (len(self.zero) // len(self.inner.zero) - 1)
        return (*self.inner.lift(weight), *none)

    def plus(self, a: Value, b: Value) -> Value:
        pairs = zip(self.split(a), self.split(b), strict=True)
        return _joined(self.inner.plus(x, y) for x, y in pairs)

    def scale(self, value: Value, weight: Weight) -> Value:
        return self._each(lambda v: self.inner.scale(v, weight), value)

    def sum(self, value: Value, dims: Sequence[int]) -> Value:
        return self._each(lambda v: self.inner.sum(v, dims), value)

    def through_softmax(self, value: Value, result: Weight, dims: Sequence[int]) -> Value:
        return self._each(lambda v: self.inner.through_softmax(v, result, dims), value)

    def through_norm(self, value: Value, norm: Norm, *, forward: bool) -> Value:
        return self._each(lambda v: self.inner.through_norm(v, norm, forward=forward), value)

    def contract(self, value: Value, weight: Weight) -> Value:
        return self._each(lambda v: self.inner.contract(v, weight), value)

    def scatter(self, value: Value, index: Tensor, size: int) -> Value:
        return self._each(lambda v: self.inner.scatter(v, index, size), value)

    def facts(self, value: Value) -> Mapping[str, Tensor]:
        return self.inner.facts(self.counted(value))

    def _each(self, act: Callable[[Value], Value], value: Value) -> Value:
        return _joined(map(act, self.split(value)))

    def _none(self, like: Tensor) -> Value:
        return self.inner.full(self.inner.zero, like.shape, like)


def _joined(values: Iterable[Value]) -> Value:
    return tuple(part for value in values for part in value)
