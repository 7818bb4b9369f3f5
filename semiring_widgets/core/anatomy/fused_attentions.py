"""Attentions that are one step with a backward of its own, told by their local derivatives.

A kernel for attention may be no softmax, and show nothing of its inside. What it takes and gives is enough to
know it by: the result has a row per query, and each row depends on that query alone; the value goes through
unit by unit; the key reaches everything.

YOSO (https://arxiv.org/abs/2111.09714) forced this, and is the only class of the zoo that is found so: it has
an expectation of hash collisions in the place of the softmax, in a `torch.autograd.Function`.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from semiring_widgets.core.anatomy.ancestry import sources_of
from semiring_widgets.core.graph import GradientGraph
from semiring_widgets.core.jacobian import Dense, Edge
from semiring_widgets.core.tape import CustomFunction, Node, Op

__all__ = ["operands_of_step"]


def operands_of_step(graph: GradientGraph, op: Op) -> tuple[Node, Node, Node] | None:
    """Query, key and value of an attention in one step; None for every other step.

    Args:
        graph: the graph.
        op: any operator of it.
    """
    sources, out = sources_of(graph, op), op.outputs[0]
    if not isinstance(op.func, CustomFunction) or len(sources) != 3 or out is None:
        return None
    if any(len(node.shape) != 3 or node.shape[0] != out.shape[0] for node in (*sources, out)):
        return None
    queries = [node for node in sources if _row_by_row(graph.edges(op), node, out)]
    values = [node for node in sources if _unit_by_unit(graph.edges(op), node, out)]
    keys = [node for node in sources if node not in queries and node not in values]
    if len(queries) == len(keys) == len(values) == 1 and keys[0].shape[1] == values[0].shape[1]:
        return queries[0], keys[0], values[0]
    return None


def _row_by_row(edges: Sequence[Edge], source: Node, target: Node) -> bool:
    """Whether each row of the result depends on the same row of the source alone."""
    jacobian = _jacobian(edges, source, target)
    return jacobian is not None and jacobian.shape == (
        target.shape[:2].numel(),
        source.shape[2],
        target.shape[2],
    )


def _unit_by_unit(edges: Sequence[Edge], source: Node, target: Node) -> bool:
    """Whether each unit of the result depends on the same unit of the source alone, of all rows."""
    jacobian = _jacobian(edges, source, target)
    if jacobian is None or len(jacobian) != target.shape[0] or source.shape[2] != target.shape[2]:
        return False
    split = jacobian.reshape(-1, *source.shape[1:], *target.shape[1:])
    within = split.diagonal(dim1=2, dim2=4).count_nonzero()
    return source.shape[2] > 1 and bool(within > 0) and bool(split.count_nonzero() == within)


def _jacobian(edges: Sequence[Edge], source: Node, target: Node) -> Tensor | None:
    """(problems, elements of one in the source, in the target); None where it is not written out."""
    blocks = [edge.block for edge in edges if edge.source is source and edge.target is target]
    if len(blocks) != 1 or not isinstance(blocks[0], Dense) or blocks[0].weight is None:
        return None
    return blocks[0].weight.value
