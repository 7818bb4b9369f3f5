"""Whether there is any path: (or, and)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor

from semiring_widgets.core.semirings.base import Semiring, Value
from semiring_widgets.core.semirings.edge_weight import Weight
from semiring_widgets.core.semirings.registry import register

__all__ = ["Boolean"]


@register
class Boolean(Semiring):
    """Whether any path has a weight other than 0: (or, and).

    ``plus = min(a + b, 1)``, ``times = a b``, ``lift(w) = 1`` for w other than 0; the value is (reachable,),
    0 or 1, and the fact ``reachable`` a truth. As fast as `Sum`. Goodman, Semiring Parsing, 1999,
    https://aclanthology.org/J99-4004/, shows it beside counts, best derivations and sums.

        >>> import torch
        >>> import semiring_widgets as sw
        >>> x = torch.tensor([2.0, 3.0])
        >>> with sw.record() as tape:  # two paths from x[0], of weights 12 and -1; one from x[1], of weight 8
        ...     score = 4 * x[0] * x[1] - x[0]
        >>> sw.backprop(tape, score, wrt=x, semiring="boolean").reachable
        tensor([True, True])
    """

    name, method = "boolean", "path reach"
    multiplicative = True
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
