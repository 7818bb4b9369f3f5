"""Paths through a selection: a cut in the graph, and the flow of what passes it.

A selection (a layer's head, a token's cell, a branch) becomes a *cut*: elements of some nodes and some edges,
of which no path passes two. The paths through the cut are alpha times beta there; restarting both sweeps from
the cut, downwards and upwards, gives their flow everywhere else. Together that is the work of half a full
sweep in each direction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from semiring_widgets.core.anatomy.flow import Along, edges_from
from semiring_widgets.core.anatomy.parts import Anatomy, Operand, Residual
from semiring_widgets.core.graph import GradientGraph
from semiring_widgets.core.jacobian import Edge
from semiring_widgets.core.restriction import EVERY_PATH, Restriction, restrict
from semiring_widgets.core.semirings import Semiring, Value
from semiring_widgets.core.sweeps import Extent, sweep_backward, sweep_forward
from semiring_widgets.core.tape import Node

__all__ = ["Conditioned", "Cut", "Selection", "condition", "cut_of", "seeds_of"]

Values = Mapping[Node, Value]


@dataclass(frozen=True)
class Selection:
    """What paths must pass through; None means any.

    Attributes:
        layer: attention layer. Alone, it means its attention: paths that leave the skip there.
        branch: ``skip``, ``query``, ``key``, ``value``, ``mlp`` or ``mlp_skip`` of that layer.
        head: head of that layer: its query, key and value, or the one named by ``branch``.
        token: token of the stream at the input of the layer; without a layer, of the input.
        stream: which input a token without a layer belongs to.
    """

    layer: int | None = None
    branch: str | None = None
    head: int | None = None
    token: int | None = None
    stream: int = 0


@dataclass(frozen=True)
class Cut:
    """Elements that paths must pass; no path passes two parts of it.

    Attributes:
        nodes: kept elements by node, boolean of the node's shape.
        edges: kept elements of the source, by edge.
    """

    nodes: dict[Node, Tensor] = field(default_factory=dict)
    edges: dict[Edge, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class Conditioned:
    """Values of the paths through a cut.

    Attributes:
        below: cotangents restricted to the cut, at and below it.
        above: tangents restricted to the cut, at and above it.
        crossing: values along the cut's own edges, of their source's shape.
        total: value of all paths through the cut, shape ().
    """

    below: Values
    above: Values
    crossing: Along
    total: Value


def cut_of(graph: GradientGraph, anatomy: Anatomy, chosen: Selection) -> Cut:
    """The cut of a selection; empty where the model has no such part."""
    if chosen.layer is None:
        starts = graph.wrt if chosen.token is None else (graph.wrt[chosen.stream],)
        return Cut({node: _kept(node, chosen.token) for node in starts if node in graph.nodes})
    attention = anatomy.attentions[chosen.layer]
    if chosen.branch in ("mlp", "mlp_skip"):
        return _edge_cut(graph, attention.mlp, "branch" if chosen.branch == "mlp" else "skip", chosen.token)
    if chosen.branch == "skip":
        return _edge_cut(graph, attention.residual, "skip", chosen.token)
    cell = chosen.branch is None and chosen.head is None and chosen.token is not None
    if cell and attention.residual is not None:
        return Cut({attention.residual.skip: _kept_in(attention.residual, chosen.token)})
    return Cut(
        {
            operand.node: _kept_of(operand, chosen)
            for name, operand in attention.operands.items()
            if chosen.branch in (None, name) and operand.node in graph.nodes
        }
    )


def condition(
    graph: GradientGraph,
    semiring: Semiring,
    cut: Cut,
    alpha: Values,
    beta: Values,
    *,
    keep: set[Node],
    paths: Restriction = EVERY_PATH,
) -> Conditioned:
    """Both sweeps restarted from a cut.

    Args:
        graph: the graph.
        semiring: the algebra of alpha and beta.
        cut: what paths must pass.
        alpha: tangents, at least at the cut.
        beta: cotangents, at least at the cut and the targets of its edges.
        keep: nodes whose values are wanted besides the inputs and the cut.
        paths: which paths count; alpha and beta are those of these paths.
    """
    down: dict[Node, Value] = {}
    up: dict[Node, Value] = {}
    crossing: Along = {}
    total = semiring.full(semiring.zero, (), graph.score.empty(dtype=graph.dtype))

    def add(value: Value) -> None:
        nonlocal total
        total = semiring.plus(total, semiring.total([value]))

    for node, kept in cut.nodes.items():
        if node in alpha and node in beta:
            down[node] = restrict(semiring, beta[node], kept)
            up[node] = restrict(semiring, alpha[node], kept)
            add(semiring.times(alpha[node], down[node]))
    for edge, kept in cut.edges.items():
        if edge.source in alpha and edge.target in beta:
            pulled = _pulled(semiring, edge, kept, beta, paths)
            passing = paths.along(semiring, edge, restrict(semiring, alpha[edge.source], kept))
            _join(semiring, down, edge.source, pulled)
            _join(semiring, up, edge.target, edge.push(semiring, passing))
            crossing[edge] = semiring.times(alpha[edge.source], pulled)
            add(crossing[edge])
    kept_nodes = keep | set(down) | set(up)
    below = sweep_backward(graph, semiring, Extent(down, kept_nodes), paths)
    above = sweep_forward(graph, semiring, Extent(up, kept_nodes), paths)
    return Conditioned(below, above, crossing, total)


def seeds_of(semiring: Semiring, cut: Cut, beta: Values, paths: Restriction) -> dict[Node, Value]:
    """What a backward sweep over the paths through a cut starts from.

    Args:
        semiring: the algebra of beta.
        cut: what paths must pass.
        beta: cotangents, at least at the cut's nodes and the targets of its edges.
        paths: which paths count.
    """
    seeds = {node: restrict(semiring, beta[node], kept) for node, kept in cut.nodes.items() if node in beta}
    for edge, kept in cut.edges.items():
        if edge.target in beta:
            _join(semiring, seeds, edge.source, _pulled(semiring, edge, kept, beta, paths))
    return seeds


def _pulled(semiring: Semiring, edge: Edge, kept: Tensor, beta: Values, paths: Restriction) -> Value:
    return paths.along(semiring, edge, restrict(semiring, edge.pull(semiring, beta[edge.target]), kept))


def _join(semiring: Semiring, values: dict[Node, Value], node: Node, new: Value) -> None:
    values[node] = semiring.plus(values[node], new) if node in values else new


def _edge_cut(graph: GradientGraph, residual: Residual | None, which: str, token: int | None) -> Cut:
    if residual is None:
        return Cut()
    ways = residual.around if which == "skip" else residual.through
    kept = _kept_in(residual, token)
    return Cut(
        edges={
            edge: kept.reshape(source.shape) for op, source in ways for edge in edges_from(graph, op, source)
        }
    )


def _kept(node: Node, token: int | None) -> Tensor:
    if token is None:
        return torch.ones(node.shape, dtype=torch.bool, device=node.device)
    kept = torch.zeros(node.shape, dtype=torch.bool, device=node.device)
    kept[..., token, :] = True
    return kept


def _kept_in(residual: Residual, token: int | None) -> Tensor:
    kept = _kept(residual.skip, None)
    if token is not None:
        numbers = torch.arange(residual.tokens, device=kept.device)
        sizes = [residual.skip.shape[d] if d in residual.dims else 1 for d in range(-kept.dim(), 0)]
        kept &= (numbers == token).reshape(sizes)
    return kept


def _kept_of(operand: Operand, chosen: Selection) -> Tensor:
    kept = _kept(operand.node, None)
    if chosen.head is not None:
        kept &= (operand.head_of == chosen.head)[:, None, None]
    if chosen.token is not None:
        kept &= (operand.token_of == chosen.token).unsqueeze(3 - operand.token_axis)
    return kept
