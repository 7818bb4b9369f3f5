"""Walking along a tape: what a tensor was computed from, and by what kind of step."""

from __future__ import annotations

from collections.abc import Iterable

import torch

from semiring_widgets.core.graph import GradientGraph
from semiring_widgets.core.tape import Node, Op

__all__ = ["CONTRACTIONS", "ancestors", "contracts", "sources_of", "unscaled"]

aten = torch.ops.aten
CONTRACTIONS = {
    *(aten.linear, aten.mm, aten.bmm, aten.addmm, aten.baddbmm, aten.mv, aten.addmv),
    aten.convolution,
}
# Steps that leave a tensor what it is, up to a factor.
_SCALING = {aten.mul, aten.div, aten._to_copy}


def ancestors(node: Node) -> set[Node]:
    """A tensor and everything that it was computed from, also what no path of a graph leads to."""
    found, waiting = {node}, [node]
    while waiting:
        op = waiting.pop().op
        if op is None:
            continue
        new = [source for source in op.inputs() if source not in found]
        found.update(new)
        waiting += new
    return found


def sources_of(graph: GradientGraph, op: Op) -> list[Node]:
    """The inputs of an operator that are in the graph, each once."""
    return [node for node in dict.fromkeys(op.inputs()) if node in graph.nodes]


def contracts(nodes: Iterable[Node]) -> bool:
    """Whether any of these was made by a matrix product."""
    return any(node.op is not None and node.op.func.overloadpacket in CONTRACTIONS for node in nodes)


def unscaled(graph: GradientGraph, node: Node, among: set[Node]) -> Node | None:
    """Back from a tensor through constant factors to the first that is among some; None if there is none.

    Doge (https://arxiv.org/abs/2412.11834) multiplies the stream by a weight, MiniMax-01
    (https://arxiv.org/abs/2501.08313) by a number, before they add the attention to it.
    """
    while node not in among:
        op = node.op
        if op is None or op.func.overloadpacket not in _SCALING:
            return None
        sources = sources_of(graph, op)
        if len(sources) != 1 or sources[0].shape != node.shape:
            return None
        (node,) = sources
    return node
