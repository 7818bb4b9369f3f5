"""Matrix products in one normal form.

A product of complex matrices is a real one: a complex number w acts on (real, imaginary) as the 2 x 2 matrix
[[re w, im w], [-im w, re w]], so a matrix (K, N) of them is a real matrix (2 K, 2 N).
"""

from __future__ import annotations

from collections.abc import Iterator

import torch

from semiring_widgets.core.jacobian.blocks.chain import Chain
from semiring_widgets.core.jacobian.blocks.contraction import Contraction
from semiring_widgets.core.jacobian.blocks.elementwise import Elementwise
from semiring_widgets.core.jacobian.blocks.strided import permuted
from semiring_widgets.core.jacobian.edge import Edge
from semiring_widgets.core.jacobian.rules import explicit_jacobian
from semiring_widgets.core.jacobian.rules.call import Call
from semiring_widgets.core.semirings import Weight
from semiring_widgets.core.semirings.edge_weight import Stored
from semiring_widgets.core.tape import Node

__all__ = ["linear_rule", "rule"]

aten = torch.ops.aten
_QUOTIENTS = (aten.div, aten._softmax, aten._safe_softmax)
_FEW_DIGITS = (torch.bfloat16, torch.float16)
_WITH_BIAS = (aten.addmm, aten.baddbmm, aten.addmv)


def rule(call: Call) -> Iterator[Edge]:
    """mm, bmm and their biased forms; vectors are left to a dense Jacobian or a pointwise product."""
    kwargs = call.op.kwargs
    *biases, left, right = call.op.args
    (target,) = call.targets
    if (
        left is right
        or any(bias in (left, right) and bias in call.sources for bias in biases)
        or any(isinstance(value, complex) for value in kwargs.values())
        or (call.complex and min(len(left.outer), len(right.outer)) < 2)
    ):
        yield from explicit_jacobian.rule(call)
        return
    for bias in biases:
        if bias in call.sources:
            yield _bias_edge(call, bias, target, float(kwargs.get("beta", 1)))
    alpha = float(kwargs.get("alpha", 1)) if biases else 1.0
    if left in call.sources:
        yield _operand_edge(call, left, right, target, alpha, swapped=False)
    if right in call.sources:
        yield _operand_edge(call, right, left, target, alpha, swapped=True)


def linear_rule(call: Call) -> Iterator[Edge]:
    """linear: the input (..., K) times a weight that is stored as (N, K), plus a bias (N,)."""
    x, weight, *biases = call.op.args
    (target,) = call.targets
    for bias in biases:
        if bias in call.sources:
            yield _bias_edge(call, bias, target, 1.0)
    if x in call.sources:
        stored = call.weight(weight).mT
        yield call.edge(x, target, Contraction(x.shape, target.shape, stored, swapped=False))
    if weight in call.sources:
        columns, count = weight.shape[0], x.shape[:-1].numel()
        rows = Weight(call.value(x).reshape(count, x.shape[-1]).mT)
        product = Contraction(weight.shape, torch.Size((columns, count)), rows, swapped=False)
        turned = permuted((columns, count), (1, 0))
        yield call.edge(weight, target, Chain(weight.shape, target.shape, [product, turned]))


def _bias_edge(call: Call, bias: Node, target: Node, factor: float) -> Edge:
    shape = target.shape
    block = Elementwise(bias.shape, shape, shape, shape, factor, call.dtype, target.device)
    return call.edge(bias, target, block)


def _operand_edge(call: Call, own: Node, other: Node, target: Node, alpha: float, *, swapped: bool) -> Edge:
    few = call.weight(other)
    if isinstance(few, Stored) and alpha == 1.0 and len(own.shape) == len(other.shape) == 2:
        turned = few.mT if swapped else few
        return call.edge(own, target, Contraction(own.shape, target.shape, turned, swapped=swapped))
    weight = few.value
    if alpha != 1.0:
        weight = weight * alpha
    if len(own.shape) < 2 or len(other.shape) < 2:
        return call.edge(own, target, _vector_block(own, target, weight, call, swapped=swapped))
    if own.complex:
        return call.edge(own, target, _complex_block(own, target, weight, swapped=swapped))
    stored = Weight(weight.mT if swapped else weight, sparse=_may_have_zeros(other))
    return call.edge(own, target, Contraction(own.shape, target.shape, stored, swapped=swapped))


def _may_have_zeros(node: Node) -> bool:
    """Whether numbers may well be 0: of a masked softmax, and where few digits cancel, as in bfloat16."""
    if _is_probability(node):
        return True
    while (op := node.op) is not None and node.dtype not in _FEW_DIGITS and len(op.inputs()) == 1:
        (node,) = op.inputs()  # perhaps widened, scaled or seen in another shape
    return op is not None and node.dtype in _FEW_DIGITS


def _is_probability(node: Node) -> bool:
    """Whether a softmax made it, whose masked entries are 0; views and roundings of it are, too."""
    op = node.op
    while op is not None and (op.func.is_view or op.func.overloadpacket is aten._to_copy):
        op = op.inputs()[0].op
    return op is not None and op.func.overloadpacket in _QUOTIENTS


def _as_real_matrix(matrix: torch.Tensor) -> torch.Tensor:
    """(..., K, N, 2), complex numbers as pairs, to the real matrix (..., 2 K, 2 N) that acts on pairs."""
    re, im = matrix.unbind(-1)
    pairs = torch.stack([torch.stack([re, im], -1), torch.stack([-im, re], -1)], -3)
    return pairs.flatten(-2).flatten(-3, -2)


def _complex_block(own: Node, target: Node, other: torch.Tensor, *, swapped: bool) -> Chain:
    """The pairs of the inner dimension become columns; the right operand is turned round for it."""
    weight = Weight(_as_real_matrix(other.transpose(-3, -2) if swapped else other))
    *batch, rows, columns = range(len(own.outer))
    last = len(own.outer)
    order = [*batch, columns, rows, last] if swapped else [*batch, rows, columns, last]
    ahead, behind = permuted(own.shape, order), permuted([target.shape[d] for d in order], order)
    left = torch.Size((*ahead.target[:-2], 2 * ahead.target[-2]))
    right = torch.Size((*behind.source[:-2], 2 * behind.source[-2]))
    return Chain(own.shape, target.shape, [ahead, Contraction(left, right, weight, swapped=False), behind])


def _vector_block(own: Node, target: Node, weight: torch.Tensor, call: Call, *, swapped: bool) -> Elementwise:
    """Mv and dot: written as one product per place, summed where the target is smaller."""
    full = weight.shape if weight.dim() > len(own.shape) else own.shape
    kept = [*target.shape, 1]
    return Elementwise(own.shape, target.shape, full, kept, weight, call.dtype, weight.device)
