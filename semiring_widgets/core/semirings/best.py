"""The best path: max in place of the sum, in the log domain (max-plus)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from semiring_widgets.core.semirings.base import Semiring, Value
from semiring_widgets.core.semirings.contracting import Contracted, columns_at, contracted, rows_at
from semiring_widgets.core.semirings.scaling import NONE
from semiring_widgets.core.semirings.weights import Weight

__all__ = ["Max", "SignedMax"]


class Max(Semiring):
    """(max, x) on |weight|: the best path. The value is (log |weight| of the best path,)."""

    name, unit = "max", "nats"
    zero, one = (NONE,), (0.0,)

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
        (log,) = value
        found = contracted("max", value, weight)
        (out,) = found.parts
        for where in found.doubtful_products(log, weight):
            batch = out.shape[:-2]
            terms = rows_at(log, where, batch) + columns_at(weight.value, where, batch).abs().log()
            out[where] = terms.amax(-1)
        return (out,)

    def scatter(self, value: Value, index: Tensor, size: int) -> Value:
        return (value[0].new_full((size,), NONE).scatter_reduce(0, index, value[0], "amax"),)

    def facts(self, value: Value) -> Mapping[str, Tensor]:
        return {"log_weight": value[0]}


class SignedMax(Semiring):
    """The most positive and the most negative path together.

    The value is (log of the highest positive weight, log |.| of the lowest negative weight); a product of
    two negative weights is positive, so each feeds the other.
    """

    name = "signed_max"
    zero, one = (NONE, NONE), (0.0, NONE)

    def lift(self, weight: Tensor) -> Value:
        return (weight.clamp(min=0).log(), (-weight).clamp(min=0).log())

    def times(self, a: Value, b: Value) -> Value:
        positive = torch.maximum(a[0] + b[0], a[1] + b[1])
        negative = torch.maximum(a[0] + b[1], a[1] + b[0])
        return (positive, negative)

    def scale(self, value: Value, weight: Weight) -> Value:
        # A negative weight exchanges the two.
        turned, log = weight.value < 0, weight.log
        positive, negative = value[0] + log, value[1] + log
        return torch.where(turned, negative, positive), torch.where(turned, positive, negative)

    def plus(self, a: Value, b: Value) -> Value:
        return (torch.maximum(a[0], b[0]), torch.maximum(a[1], b[1]))

    def sum(self, value: Value, dims: Sequence[int]) -> Value:
        if any(value[0].shape[dim] == 0 for dim in dims):
            return super().sum(value, dims)
        return tuple(v.amax(tuple(dims), keepdim=True) for v in value) if dims else value

    def contract(self, value: Value, weight: Weight) -> Value:
        found = contracted("signed", value, weight)
        # Positive products join equal signs, negative ones opposite signs.
        return (
            _settled(found, 0, value, weight.value),
            _settled(found, 1, value[::-1], weight.value),
        )

    def scatter(self, value: Value, index: Tensor, size: int) -> Value:
        return tuple(v.new_full((size,), NONE).scatter_reduce(0, index, v, "amax") for v in value)

    def facts(self, value: Value) -> Mapping[str, Tensor]:
        positive, negative = value
        sign = torch.where(positive >= negative, 1.0, -1.0).to(positive.dtype)
        sign = torch.where((positive == NONE) & (negative == NONE), 0.0, sign)
        return {
            "most_positive": _plain(positive),
            "most_negative": -_plain(negative),
            "log_most_positive": positive,
            "log_most_negative": negative,
            "log_weight": torch.maximum(positive, negative),
            "sign": sign,
        }

    def readout(self, value: Value) -> Tensor:
        """The sum of the two weights: positive where the most positive path outweighs the other."""
        return _plain(value[0]) - _plain(value[1])


def _plain(log: Tensor) -> Tensor:
    """exp, in float64 where float32 has no such number; infinite only where float64 has none either."""
    wide = log.dtype == torch.float64 or not bool((log > math.log(torch.finfo(log.dtype).max)).any())
    return log.exp() if wide else log.double().exp()


def _settled(found: Contracted, part: int, left: Value, weight: Tensor) -> Tensor:
    """Logarithm of the best products of ``left[0]`` with positive and ``left[1]`` with negative weights."""
    out = found.parts[part]

    def pairs() -> tuple[tuple[Tensor, Tensor], ...]:
        return ((left[0], weight), (left[1], -weight))

    def reach() -> Tensor:
        counts = [(a > NONE).to(out.dtype) @ (w > 0).to(out.dtype) for a, w in pairs()]
        return counts[0] + counts[1]

    for where in found.doubtful(part, reach):
        batch = out.shape[:-2]
        terms = [
            rows_at(a, where, batch) + columns_at(w, where, batch).clamp(min=0).log() for a, w in pairs()
        ]
        out[where] = torch.maximum(*terms).amax(-1)
    return out
