"""Families of routes: all paths that take the same steps by attention, whatever feed-forward parts they pass.

A list of routes is long because every step by attention comes with and without each feed-forward part behind
it. What a reader asks is what all of them do together; that is one number, and no sum over a list: the other
attentions, and the skip beside the steps, are closed, and what is left is swept once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from semiring_widgets.core.anatomy import Leg
from semiring_widgets.core.jacobian import Edge
from semiring_widgets.core.paths.route_search import RouteSearch
from semiring_widgets.core.paths.stations import JOINED, Station, Stations
from semiring_widgets.core.restriction import Restriction
from semiring_widgets.core.semirings import Sum
from semiring_widgets.core.sweeps import INPUTS_ONLY, sweep_backward
from semiring_widgets.vocabulary import KINDS

__all__ = ["family_contribution"]

_BY_ATTENTION = (*KINDS, "attention")
_MLP = ("mlp", "mlp_skip")


def family_contribution(search: RouteSearch, start: tuple[int, int], steps: Sequence[Leg]) -> float:
    """The signed sum of weight times direction over all paths that share some steps.

    Args:
        search: of the set that the paths are in, along its directions.
        start: the input where they begin, and which of its tokens.
        steps: all their steps by attention; in the other layers they stay on the skip. Of the layers in which
            no step by a feed-forward part or the skip beside it is named, both are taken.
    """
    paths = _confined(search.stations, search.gated, steps)
    algebra = paths.algebra(Sum())
    swept = sweep_backward(search.graph, algebra, INPUTS_ONLY, paths, lambda *_: search.check())
    number, token = start
    node = search.graph.wrt[number]
    if node not in swept:
        return 0.0
    (gradient,) = paths.counted(algebra, swept[node])
    own = search.stations.tokens(node)[token]
    slope, direction = (values.reshape(-1)[own].double() for values in (gradient, search.directions[node]))
    return float((slope * direction).sum())


def _confined(stations: Stations, paths: Restriction, steps: Sequence[Leg]) -> Restriction:
    """The paths of a set that take these steps, and no other attention."""
    edges: dict[Edge, Tensor | None] = dict(paths.edges)
    for station in stations.all:
        groups = _open(stations, station, steps)
        if groups is None:
            continue
        edge = station.edge
        if not groups or (edge in edges and edges[edge] is None):
            edges[edge] = None
            continue
        kept = torch.zeros(edge.source.shape.numel(), dtype=torch.bool, device=edge.source.device)
        for group in groups:
            kept[station.own(group)] = True
        kept, before = kept.reshape(edge.source.shape), edges.get(edge)
        edges[edge] = kept if before is None else kept & before
    return replace(paths, edges=edges)


def _open(stations: Stations, station: Station, steps: Sequence[Leg]) -> list[int] | None:
    """The groups of a station that the paths may pass; None for all."""
    tokens = len(station.members) // (station.heads or 1)
    joined = [
        leg for leg in steps if leg.branch in _BY_ATTENTION and stations.joined(leg.layer, station.layer)
    ]
    own = [leg for leg in steps if leg.layer == station.layer]
    if station.branch in KINDS:
        return [(leg.head or 0) * tokens + leg.source for leg in own if leg.branch == station.branch]
    if station.branch == JOINED:
        return [leg.target for leg in joined]
    mlp = stations.anatomy.attentions[station.layer].mlp
    beside = mlp is not None and mlp.inner is not None
    # Of what goes round the attention, and of what stands beside it, a path takes one.
    ways = ("skip", *_MLP) if beside else _MLP if station.branch in _MLP else ("skip",)
    named = [leg for leg in own if leg.branch in ways]
    if named or ("skip" in ways and joined):
        return [leg.source for leg in named if leg.branch == station.branch]
    return None
