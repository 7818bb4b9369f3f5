"""What kind of step an operator is to a rule, by those of its inputs that lie on paths.

Only what is not linear in these inputs is ever put to a rule. A product is linear where only one factor is
on paths; where both are, it is one of the steps that rules differ about.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from semiring_widgets.core.jacobian import rule_of
from semiring_widgets.core.jacobian.rules import (
    convolutions,
    copies,
    fourier,
    lookup_tables,
    matmul,
    movement,
    pointwise,
    pooling,
    resampling,
    scatter,
)
from semiring_widgets.core.tape import Node, Op

__all__ = ["KINDS", "SOFTMAXES", "factors_of", "kind_of"]

aten = torch.ops.aten

# Every kind, and what it is; `Rule` has a method for each but the first.
KINDS = {
    "linear": "sums, selections, averages, products with one factor on paths: no rule is asked",
    "softmax": "what makes attention weights: exp and division within a softmax",
    "norm": "what makes the denominator of a norm: square root, its inverse, deviation, length",
    "pointwise": "a function of one tensor, element by element: an activation",
    "product": "two factors on paths, element by element",
    "matmul": "two factors on paths, in a matrix product or convolution",
    "quotient": "a division whose denominator is on paths, outside of softmax and norms",
    "maximum": "what takes one of several elements: maxima, sorting, max pooling",
    "gated_unit": "the first half of a tensor times the sigmoid of the second, in one operator",
    "logarithm": "what makes a log-softmax or logsumexp: exp, log",
    "other": "everything else that is not linear",
}

SOFTMAXES = {"softmax", "safe_softmax"}
_LOGARITHMS = {"log_softmax", "logsumexp"}
_LINEAR_RULES = {
    *(movement.rule, movement.cat_rule, movement.view_rule),
    *(copies.rule, fourier.rule, lookup_tables.rule),
    *(resampling.linear_rule, pooling.average_rule, pooling.unpooling_rule, pointwise.fill_rule),
    scatter.folding_rule,
}
_LINEAR = {
    *(
        aten.add,
        aten.sub,
        aten.rsub,
        aten.neg,
        aten.where,
        aten.masked_fill,
        aten.sum,
        aten.mean,
        aten.cumsum,
    ),
    *(aten.alias, aten.clone, aten.conj_physical, aten._conj, aten._neg_view, aten.complex, aten.real),
}
_NORMS = {
    *(aten.sqrt, aten.rsqrt, aten.reciprocal, aten.linalg_vector_norm, aten.norm),
    *(aten.var, aten.std, aten.var_mean, aten.std_mean),
}
# Step by step along an element, though PyTorch does not tag them so.
_POINTWISE = {aten._prelu_kernel, aten.hardswish, aten.log_sigmoid_forward}
_MAXIMA = {movement.ordering_rule, pooling.maximum_rule}
_EXTREMES = {aten.amax, aten.amin, aten.maximum, aten.minimum, aten.fmax, aten.fmin}


def kind_of(op: Op, live: Sequence[Node]) -> str:
    """The kind of an operator, a key of `KINDS`.

    Args:
        op: the operator.
        live: its inputs that are on paths, each once.
    """
    packet = op.func.overloadpacket
    composite = op.scope.composite
    rule = rule_of(op)
    if packet in _LINEAR or rule in _LINEAR_RULES or _is_constant(op, rule):
        return "linear"
    factors = factors_of(op)
    if factors:
        if len(set(factors) & set(live)) < 2:
            return "pointwise" if factors[0] is factors[1] and factors[0] in live else "linear"
        return "matmul" if rule in (matmul.rule, matmul.linear_rule, convolutions.rule) else "product"
    if rule in (matmul.rule, matmul.linear_rule, convolutions.rule) or packet is aten.mul:
        return "linear"
    if packet is aten.div and "rounding_mode" not in op.kwargs:
        if op.args[1] not in live:
            return "linear"
        kind = "quotient"
    elif packet in _NORMS or _is_root(op):
        kind = "norm"
    elif rule in _MAXIMA or packet in _EXTREMES:
        # The largest of two tensors is as good as any function of two; of one and a number, as one of it.
        return "pointwise" if torch.Tag.pointwise in op.func.tags and len(live) == 1 else "maximum"
    elif (torch.Tag.pointwise in op.func.tags or packet in _POINTWISE) and len(live) == 1:
        kind = "pointwise"
    else:
        return _kind_of_rest(op, live, rule)
    if composite in SOFTMAXES:
        return "softmax"
    return "logarithm" if composite in _LOGARITHMS else kind


def factors_of(op: Op) -> tuple[Node, ...]:
    """The two factors of a product of tensors that the tape knows; none of any other operator."""
    packet, rule = op.func.overloadpacket, rule_of(op)
    if packet is aten.mul:
        pair: tuple[Any, ...] = op.args[:2]
    elif packet is aten.addcmul:
        pair = op.args[1:3]
    elif rule is matmul.rule:
        pair = op.args[-2:]
    elif rule in (matmul.linear_rule, convolutions.rule):
        pair = op.args[:2]
    else:
        return ()
    return pair if all(isinstance(factor, Node) for factor in pair) else ()


def _kind_of_rest(op: Op, live: Sequence[Node], rule: Any) -> str:
    """Operators that are linear in some of their arguments, or for some of them."""
    packet = op.func.overloadpacket
    if packet is aten.glu:
        return "gated_unit"
    if rule is scatter.rule:
        reduce = op.kwargs.get("reduce", next((a for a in op.args if isinstance(a, str)), "sum"))
        return "linear" if reduce in ("sum", "mean", "add") else "other"
    if rule is resampling.grid_rule or rule is lookup_tables.bag_rule:
        return "linear" if list(live) == [op.args[0]] else "other"
    if packet is aten.lerp and op.args[2] not in live:
        return "linear"
    return "other"


def _is_constant(op: Op, rule: Any) -> bool:
    """Whether the numbers of the inputs do not matter, as of `zeros_like`; `sign` and its like are none."""
    return rule.__name__ == "_constant" and torch.Tag.pointwise not in op.func.tags


def _is_root(op: Op) -> bool:
    """A power with a negative or broken exponent."""
    if op.func.overloadpacket is not aten.pow or not isinstance(op.args[0], Node):
        return False
    exponent = op.args[1]
    return isinstance(exponent, (int, float)) and (exponent < 0 or exponent != int(exponent))
