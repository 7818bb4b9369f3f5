"""Paths by how many of some gates they pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce

from torch import Tensor

from semiring_widgets.core.semirings.base import Semiring, Value
from semiring_widgets.core.semirings.leaving import Leaving
from semiring_widgets.core.semirings.weights import Weight

__all__ = ["Passing", "gated"]


class Passing(Semiring):
    """The values of the paths that pass no gate, one gate, two, and so on.

    Polynomials in the number of gates, so it does not matter in which order they come: where no path passes
    a gate twice, those with ``gates`` of them have passed all. Further ones are forgotten.

    Args:
        inner: the semiring of each.
        gates: how many gates there are.
    """

    def __init__(self, inner: Semiring, gates: int) -> None:
        self.inner, self.gates = inner, gates
        self.name = f"{inner.name} by {gates} gates"
        self.zero = inner.zero * (gates + 1)
        self.one = inner.one + inner.zero * gates

    def split(self, value: Value) -> list[Value]:
        """One value of the inner semiring for each number of gates."""
        width = len(self.inner.zero)
        return [value[start : start + width] for start in range(0, len(value), width)]

    def counted(self, value: Value) -> Value:
        """The value of the paths through all gates."""
        return self.split(value)[-1]

    def _join(self, values: Sequence[Value]) -> Value:
        return tuple(part for value in values for part in value)

    def _each(self, act: Callable[[Value], Value], value: Value) -> Value:
        return self._join([act(own) for own in self.split(value)])

    def lift(self, weight: Tensor) -> Value:
        return self._join([self.inner.lift(weight), *[self._none(weight)] * self.gates])

    def times(self, a: Value, b: Value) -> Value:
        left, right, inner = self.split(a), self.split(b), self.inner
        return self._join(
            [
                reduce(inner.plus, [inner.times(left[k], right[number - k]) for k in range(number + 1)])
                for number in range(self.gates + 1)
            ]
        )

    def plus(self, a: Value, b: Value) -> Value:
        pairs = zip(self.split(a), self.split(b), strict=True)
        return self._join([self.inner.plus(x, y) for x, y in pairs])

    def mark(self, value: Value) -> Value:
        return self._join([self._none(value[0]), *self.split(value)[:-1]])

    def scale(self, value: Value, weight: Weight) -> Value:
        return self._each(lambda v: self.inner.scale(v, weight), value)

    def sum(self, value: Value, dims: Sequence[int]) -> Value:
        return self._each(lambda v: self.inner.sum(v, dims), value)

    def contract(self, value: Value, weight: Weight) -> Value:
        return self._each(lambda v: self.inner.contract(v, weight), value)

    def scatter(self, value: Value, index: Tensor, size: int) -> Value:
        return self._each(lambda v: self.inner.scatter(v, index, size), value)

    def facts(self, value: Value) -> Mapping[str, Tensor]:
        return self.inner.facts(self.counted(value))

    def _none(self, like: Tensor) -> Value:
        return self.inner.full(self.inner.zero, like.shape, like)

    def __repr__(self) -> str:
        return f"Passing({self.inner!r}, {self.gates})"


def gated(semiring: Semiring, gates: int) -> Leaving | Passing:
    """The semiring that tells the paths through some gates from the others."""
    return Leaving(semiring) if gates == 1 else Passing(semiring, gates)
