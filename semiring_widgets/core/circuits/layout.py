"""What sends to the residual stream and what reads from it, and where the stream is, found in any graph.

*Sources* are the inputs, each head's output (attention weights times values) and each feed-forward part's
output. *Targets* are each head's query, key and value, each feed-forward part and the score. An *edge* from a
source to a target is all paths between them that meet no other source or target: they pass the residual
stream and the norms beside it or on it.

Nothing but the graph says what the stream is. Of every node it is known which *components* (an attention, a
feed-forward part, the score) its paths meet first. Where that is one component only, the node is inside of
this component: the norm before an attention is, where nobody else reads it (pre-norm), as are the projections
to query, key and value. Where there are several, the node is on the stream: the norms of BERT are
(post-norm).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor

from semiring_widgets.core.anatomy import Anatomy, Attention, Operand
from semiring_widgets.core.effects.cut_points import context_of
from semiring_widgets.core.graph import GradientGraph
from semiring_widgets.core.tape import Node, Op
from semiring_widgets.errors import InputError

__all__ = ["Group", "Layout", "Part", "find_layout", "inner_ops"]

_SHARED = -1
_SHORT = {"query": "q", "key": "k", "value": "v"}


class Part(NamedTuple):
    """One end of an edge.

    Attributes:
        kind: ``"input"``, ``"head"``, ``"mlp"`` or ``"score"``.
        layer: which attention, in order of execution; None of the input and the score.
        head: which head; None where it is none.
        branch: of a head as a target, ``"query"``, ``"key"`` or ``"value"``; else None.
        stream: which of the inputs.
    """

    kind: str
    layer: int | None = None
    head: int | None = None
    branch: str | None = None
    stream: int = 0

    @property
    def node(self) -> str:
        """As circuits are written: ``input``, ``a3.h2`` (a head), ``m3`` (feed-forward part), ``logits``."""
        if self.kind == "input":
            return f"input{self.stream or ''}"
        if self.kind == "score":
            return "logits"
        return f"m{self.layer}" if self.kind == "mlp" else f"a{self.layer}.h{self.head}"

    @property
    def name(self) -> str:
        """The same, with the branch of a head that is read: ``a3.h2<q>``."""
        return self.node if self.branch is None else f"{self.node}<{_SHORT[self.branch]}>"


@dataclass(frozen=True, eq=False)
class Group:
    """Parts at one tensor: all heads of an attention, or a single part that is all of it.

    Attributes:
        node: the tensor.
        parts: which parts.
        first: the position of the first of them among all sources, or all targets.
        component: which component they belong to; -1 for the inputs, which are in none.
        reader: of the heads' queries, keys and values, the operator that reads them.
        masks: boolean (parts, *shape) up to broadcasting: what belongs to which; None where there is one.
    """

    node: Node
    parts: tuple[Part, ...]
    first: int
    component: int
    reader: Op | None = None
    masks: Tensor | None = None

    @property
    def places(self) -> slice:
        """Where the parts are among all of them."""
        return slice(self.first, self.first + len(self.parts))

    def split(self, value: Tensor, none: float = 0.0) -> Tensor:
        """A tensor shaped as the node, part by part: (parts, *shape), ``none`` where it is not the part's."""
        if self.masks is None:
            return value[None]
        return torch.where(self.masks, value, none)

    def chosen(self, own: Tensor) -> Tensor:
        """Where parts are chosen: (parts,) -> boolean, broadcasts to the node's shape.

        Args:
            own: boolean (..., parts).
        """
        dims = len(self.node.shape)
        if self.masks is None:
            return own.reshape(*own.shape[:-1], *[1] * dims)
        wide = own.reshape(*own.shape, *[1] * dims)
        return (wide & self.masks).any(own.dim() - 1)


@dataclass(frozen=True, eq=False)
class Layout:
    """Sources, targets and the stream of a graph.

    Attributes:
        sources: groups of sources, in order of execution.
        targets: groups of targets, in order of execution.
        stream: nodes outside of all components, sources included.
        inside: of every node that only one component reads, and of where its targets are: which one.
        cuts: the nodes that targets are at.
        reads: how heads read their queries, keys and values: operators with the tensors.
    """

    sources: tuple[Group, ...]
    targets: tuple[Group, ...]
    stream: frozenset[Node]
    inside: dict[Node, int]
    cuts: frozenset[Node]
    reads: frozenset[tuple[Op | None, Node]]

    def flows_on(self, node: Node) -> bool:
        """Whether paths along the stream go on at a node."""
        return node in self.stream and node not in self.cuts

    @property
    def width(self) -> int:
        """Units of the stream: of what a feed-forward part gives, or of the first input."""
        parts = (group.node for group in self.sources if group.parts[0].kind == "mlp")
        return next(parts, self.sources[0].node).shape[-1]

    def on(self, twins: Mapping[Node, Node]) -> Layout:
        """The same on another recording of the model.

        Args:
            twins: its node for each node of the graph.
        """

        def reader(op: Op | None) -> Op | None:
            made = next((n for n in op.outputs if n is not None and n in twins), None) if op else None
            return None if made is None else twins[made].op

        sources, targets = (
            tuple(replace(group, node=twins[group.node], reader=reader(group.reader)) for group in groups)
            for groups in (self.sources, self.targets)
        )
        return Layout(
            sources,
            targets,
            frozenset(twins[node] for node in self.stream),
            {twins[node]: component for node, component in self.inside.items()},
            frozenset(twins[node] for node in self.cuts),
            frozenset((reader(op), twins[node]) for op, node in self.reads),
        )

    def sizes(self) -> tuple[int, int]:
        """How many sources and targets."""
        return sum(len(g.parts) for g in self.sources), sum(len(g.parts) for g in self.targets)

    def parts(self) -> tuple[tuple[Part, ...], tuple[Part, ...]]:
        """All sources and all targets."""
        groups = self.sources, self.targets
        first, second = (tuple(part for group in own for part in group.parts) for own in groups)
        return first, second


def find_layout(graph: GradientGraph, anatomy: Anatomy) -> Layout:
    """The sources, targets and the stream of a graph.

    Args:
        graph: from the inputs to the score.
        anatomy: of the graph.

    Raises:
        InputError: there is no attention.
    """
    if not anatomy.attentions:
        raise InputError(
            "There is no attention between these inputs and the score, so there are no heads and no edges "
            "between them. Use sw.backprop or sw.flow."
        )
    sources = tuple(_numbered(_sources(graph, anatomy)))
    targets = tuple(_numbered(_targets(graph, anatomy)))
    owner = {group.node: group.component for group in targets}
    inside = _inside(graph, owner)
    stream = {group.node for group in sources}
    for op in graph.ops:
        if not stream.isdisjoint(op.inputs()):
            stream.update(n for n in op.outputs if n is not None and n in graph.nodes and n not in inside)
    reads = frozenset((group.reader, group.node) for group in targets if group.reader is not None)
    return Layout(sources, targets, frozenset(stream), inside, frozenset(owner), reads)


def _inside(graph: GradientGraph, owner: dict[Node, int]) -> dict[Node, int]:
    """Nodes whose paths all meet the same component first."""
    first: dict[Node, int] = {}
    for op in reversed(graph.ops):
        met = {owner.get(n, first.get(n, _SHARED)) for n in op.outputs if n is not None and n in graph.nodes}
        own = met.pop() if len(met) == 1 else _SHARED
        for node in op.inputs():
            if node in graph.nodes:
                first[node] = own if first.get(node, own) == own else _SHARED
    return {**{node: own for node, own in first.items() if own != _SHARED}, **owner}


def _numbered(groups: Iterator[Group]) -> Iterator[Group]:
    first = 0
    for group in groups:
        yield replace(group, first=first)
        first += len(group.parts)


def _sources(graph: GradientGraph, anatomy: Anatomy) -> Iterator[Group]:
    for stream, node in enumerate(graph.wrt):
        if node in graph.nodes:
            yield Group(node, (Part("input", stream=stream),), 0, -1)
    for attention in anatomy.attentions:
        layer, stream = attention.index, attention.stream
        context = context_of(attention)
        if context.node in graph.nodes:
            heads = tuple(Part("head", layer, head, stream=stream) for head in range(attention.heads))
            yield Group(context.node, heads, 0, 2 * layer, masks=_masks(context))
        yield from _feed_forward(graph, attention)


def _targets(graph: GradientGraph, anatomy: Anatomy) -> Iterator[Group]:
    for attention in anatomy.attentions:
        layer, stream = attention.index, attention.stream
        for branch, operand in attention.operands.items():
            if operand.node in graph.nodes:
                heads = tuple(Part("head", layer, h, branch, stream) for h in range(attention.heads))
                reader = attention.context_op if branch == "value" else attention.scores_op
                yield Group(operand.node, heads, 0, 2 * layer, reader, _masks(operand))
        yield from _feed_forward(graph, attention)
    yield Group(graph.score, (Part("score"),), 0, 2 * len(anatomy.attentions))


def _feed_forward(graph: GradientGraph, attention: Attention) -> Iterator[Group]:
    if attention.mlp is not None and attention.mlp.branch in graph.nodes:
        part = Part("mlp", attention.index, stream=attention.stream)
        yield Group(attention.mlp.branch, (part,), 0, 2 * attention.index + 1)


def _masks(operand: Operand) -> Tensor:
    """What belongs to which head, (heads, groups, 1, 1)."""
    heads = torch.arange(operand.heads, device=operand.node.device)
    return (operand.head_of == heads[:, None])[:, :, None, None]


def inner_ops(graph: GradientGraph, layout: Layout, component: int) -> list[Op]:
    """The operators inside of a component, in order of execution."""
    inside = layout.inside
    return [op for op in graph.ops if any(n is not None and inside.get(n) == component for n in op.outputs)]
