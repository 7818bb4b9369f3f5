"""Walking along paths without ever having stored which edge was best.

The cotangent beta of a sweep is an exact heuristic: from an element the best path goes on by an edge with
the highest ``log|derivative| + beta[target]``, and a random path of p(path) ~ |weight| takes an edge with
the probability proportional to ``|derivative| * exp(beta[target])``.
All walkers at one node step together, so that a thousand walks cost little more than one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from semiring_widgets.core.graph import GradientGraph
from semiring_widgets.core.jacobian import Edge
from semiring_widgets.core.tape import Node

__all__ = ["Choice", "Hop", "Start", "onward", "walk_on", "walks_size"]

Start = tuple[Node, int]
# Ways on that are looked at together at most: bounds the memory of a thousand walkers before a vocabulary.
_WAYS = 1 << 18


# Bytes of one way while it is looked at, and of one hop as an object.
_WAY, _HOP = 120, 320


def walks_size(graph: GradientGraph, walkers: int) -> int:
    """Bytes that so many walks through a graph take at most."""
    return _WAYS * _WAY + walkers * len(graph.ops) * _HOP


@dataclass(frozen=True)
class Hop:
    """One scalar edge: which block, from which element to which, and its derivative."""

    edge: Edge
    source: int
    target: int
    derivative: float


@dataclass(frozen=True)
class Choice:
    """All ways on from some elements of one node.

    Attributes:
        edges: the blocks; `which` indexes them.
        which: int64 (C,), the block of every way.
        elements: int64 (E, C), flat index reached.
        derivatives: (E, C).
        values: float64 (E, C), log value of all that the way stands for; -inf where it leads nowhere.
    """

    edges: list[Edge]
    which: Tensor
    elements: Tensor
    derivatives: Tensor
    values: Tensor


def onward(
    graph: GradientGraph,
    node: Node,
    elements: Tensor,
    log_values: Mapping[Node, Tensor],
    without: Collection[Edge] = frozenset(),
) -> Choice | None:
    """The ways on from elements of a node, or None at the end.

    Args:
        graph: the graph.
        node: where the walkers are.
        elements: their flat indices, (E,).
        log_values: cotangents, natural logarithms.
        without: edges that may not be used.
    """
    parts = []
    for edge in graph.out_edges(node):
        ahead = edge.target
        # A tensor may be read into one without elements: CANINE's rest after whole windows.
        if ahead not in log_values or edge in without or not log_values[ahead].numel():
            continue
        reached, derivatives = edge.block.out_edges(elements)
        values = derivatives.double().abs().log() + log_values[ahead].reshape(-1)[reached].double()
        parts.append((edge, reached, derivatives, values))
    if not parts:
        return None
    which = [torch.full((part[1].shape[1],), i, device=elements.device) for i, part in enumerate(parts)]
    return Choice(
        [part[0] for part in parts],
        torch.cat(which),
        torch.cat([part[1] for part in parts], 1),
        torch.cat([part[2].double() for part in parts], 1),
        torch.cat([part[3] for part in parts], 1),
    )


def walk_on(
    graph: GradientGraph,
    log_values: Mapping[Node, Tensor],
    starts: Sequence[Start],
    *,
    noise: torch.Generator | None = None,
) -> list[list[Hop]]:
    """One path to the score from each start: the best one, or with ``noise`` a random one.

    Args:
        graph: the graph.
        log_values: cotangents of a `Max` sweep (best paths) or of an `Abs` sweep (random paths).
        starts: (node, flat element).
        noise: draws the paths from p(path) ~ |weight|.

    Returns:
        The hops of each path, from its start on.
    """
    walked: list[list[Hop]] = [[] for _ in starts]
    at: dict[Node, list[tuple[int, int]]] = {}
    for walker, (node, element) in enumerate(starts):
        at.setdefault(node, []).append((walker, element))
    while at:
        # Node numbers are a topological order: nobody can still arrive at the first one.
        node = min(at, key=lambda n: n.index)
        group = at.pop(node)
        if node is graph.score:
            continue
        for walker, element, value, edge, reached, derivative in _steps(
            graph, log_values, node, group, noise
        ):
            if value == float("-inf"):
                continue
            walked[walker].append(Hop(edge, element, reached, derivative))
            at.setdefault(edge.target, []).append((walker, reached))
    return walked


def _steps(
    graph: GradientGraph,
    log_values: Mapping[Node, Tensor],
    node: Node,
    group: Sequence[tuple[int, int]],
    noise: torch.Generator | None,
) -> Iterator[tuple[int, int, float, Edge, int, float]]:
    """For all walkers at a node: number, element, log value, edge, element reached, derivative."""
    elements = torch.tensor([element for _, element in group], device=node.device)
    begin, count = 0, 1  # the first walker shows how many ways there are
    while begin < len(group):
        choice = onward(graph, node, elements[begin : begin + count], log_values)
        if choice is None:
            return
        values = choice.values
        if noise is not None:
            uniform = torch.rand(values.shape, generator=noise, dtype=torch.float64).to(values.device)
            values = values - torch.log(-torch.log(uniform.clamp(min=1e-300)))
        top, taken = values.max(1)
        rows = torch.arange(len(values), device=elements.device)
        columns = zip(
            top.tolist(),
            choice.which[taken].tolist(),
            choice.elements[rows, taken].tolist(),
            choice.derivatives[rows, taken].tolist(),
            group[begin : begin + count],
            strict=True,
        )
        for value, which, reached, derivative, (walker, element) in columns:
            yield walker, element, value, choice.edges[which], reached, derivative
        begin, count = begin + count, max(1, _WAYS // values.shape[1])
