"""Paths through a selection: cuts in the graph, and the flow of what passes them.

A part (a layer's head, a token's cell, a branch) becomes a *cut*: elements of some nodes and some edges, of
which no path passes two. The paths through the cut are alpha times beta there; restarting both sweeps from
the cut, downwards and upwards, gives their flow everywhere else. Together that is the work of half a full
sweep in each direction. Several cuts are met one after the other: the sweeps are restarted at each of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from semiring_widgets.core.anatomy.layer_flows import Along, edges_along
from semiring_widgets.core.anatomy.parts import Anatomy, Operand, Residual
from semiring_widgets.core.anatomy.selections import Selection
from semiring_widgets.core.graph import GradientGraph
from semiring_widgets.core.jacobian import Edge
from semiring_widgets.core.precision import in_full_precision
from semiring_widgets.core.restriction import EVERY_PATH, Gate, Restriction, restrict
from semiring_widgets.core.semirings import Semiring, Value
from semiring_widgets.core.sweeps import Progress, Span, sweep_backward, sweep_forward
from semiring_widgets.core.tape import Node

__all__ = [
    "Conditioned",
    "Cut",
    "around",
    "as_met",
    "condition",
    "crossing_of",
    "cut_of",
    "gate_through",
    "pushed_from",
    "seeds_of",
]

Values = Mapping[Node, Value]


@dataclass(frozen=True, eq=False)
class Cut:
    """Elements of which no path passes two parts; known by identity, as tensors are.

    Attributes:
        nodes: kept elements by node, boolean of the node's shape.
        edges: kept elements of the source, by edge.
    """

    nodes: Mapping[Node, Tensor] = field(default_factory=dict)
    edges: Mapping[Edge, Tensor] = field(default_factory=dict)


def around(cuts: Iterable[Cut]) -> Restriction:
    """The paths that touch none of some cuts."""
    nodes: dict[Node, Tensor] = {}
    edges: dict[Edge, Tensor | None] = {}
    for cut in cuts:
        for node, kept in cut.nodes.items():
            nodes[node] = nodes[node] & ~kept if node in nodes else ~kept
        for edge, kept in cut.edges.items():
            before = edges.get(edge)
            edges[edge] = ~kept if before is None else before & ~kept
    return Restriction(nodes, edges)


def gate_through(graph: GradientGraph, cuts: Sequence[Cut]) -> Gate:
    """The edges by which paths pass some cuts: their own, and those that leave their nodes.

    Of several, an edge says how many of them paths pass there: each path is at most once at each.
    """
    gate: dict[Edge, Tensor] = {}
    for cut in cuts:
        own = dict(cut.edges)
        for node, kept in cut.nodes.items():
            own.update((edge, kept) for edge in graph.out_edges(node))
        for edge, kept in own.items():
            gate[edge] = kept if len(cuts) == 1 else gate.get(edge, 0) + kept.to(torch.uint8)
    return Gate(gate, len(cuts))


@dataclass(frozen=True)
class Conditioned:
    """Values of the paths through all of some cuts.

    Attributes:
        pairs: tangents and cotangents of these paths, first below all cuts, then between the first two and so
            on, last above all. A node is of the first pair that has it on both sides.
        crossing: values along the cuts' own edges, of their source's shape.
        total: value of all these paths, shape ().
    """

    pairs: Sequence[tuple[Values, Values]]
    crossing: Along
    total: Value

    @property
    def below(self) -> Values:
        """Cotangents restricted to the cuts, at and below the lowest."""
        return self.pairs[0][1]


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


def as_met(cuts: Iterable[Cut]) -> tuple[Cut, ...]:
    """Cuts in the order in which paths meet them; of those that lie on one another, what they share.

    Node numbers are a topological order, and a path is at a node before it leaves it.
    """
    found: list[Cut] = []
    for cut in cuts:
        for other in tuple(found):
            shared = _shared(cut, other)
            if shared is not None:
                found.remove(other)
                cut = shared
        found.append(cut)
    return tuple(sorted(found, key=_depth))


def _shared(one: Cut, other: Cut) -> Cut | None:
    """What two cuts share where one lies on edges of the other, or behind its nodes; else None."""
    edges = one.edges.keys() & other.edges.keys()
    if edges and edges in (one.edges.keys(), other.edges.keys()):
        return Cut(edges={edge: one.edges[edge] & other.edges[edge] for edge in edges})
    for along, at in ((one, other), (other, one)):
        if along.edges and all(edge.source in at.nodes for edge in along.edges):
            return Cut(edges={edge: kept & at.nodes[edge.source] for edge, kept in along.edges.items()})
    return None


def _depth(cut: Cut) -> tuple[int, bool]:
    numbers = [node.index for node in cut.nodes] + [edge.source.index for edge in cut.edges]
    return max(numbers, default=0), bool(cut.edges)


@in_full_precision
def condition(
    graph: GradientGraph,
    semiring: Semiring,
    cuts: Cut | Sequence[Cut],
    alpha: Values,
    beta: Values,
    *,
    keep: set[Node],
    paths: Restriction = EVERY_PATH,
    progress: Progress | None = None,
) -> Conditioned:
    """Both sweeps restarted from one cut after the other.

    Args:
        graph: the graph.
        semiring: the algebra of alpha and beta.
        cuts: what paths must pass, one or several in any order.
        alpha: tangents, at least at the cuts.
        beta: cotangents, at least at the cuts and the targets of their edges.
        keep: nodes whose values are wanted besides the inputs and the cuts.
        paths: which paths count; alpha and beta are those of these paths.
        progress: as in `sweep_backward`.
    """
    ordered = as_met([cuts] if isinstance(cuts, Cut) else cuts)
    kept = keep | {node for cut in ordered for node in cut.nodes}
    kept |= {node for cut in ordered for edge in cut.edges for node in (edge.source, edge.target)}
    ahead = [beta]
    for cut in reversed(ordered):
        reached = Cut(
            {node: own for node, own in cut.nodes.items() if node in alpha},
            {edge: own for edge, own in cut.edges.items() if edge.source in alpha},
        )
        seeds = seeds_of(semiring, reached, ahead[0], paths)
        ahead.insert(0, sweep_backward(graph, semiring, Span(seeds, kept), paths, progress))
    behind = [alpha]
    crossing: Along = {}
    total = semiring.full(semiring.zero, (), graph.score.empty(dtype=graph.dtype))
    for number, cut in enumerate(ordered):
        crossed = crossing_of(semiring, cut, behind[-1], ahead[number + 1], paths)
        crossing.update(crossed)
        if number == 0:
            met = [semiring.times(alpha[n], ahead[0][n]) for n in cut.nodes if n in alpha and n in ahead[0]]
            total = semiring.total([total, *met, *crossed.values()])
        seeds = pushed_from(semiring, cut, behind[-1], ahead[number + 1], paths)
        behind.append(sweep_forward(graph, semiring, Span(seeds, kept), paths, progress))
    return Conditioned(list(zip(behind, ahead, strict=True)), crossing, total)


def pushed_from(
    semiring: Semiring, cut: Cut, alpha: Values, beta: Values, paths: Restriction = EVERY_PATH
) -> dict[Node, Value]:
    """What a forward sweep over the paths through a cut starts from.

    Args:
        semiring: the algebra of alpha and beta.
        cut: what paths must pass.
        alpha: tangents, at least at the cut's nodes and the sources of its edges.
        beta: cotangents, of which only is asked where they are.
        paths: which paths count.
    """
    seeds = {
        node: restrict(semiring, alpha[node], kept)
        for node, kept in cut.nodes.items()
        if node in alpha and node in beta
    }
    for edge, kept in cut.edges.items():
        if edge.source in alpha and edge.target in beta:
            passing = paths.along(semiring, edge, restrict(semiring, alpha[edge.source], kept))
            _join(semiring, seeds, edge.target, edge.push(semiring, passing))
    return seeds


def crossing_of(
    semiring: Semiring, cut: Cut, alpha: Values, beta: Values, paths: Restriction = EVERY_PATH
) -> Along:
    """The values of paths along the edges of a cut.

    Args:
        semiring: the algebra of alpha and beta.
        cut: what paths must pass.
        alpha: tangents, at least at the sources of its edges.
        beta: cotangents, at least at their targets.
        paths: which paths count.
    """
    return {
        edge: semiring.times(alpha[edge.source], _pulled(semiring, edge, kept, beta, paths))
        for edge, kept in cut.edges.items()
        if edge.source in alpha and edge.target in beta
    }


def seeds_of(
    semiring: Semiring, cut: Cut, beta: Values, paths: Restriction = EVERY_PATH
) -> dict[Node, Value]:
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
    return Cut(edges={edge: kept.reshape(edge.source.shape) for edge in edges_along(graph, ways)})


def _kept(node: Node, token: int | None) -> Tensor:
    if token is None:
        return torch.ones(node.shape, dtype=torch.bool, device=node.device)
    kept = torch.zeros(node.shape, dtype=torch.bool, device=node.device)
    kept.view(node.token_shape)[:, token] = True
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
