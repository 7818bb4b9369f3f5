"""Matrix products in one normal form."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from semiring_widgets.core.jacobian import dense
from semiring_widgets.core.jacobian.blocks import Contraction, Elementwise
from semiring_widgets.core.jacobian.context import Call, Edge
from semiring_widgets.core.semirings import Weight
from semiring_widgets.core.tape import Node

__all__ = ["rule"]

aten = torch.ops.aten
_WITH_BIAS = (aten.addmm, aten.baddbmm, aten.addmv)


def rule(call: Call) -> Iterator[Edge]:
    """mm, bmm and their biased forms; vectors are left to a dense Jacobian or a pointwise product."""
    kwargs = call.op.kwargs
    args: list[Any] = list(call.op.args)
    (target,) = call.targets
    alpha = 1.0
    if call.op.func.overloadpacket in _WITH_BIAS:
        bias, *args = args
        alpha = float(kwargs.get("alpha", 1))
        if bias in call.sources:
            if bias in args:
                yield from dense.rule(call)
                return
            block = Elementwise(
                bias.shape,
                target.shape,
                target.shape,
                target.shape,
                float(kwargs.get("beta", 1)),
                call.dtype,
                target.value.device,
            )
            yield call.edge(bias, target, block)
    left, right = args
    if left is right:
        yield from dense.rule(call)
        return
    if left in call.sources:
        yield _operand(call, left, right, target, alpha, swapped=False)
    if right in call.sources:
        yield _operand(call, right, left, target, alpha, swapped=True)


def _operand(call: Call, own: Node, other: Node, target: Node, alpha: float, *, swapped: bool) -> Edge:
    weight = call.value(other)
    if alpha != 1.0:
        weight = weight * alpha
    if len(own.shape) < 2 or len(other.shape) < 2:
        return call.edge(own, target, _vector(own, target, weight, call, swapped=swapped))
    block = Contraction(own.shape, target.shape, Weight(weight.mT if swapped else weight), swapped=swapped)
    return call.edge(own, target, block)


def _vector(own: Node, target: Node, weight: torch.Tensor, call: Call, *, swapped: bool) -> Elementwise:
    """Mv and dot: written as one product per place, summed where the target is smaller."""
    full = weight.shape if weight.dim() > len(own.shape) else own.shape
    kept = [*target.shape, 1]
    return Elementwise(own.shape, target.shape, full, kept, weight, call.dtype, weight.device)
