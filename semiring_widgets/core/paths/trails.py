"""Cotangents of many partial routes at once, from station to station.

A *trail* is the end of a route, from some station to the score, with the cotangent of exactly the paths that
take it. One sweep over the segment before a station, with a batched semiring, carries many trails on to all
stations that come before. What arrives at an input has become a whole route.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from semiring_widgets.core.jacobian import Edge
from semiring_widgets.core.memory import sweep_size
from semiring_widgets.core.paths.stations import Origin, Stations, Stop
from semiring_widgets.core.restriction import EVERY_PATH, Restriction, restrict
from semiring_widgets.core.semirings import Batch, Semiring, Value, Weight
from semiring_widgets.core.sweeps import Span, ones, sweep_backward, sweep_forward, zeros
from semiring_widgets.core.tape import Node

__all__ = ["Arrival", "Tracer", "Trail", "picked"]

# Scalar values that a batch holds per tensor at most: bounds its memory.
_BATCH_VALUES = 1 << 22


@dataclass(frozen=True, eq=False)
class Trail:
    """The end of a route.

    Attributes:
        stops: from the first station on; empty at the score.
        value: cotangent of the paths, at the members of the first stop (of the score).
    """

    stops: tuple[Stop, ...]
    value: Value


@dataclass(frozen=True, eq=False)
class Arrival:
    """What one batch of trails became at one station or input.

    Attributes:
        at: position of the station, or of the input.
        whole: True at an input.
        values: of each trail, at all elements there.
        members: elements of each group, (groups, members).
        missing: where there is no such member; None if there always is.
        semiring: of the trails.
    """

    at: int
    whole: bool
    values: Sequence[Value]
    members: Tensor
    missing: Tensor | None
    semiring: Semiring

    @cached_property
    def value(self) -> Value:
        """Of all trails and groups, parts of shape (trails, groups, members)."""
        split = [picked(self.semiring, one, self.members, self.missing) for one in self.values]
        return tuple(torch.stack(column) for column in zip(*split, strict=True))

    def of(self, row: int, group: int) -> Value:
        """Of one trail and group, parts of shape (members,) with memory of their own."""
        if "value" in self.__dict__:  # somebody has asked for all
            return tuple(part[row, group].clone() for part in self.value)
        missing = None if self.missing is None else self.missing[group]
        return picked(self.semiring, self.values[row], self.members[group], missing)


class Tracer:
    """Carries trails on, in one semiring.

    Whether the recorded tensors are unchanged is asked once, when it is made.

    Args:
        stations: of the graph.
        semiring: the algebra.
        direction: one weight for each element of each input, which its paths are multiplied by; or None.
        paths: which paths count.
        check: called often; may raise to stop.
        memory: bytes that a batch of trails may take; None for no limit.
    """

    def __init__(
        self,
        stations: Stations,
        semiring: Semiring,
        direction: Mapping[Node, Tensor] | None = None,
        *,
        paths: Restriction = EVERY_PATH,
        check: Callable[[], None] = lambda: None,
        memory: float | None = None,
    ) -> None:
        self.stations, self.graph = stations, stations.graph
        self.graph.check_unchanged()
        self.inner, self._check = semiring, check
        self._paths = paths
        # A segment ends where the next station begins.
        self._within_segment = replace(paths, edges={**paths.edges, **dict.fromkeys(stations.edges)})
        self.semiring = paths.algebra(semiring)
        self._direction = direction
        self._kept = {edge.target for edge in stations.edges}
        self._inputs = [node for node in self.graph.wrt if node in self.graph.nodes]
        largest = max((node.shape.numel() for node in self.graph.nodes), default=1)
        self.most = max(1, min(256, _BATCH_VALUES // max(1, largest)))
        if memory is not None:
            self.most = max(1, int(min(self.most, memory // (2 * sweep_size(self.graph, self.semiring)))))

    def start(self) -> Trail:
        """The empty trail, at the score."""
        one = ones(self.graph, self.semiring, self.graph.score)
        return Trail((), tuple(part.reshape(-1) for part in one))

    def rank(self, trail: Trail) -> int:
        """How far from the inputs a trail is."""
        if not trail.stops:
            return self.graph.score.index + len(self.graph.tape.ops)
        return self.stations.all[trail.stops[0].station].rank

    def tangents(self) -> list[Value]:
        """For every station, the value of all paths from the inputs to it: (groups, members)."""
        semiring = self.semiring
        sources = {station.edge.source for station in self.stations.all}
        seeds = {node: self.directed(node, ones(self.graph, semiring, node)) for node in self._inputs}
        values = sweep_forward(
            self.graph, semiring, Span(seeds, keep=sources), self._paths, lambda *_: self._check()
        )
        found = []
        for station in self.stations.all:
            source = station.edge.source
            value = values.get(source) or zeros(self.graph, semiring, source)
            found.append(picked(semiring, value, station.members, station.missing))
        return found

    def joined(self, arrival: Arrival, tangents: Sequence[Value], value: Value | None = None) -> Value:
        """All paths that end as a batch of trails did and count, in the inner semiring.

        Args:
            arrival: the batch.
            tangents: what this tracer's `tangents` gave.
            value: what to take in the place of the batch's own values, of this tracer's semiring.
        """
        value = arrival.value if value is None else value
        return self.counted(value if arrival.whole else self.semiring.times(value, tangents[arrival.at]))

    def counted(self, value: Value) -> Value:
        """The value of those paths that count, in the inner semiring."""
        return self._paths.counted(self.semiring, value)

    def directed(self, node: Node, value: Value) -> Value:
        """Values at an input, weighted by the direction; the last dimensions are those of the input."""
        if self._direction is None:
            return value
        return self.semiring.scale(value, Weight(self._direction[node]))

    def onward(self, trails: Sequence[Trail]) -> Iterator[Arrival]:
        """One segment further: where these trails come from, at every station and input just before."""
        self._check()
        batch = Batch(self.semiring, len(trails))
        seeds = self._seeds(batch, trails)
        span = Span(seeds, self._kept, self._before(seeds))
        values = sweep_backward(self.graph, batch, span, self._within_segment, lambda *_: self._check())
        for position, station in enumerate(self.stations.all):
            if station.edge.target in values:
                pulled = self._paths.pulled(batch, station.edge, values[station.edge.target])
                values_here = batch.split(pulled)
                members, missing = station.members, station.missing
                yield Arrival(position, False, values_here, members, missing, self.semiring)
        for node in self._inputs:
            if node in values:
                directed = [self.directed(node, one) for one in batch.split(values[node])]
                members = self.stations.tokens(node)
                yield Arrival(self.graph.wrt.index(node), True, directed, members, None, self.semiring)

    def measure(self, routes: Sequence[tuple[Origin, tuple[Stop, ...]]]) -> list[Value]:
        """The values of some routes, one masked sweep for all: parts of the shape of an origin's members."""
        found: dict[int, Value] = {}
        waiting = [(number, self.start()) for number in range(len(routes))]
        while waiting:
            top = max(self.rank(trail) for _, trail in waiting)
            now = [item for item in waiting if self.rank(item[1]) == top][: self.most]
            chosen = {number for number, _ in now}
            waiting = [item for item in waiting if item[0] not in chosen]
            for arrival in self.onward([trail for _, trail in now]):
                for row, (number, trail) in enumerate(now):
                    origin, stops = routes[number]
                    ahead = stops[: len(stops) - len(trail.stops)]
                    if arrival.whole and not ahead and origin.input == arrival.at:
                        found[number] = arrival.of(row, origin.token)
                    elif not arrival.whole and ahead and ahead[-1].station == arrival.at:
                        ended = Trail((ahead[-1], *trail.stops), arrival.of(row, ahead[-1].group))
                        waiting.append((number, ended))
        return [self.counted(found[number]) for number in range(len(routes))]

    def _before(self, seeds: Mapping[Node, Value]) -> tuple[int, int]:
        """Positions of the operators from which the seeds come, directly or not."""
        latest = max((node.op.index for node in seeds if node.op is not None), default=-1)
        return 0, bisect_right(self.graph.ops, latest, key=lambda op: op.index)

    def _seeds(self, batch: Batch, trails: Sequence[Trail]) -> dict[Node, Value]:
        by_source: dict[Node, list[tuple[int, Edge | None]]] = {}
        for number, trail in enumerate(trails):
            edge = self.stations.all[trail.stops[0].station].edge if trail.stops else None
            source = edge.source if edge is not None else self.graph.score
            by_source.setdefault(source, []).append((number, edge))
        seeds = {}
        for source, own in by_source.items():
            like = source.empty(dtype=self.graph.dtype)
            none = self.semiring.full(self.semiring.zero, (source.shape.numel(),), like)
            parts = [none] * len(trails)
            for number, edge in own:
                trail = trails[number]
                if edge is None:
                    parts[number] = trail.value
                    continue
                stop = trail.stops[0]
                members = self.stations.all[stop.station].members[stop.group]
                known = members >= 0
                places = (members[known],)
                parts[number] = tuple(
                    part.index_put(places, value[known])
                    for part, value in zip(parts[number], trail.value, strict=True)
                )
            seeds[source] = tuple(part.reshape(source.shape) for part in batch.join(parts))
        return seeds


def picked(semiring: Semiring, value: Value, members: Tensor, missing: Tensor | None) -> Value:
    """Values at some flat elements, of the shape of ``members``; *no path* where these are missing."""
    found = tuple(part.reshape(-1)[members] for part in value)
    return found if missing is None else restrict(semiring, found, ~missing)
