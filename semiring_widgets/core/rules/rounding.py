"""Steps that round: a norm that computes in float32 within a float64 model, a model in half precision.

The slopes of the exact function do not know of it, so what they sum to would be off by it. The difference of
what a step really gave, divided by what its slopes sum to, is a factor next to 1 for every element.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from semiring_widgets.core.jacobian import Call, Edge, Elementwise
from semiring_widgets.core.semirings import Sum
from semiring_widgets.core.tape import Node

__all__ = ["with_rounding"]

# What rounding may change a difference by; where it changes it more, that is all noise.
_MOST = 1e-2


def with_rounding(call: Call, edges: Sequence[Edge], reference: Mapping[Node, Tensor]) -> list[Edge]:
    """Edges that sum to the difference that a step really made between two passes.

    Args:
        call: the operator.
        edges: its edges; matrix products are left as they are.
        reference: numbers under the reference.
    """
    (target, *more) = call.targets
    exact = torch.finfo(target.dtype).bits >= torch.finfo(call.dtype).bits
    if exact or more or call.complex or target not in reference:
        return list(edges)
    if call.op.func.overloadpacket is torch.ops.aten._to_copy:
        edges = [call.elementwise(edge.source, target, target.outer, target.outer, 1.0) for edge in edges]
    if not all(isinstance(edge.block, Elementwise) and edge.source in reference for edge in edges):
        return list(edges)

    def change(node: Node) -> Tensor:
        return node.value.to(call.dtype) - reference[node].to(call.dtype)

    told = torch.stack([edge.block.push(Sum(), (change(edge.source),))[0] for edge in edges]).sum(0)
    factor = change(target) / told
    factor = factor.where((factor - 1).abs() < _MOST, 1.0)
    return [
        call.edge(edge.source, target, edge.block.scaled(factor))
        for edge in edges
        if isinstance(edge.block, Elementwise)
    ]
