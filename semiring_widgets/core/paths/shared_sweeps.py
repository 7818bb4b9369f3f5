"""Sweeps that are done once for all sets of paths of a graph, and no further than some set needs them.

Above a cut, cotangents are those of all paths; below it, tangents are. Between two operators a path is at
exactly one of the tensors that are alive there, those made before and used after: alpha times beta, summed
over these, is the value of all paths. So the sweep of a set need only cover what lies between its uppermost
and its lowest part, and questions that follow share what the first one had to compute.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from threading import Lock
from weakref import WeakKeyDictionary, WeakValueDictionary

from torch import Tensor

from semiring_widgets.core.anatomy import (
    Anatomy,
    Extent,
    branch_edges,
    count_examples,
    end_to_end,
    extent_of,
    find_anatomy,
)
from semiring_widgets.core.graph import GradientGraph
from semiring_widgets.core.paths.single_paths import graph_of
from semiring_widgets.core.paths.stations import Stations
from semiring_widgets.core.restriction import Gate, Restriction
from semiring_widgets.core.semirings import Product, Semiring, Value
from semiring_widgets.core.sweeps import Span, ones, sweep_backward, sweep_forward
from semiring_widgets.core.tape import Node, Op, Tape
from semiring_widgets.core.weighed_graph import Reference, Rules, key_of

__all__ = ["Ground", "Order", "Sweeps", "ground_of"]

Values = Mapping[Node, Value]
# Operators between places at which values are kept by the way, for questions about other parts.
_STRIDE = 32


class Order:
    """Where the nodes and operators of a graph come; a *position* p is a place between two operators.

    Args:
        graph: the graph; ``graph.ops[:p]`` come before p.
    """

    def __init__(self, graph: GradientGraph) -> None:
        self._positions: dict[Op, int] = {op: position for position, op in enumerate(graph.ops)}
        self._composites = graph.composites

    @cached_property
    def within(self) -> set[int]:
        """The positions inside of a softmax or a norm that a sweep may pass in one step."""
        ends = ((self._positions[c.ops[0]], self._positions[c.ops[-1]]) for c in self._composites)
        return {position for first, last in ends for position in range(first + 1, last + 1)}

    def before(self, op: Op) -> int:
        """The position just before an operator of the graph."""
        return self._positions[op]

    def after(self, node: Node) -> int:
        """The position from which on a node is alive; 0 where no operator of the graph makes it."""
        return 0 if node.op is None else self._positions.get(node.op, -1) + 1


class Ground:
    """A graph with its anatomy, and what is known of all its paths; safe to ask from several threads.

    Args:
        graph: the graph.
        keeps: whether what one question computed is kept for the next.
    """

    def __init__(self, graph: GradientGraph, *, keeps: bool = True) -> None:
        self.graph, self.keeps = graph, keeps
        self._known: dict[tuple[object, bool], Sweeps] = {}
        self._sides: dict[int, tuple[Semiring, Values, Values]] = {}

    @cached_property
    def order(self) -> Order:
        """Where the nodes and operators of the graph come."""
        return Order(self.graph)

    @cached_property
    def anatomy(self) -> Anatomy:
        """Its layers, heads and tokens."""
        return find_anatomy(self.graph)

    @cached_property
    def end_to_end(self) -> Anatomy:
        """The same, the tokens of several examples counted on and on."""
        return end_to_end(self.anatomy, count_examples(self.graph, self.anatomy))

    @cached_property
    def extent(self) -> Extent:
        """What there is to select."""
        return extent_of(self.graph, self.anatomy)

    @cached_property
    def leaving(self) -> Gate:
        """The edges by which paths leave the skip connections; one is enough."""
        return Gate(dict.fromkeys(branch_edges(self.graph, self.anatomy)), needed=1)

    @cached_property
    def stations(self) -> Stations:
        """The edges at which the route of a path is read."""
        return Stations(self.graph, self.anatomy)

    def sweeps(self, semiring: Semiring, *, leaving: bool = False) -> Sweeps:
        """The sweeps over all paths in a semiring; shared where it is sure to be the same one each time.

        Args:
            semiring: the algebra.
            leaving: whether only those count that leave the skip connections.
        """
        gates = (self.leaving,) if leaving else ()
        found = Sweeps(self.graph, self.order, semiring, gates, keeps=self.keeps)
        name = _name_of(semiring)
        return found if name is None or not self.keeps else self._known.setdefault((name, leaving), found)

    def learn(self, semiring: Semiring, tangents: Values, cotangents: Values) -> None:
        """Keep both sides of all paths at the parts of the model, for `sides`.

        Args:
            semiring: the object that will be asked for again.
            tangents: at the anatomy's nodes and the inputs.
            cotangents: there.
        """
        self._sides[id(semiring)] = semiring, tangents, cotangents

    def sides(self, semiring: Semiring) -> tuple[Values, Values] | None:
        """What `learn` was told of this very object, if anything."""
        known = self._sides.get(id(semiring))
        return None if known is None else known[1:]


def _name_of(semiring: Semiring) -> object | None:
    """What is the same for semirings that are sure to compute the same; None where it is not known.

    What a user's class or object computes may change from one question to the next.
    """
    if isinstance(semiring, Product):
        names = tuple(map(_name_of, semiring.factors))
        return None if None in names else names
    built_in = type(semiring).__module__.startswith(f"{__name__.partition('.')[0]}.")
    return type(semiring) if built_in and vars(semiring).keys() <= {"unital"} else None


class Sweeps:
    """Both sweeps over all paths in one semiring, as far as they were asked for.

    Attributes:
        semiring: the algebra of the answers.
        algebra: that of the values, which tells apart the paths that pass the gates.
        paths: no restriction but the gates.
    """

    def __init__(
        self,
        graph: GradientGraph,
        order: Order,
        semiring: Semiring,
        gates: tuple[Gate, ...] = (),
        *,
        keeps: bool,
    ) -> None:
        self._graph, self._order, self._keeps = graph, order, keeps
        self.semiring, self.paths = semiring, Restriction(gates=gates)
        self.algebra = self.paths.algebra(semiring)
        self._down: dict[int, Values] = {
            len(graph.ops): {graph.score: ones(graph, self.algebra, graph.score)}
        }
        self._up: dict[int, Values] = {}
        self._lock = Lock()

    def cotangents(self, position: int) -> Values:
        """Values of the ways to the score that begin with an operator after a position, by living node.

        Also in it are the inputs that are made after the position, with all their paths.
        """
        self._graph.check_unchanged()
        with self._lock:
            at = min(p for p in self._down if p >= position)
            return self._carried(sweep_backward, self._down, at, position)

    def tangents(self, position: int) -> Values:
        """Values of all paths from the inputs to what is alive at a position."""
        self._graph.check_unchanged()
        with self._lock:
            if not self._up:
                inputs = [node for node in self._graph.wrt if node in self._graph.nodes]
                self._up[0] = {node: ones(self._graph, self.algebra, node) for node in inputs}
            at = max(p for p in self._up if p <= position)
            return self._carried(sweep_forward, self._up, at, position)

    def _carried(
        self, sweep: Callable[..., Values], known: dict[int, Values], at: int, position: int
    ) -> Values:
        """Values at a position, swept there from what is known at another one."""
        values = known[at]
        stride = _STRIDE if position > at else -_STRIDE
        stops = range(at - at % stride + stride, position, stride) if self._keeps else ()
        by_the_way = [stop for stop in stops if stop not in self._order.within]
        for stop in [*by_the_way, position]:
            if stop != at:
                span = Span(values, keep=(), within=(min(at, stop), max(at, stop)))
                values = sweep(self._graph, self.algebra, span, self.paths)
                at = stop
                if self._keeps:
                    known[at] = values
        return values

    def total(self, position: int, ahead: Values | None = None) -> Value:
        """The value of all paths of a set, parts of shape ().

        Args:
            position: below everything that restricts the set.
            ahead: the set's cotangents at the position; None for those of all paths.
        """
        graph = self._graph
        parts = list(self._joined(position, self.cotangents(position) if ahead is None else ahead))
        if not parts:
            return self.semiring.full(self.semiring.zero, (), graph.score.empty(dtype=graph.dtype))
        return self.counted(self.algebra.total(parts))

    def counted(self, value: Value) -> Value:
        """Of a value of `algebra`, that of the paths which pass the gates."""
        return self.paths.counted(self.algebra, value)

    def _joined(self, position: int, ahead: Values) -> Iterator[Value]:
        behind = self.tangents(position)
        for node, value in ahead.items():
            if self._order.after(node) > position:
                # Paths that start above the position never cross it.
                if node in self._graph.wrt:
                    yield value
            elif node in behind:
                yield self.algebra.times(behind[node], value)


def ground_of(
    tape: Tape,
    score: Tensor,
    wrt: Tensor | Sequence[Tensor],
    rules: Rules = None,
    reference: Reference | None = None,
    *,
    batched: bool = False,
) -> Ground:
    """The ground of a score, see `graph_of`: for one rule the same for as long as somebody holds it."""
    graph = graph_of(tape, score, wrt, rules, reference, batched=batched)
    weighed = key_of(tape, rules, reference)
    if weighed is None:
        return Ground(graph)
    grounds = _GROUNDS.setdefault(tape, WeakValueDictionary())
    key = (graph.score, *graph.wrt, *weighed)
    known = grounds.get(key)
    return grounds.setdefault(key, Ground(graph)) if known is None else known


_GROUNDS: WeakKeyDictionary[Tape, WeakValueDictionary[tuple[object, ...], Ground]] = WeakKeyDictionary()
