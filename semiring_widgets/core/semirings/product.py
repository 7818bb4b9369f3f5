"""Several semirings in one sweep: the graph is walked once and each local derivative taken once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from torch import Tensor

from semiring_widgets.checks import shown
from semiring_widgets.core.semirings.base import Norm, Semiring, Value
from semiring_widgets.core.semirings.edge_weight import Weight
from semiring_widgets.errors import InputError

__all__ = ["Product"]


class Product(Semiring):
    """The product of semirings: a value is the values of all of them, one after the other.

    Each has its own ``plus``, ``times`` and ``lift``; facts are those of all, the first of a name wins, and
    ``result.factors`` has them apart. The graph is walked and derivatives are taken once, so two factors take
    less time than two sweeps.

    What another factor `begins_with` is carried once: beside `Entropy`, `Abs` has no part of its own.

    Args:
        factors: the semirings; `split` takes a value apart again.

        >>> import torch
        >>> import semiring_widgets as sw
        >>> from semiring_widgets.semirings import Max, Sum
        >>> x = torch.tensor([2.0, 3.0])
        >>> with sw.record() as tape:  # two paths from x[0], of weights 12 and -1; one from x[1], of weight 8
        ...     score = 4 * x[0] * x[1] - x[0]
        >>> sw.backprop(tape, score, wrt=x, semiring=sw.semirings.Product(Sum(), Max())).value
        tensor([11.,  8.])
    """

    factors: tuple[Semiring, ...] = ()

    def __init__(self, *factors: Semiring) -> None:
        if not factors or not all(isinstance(factor, Semiring) for factor in factors):
            raise InputError(
                f"A product is made of semirings such as Sum() and Max(), not of {shown(factors)}."
            )
        self.factors = factors
        self.name = " x ".join(factor.name for factor in factors)
        self.distributive = all(factor.distributive for factor in factors)
        self.multiplicative = all(factor.multiplicative for factor in factors)
        self.with_sign = next((factor.with_sign for factor in factors if factor.with_sign is not None), None)
        begun = {factor.begins_with: factor for factor in factors}
        self.zero, self.one = (), ()
        self._carried: list[tuple[Semiring, slice]] = []
        for factor in factors:
            if type(factor) not in begun:
                place = slice(len(self.zero), len(self.zero) + len(factor.zero))
                self.zero, self.one = (*self.zero, *factor.zero), (*self.one, *factor.one)
                self._carried.append((factor, place))
        starts = {id(factor): place.start for factor, place in self._carried}
        self._places = []
        for factor in factors:
            start = starts[id(begun.get(type(factor), factor))]
            self._places.append(slice(start, start + len(factor.zero)))

    def split(self, value: Value) -> tuple[Value, ...]:
        """One value per factor."""
        return tuple(value[place] for place in self._places)

    def join(self, parts: Mapping[type[Semiring], Value]) -> Value:
        """The value with these parts, by the classes of the factors; the inverse of `Semiring.part`."""
        return tuple(part for factor, _ in self._carried for part in parts[type(factor)])

    @property
    def carried(self) -> tuple[Semiring, ...]:
        return tuple(factor for factor, _ in self._carried)

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

    def through_softmax(self, value: Value, result: Weight, dims: Sequence[int]) -> Value:
        return self._each(lambda s, x: s.through_softmax(x, result, dims), value)

    def through_norm(self, value: Value, norm: Norm, *, forward: bool) -> Value:
        return self._each(lambda s, x: s.through_norm(x, norm, forward=forward), value)

    def contract(self, value: Value, weight: Weight) -> Value:
        return self._each(lambda s, x: s.contract(x, weight), value)

    def meet(self, many: Sequence[Value], b: Value) -> Value:
        return tuple(
            part
            for factor, place in self._carried
            for part in factor.meet([a[place] for a in many], b[place])
        )

    def scatter(self, value: Value, index: Tensor, size: int) -> Value:
        return self._each(lambda s, x: s.scatter(x, index, size), value)

    def merge(self, a: Value, b: Value) -> Value:
        return self._each(lambda s, x, y: s.merge(x, y), a, b)

    def mark(self, value: Value) -> Value:
        return self._each(lambda s, x: s.mark(x), value)

    def settle(self, value: Value) -> Value:
        return self._each(lambda s, x: s.settle(x), value)

    def coarse(self, value: Value) -> bool:
        return any(factor.coarse(part) for factor, part in self.factored(value))

    def branched(self) -> Semiring:
        product = Product(*(factor.branched() for factor in self.factors))
        product.name = self.name
        return product

    def factored(self, value: Value) -> list[tuple[Semiring, Value]]:
        return list(zip(self.factors, self.split(value), strict=True))

    def facts(self, value: Value) -> Mapping[str, Tensor]:
        merged: dict[str, Tensor] = {}
        for factor, part in self.factored(value):
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
