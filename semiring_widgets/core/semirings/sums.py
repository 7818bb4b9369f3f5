"""Ordinary numbers: the gradient, and the branch-level maximum of the published figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from semiring_widgets.core import kernels
from semiring_widgets.core.semirings.base import Norm, Semiring, Value
from semiring_widgets.core.semirings.edge_weight import Weight
from semiring_widgets.core.semirings.registry import register

__all__ = ["Sum"]


@register
class Sum(Semiring):
    """Ordinary backpropagation: the sum of all path weights, which is the gradient.

    ``plus = a + b``, ``times = a b``, ``lift(w) = w``; the fact is ``value``, in units of score per input.
    Paths of opposite sign cancel. NaN and infinity go where autograd would have them go. Every other
    semiring's cost is measured by this one's. Du et al., 2023,
    https://arxiv.org/abs/2307.03056, read it as one semiring of many.

        >>> import torch
        >>> import semiring_widgets as sw
        >>> x = torch.tensor([2.0, 3.0])
        >>> with sw.record() as tape:  # two paths from x[0], of weights 12 and -1; one from x[1], of weight 8
        ...     score = 4 * x[0] * x[1] - x[0]
        >>> sw.backprop(tape, score, wrt=x, semiring="sum").value
        tensor([11.,  8.])
    """

    name = "sum"
    multiplicative = True
    judged = False
    zero, one = (0.0,), (1.0,)

    def lift(self, weight: Tensor) -> Value:
        return (weight,)

    def times(self, a: Value, b: Value) -> Value:
        return (a[0] * b[0],)

    def plus(self, a: Value, b: Value) -> Value:
        return (a[0] + b[0],)

    def scale(self, value: Value, weight: Weight) -> Value:
        return (value[0] * weight.factor,)

    def sum(self, value: Value, dims: Sequence[int]) -> Value:
        return (value[0].sum(tuple(dims), keepdim=True),) if dims else value

    def through_softmax(self, value: Value, result: Weight, dims: Sequence[int]) -> Value:
        (own,) = value
        if len(dims) > 1 or own.dim() != result.value.dim() or own.dtype != result.value.dtype:
            return super().through_softmax(value, result, dims)
        return (torch._softmax_backward_data(own.expand_as(result.value), result.value, dims[0], own.dtype),)

    def through_norm(self, value: Value, norm: Norm, *, forward: bool) -> Value:
        (own,), d = value, norm.deviation
        kept = d.dim() - len(norm.dims)
        last = own.dim() == d.dim() and norm.dims == tuple(range(kept, d.dim()))
        if not norm.centred or not last or own.dtype != d.dtype:
            return super().through_norm(value, norm, forward=forward)
        # Sums are the same both ways, as the results add up to 0.
        r = norm.scale.value
        found = torch.ops.aten.native_layer_norm_backward(
            own, d, d.shape[kept:], torch.zeros_like(r), r, None, None, [True, False, False]
        )
        return (found[0],)

    def contract(self, value: Value, weight: Weight) -> Value:
        return (kernels.product(value[0], weight.value),)

    def meet(self, many: Sequence[Value], b: Value) -> Value:
        # Long rows and few of them, which torch does no slower.
        return self.below([(a[0] @ b[0],) for a in many])

    def scatter(self, value: Value, index: Tensor, size: int) -> Value:
        return (value[0].new_zeros(size).index_add(0, index, value[0]),)

    def facts(self, value: Value) -> Mapping[str, Tensor]:
        return {"value": value[0]}
