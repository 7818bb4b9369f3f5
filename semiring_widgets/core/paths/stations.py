"""Stations: the edges of a graph at which the route of a path is read.

A route is the sequence of stations that a path passes: which skip connection, which query, key or value of
which head, which feed-forward part, each at which token. Every scalar path has exactly one route, so the
routes are a partition of the paths, and what is summed over all of them is the sum over all paths.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from semiring_widgets.core.anatomy import Anatomy, Leg, Operand, Residual, edges_along
from semiring_widgets.core.graph import GradientGraph
from semiring_widgets.core.jacobian import Edge
from semiring_widgets.core.paths.walks import Hop, Start
from semiring_widgets.core.tape import Node, Op

__all__ = ["JOINED", "Origin", "Station", "Stations", "Stop"]

# What is added to the stream by an attention, whichever operand it came by.
JOINED = "joined"


@dataclass(frozen=True)
class Stop:
    """A station at one head and token: position of the station, and group of its elements."""

    station: int
    group: int


@dataclass(frozen=True)
class Origin:
    """Where a route begins: which input, and which of its tokens."""

    input: int
    token: int


@dataclass(frozen=True, eq=False)
class Station:
    """One edge, its source's elements grouped by head and token.

    Attributes:
        edge: what paths use.
        layer, branch: which part of the model it is.
        rank: paths pass stations in ascending rank.
        members: flat elements of the edge's source by group, int64 (groups, elements of one); -1 fills up
            a group that has fewer than others, as tokens in several windows have more.
        heads: by which the groups vary slowest; None where the station has no heads.
    """

    edge: Edge
    layer: int
    branch: str
    rank: int
    members: Tensor
    heads: int | None

    @cached_property
    def group_of(self) -> Tensor:
        """Group of every flat element of the source."""
        members = self.members
        groups = members.new_full((self.edge.source.shape.numel(),), -1)
        numbers = torch.arange(len(members), device=groups.device)[:, None].expand_as(members)
        groups[members[members >= 0]] = numbers[members >= 0]
        return groups

    @cached_property
    def missing(self) -> Tensor | None:
        """Where members only fill up, of their shape; None where all groups are full."""
        missing = self.members < 0
        return missing if bool(missing.any()) else None

    def own(self, group: int) -> Tensor:
        """Flat elements of one group."""
        members = self.members[group]
        return members[members >= 0]

    def place(self, group: int) -> tuple[int | None, int]:
        """Head and token of a group."""
        if self.heads is None:
            return None, group
        return divmod(group, len(self.members) // self.heads)


class Stations:
    """All stations of a graph.

    Args:
        graph: the graph.
        anatomy: its parts; the stations are their edges.

    Attributes:
        graph, anatomy: as given.
        all: the stations.
        edges: their edges, which no segment between two stations may use.
        of: those of a layer and branch; what joins the stream is `JOINED`.
    """

    def __init__(self, graph: GradientGraph, anatomy: Anatomy) -> None:
        self.graph, self.anatomy = graph, anatomy
        self.all: list[Station] = []
        self.of: dict[tuple[int, str], list[Station]] = {}
        self._by_edge: dict[Edge, int] = {}
        # Several attentions may be added to each other before they join the stream together.
        self._joins = {a.index: a.residual.op for a in anatomy.attentions if a.residual is not None}
        for attention in anatomy.attentions:
            for name, operand in attention.operands.items():
                op = attention.context_op if name == "value" else attention.scores_op
                # All operands of one attention are looked at together.
                rank = attention.context_op.index
                self._add(op, operand.node, attention.index, name, rank, _by_head(operand), operand.heads)
            parts = ((attention.residual, "skip", JOINED), (attention.mlp, "mlp_skip", "mlp"))
            for residual, skip, branch in parts:
                if residual is not None:
                    self._add_residual(residual, attention.index, skip, branch)
        self.edges = frozenset(self._by_edge)

    def route_of(self, start: Start, hops: Sequence[Hop]) -> tuple[Origin, tuple[Stop, ...]]:
        """The route of a path."""
        stops = [
            Stop(number, int(self.all[number].group_of[hop.source]))
            for hop in hops
            if (number := self._by_edge.get(hop.edge)) is not None
        ]
        node, element = start
        token = int((self.tokens(node) == element).any(1).nonzero())
        return Origin(self.graph.wrt.index(node), token), tuple(stops)

    def legs(self, stops: Sequence[Stop]) -> tuple[Leg, ...]:
        """A route as legs, from the input to the score."""
        found: list[Leg] = []
        # Whether the last of them has joined the stream; what follows, as the convolution of a Conformer, may
        # move a path on to another token.
        joined = False
        for stop in stops:
            station = self.all[stop.station]
            head, token = station.place(stop.group)
            told = [leg for leg in found if leg.head is not None and self.joined(leg.layer, station.layer)]
            if station.branch != JOINED:
                if station.branch in ("mlp", "mlp_skip") and told and told[-1] is found[-1] and not joined:
                    found[-1] = replace(told[-1], target=token)
                found.append(Leg(station.layer, station.branch, head, token, token))
                joined = False
            elif told and told[-1] is found[-1]:
                found[-1] = replace(told[-1], target=token)
                joined = True
            elif not told and all(leg.layer != station.layer for leg in found):
                # By none of the operands: a position bias or a gate that the attention computes.
                found.append(Leg(station.layer, "attention", None, token, token))
        return tuple(found)

    def joined(self, layer: int, other: int) -> bool:
        """Whether two attentions join the stream by the same addition."""
        return layer in self._joins and self._joins[layer] is self._joins.get(other)

    def tokens(self, node: Node) -> Tensor:
        """Flat elements of an input by token, (tokens, units); one token where it has no such dimension."""
        numbers = torch.arange(node.shape.numel(), device=node.device)
        return numbers.reshape(node.token_shape).transpose(0, 1).flatten(1)

    def _add_residual(self, residual: Residual, layer: int, skip: str, branch: str) -> None:
        for ways, name in ((residual.around, skip), (residual.through, branch)):
            for op, source in ways:
                self._add(op, source, layer, name, op.index, _by_place(source, residual.dims), None)

    def _add(
        self, op: Op, source: Node, layer: int, branch: str, rank: int, members: Tensor, heads: int | None
    ) -> None:
        for edge in edges_along(self.graph, [(op, source)]):
            if edge not in self._by_edge:
                self._by_edge[edge] = len(self.all)
                self.all.append(Station(edge, layer, branch, rank, members, heads))
            self.of.setdefault((layer, branch), []).append(self.all[self._by_edge[edge]])


def _by_place(node: Node, dims: Sequence[int]) -> Tensor:
    """Flat elements by token, (tokens, elements of one), where some dimensions count the tokens together."""
    numbers = torch.arange(node.shape.numel(), device=node.device).reshape(node.shape)
    others = [dim for dim in range(-len(node.shape), 0) if dim not in dims]
    tokens = math.prod(node.shape[dim] for dim in dims)
    return numbers.permute(*dims, *others).reshape(tokens, -1)


def _by_head(operand: Operand) -> Tensor:
    """(batch * heads, tokens, units) or transposed -> (heads * tokens, elements)."""
    numbers = torch.arange(operand.node.shape.numel(), device=operand.node.device)
    rows = numbers.reshape(operand.node.shape)
    rows = (rows if operand.token_axis == 1 else rows.mT).flatten(0, 1)
    cells = (operand.head_of[:, None] * operand.tokens + operand.token_of).flatten()
    known = (operand.token_of >= 0).flatten()
    rows, cells = rows[known], cells[known]
    order = torch.argsort(cells, stable=True)
    counts = torch.bincount(cells, minlength=operand.heads * operand.tokens)
    turn = torch.arange(len(cells), device=cells.device) - (torch.cumsum(counts, 0) - counts)[cells[order]]
    members = rows.new_full((len(counts), int(counts.max()), rows.shape[1]), -1)
    members[cells[order], turn] = rows[order]
    return members.flatten(1)
