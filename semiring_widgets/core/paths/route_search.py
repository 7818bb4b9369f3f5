"""Routes found, ranked and measured, of one set of paths.

Every number is that of the paths of a route that are in the set, and routes without any are none.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import torch
from torch import Tensor

from semiring_widgets.core.anatomy import Cut, as_met, gate_through
from semiring_widgets.core.graph import GradientGraph
from semiring_widgets.core.paths.beam import Found, MassRating, SignedRating, search
from semiring_widgets.core.paths.best_first import best_first
from semiring_widgets.core.paths.directions import SIGNED, cancellation
from semiring_widgets.core.paths.path import Path
from semiring_widgets.core.paths.route import Route, Routes
from semiring_widgets.core.paths.single_paths import described, drawn, ranked
from semiring_widgets.core.paths.stations import Origin, Stations, Stop
from semiring_widgets.core.paths.trails import Tracer
from semiring_widgets.core.paths.walks import guide_through
from semiring_widgets.core.precision import in_full_precision
from semiring_widgets.core.restriction import EVERY_PATH, Restriction, restrict
from semiring_widgets.core.semirings import Abs, Entropy, Max, Product, Semiring, SignedMax, Sum, Value
from semiring_widgets.core.sweeps import INPUTS_ONLY, sweep_backward
from semiring_widgets.core.tape import Node

__all__ = ["MEASURED", "Known", "RouteSearch"]

_NONE = float("-inf")
# What is told of a route.
MEASURED = Product(Sum(), Entropy(), SignedMax())
_Stops = tuple[Origin, tuple[Stop, ...]]


@dataclass(eq=False)
class Known:
    """What searches of one set have measured; several may share it.

    Attributes:
        routes: values of routes.
        totals: contribution and log mass of all paths; None where nobody has asked.
    """

    routes: dict[_Stops, Value] = field(default_factory=dict)
    totals: tuple[float, float] | None = None


@dataclass(frozen=True, eq=False)
class RouteSearch:
    """Ranks the routes of the paths of a set.

    Attributes:
        stations: of the graph.
        directions: of the contributions.
        cuts: what paths must pass.
        paths: where they may pass, and what they must use.
        check: called often; may raise to stop.
        memory: bytes that the routes followed at a time may take; None for no limit.
        known: what was measured, by this search or others of the same set.
    """

    stations: Stations
    directions: Mapping[Node, Tensor]
    cuts: tuple[Cut, ...] = ()
    paths: Restriction = EVERY_PATH
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
            samples: paths drawn for ``mass``; 0 for the beam alone.
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
        paths, _ = drawn(guide_through(self.graph, Abs(), self.cuts, self.paths), samples, seed)
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
        gated = self.gated
        algebra = gated.algebra(SIGNED)
        swept = sweep_backward(self.graph, algebra, INPUTS_ONLY, gated, lambda *_: self.check())
        values = {node: gated.counted(algebra, swept[node]) for node in self.graph.wrt if node in swept}
        sums = [float((SIGNED.part(v, Sum)[0] * self.directions[node]).sum()) for node, v in values.items()]
        masses = [SIGNED.part(value, Abs)[0].reshape(-1).double() for value in values.values()]
        return math.fsum(sums), float(torch.cat(masses).logsumexp(0)) if masses else _NONE

    def _route(self, key: _Stops, value: Value, total_mass: float) -> Route:
        stations = self.stations
        origin, stops = key
        node = self.graph.wrt[origin.input]
        direction = self.directions[node].reshape(-1)[stations.tokens(node)[origin.token]].double()
        (gradient,), (log_masses,) = MEASURED.part(value, Sum), MEASURED.part(value, Abs)
        facts = MEASURED.facts(MEASURED.total([value]))
        log_mass, log_weight = float(facts["log_mass"]), float(facts["log_weight"])
        contribution = float((gradient.double() * direction).sum())
        weighted = (log_masses.double() + direction.abs().log()).logsumexp(0)
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
            cancellation=float(cancellation(weighted.new_tensor(contribution), weighted)),
            gradient=gradient,
            _search=lambda k: self._paths_of(key, k, log_mass),
        )

    @in_full_precision
    def _paths_of(self, key: _Stops, k: int, log_mass: float) -> list[Path]:
        """The k best paths of a route: those of the set that pass its stops, and no other station."""
        stations, (origin, stops) = self.stations, key
        closed = replace(self.paths, edges={**self.paths.edges, **dict.fromkeys(stations.edges)})
        cuts = as_met([*self.cuts, *(self._cut_at(stop) for stop in stops)])
        guide = guide_through(self.graph, Max(), cuts, closed)
        node = self.graph.wrt[origin.input]
        here = _among(node, stations.tokens(node)[origin.token])
        starts = restrict(Max(), (guide.inputs[node],), here)
        found = best_first(replace(guide, starts={node: starts[0]}), k)
        return ranked(described(stations.anatomy, self.graph.wrt, list(found), log_mass))

    def _cut_at(self, stop: Stop) -> Cut:
        station = self.stations.all[stop.station]
        kept, usable = (
            _among(station.edge.source, station.own(stop.group)),
            self.paths.edges.get(station.edge),
        )
        return Cut(edges={station.edge: kept if usable is None else kept & usable})

    @cached_property
    def gated(self) -> Restriction:
        """The same paths, told from all others by a semiring: of routes no sweep can be begun at a cut."""
        if not self.cuts:
            return self.paths
        return replace(self.paths, gates=(gate_through(self.graph, self.cuts), *self.paths.gates))

    def _tracer(self, semiring: Semiring, direction: Mapping[Node, Tensor] | None = None) -> Tracer:
        return Tracer(
            self.stations, semiring, direction, paths=self.gated, check=self.check, memory=self.memory
        )


def _among(node: Node, elements: Tensor) -> Tensor:
    """True at some flat elements of a node."""
    kept = torch.zeros(node.shape.numel(), dtype=torch.bool, device=node.device)
    kept[elements] = True
    return kept.reshape(node.shape)
