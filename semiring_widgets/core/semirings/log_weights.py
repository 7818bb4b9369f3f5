"""What semirings have in common whose values are logarithms of |weights|, multiplied by adding."""

from __future__ import annotations

import torch
from torch import Tensor

from semiring_widgets.core.semirings.base import Semiring, Value
from semiring_widgets.core.semirings.edge_weight import Weight
from semiring_widgets.core.semirings.relative_logs import NONE

__all__ = ["LogWeights"]


class LogWeights(Semiring):
    """A single path has its log |weight| in the first part of the value, and *no path* in all others."""

    unit = "nats"
    signed = False
    zero: tuple[float, ...] = (NONE,)
    one: tuple[float, ...] = (0.0,)

    def lift(self, weight: Tensor) -> Value:
        log = weight.abs().log()
        return (log, *(torch.full_like(log, NONE) for _ in self.zero[1:]))

    def times(self, a: Value, b: Value) -> Value:
        return (a[0] + b[0],)

    def scale(self, value: Value, weight: Weight) -> Value:
        return tuple(part + weight.summand for part in value)
