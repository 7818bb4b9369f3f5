"""Best-first search for the k best paths of a set.

The cotangents of a max sweep are the exact heuristic: no path is looked at that is not among the answers.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

import torch

from semiring_widgets.core.paths.walks import Guide, Hop, Start, State, start_of
from semiring_widgets.core.tape import Node

__all__ = ["best_first"]

_NONE = float("-inf")


@dataclass(frozen=True)
class _At:
    """An element, and what was passed before it."""

    state: State
    node: Node
    element: int


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


def best_first(guide: Guide, k: int) -> Iterator[tuple[Start, list[Hop]]]:
    """The k best paths, lazily.

    Every heap entry is a prefix, followed by its r-th best way on and from there by best ways only. Taking
    an entry off completes one path and pushes, for every element on it, the next best way out.

    Args:
        guide: to the paths, in `Max`.
        k: how many at most.
    """
    search = _Search(guide, k)
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
        while at.node is not guide.graph.score:
            ways = search.ways(at)
            if rank + 1 < len(ways):
                push(log_weight + ways[rank + 1].bound, _Prefix(rank + 1, at, chain, log_weight))
            way = ways[rank]
            chain = _Chain(chain, chain.start, way.hop)
            log_weight += math.log(abs(way.hop.derivative))
            at, rank = way.to, 0
        yield chain.unrolled()
        given += 1


class _Search:
    """Ways on from single elements, each looked up once."""

    def __init__(self, guide: Guide, k: int) -> None:
        self._guide, self._k = guide, k
        self._ways: dict[_At, list[_Way]] = {}

    def starts(self) -> list[tuple[float, _At]]:
        values = self._guide.inputs
        inputs = list(values)
        if not inputs:
            return []
        joined = torch.cat([value.reshape(-1).double() for value in values.values()])
        top, order = joined.topk(min(self._k, len(joined)))
        found = zip(top.tolist(), order.tolist(), strict=True)
        return [(v, self._arrived(State(), *start_of(inputs, flat))) for v, flat in found if v > _NONE]

    def ways(self, at: _At) -> list[_Way]:
        """The k best ways on, best first."""
        if at not in self._ways:
            self._ways[at] = self._look(at)
        return self._ways[at]

    def _arrived(self, state: State, node: Node, element: int) -> _At:
        return _At(self._guide.arrived(state, node, element), node, element)

    def _look(self, at: _At) -> list[_Way]:
        elements = torch.tensor([at.element], device=at.node.device)
        choice = self._guide.onward(at.node, at.state, elements)
        if choice is None:
            return []
        order = choice.values[0].topk(min(self._k, choice.values.shape[1])).indices
        return [
            _Way(bound, hop, self._arrived(beyond, hop.edge.target, hop.target))
            for bound, hop, beyond in choice.hops([at.element] * len(order), torch.zeros_like(order), order)
            if bound > _NONE
        ]
