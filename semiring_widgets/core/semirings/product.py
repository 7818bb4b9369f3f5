"""Several semirings in one sweep: the graph is walked once and each local derivative taken once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from torch import Tensor

from semiring_widgets.checks import shown
from semiring_widgets.core.semirings.base import Semiring, Value
from semiring_widgets.core.semirings.mass import Abs, Entropy
from semiring_widgets.core.semirings.weights import Weight
from semiring_widgets.errors import InputError

__all__ = ["Product", "factored", "factors_of"]


class Product(Semiring):
    """The product of semirings: a value is the values of all of them, one after the other.

    The mass is carried once: beside `Entropy`, whose first part it is, an `Abs` has no part of its own.

    Args:
        factors: the semirings; `split` takes a value apart again.
    """

    def __init__(self, *factors: Semiring) -> None:
        if not factors or not all(isinstance(factor, Semiring) for factor in factors):
            raise InputError(
                f"A product is made of semirings such as Sum() and Max(), not of {shown(factors)}."
            )
        self.factors = factors
        self.name = " x ".join(factor.name for factor in factors)
        has_entropy = any(type(factor) is Entropy for factor in factors)
        self.zero, self.one = (), ()
        self._carried: list[tuple[Semiring, slice]] = []
        places: list[slice | None] = []
        for factor in factors:
            if has_entropy and type(factor) is Abs:
                places.append(None)
                continue
            place = slice(len(self.zero), len(self.zero) + len(factor.zero))
            self.zero, self.one = (*self.zero, *factor.zero), (*self.one, *factor.one)
            self._carried.append((factor, place))
            places.append(place)
        mass = next((place.start for factor, place in self._carried if type(factor) is Entropy), 0)
        self._places = [slice(mass, mass + 1) if place is None else place for place in places]

    def split(self, value: Value) -> tuple[Value, ...]:
        """One value per factor."""
        return tuple(value[place] for place in self._places)

    def _each(self, act: Callable[..., Value], *values: Value) -> Value:
        return tuple(
            part for factor, place in self._carried for part in act(factor, *(v[place] for v in values))
        )

    def lift(self, weight: Tensor) -> Value:
        return self._each(lambda s: s.lift(weight))

    def times(self, a: Value, b: Value) -> Value:
        return self._each(lambda s, x, y: s.times(x, y), a, b)

    def plus(self, a: Value, b: Value) -> Value:
        return self._each(lambda s, x, y: s.plus(x, y), a, b)

    def scale(self, value: Value, weight: Weight) -> Value:
        return self._each(lambda s, x: s.scale(x, weight), value)

    def sum(self, value: Value, dims: Sequence[int]) -> Value:
        return self._each(lambda s, x: s.sum(x, dims), value)

    def contract(self, value: Value, weight: Weight) -> Value:
        return self._each(lambda s, x: s.contract(x, weight), value)

    def scatter(self, value: Value, index: Tensor, size: int) -> Value:
        return self._each(lambda s, x: s.scatter(x, index, size), value)

    def merge(self, a: Value, b: Value) -> Value:
        return self._each(lambda s, x, y: s.merge(x, y), a, b)

    def mark(self, value: Value) -> Value:
        return self._each(lambda s, x: s.mark(x), value)

    def settle(self, value: Value) -> Value:
        return self._each(lambda s, x: s.settle(x), value)

    def facts(self, value: Value) -> Mapping[str, Tensor]:
        merged: dict[str, Tensor] = {}
        for factor, part in zip(self.factors, self.split(value), strict=True):
            for name, fact in factor.facts(part).items():
                merged.setdefault(name, fact)
        return merged

    def readout(self, value: Value) -> Tensor:
        """None of its own: every factor has one.

        Raises:
            InputError: always; names the factors.
        """
        raise InputError(
            f"The semiring {self.name} holds several numbers; ask for one of its factors, "
            f"{', '.join(map(repr, self.factors))}, or say by readout= which number is meant."
        )

    def __repr__(self) -> str:
        return f"Product({', '.join(map(repr, self.factors))})"


def factors_of(semiring: Semiring) -> tuple[Semiring, ...]:
    """The factors of a `Product`; of any other semiring only itself."""
    return semiring.factors if isinstance(semiring, Product) else (semiring,)


def factored(semiring: Semiring, value: Value) -> list[tuple[Semiring, Value]]:
    """Those, each with its own part of a value."""
    values = semiring.split(value) if isinstance(semiring, Product) else (value,)
    return list(zip(factors_of(semiring), values, strict=True))
