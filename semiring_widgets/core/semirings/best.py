"""The best path: max in place of the sum, in the log domain (max-plus)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from semiring_widgets.core.kernels import maxplus, maxplus_signed
from semiring_widgets.core.semirings.base import Semiring, Value
from semiring_widgets.core.semirings.weights import Weight

__all__ = ["Max", "SignedMax"]

_NONE = float("-inf")


class Max(Semiring):
    """(max, x) on |weight|: the best path. The value is (log |weight| of the best path,)."""

    name = "max"
    zero, one = (_NONE,), (0.0,)

    def lift(self, weight: Tensor) -> Value:
        return (weight.abs().log(),)

    def times(self, a: Value, b: Value) -> Value:
        return (a[0] + b[0],)

    def plus(self, a: Value, b: Value) -> Value:
        return (torch.maximum(a[0], b[0]),)

    def scale(self, value: Value, weight: Weight) -> Value:
        return (value[0] + weight.log,)

    def sum(self, value: Value, dims: Sequence[int]) -> Value:
        if any(value[0].shape[dim] == 0 for dim in dims):
            return super().sum(value, dims)
        return (value[0].amax(tuple(dims), keepdim=True),) if dims else value

    def contract(self, value: Value, weight: Weight) -> Value:
        return (maxplus(value[0], weight.log),)

    def scatter(self, value: Value, index: Tensor, size: int) -> Value:
        return (value[0].new_full((size,), _NONE).scatter_reduce(0, index, value[0], "amax"),)

    def facts(self, value: Value) -> Mapping[str, Tensor]:
        return {"log_weight": value[0]}


class SignedMax(Semiring):
    """The most positive and the most negative path together.

    The value is (log of the highest positive weight, log |.| of the lowest negative weight); a product of
    two negative weights is positive, so each feeds the other.
    """

    name = "signed_max"
    zero, one = (_NONE, _NONE), (0.0, _NONE)

    def lift(self, weight: Tensor) -> Value:
        return (weight.clamp(min=0).log(), (-weight).clamp(min=0).log())

    def times(self, a: Value, b: Value) -> Value:
        positive = torch.maximum(a[0] + b[0], a[1] + b[1])
        negative = torch.maximum(a[0] + b[1], a[1] + b[0])
        return (positive, negative)

    def plus(self, a: Value, b: Value) -> Value:
        return (torch.maximum(a[0], b[0]), torch.maximum(a[1], b[1]))

    def sum(self, value: Value, dims: Sequence[int]) -> Value:
        if any(value[0].shape[dim] == 0 for dim in dims):
            return super().sum(value, dims)
        return tuple(v.amax(tuple(dims), keepdim=True) for v in value) if dims else value

    def contract(self, value: Value, weight: Weight) -> Value:
        return maxplus_signed(*value, *self.lift(weight.value))

    def scatter(self, value: Value, index: Tensor, size: int) -> Value:
        return tuple(v.new_full((size,), _NONE).scatter_reduce(0, index, v, "amax") for v in value)

    def facts(self, value: Value) -> Mapping[str, Tensor]:
        positive, negative = value
        sign = torch.where(positive >= negative, 1.0, -1.0).to(positive.dtype)
        sign = torch.where((positive == _NONE) & (negative == _NONE), 0.0, sign)
        return {
            "most_positive": positive.exp(),
            "most_negative": -negative.exp(),
            "log_weight": torch.maximum(positive, negative),
            "sign": sign,
        }
