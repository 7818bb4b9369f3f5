"""Which numbers reach a place: those of tokens or heads, followed through a graph."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from semiring_widgets.core.semirings.base import Semiring, Value
from semiring_widgets.core.semirings.edge_weight import Weight

__all__ = ["NumberRange"]

# Terms of a product up to which a weight's zeros, such as those of a choice of tokens, are told from others.
_WORTH_A_LOOK = 1 << 26


class NumberRange(Semiring):
    """The lowest and the highest number among the places that paths start from; weights do not matter."""

    zero, one = (float("inf"), float("-inf")), (0.0, 0.0)

    def lift(self, weight: Tensor) -> Value:
        return torch.zeros_like(weight), torch.zeros_like(weight)

    def times(self, a: Value, b: Value) -> Value:
        return a[0] + b[0], a[1] + b[1]

    def plus(self, a: Value, b: Value) -> Value:
        return torch.minimum(a[0], b[0]), torch.maximum(a[1], b[1])

    def sum(self, value: Value, dims: Sequence[int]) -> Value:
        return value[0].amin(tuple(dims), keepdim=True), value[1].amax(tuple(dims), keepdim=True)

    def contract(self, value: Value, weight: Weight) -> Value:
        """Where looking for zeros takes long, all entries count: at worst, a row seems to mix more."""
        weights = weight.value
        shape = torch.broadcast_shapes(value[0].shape[:-2], weights.shape[:-2])
        whole = (*shape, value[0].shape[-2], weights.shape[-1])
        if math.prod(whole) * weights.shape[-2] <= _WORTH_A_LOOK and not bool(weights.all()):
            return super().contract(value, weight)
        low, high = self.sum(value, (-1,))
        return low.expand(whole), high.expand(whole)

    def scatter(self, value: Value, index: Tensor, size: int) -> Value:
        low, high = (v.new_full((size,), none) for v, none in zip(value, self.zero, strict=True))
        return (
            low.scatter_reduce(0, index, value[0], "amin"),
            high.scatter_reduce(0, index, value[1], "amax"),
        )
