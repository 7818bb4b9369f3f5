"""Paths by how many of some gates they pass."""

from __future__ import annotations

from functools import reduce

from semiring_widgets.core.semirings.base import Semiring, Value
from semiring_widgets.core.semirings.by_marks import ByMarks
from semiring_widgets.core.semirings.marked_paths import Leaving

__all__ = ["Passing", "gated"]


class Passing(ByMarks):
    """The values of the paths that pass no gate, one gate, two, and so on.

    Polynomials in the number of gates, so it does not matter in which order they come: where no path passes
    a gate twice, those with ``gates`` of them have passed all. Further ones are forgotten.

    Args:
        inner: the semiring of each.
        gates: how many gates there are.
    """

    def __init__(self, inner: Semiring, gates: int) -> None:
        super().__init__(inner, gates + 1)
        self.gates = gates
        self.name = f"{inner.name} by {gates} gates"

    def times(self, a: Value, b: Value) -> Value:
        left, right, inner = self.split(a), self.split(b), self.inner
        sums = (
            reduce(inner.plus, [inner.times(left[k], right[number - k]) for k in range(number + 1)])
            for number in range(self.gates + 1)
        )
        return tuple(part for value in sums for part in value)

    def mark(self, value: Value) -> Value:
        return (*self._none(value[0]), *value[: -len(self.inner.zero)])

    def __repr__(self) -> str:
        return f"Passing({self.inner!r}, {self.gates})"


def gated(semiring: Semiring, gates: int) -> Leaving | Passing:
    """The semiring that tells the paths through some gates from the others."""
    return Leaving(semiring) if gates == 1 else Passing(semiring, gates)
