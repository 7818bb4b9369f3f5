"""Ordinary numbers: the gradient, and the branch-level maximum of the published figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from semiring_widgets.checks import choice
from semiring_widgets.core import kernels
from semiring_widgets.core.semirings.base import Semiring, Value
from semiring_widgets.core.semirings.weights import Weight

__all__ = ["BranchMax", "Sum"]


class Sum(Semiring):
    """(+, x): ordinary backpropagation; the value is the gradient."""

    name = "sum"
    zero, one = (0.0,), (1.0,)

    def lift(self, weight: Tensor) -> Value:
        return (weight,)

    def times(self, a: Value, b: Value) -> Value:
        return (a[0] * b[0],)

    def plus(self, a: Value, b: Value) -> Value:
        return (a[0] + b[0],)

    def scale(self, value: Value, weight: Weight) -> Value:
        return (value[0] * weight.value,)

    def sum(self, value: Value, dims: Sequence[int]) -> Value:
        return (value[0].sum(tuple(dims), keepdim=True),) if dims else value

    def contract(self, value: Value, weight: Weight) -> Value:
        return (kernels.product(value[0], weight.value),)

    def scatter(self, value: Value, index: Tensor, size: int) -> Value:
        return (value[0].new_zeros(size).index_add(0, index, value[0]),)

    def facts(self, value: Value) -> Mapping[str, Tensor]:
        return {"value": value[0]}


class BranchMax(Semiring):
    """The branch-level maximum of Du et al. (2023): linear inside a step, max where a tensor branches.

    The value is the pair (highest, lowest). Each consumer passes both back by the *ordinary* backward of
    its step; the larger and the smaller of the two results compete with those of the other consumers.
    Not a semiring in the strict sense (no distributive law); it is the rule that the published
    key / query / value / skip figures follow.
    """

    zero, one = (0.0, 0.0), (1.0, 1.0)

    def __init__(self, name: str) -> None:
        self.name = choice(name, "name", ("max", "signed_max"))
        self.unit = "" if name == "signed_max" else "nats"

    def lift(self, weight: Tensor) -> Value:
        return (weight, weight)

    def times(self, a: Value, b: Value) -> Value:
        return (a[0] * b[0], a[1] * b[1])

    def plus(self, a: Value, b: Value) -> Value:
        return (a[0] + b[0], a[1] + b[1])

    def sum(self, value: Value, dims: Sequence[int]) -> Value:
        return tuple(v.sum(tuple(dims), keepdim=True) for v in value) if dims else value

    def contract(self, value: Value, weight: Weight) -> Value:
        return tuple(kernels.product(v, weight.value) for v in value)

    def scatter(self, value: Value, index: Tensor, size: int) -> Value:
        return tuple(v.new_zeros(size).index_add(0, index, v) for v in value)

    def settle(self, value: Value) -> Value:
        return (torch.maximum(*value), torch.minimum(*value))

    def merge(self, a: Value, b: Value) -> Value:
        return (torch.maximum(a[0], b[0]), torch.minimum(a[1], b[1]))

    def facts(self, value: Value) -> Mapping[str, Tensor]:
        high, low = value
        if self.name == "signed_max":
            # Unlike at unit level, both may have the same sign: their logarithms say nothing.
            return {"most_positive": high, "most_negative": low}
        larger = torch.where(high.abs() >= low.abs(), high, low)
        return {"log_weight": larger.abs().log(), "sign": larger.sign()}

    def readout(self, value: Value) -> Tensor:
        """As `Max` and `SignedMax` at unit level."""
        return value[0] + value[1] if self.name == "signed_max" else self.facts(value)["log_weight"]

    def __repr__(self) -> str:
        return f"BranchMax({self.name!r})"
