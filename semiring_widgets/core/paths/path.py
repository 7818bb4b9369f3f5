"""A path: one chain of scalar edges from an input element to the score."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from semiring_widgets.core.anatomy import Anatomy, Leg, Place, legs_with_steps, read
from semiring_widgets.core.paths.walks import Hop
from semiring_widgets.core.tape import Node

__all__ = ["Path", "Step"]


@dataclass(frozen=True)
class Step:
    """One edge of a path.

    Attributes:
        op: the operator, such as ``"aten.addmm.default"``.
        module: dotted path of the module that ran it, "" outside of any.
        index: index of the element reached, in the operator's result.
        derivative: the local partial derivative.
        layer: number of the attention layer, in order of execution; None where unknown.
        head: head of that layer, or None.
        token: token that the path is at, or None.
        route: ``embedding``, ``skip``, ``query``, ``key``, ``value``, ``mlp``, ``mlp_skip`` or ``output``;
            None where the graph holds no attention.

    Example:
        >>> step = whole.through({"layer": 3, "head": 2}).best(1)[0].steps[-1]
        >>> step.op, step.route
        ('aten.sub.Tensor', 'output')
    """

    op: str
    module: str
    index: tuple[int, ...]
    derivative: float
    layer: int | None = None
    head: int | None = None
    token: int | None = None
    route: str | None = None


class Path:
    """A path and its weight, the product of its derivatives.

    Attributes:
        input: position of the tensor in ``wrt`` that the path starts from.
        start: index of its first element there.
        log_weight: natural logarithm of |weight|.
        sign: -1, 0 or 1.
        probability: |weight| relative to the sum over all paths from ``wrt``; often vanishingly small.

    Example:
        >>> path = whole.best(1)[0]
        >>> path.start[:2], path.sign, round(path.log_weight, 3), len(path) == len(path.steps)
        ((0, 6), 1, -2.103, True)
    """

    def __init__(
        self,
        hops: Sequence[Hop],
        wrt: Sequence[Node],
        start: tuple[Node, int],
        log_mass: float,
        anatomy: Anatomy,
    ) -> None:
        self.hops = tuple(hops)
        self.input = list(wrt).index(start[0])
        self.start = start[0].index_of(start[1])
        self._anatomy = anatomy
        self.log_weight = sum(_log(abs(hop.derivative)) for hop in hops)
        self.sign = math.prod((h.derivative > 0) - (h.derivative < 0) for h in hops)
        self.probability = math.exp(self.log_weight - log_mass) if self.sign else 0.0

    @property
    def weight(self) -> float:
        """The product of the derivatives; inf where a float cannot hold it (see `log_weight`)."""
        try:
            return self.sign * math.exp(self.log_weight)
        except OverflowError:
            return self.sign * math.inf

    @cached_property
    def places(self) -> list[Place]:
        """Where in the model each step is."""
        return read(self._anatomy, self._passages)

    @cached_property
    def legs(self) -> tuple[Leg, ...]:
        """Its route, layer by layer: by which branch and head it goes from token to token."""
        return tuple(leg for _, _, leg in legs_with_steps(self._anatomy, self._passages))

    @property
    def _passages(self) -> list[tuple[Node, int, Node, int]]:
        return [(hop.edge.source, hop.source, hop.edge.target, hop.target) for hop in self.hops]

    @cached_property
    def steps(self) -> list[Step]:
        """The edges, from the input to the score."""
        return [
            Step(
                hop.edge.op.name,
                hop.edge.op.scope.module,
                hop.edge.target.index_of(hop.target),
                hop.derivative,
                place.layer,
                place.head,
                place.token,
                place.route,
            )
            for hop, place in zip(self.hops, self.places, strict=True)
        ]

    def __len__(self) -> int:
        return len(self.hops)

    def __repr__(self) -> str:
        facts = f"weight={self.weight:.4g}, probability={self.probability:.3g}"
        return f"Path({facts}, start={self.start}, {len(self)} steps)"


def _log(number: float) -> float:
    return math.log(number) if number > 0 else -math.inf
