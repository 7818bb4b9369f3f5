"""Best-first search for the k best paths, also of paths that must pass some gates.

The cotangents of a max sweep are the exact heuristic: no path is looked at that is not among the answers.
Paths that must pass gates are searched in stages, each with the cotangents of what is still ahead.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

import torch
from torch import Tensor

from semiring_widgets.core.anatomy import Cut
from semiring_widgets.core.graph import GradientGraph
from semiring_widgets.core.jacobian import Edge
from semiring_widgets.core.paths.walking import Choice, Hop, Start, onward
from semiring_widgets.core.restriction import EVERY_PATH, Restriction
from semiring_widgets.core.tape import Node

__all__ = ["Stage", "best_first", "start_of"]

_NONE = float("-inf")


@dataclass(frozen=True)
class Stage:
    """A part of the way to the score.

    Attributes:
        log_values: cotangents of a `Max` sweep over the paths that pass this stage's gate and all later ones.
        gate: where the next stage begins; None for the last stage.
        left: where paths must also use a marked edge: the cotangents once they have. `log_values` are then
            those of paths that still must.
    """

    log_values: Mapping[Node, Tensor]
    gate: Cut | None = None
    left: Mapping[Node, Tensor] | None = None

    def values(self, *, left: bool) -> Mapping[Node, Tensor]:
        """What is ahead of a path that has, or has not, used a marked edge."""
        return self.left if left and self.left is not None else self.log_values


@dataclass(frozen=True)
class _At:
    """An element, how many gates were passed before it, and whether a marked edge was used."""

    stage: int
    node: Node
    element: int
    left: bool


@dataclass(frozen=True)
class _Way:
    """One edge on, and the best that can come of it."""

    bound: float
    hop: Hop
    to: _At


@dataclass(frozen=True)
class _Chain:
    """The hops so far, last first: prefixes are shared by all paths that have them."""

    before: _Chain | None
    start: Start
    hop: Hop | None = None

    def unrolled(self) -> tuple[Start, list[Hop]]:
        hops: list[Hop] = []
        link: _Chain | None = self
        while link is not None:
            if link.hop is not None:
                hops.append(link.hop)
            link = link.before
        return self.start, hops[::-1]


@dataclass(frozen=True)
class _Prefix:
    """A prefix, and which of its ways on is next; without a chain, a start by its rank."""

    rank: int
    at: _At
    chain: _Chain | None
    log_weight: float = 0.0


def best_first(
    graph: GradientGraph,
    stages: Sequence[Stage],
    k: int,
    paths: Restriction = EVERY_PATH,
) -> Iterator[tuple[Start, list[Hop]]]:
    """The k best paths, lazily.

    Every heap entry is a prefix, followed by its r-th best way on and from there by best ways only. Taking
    an entry off completes one path and pushes, for every element on it, the next best way out.

    Args:
        graph: the graph.
        stages: from the inputs on; a single one where nothing is asked of the paths.
        k: how many at most.
        paths: which paths count. Edges that it closes may be used where they are a stage's gate; if it marks
            any, paths must use one of these.
    """
    search = _Search(graph, stages, k, paths)
    starts = search.starts()
    ticket = count()
    heap: list[tuple[float, int, _Prefix]] = []

    def push(bound: float, prefix: _Prefix) -> None:
        heapq.heappush(heap, (-bound, next(ticket), prefix))

    if starts:
        push(starts[0][0], _Prefix(0, starts[0][1], None))
    given = 0
    while heap and given < k:
        prefix = heapq.heappop(heap)[2]
        at, chain, log_weight, rank = prefix.at, prefix.chain, prefix.log_weight, prefix.rank
        if chain is None:
            # The next best start is not yet on the heap until the one before it was taken.
            if rank + 1 < len(starts):
                push(starts[rank + 1][0], _Prefix(rank + 1, starts[rank + 1][1], None))
            chain, rank = _Chain(None, (at.node, at.element)), 0
        while at.node is not graph.score:
            ways = search.ways(at)
            if rank + 1 < len(ways):
                push(log_weight + ways[rank + 1].bound, _Prefix(rank + 1, at, chain, log_weight))
            way = ways[rank]
            chain = _Chain(chain, chain.start, way.hop)
            log_weight += math.log(abs(way.hop.derivative))
            at, rank = way.to, 0
        yield chain.unrolled()
        given += 1


def start_of(inputs: Sequence[Node], flat: int) -> Start:
    """The input, and its element, at a place of all inputs joined."""
    for node in inputs:
        size = node.shape.numel()
        if flat < size:
            return node, flat
        flat -= size
    raise AssertionError("flat index beyond the inputs")


class _Search:
    """Ways on from single elements, each looked up once."""

    def __init__(self, graph: GradientGraph, stages: Sequence[Stage], k: int, paths: Restriction) -> None:
        self.graph, self.stages, self.k, self.paths = graph, stages, k, paths
        self._marked = frozenset(paths.marked)
        self._ways: dict[_At, list[_Way]] = {}

    def starts(self) -> list[tuple[float, _At]]:
        values = self.stages[0].log_values
        inputs = [node for node in self.graph.wrt if node in values]
        if not inputs:
            return []
        joined = torch.cat([values[node].reshape(-1).double() for node in inputs])
        top, order = joined.topk(min(self.k, len(joined)))
        found = zip(top.tolist(), order.tolist(), strict=True)
        left = not self._marked
        return [(v, self._arrived(0, *start_of(inputs, flat), left)) for v, flat in found if v > _NONE]

    def ways(self, at: _At) -> list[_Way]:
        """The k best ways on, best first."""
        if at not in self._ways:
            self._ways[at] = self._look(at)
        return self._ways[at]

    def _arrived(self, stage: int, node: Node, element: int, left: bool) -> _At:
        while (gate := self.stages[stage].gate) is not None and _open(gate.nodes.get(node), element):
            stage += 1
        return _At(stage, node, element, left)

    def _look(self, at: _At) -> list[_Way]:
        own = set(self.graph.out_edges(at.node))
        usable_at = self.paths.edges
        shut = {edge for edge in own if edge in usable_at and not _open(usable_at[edge], at.element)}
        gate, closed = self.stages[at.stage].gate, self.paths.closed
        through = {e for e in own if gate is not None and _open(gate.edges.get(e), at.element)} - shut
        found: list[_Way] = []
        for stage, usable in ((at.stage, own - shut - through - set(closed)), (at.stage + 1, through)):
            leaving = usable if at.left else usable & self._marked
            for left, edges in ((True, leaving), (False, usable - leaving)):
                if edges:
                    found += self._along(at, stage, own - edges, left)
        return sorted(found, key=lambda way: -way.bound)[: self.k]

    def _along(self, at: _At, stage: int, without: set[Edge], left: bool) -> list[_Way]:
        values = self.stages[stage].values(left=left)
        elements = torch.tensor([at.element], device=at.node.device)
        choice = onward(self.graph, at.node, elements, values, without)
        ways = [] if choice is None else _best(choice, self.k)
        return [
            _Way(bound, Hop(edge, at.element, reached, d), self._arrived(stage, edge.target, reached, left))
            for bound, edge, reached, d in ways
        ]


def _best(choice: Choice, k: int) -> list[tuple[float, Edge, int, float]]:
    values, order = choice.values[0].topk(min(k, choice.values.shape[1]))
    columns = zip(
        values.tolist(),
        choice.which[order].tolist(),
        choice.elements[0, order].tolist(),
        choice.derivatives[0, order].tolist(),
        strict=True,
    )
    return [(value, choice.edges[w], e, d) for value, w, e, d in columns if value > _NONE]


def _open(kept: Tensor | None, element: int) -> bool:
    return kept is not None and bool(kept.reshape(-1)[element])
