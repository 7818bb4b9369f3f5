"""All edges of a graph at once: what sources send meets what targets ask for, at the stream.

One backward sweep gives the cotangents at all targets. Each target's own are pulled on to the stream, through
nothing but its own component; each source's values are pushed along the stream; where they meet, alpha times
beta is summed over the units, for all pairs by one contraction. Where norms lie beside the stream (pre-norm),
what is pushed passes nothing but additions; where they lie on it (post-norm), all sources pass all later
norms.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from semiring_widgets.core.circuits.layout import Group, Layout, inner_ops
from semiring_widgets.core.circuits.side_by_side import Carried, added, begun, taken_along
from semiring_widgets.core.graph import GradientGraph
from semiring_widgets.core.jacobian import Edge
from semiring_widgets.core.precision import in_full_precision
from semiring_widgets.core.restriction import Restriction
from semiring_widgets.core.semirings import Semiring, Value
from semiring_widgets.core.sweeps import Progress, Span, sweep_backward
from semiring_widgets.core.tape import Node, Op

__all__ = ["Met", "meet"]


@dataclass(frozen=True)
class Met:
    """Values of all edges.

    Attributes:
        value: parts of shape (sources, targets).
        there: which edges there are, boolean.
    """

    value: Value
    there: Tensor


@in_full_precision
def meet(
    graph: GradientGraph,
    layout: Layout,
    semiring: Semiring,
    sent: Mapping[Node, Value],
    progress: Progress | None = None,
) -> Met:
    """The value of every edge.

    Args:
        graph: from the inputs to the score.
        layout: its sources, targets and stream.
        semiring: the algebra.
        sent: at the nodes of the sources, what paths through them have gathered so far.
        progress: as in `sweep_backward`.
    """
    asked = _asked(graph, layout, semiring, progress)
    sizes, like = layout.sizes(), graph.score.empty(dtype=graph.dtype)
    found = semiring.full(semiring.zero, sizes, like)
    there = torch.zeros(sizes, dtype=torch.bool, device=like.device)
    for node, arrived in _arriving(graph, layout, semiring, sent):
        if node not in asked:
            continue
        readers = asked.pop(node)
        wanted = tuple(part.mT for part in semiring.below(_flat(value) for _, value in readers))
        sent_here = [_flat(carried.apart(semiring, len(group.parts))) for group, carried in arrived.items()]
        places = _numbers(arrived)[:, None], _numbers(group for group, _ in readers)
        before = tuple(part[places] for part in found)
        for whole, new in zip(found, semiring.plus(before, semiring.meet(sent_here, wanted)), strict=True):
            whole[places] = new
        there[places] = True
    return Met(found, there)


def _numbers(groups: Iterable[Group]) -> Tensor:
    """The numbers of the parts of some groups among all."""
    return torch.cat([torch.arange(group.first, group.places.stop) for group in groups])


@dataclass(frozen=True)
class _Tapped(Restriction):
    """Every path; by the way it notes what is pulled along some edges.

    Attributes:
        layout: sources, targets and the stream.
        whole: components of which nothing but what they ask of the stream is wanted.
        onto: what these pull on to a node of the stream, by component and node.
        into: what is pulled into the tensors that an attention reads, by its operator and tensor.
    """

    layout: Layout = field(kw_only=True)
    whole: frozenset[int] = field(kw_only=True)
    onto: dict[tuple[int, Node], Value] = field(kw_only=True, default_factory=dict)
    into: dict[tuple[Op | None, Node], Value] = field(kw_only=True, default_factory=dict)

    def pulled(self, semiring: Semiring, edge: Edge, value: Value) -> Value:
        """See `Restriction.pulled`."""
        pulled = super().pulled(semiring, edge, value)
        if (edge.op, edge.source) in self.layout.reads:
            self.into[edge.op, edge.source] = pulled
        if edge.source in self.layout.stream:
            component = self.layout.inside.get(edge.target)
            if component in self.whole and component is not None:
                key = component, edge.source
                self.onto[key] = semiring.plus(self.onto[key], pulled) if key in self.onto else pulled
        return pulled


def _asked(
    graph: GradientGraph, layout: Layout, semiring: Semiring, progress: Progress | None
) -> dict[Node, list[tuple[Group, Value]]]:
    """By node of the stream, the groups of targets that read there, with their cotangents there, by part."""
    whole = {group.component: group for group in layout.targets if group.masks is None}
    tapped = _Tapped(layout=layout, whole=frozenset(whole))
    beta = sweep_backward(graph, semiring, Span(keep=()), tapped, progress)
    found: dict[Node, list[tuple[Group, Value]]] = {}
    if graph.score in layout.stream:
        found[graph.score] = [(whole[layout.inside[graph.score]], _stacked(beta[graph.score]))]
    for (component, node), value in tapped.onto.items():
        found.setdefault(node, []).append((whole[component], _stacked(value)))
    ops: dict[int, list[Op]] = {}
    for group in layout.targets:
        into = tapped.into.get((group.reader, group.node))
        if group.masks is None or into is None:
            continue
        if group.component not in ops:
            ops[group.component] = inner_ops(graph, layout, group.component)
        for node, pulled in _pulled(graph, layout, semiring, group, into, ops[group.component]):
            found.setdefault(node, []).append((group, pulled))
    return found


def _pulled(
    graph: GradientGraph, layout: Layout, semiring: Semiring, group: Group, value: Value, ops: Sequence[Op]
) -> Iterable[tuple[Node, Value]]:
    """The paths on from each part of a group, at the nodes of the stream that it reads."""
    count = len(group.parts)
    values: dict[Node, Carried] = {group.node: begun(group, value)}
    found: dict[Node, Carried] = {}
    if group.node in layout.stream:
        found.update(values)
    for op in reversed(ops):
        for edge in graph.edges(op):
            if edge.target in values:
                on_stream = edge.source in layout.stream
                if on_stream or layout.inside.get(edge.source) == group.component:
                    pulled = taken_along(semiring, edge, count, values[edge.target], up=False)
                    into = found if on_stream else values
                    into[edge.source] = added(semiring, count, into.get(edge.source), pulled)
        for out in op.outputs:
            if out is not None:
                values.pop(out, None)
    return [(node, carried.apart(semiring, count)) for node, carried in found.items()]


def _arriving(
    graph: GradientGraph, layout: Layout, semiring: Semiring, sent: Mapping[Node, Value]
) -> Iterator[tuple[Node, dict[Group, Carried]]]:
    """Every node of the stream, with the sources whose paths arrive there, by group."""
    reached: dict[Node, dict[Group, Carried]] = {}
    for group in layout.sources:
        if group.node in sent:
            reached.setdefault(group.node, {})[group] = begun(group, sent[group.node])
    ops = [op for op in graph.ops if not layout.stream.isdisjoint(op.inputs())]
    made = {node for op in ops for node in op.outputs if node is not None and layout.flows_on(node)}
    last = {node: op for op in ops for node in op.inputs()}
    for node in list(reached):
        if node not in made:
            yield node, reached[node]
    for op in ops:
        for edge in graph.edges(op):
            if edge.source in reached and layout.flows_on(edge.target):
                here = reached.setdefault(edge.target, {})
                for group, carried in reached[edge.source].items():
                    count = len(group.parts)
                    pushed = taken_along(semiring, edge, count, carried, up=True)
                    here[group] = added(semiring, count, here.get(group), pushed)
        for out in op.outputs:
            if out is not None and out in made and out in reached:
                yield out, reached[out]
        for node in op.inputs():
            if last[node] is op:
                reached.pop(node, None)


def _stacked(value: Value) -> Value:
    return tuple(part[None] for part in value)


def _flat(value: Value) -> Value:
    return tuple(part.reshape(len(part), -1) for part in value)
