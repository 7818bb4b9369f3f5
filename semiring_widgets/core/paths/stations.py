"""Stations: the edges of a graph at which the route of a path is read.

A route is the sequence of stations that a path passes: which skip connection, which query, key or value of
which head, which feed-forward part, each at which token. Every scalar path has exactly one route, so the
routes are a partition of the paths, and what is summed over all of them is the sum over all paths.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from semiring_widgets.core.anatomy import Anatomy, Leg, Operand, Residual, edges_from
from semiring_widgets.core.graph import GradientGraph
from semiring_widgets.core.jacobian import Edge
from semiring_widgets.core.paths.walking import Hop, Start
from semiring_widgets.core.tape import Node, Op

__all__ = ["Origin", "Station", "Stations", "Stop"]

# What is added to the stream by an attention, whichever operand it came by.
_JOINED = "joined"


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
        members: flat elements of the edge's source by group, int64 (groups, elements of one).
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
        groups = torch.empty(self.members.numel(), dtype=torch.int64, device=self.members.device)
        numbers = torch.arange(len(self.members), device=groups.device)
        groups[self.members.reshape(-1)] = numbers.repeat_interleave(self.members.shape[1])
        return groups

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
        all: the stations.
        edges: their edges, which no segment between two stations may use.
    """

    def __init__(self, graph: GradientGraph, anatomy: Anatomy) -> None:
        self.graph = graph
        self.all: list[Station] = []
        self._by_edge: dict[Edge, int] = {}
        for attention in anatomy.attentions:
            for name, operand in attention.operands.items():
                op = attention.context_op if name == "value" else attention.scores_op
                # All operands of one attention are looked at together.
                rank = attention.context_op.index
                self._add(op, operand.node, attention.index, name, rank, _by_head(operand), operand.heads)
            parts = ((attention.residual, "skip", _JOINED), (attention.mlp, "mlp_skip", "mlp"))
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
        for stop in stops:
            station = self.all[stop.station]
            head, token = station.place(stop.group)
            last = found[-1] if found else None
            if station.branch != _JOINED:
                found.append(Leg(station.layer, station.branch, head, token, token))
            elif last is not None and last.layer == station.layer and last.head is not None:
                found[-1] = Leg(last.layer, last.branch, last.head, last.source, token)
            else:
                # By none of the operands: a position bias or a gate that the attention computes.
                found.append(Leg(station.layer, "attention", None, token, token))
        return tuple(found)

    def tokens(self, node: Node) -> Tensor:
        """Flat elements of an input by token, (tokens, units); one token where it has no such dimension."""
        return _by_token(node)

    def _add_residual(self, residual: Residual, layer: int, skip: str, branch: str) -> None:
        for ways, name in ((residual.around, skip), (residual.through, branch)):
            for op, source in ways:
                self._add(op, source, layer, name, op.index, _by_token(source), None)

    def _add(
        self, op: Op, source: Node, layer: int, branch: str, rank: int, members: Tensor, heads: int | None
    ) -> None:
        for edge in edges_from(self.graph, op, source):
            if edge not in self._by_edge:
                self._by_edge[edge] = len(self.all)
                self.all.append(Station(edge, layer, branch, rank, members, heads))


def _by_token(node: Node) -> Tensor:
    """(..., tokens, units) -> (tokens, elements); leading dimensions belong to the token."""
    numbers = torch.arange(node.shape.numel(), device=node.device)
    if len(node.shape) < 2:
        return numbers[None]
    return numbers.reshape(-1, *node.shape[-2:]).transpose(0, 1).reshape(node.shape[-2], -1)


def _by_head(operand: Operand) -> Tensor:
    """(batch * heads, tokens, units) or transposed -> (heads * tokens, elements)."""
    numbers = torch.arange(operand.node.shape.numel(), device=operand.node.device)
    split = numbers.reshape(-1, operand.heads, *operand.node.shape[1:])
    tokens, units = (2, 3) if operand.token_axis == 1 else (3, 2)
    return split.permute(1, tokens, 0, units).reshape(operand.heads * operand.tokens, -1)
