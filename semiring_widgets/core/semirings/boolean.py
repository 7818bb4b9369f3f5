"""Whether there is any path: (or, and)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor

from semiring_widgets.core.semirings.base import Semiring, Value
from semiring_widgets.core.semirings.registry import register
from semiring_widgets.core.semirings.weights import Weight

__all__ = ["Boolean"]


@register
class Boolean(Semiring):
    """1 where some path has a weight other than 0, else 0. The value is (reachable,)."""

    name, method = "boolean", "path reach"
    signed = False
    zero, one = (0.0,), (1.0,)

    def lift(self, weight: Tensor) -> Value:
        return ((weight != 0).to(weight.dtype),)

    def times(self, a: Value, b: Value) -> Value:
        return (a[0] * b[0],)

    def plus(self, a: Value, b: Value) -> Value:
        return ((a[0] + b[0]).clamp(max=1),)

    def sum(self, value: Value, dims: Sequence[int]) -> Value:
        return (value[0].sum(tuple(dims), keepdim=True).clamp(max=1),) if dims else value

    def contract(self, value: Value, weight: Weight) -> Value:
        return ((value[0] @ self.lift(weight.value)[0]).clamp(max=1),)

    def scatter(self, value: Value, index: Tensor, size: int) -> Value:
        return (value[0].new_zeros(size).index_add(0, index, value[0]).clamp(max=1),)

    def facts(self, value: Value) -> Mapping[str, Tensor]:
        return {"reachable": value[0] > 0}
