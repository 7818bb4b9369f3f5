"""`top_routes`: what paths look like at the level of people, ranked three ways and measured exactly."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import overload

import torch
from torch import Tensor

from semiring_widgets.core.anatomy import Cut, Leg, find_anatomy
from semiring_widgets.core.graph import GradientGraph
from semiring_widgets.core.paths.beam import Found, MassRating, SignedRating, search
from semiring_widgets.core.paths.directions import cancellation, directions_of
from semiring_widgets.core.paths.finding import described, drawn, graph_of, ranked
from semiring_widgets.core.paths.path import Path
from semiring_widgets.core.paths.searching import Stage, best_first
from semiring_widgets.core.paths.stations import Origin, Stations, Stop
from semiring_widgets.core.paths.tracing import Tracer, Trail
from semiring_widgets.core.semirings import Abs, Entropy, Max, Product, Sum, Value
from semiring_widgets.core.sweeps import restrict, sweep_backward
from semiring_widgets.core.tape import Node, Tape
from semiring_widgets.errors import InputError

__all__ = ["Route", "Routes", "top_routes"]

_NONE = float("-inf")
_RANKINGS = ("best", "mass", "contribution")
_ALL = Product(Sum(), Entropy(), Max())
_Stops = tuple[Origin, tuple[Stop, ...]]


@dataclass(frozen=True)
class Route:
    """All scalar paths that take the same branches, heads and tokens.

    Attributes:
        input: position in ``wrt`` of the tensor where it begins.
        token: where in it.
        legs: layer by layer: ``skip``, ``query``, ``key``, ``value`` (with a head), ``mlp``, ``mlp_skip``, or
            ``attention`` where a path goes through an attention by none of its operands.
        log_mass: log of the sum of |path weight| over its paths (nats).
        share: of the mass of all paths, 0-1.
        entropy: of p(path) ~ |weight| within it (nats).
        log_weight: log |weight| of its best path.
        contribution: signed sum over its paths of weight times the direction's entry where the path begins.
        cancellation: |contribution| relative to the sum of the absolute values, 0-1; 1 where nothing
            cancels, 0 where there is nothing to cancel.
        gradient: the gradient through this route alone, shape (units,) (leading dimensions first).
    """

    input: int
    token: int
    legs: tuple[Leg, ...]
    log_mass: float
    share: float
    entropy: float
    log_weight: float
    contribution: float
    cancellation: float
    gradient: Tensor = field(repr=False, compare=False)
    _search: Callable[[int], list[Path]] = field(repr=False, compare=False)

    @property
    def leaves_skip(self) -> bool:
        """Whether it goes through an attention or a feed-forward part at all."""
        return any(leg.branch not in ("skip", "mlp_skip") for leg in self.legs)

    @property
    def path(self) -> Path:
        """Its best single path; the probability is within the route."""
        return self.top_paths(1)[0]

    def top_paths(self, k: int = 5) -> list[Path]:
        """Its k best paths, best first; probabilities are within the route.

        Raises:
            InputError: k is not positive.
        """
        if k < 1:
            raise InputError(f"k is {k}; ask for at least one path.")
        return self._search(k)


@dataclass(frozen=True)
class Routes(Sequence[Route]):
    """Routes in order, and what is known about all others.

    Attributes:
        by: the ranking.
        missed: the most that any route not listed can have: of ``best`` its log |weight|, of ``mass`` its log
            mass, of ``contribution`` the absolute contribution. A bound; -inf (0) where all are listed.
        uncovered: share of the mass of all routes not listed together, 0-1.
        rest: signed contribution of all routes not listed together: their sum with the listed ones is the
            gradient along the direction.
    """

    routes: tuple[Route, ...]
    by: str
    missed: float
    uncovered: float
    rest: float

    @overload
    def __getitem__(self, index: int) -> Route: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Route, ...]: ...
    def __getitem__(self, index: int | slice) -> Route | tuple[Route, ...]:
        return self.routes[index]

    def __len__(self) -> int:
        return len(self.routes)

    def __iter__(self) -> Iterator[Route]:
        return iter(self.routes)


def top_routes(
    tape: Tape,
    score: Tensor,
    wrt: Tensor | Sequence[Tensor],
    k: int = 10,
    by: str = "best",
    *,
    direction: Tensor | Sequence[Tensor] | None = None,
    width: int = 64,
    samples: int = 1000,
    seed: int = 0,
) -> Routes:
    """The k first routes of a ranking; every number given of a route is exact.

    ``best`` ranks by the best path of each route, and is exact. ``mass`` ranks by the sum of |weight|, among
    the routes of sampled paths and those of a beam search. ``contribution`` ranks by the absolute value of
    the signed sum, found by beam search over batched cotangents. What the two last may have missed is stated.

    The contribution is ``sum over paths of weight * direction[start]``: with the input itself, the default,
    gradient times input through this route. ``torch.ones_like(x)`` gives the plain sum of the paths; it is 0
    on every route where a layer norm comes first, as a shift of all units changes nothing there.

    Args:
        tape: the finished tape.
        score: a single number, shape () or (1,).
        wrt: the token embeddings (..., tokens, units) used inside the recording, or a list of streams.
        k: how many; fewer are returned where there are fewer.
        by: ``"best"``, ``"mass"`` or ``"contribution"``.
        direction: shaped as ``wrt``; None for the inputs themselves.
        width: of the beam. Wider takes longer and misses less; ``best`` needs no more than k.
        samples: paths drawn for ``mass``.
        seed: of the random numbers.

    Returns:
        `Routes`, a sequence of `Route`.

    Raises:
        InputError: an unknown ranking, a direction of another shape, or a graph without attention.
        TapeError, UnsupportedOpError, NonFiniteError: as `backprop`.
    """
    if by not in _RANKINGS:
        raise InputError(f"by is {by!r}; choose one of {', '.join(_RANKINGS)}.")
    for name, number in (("k", k), ("width", width), ("samples", samples)):
        if number < 1:
            raise InputError(f"{name} is {number}; it must be at least 1.")
    graph = graph_of(tape, score, wrt)
    anatomy = find_anatomy(graph)
    if not anatomy.attentions:
        raise InputError(
            "There is no attention between these inputs and the score, so paths have no routes to be told "
            "apart by. Use sw.top_paths or sw.sample_paths."
        )
    finder = _Finder(graph, Stations(graph, anatomy), directions_of(graph, direction))
    found = {
        "best": lambda: finder.by_best(k),
        "mass": lambda: finder.by_mass(k, max(k, width), samples, seed),
        "contribution": lambda: finder.by_contribution(k, max(k, width)),
    }[by]()
    return finder.measured(found, by)


@dataclass(frozen=True)
class _Finder:
    graph: GradientGraph
    stations: Stations
    directions: Mapping[Node, Tensor]

    def by_best(self, k: int) -> Found:
        tracer = Tracer(self.stations, Max())
        return search(tracer, MassRating(tracer.tangents(), best=True), k, k)

    def by_mass(self, k: int, width: int, samples: int, seed: int) -> Found:
        tracer = Tracer(self.stations, Abs())
        beam = search(tracer, MassRating(tracer.tangents(), best=False), k, width)
        listed = {route[1:]: route[0] for route in beam.routes}
        paths, _ = drawn(self.graph, samples, seed)
        new = [r for r in dict.fromkeys(self.stations.route_of(*path) for path in paths) if r not in listed]
        for route, value in zip(new, tracer.measure(new), strict=True):
            listed[route] = float(Abs().total([value])[0])
        ranked = sorted(((mass, *route) for route, mass in listed.items()), key=lambda item: -item[0])
        # The beam's bound may be that of a route that sampling found: it still is a bound.
        return Found(ranked[:k], max([beam.missed, *(route[0] for route in ranked[k:])]))

    def by_contribution(self, k: int, width: int) -> Found:
        tracer = Tracer(self.stations, Sum(), self.directions)
        masses = Tracer(self.stations, Abs(), self.directions).tangents()
        return search(tracer, SignedRating(tracer.tangents(), masses), k, width)

    def measured(self, found: Found, by: str) -> Routes:
        tracer = Tracer(self.stations, _ALL)
        total, total_mass = self._totals()
        keys = [route[1:] for route in found.routes]
        values = tracer.measure(keys)
        routes = [self._route(key, v, total_mass) for key, v in zip(keys, values, strict=True)]
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
        values = sweep_backward(self.graph, both, keep=())
        inputs = [node for node in self.graph.wrt if node in values]
        gradient = math.fsum(float((values[n][0] * self.directions[n]).sum()) for n in inputs)
        masses = [values[node][1].reshape(-1).double() for node in inputs]
        return gradient, float(torch.cat(masses).logsumexp(0)) if masses else _NONE

    def _route(self, key: _Stops, value: Value, total_mass: float) -> Route:
        stations = self.stations
        origin, stops = key
        node = self.graph.wrt[origin.input]
        direction = self.directions[node].reshape(-1)[stations.tokens(node)[origin.token]].double()
        gradient, log_masses = value[0].double(), value[1].double()
        _, log_mass, entropy, log_weight = (float(part) for part in _ALL.total([value]))
        contribution = float((gradient * direction).sum())
        weighted = (log_masses + direction.abs().log()).logsumexp(0)
        return Route(
            input=origin.input,
            token=origin.token,
            legs=stations.legs(stops),
            log_mass=log_mass,
            share=math.exp(min(0.0, log_mass - total_mass)),
            entropy=max(0.0, entropy),
            log_weight=log_weight,
            contribution=contribution,
            cancellation=float(cancellation(gradient.new_tensor(contribution), weighted)),
            gradient=value[0],
            _search=lambda k: _paths_of(self.graph, stations, key, k, log_mass),
        )


def _paths_of(graph: GradientGraph, stations: Stations, key: _Stops, k: int, log_mass: float) -> list[Path]:
    """The k best paths of a route: the search goes from one of its stops to the next."""
    origin, stops = key
    semiring = Max()
    tracer = Tracer(stations, semiring)
    trail = tracer.start()
    values = dict(tracer.segment(trail))
    stages = [Stage({node: v[0] for node, v in values.items()}, None, stations.edges)]
    for stop in reversed(stops):
        station = stations.all[stop.station]
        edge = station.edge
        kept = torch.zeros(edge.source.value.numel(), dtype=torch.bool, device=edge.source.value.device)
        kept[station.members[stop.group]] = True
        pulled = edge.pull(semiring, values[edge.target])
        value = tuple(part.reshape(-1)[station.members[stop.group]] for part in pulled)
        trail = Trail((stop, *trail.stops), value)
        values = dict(tracer.segment(trail))
        gate = Cut(edges={edge: kept.reshape(edge.source.shape)})
        stages.insert(0, Stage({node: v[0] for node, v in values.items()}, gate, stations.edges))
    node = graph.wrt[origin.input]
    here = torch.zeros(node.value.numel(), dtype=torch.bool, device=node.value.device)
    here[stations.tokens(node)[origin.token]] = True
    at_start = {n: v for n, v in stages[0].log_values.items() if n not in graph.wrt}
    (at_start[node],) = restrict(semiring, (stages[0].log_values[node],), here.reshape(node.shape))
    stages[0] = Stage(at_start, stages[0].gate, stations.edges)
    return ranked(described(graph, list(best_first(graph, stages, k)), log_mass))
