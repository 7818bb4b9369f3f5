"""Routes found, ranked and measured, in one graph.

A search may be confined to the paths through some parts of the model, its *gates*: every number is then that
of the paths of a route which pass them all, and routes without any are none. (`Route.top_paths` knows none.)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from semiring_widgets.core.anatomy import Cut
from semiring_widgets.core.graph import GradientGraph
from semiring_widgets.core.jacobian import Edge
from semiring_widgets.core.paths.beam import Found, MassRating, SignedRating, search
from semiring_widgets.core.paths.directions import cancellation
from semiring_widgets.core.paths.finding import described, drawn, ranked
from semiring_widgets.core.paths.path import Path
from semiring_widgets.core.paths.route import Route, Routes
from semiring_widgets.core.paths.searching import Stage, best_first
from semiring_widgets.core.paths.stations import Origin, Stations, Stop
from semiring_widgets.core.paths.tracing import Tracer, Trail, picked
from semiring_widgets.core.precision import in_full_precision
from semiring_widgets.core.restriction import EVERY_PATH, Marks, Restriction, restrict
from semiring_widgets.core.semirings import (
    Abs,
    Entropy,
    Max,
    Product,
    Semiring,
    SignedMax,
    Sum,
    Value,
    gated,
)
from semiring_widgets.core.sweeps import INPUTS_ONLY, sweep_backward
from semiring_widgets.core.tape import Node

__all__ = ["MEASURED", "Known", "RouteSearch", "gate_of"]

_NONE = float("-inf")
# What is told of a route.
MEASURED = Product(Sum(), Entropy(), SignedMax())
_Stops = tuple[Origin, tuple[Stop, ...]]


def gate_of(graph: GradientGraph, *cuts: Cut) -> Marks:
    """The edges by which paths pass a cut: its own, and those that leave its nodes.

    Of several cuts, how many of them paths pass there: each path is at most once at each.
    """
    gate: dict[Edge, Tensor] = {}
    for cut in cuts:
        own = dict(cut.edges)
        for node, kept in cut.nodes.items():
            own.update((edge, kept) for edge in graph.out_edges(node))
        for edge, kept in own.items():
            gate[edge] = kept if len(cuts) == 1 else gate.get(edge, 0) + kept.to(torch.uint8)
    return gate


@dataclass(eq=False)
class Known:
    """What searches of one graph with the same gate have measured; several may share it.

    Attributes:
        routes: values of routes.
        totals: contribution and log mass of all paths; None where nobody has asked.
    """

    routes: dict[_Stops, Value] = field(default_factory=dict)
    totals: tuple[float, float] | None = None


@dataclass(frozen=True, eq=False)
class RouteSearch:
    """Ranks the routes of one graph.

    Attributes:
        stations: of the graph.
        directions: of the contributions.
        gate: what paths must pass to count; None for all paths.
        gates: how many times.
        check: called often; may raise to stop.
        memory: bytes that the routes followed at a time may take; None for no limit.
        known: what was measured, by this search or others.
    """

    stations: Stations
    directions: Mapping[Node, Tensor]
    gate: Marks | None = None
    gates: int = 1
    check: Callable[[], None] = lambda: None
    memory: float | None = None
    known: Known = field(default_factory=Known)

    @property
    def graph(self) -> GradientGraph:
        """The graph."""
        return self.stations.graph

    @in_full_precision
    def ranked(self, by: str, k: int, *, width: int, samples: int = 0, seed: int = 0) -> Routes:
        """See `semiring_widgets.top_routes`.

        Args:
            by: the ranking.
            k: how many.
            width: of the beam.
            samples: paths drawn for ``mass``, not with a gate; 0 for the beam alone.
            seed: of the random numbers.
        """
        width = max(k, width)
        if by == "best":
            found = self._by_best(k)
        elif by == "mass":
            found = self._by_mass(k, width, samples, seed)
        else:
            found = self._by_contribution(k, width)
        return self._measured(found, by)

    def _by_best(self, k: int) -> Found:
        tracer = self._tracer(Max())
        return search(tracer, MassRating(tracer, best=True), k, k)

    def _by_mass(self, k: int, width: int, samples: int, seed: int) -> Found:
        tracer = self._tracer(Abs())
        beam = search(tracer, MassRating(tracer, best=False), k, width)
        if samples == 0:
            return beam
        listed = {route[1:]: route[0] for route in beam.routes}
        paths, _ = drawn(self.graph, samples, seed)
        new = [r for r in dict.fromkeys(self.stations.route_of(*path) for path in paths) if r not in listed]
        for route, value in zip(new, tracer.measure(new), strict=True):
            listed[route] = float(Abs().total([value])[0])
        ranked = sorted(((mass, *route) for route, mass in listed.items()), key=lambda item: -item[0])
        # The beam's bound may be that of a route that sampling found: it still is a bound.
        return Found(ranked[:k], max([beam.missed, *(route[0] for route in ranked[k:])]))

    def _by_contribution(self, k: int, width: int) -> Found:
        tracer, masses = (self._tracer(semiring, self.directions) for semiring in (Sum(), Abs()))
        return search(tracer, SignedRating(tracer, masses), k, width)

    def _measured(self, found: Found, by: str) -> Routes:
        tracer = self._tracer(MEASURED)
        known = self.known
        if known.totals is None:
            known.totals = self._totals()
        total, total_mass = known.totals
        keys = [route[1:] for route in found.routes]
        new = [key for key in keys if key not in known.routes]
        known.routes.update(zip(new, tracer.measure(new), strict=True))
        routes = [self._route(key, known.routes[key], total_mass) for key in keys]
        missed = found.missed
        uncovered = max(0.0, 1.0 - math.fsum(route.share for route in routes))
        if by == "mass" and uncovered > 0.0:
            missed = min(missed, total_mass + math.log(uncovered))
        return Routes(
            routes=tuple(routes),
            by=by,
            missed=math.exp(min(missed, 700.0)) if by == "contribution" else missed,
            uncovered=uncovered,
            rest=total - math.fsum(route.contribution for route in routes),
        )

    def _totals(self) -> tuple[float, float]:
        """Contribution and log mass of all paths."""
        both = Product(Sum(), Abs())
        semiring: Semiring = both
        paths = EVERY_PATH
        if self.gate is not None:
            semiring, paths = gated(both, self.gates), Restriction(marked=self.gate)
        swept = sweep_backward(self.graph, semiring, INPUTS_ONLY, paths, lambda *_: self.check())
        inputs = [node for node in self.graph.wrt if node in swept]
        # Of paths with and without the gate, those with it come last.
        values = {node: swept[node][-len(both.zero) :] for node in inputs}
        gradient = math.fsum(float((values[n][0] * self.directions[n]).sum()) for n in inputs)
        masses = [values[node][1].reshape(-1).double() for node in inputs]
        return gradient, float(torch.cat(masses).logsumexp(0)) if masses else _NONE

    def _route(self, key: _Stops, value: Value, total_mass: float) -> Route:
        stations = self.stations
        origin, stops = key
        node = self.graph.wrt[origin.input]
        direction = self.directions[node].reshape(-1)[stations.tokens(node)[origin.token]].double()
        gradient, log_masses = value[0].double(), value[1].double()
        facts = MEASURED.facts(MEASURED.total([value]))
        log_mass, log_weight = float(facts["log_mass"]), float(facts["log_weight"])
        contribution = float((gradient * direction).sum())
        weighted = (log_masses + direction.abs().log()).logsumexp(0)
        return Route(
            input=origin.input,
            token=origin.token,
            legs=stations.legs(stops),
            log_mass=log_mass,
            share=math.exp(min(0.0, log_mass - total_mass)),
            entropy=float(facts["entropy"]),
            log_weight=log_weight,
            sign=int(facts["sign"]),
            contribution=contribution,
            cancellation=float(cancellation(gradient.new_tensor(contribution), weighted)),
            gradient=value[0],
            _search=lambda k: self._paths_of(key, k, log_mass),
        )

    @in_full_precision
    def _paths_of(self, key: _Stops, k: int, log_mass: float) -> list[Path]:
        """The k best paths of a route: the search goes from one of its stops to the next."""
        graph, stations = self.graph, self.stations
        origin, stops = key
        semiring = Max()
        tracer = Tracer(stations, semiring)
        trail = tracer.start()
        values = dict(tracer.segment(trail))
        stages = [Stage({node: v[0] for node, v in values.items()})]
        for stop in reversed(stops):
            station = stations.all[stop.station]
            edge = station.edge
            kept = torch.zeros(edge.source.shape.numel(), dtype=torch.bool, device=edge.source.device)
            kept[station.own(stop.group)] = True
            pulled = edge.pull(semiring, values[edge.target])
            members = station.members[stop.group]
            value = picked(semiring, pulled, members, members < 0)
            trail = Trail((stop, *trail.stops), value)
            values = dict(tracer.segment(trail))
            gate = Cut(edges={edge: kept.reshape(edge.source.shape)})
            stages.insert(0, Stage({node: v[0] for node, v in values.items()}, gate))
        only = Restriction(closed=stations.edges)
        node = graph.wrt[origin.input]
        here = torch.zeros(node.shape.numel(), dtype=torch.bool, device=node.device)
        here[stations.tokens(node)[origin.token]] = True
        at_start = {n: v for n, v in stages[0].log_values.items() if n not in graph.wrt}
        (at_start[node],) = restrict(semiring, (stages[0].log_values[node],), here.reshape(node.shape))
        stages[0] = Stage(at_start, stages[0].gate)
        return ranked(described(graph, list(best_first(graph, stages, k, only)), log_mass))

    def _tracer(self, semiring: Semiring, direction: Mapping[Node, Tensor] | None = None) -> Tracer:
        return Tracer(
            self.stations,
            semiring,
            direction,
            gate=self.gate,
            gates=self.gates,
            check=self.check,
            memory=self.memory,
        )
