"""Backward and forward sweeps over a gradient graph, in any semiring.

Backward gives every node its *cotangent* beta, the value of all paths from it to the score; forward gives
its *tangent* alpha, the value of all paths from the inputs to it; alpha times beta is the value of all
paths through it. A sweep can start anywhere: seeded with the masked value of some node, it follows only
the paths through what the mask leaves. Nothing here knows an operator.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from semiring_widgets.core.graph import GradientGraph
from semiring_widgets.core.jacobian import Edge
from semiring_widgets.core.precision import in_full_precision
from semiring_widgets.core.semirings import Semiring, Sum, Value
from semiring_widgets.core.tape import Node, Op, uncollected

__all__ = ["Gate", "Mask", "ones", "passed", "restrict", "sweep_backward", "sweep_forward", "zeros"]

Values = dict[Node, Value]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Mask:
    """Which paths count: those that touch only kept elements.

    Attributes:
        nodes: for some nodes, a boolean tensor of their shape: True where paths may pass.
        edges: for some edges, a boolean tensor of their source's shape: True where paths may use them.
    """

    nodes: Mapping[Node, Tensor] = field(default_factory=dict)
    edges: Mapping[Edge, Tensor] = field(default_factory=dict)


_ALL = Mask()
# Of the elements of an edge's source: which are marked, or how many times.
Gate = Mapping[Edge, Tensor]
_OPEN: Gate = {}


def ones(graph: GradientGraph, semiring: Semiring, node: Node) -> Value:
    """The empty path, at every element of a node."""
    return semiring.full(semiring.one, node.shape, node.empty(dtype=graph.dtype))


def zeros(graph: GradientGraph, semiring: Semiring, node: Node) -> Value:
    """No path, at every element of a node."""
    return semiring.full(semiring.zero, node.shape, node.empty(dtype=graph.dtype))


def restrict(semiring: Semiring, value: Value, kept: Tensor) -> Value:
    """``value`` where ``kept`` is True, *no path* elsewhere."""
    return tuple(v.masked_fill(~kept, none) for v, none in zip(value, semiring.zero, strict=True))


def passed(semiring: Semiring, value: Value, gate: Gate, edge: Edge) -> Value:
    """The value of paths along an edge, marked where they pass the gate."""
    kept = gate.get(edge) if gate else None
    if kept is None:
        return value
    for times in range(1 if kept.dtype == torch.bool else int(kept.max())):
        marked = semiring.mark(value)
        value = tuple(torch.where(kept > times, new, old) for new, old in zip(marked, value, strict=True))
    return value


@in_full_precision
@uncollected()
def sweep_backward(
    graph: GradientGraph,
    semiring: Semiring,
    *,
    seeds: Values | None = None,
    keep: Collection[Node] | None = None,
    mask: Mask = _ALL,
    marked: Collection[Edge] = frozenset(),
    gate: Gate = _OPEN,
    closed: Collection[Edge] = frozenset(),
    within: tuple[int, int] | None = None,
    progress: Progress | None = None,
) -> Values:
    """Cotangents, from the score (or the seeds) down to the inputs.

    Args:
        graph: what to sweep over.
        semiring: the algebra.
        seeds: values to start from; by default *one* at the score.
        keep: nodes whose value is returned besides the inputs; None keeps all.
        mask: which paths count.
        marked: edges that a semiring may count (see `Semiring.mark`).
        gate: edges of which only some elements of the source are marked (boolean, or how many times).
        closed: edges that no path may use.
        within: the operators to visit, from and to a position among those of the graph; None for all. Values
            that operators beyond need are returned, too; the caller has called `graph.check_unchanged`.
        progress: called with (operators done, operators in all); may raise to cancel.

    Returns:
        Node -> value. Nodes that no path reaches are absent.

    Raises:
        NonFiniteError: a local derivative is NaN or infinite (not for ``sum``, which follows autograd).
    """
    if within is None:
        graph.check_unchanged()
    judged = not isinstance(semiring, Sum)
    values: Values = dict(seeds) if seeds is not None else {graph.score: ones(graph, semiring, graph.score)}
    for node in values:
        values[node] = _masked(semiring, values[node], mask, node)
    ops = graph.ops if within is None else graph.ops[slice(*within)]
    for count, op in enumerate(reversed(ops)):
        arrived = [out for out in op.outputs if out is not None and out in values]
        if arrived:
            if progress is not None:
                progress(count, len(ops))
            for edge in graph.edges(op, checked=judged):
                if edge.target in values and not (closed and edge in closed):
                    pulled = semiring.settle(edge.pull(semiring, values[edge.target]))
                    if mask.edges and edge in mask.edges:
                        pulled = restrict(semiring, pulled, mask.edges[edge])
                    if marked and edge in marked:
                        pulled = semiring.mark(pulled)
                    pulled = passed(semiring, pulled, gate, edge)
                    _join(semiring, values, edge.source, _masked(semiring, pulled, mask, edge.source))
        if keep is not None:
            for out in arrived:
                if out not in keep and out not in graph.wrt:
                    del values[out]
    if judged:
        graph.check_finite()
    return values


@in_full_precision
@uncollected()
def sweep_forward(
    graph: GradientGraph,
    semiring: Semiring,
    *,
    seeds: Values | None = None,
    keep: Collection[Node] | None = None,
    mask: Mask = _ALL,
    marked: Collection[Edge] = frozenset(),
    gate: Gate = _OPEN,
    within: tuple[int, int] | None = None,
    progress: Progress | None = None,
    visit: Callable[[Node, Value], None] | None = None,
) -> Values:
    """Tangents, from the inputs (or the seeds) up to the score.

    Args:
        graph: as in `sweep_backward`.
        semiring: the algebra.
        seeds: values to start from; by default *one* at the inputs.
        keep: nodes whose value is returned; None keeps all. Operators that none of them depends on are left
            out, unless all nodes are visited.
        mask: which paths count.
        marked: edges that a semiring may count.
        gate: edges of which only some elements of the source are marked (boolean, or how many times).
        within: as in `sweep_backward`.
        progress: called with (operators done, operators in all).
        visit: called with every node as soon as its value is complete.
    """
    if within is None:
        graph.check_unchanged()
    judged = not isinstance(semiring, Sum)
    start = {node: ones(graph, semiring, node) for node in graph.wrt if node in graph.nodes}
    values: Values = dict(seeds) if seeds is not None else start
    for node in values:
        values[node] = _masked(semiring, values[node], mask, node)
        if visit is not None:
            visit(node, values[node])
    ops = used_by = graph.ops
    if within is not None:
        ops = graph.ops[slice(*within)]
    elif keep is not None and visit is None:
        ops = used_by = _leading_to(graph, keep)
    last_use = {source: op for op in used_by for source in op.inputs()}
    for count, op in enumerate(ops):
        sources = [node for node in dict.fromkeys(op.inputs()) if node in values]
        if not sources:
            continue
        if progress is not None:
            progress(count, len(ops))
        for edge in graph.edges(op, checked=judged):
            if edge.source in values:
                value = values[edge.source]
                if mask.edges and edge in mask.edges:
                    value = restrict(semiring, value, mask.edges[edge])
                if marked and edge in marked:
                    value = semiring.mark(value)
                value = passed(semiring, value, gate, edge)
                pushed = edge.push(semiring, value)
                _join(semiring, values, edge.target, _masked(semiring, pushed, mask, edge.target))
        if visit is not None:
            for out in op.outputs:
                if out is not None and out in values:
                    visit(out, values[out])
        if keep is not None:
            for node in sources:
                if last_use[node] is op and node not in keep:
                    del values[node]
    if judged:
        graph.check_finite()
    return values


def _leading_to(graph: GradientGraph, wanted: Collection[Node]) -> list[Op]:
    """The operators that the values of some nodes depend on."""
    needed, ops = set(wanted), []
    for op in reversed(graph.ops):
        if not needed.isdisjoint(op.outputs):
            needed.update(op.inputs())
            ops.append(op)
    return ops[::-1]


def _join(semiring: Semiring, values: Values, node: Node, new: Value) -> None:
    old = values.get(node)
    values[node] = new if old is None else semiring.merge(old, new)


def _masked(semiring: Semiring, value: Value, mask: Mask, node: Node) -> Value:
    kept = mask.nodes.get(node)
    return value if kept is None else restrict(semiring, value, kept)
