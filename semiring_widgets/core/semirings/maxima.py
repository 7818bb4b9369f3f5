"""The best path: max in place of the sum, in the log domain (max-plus)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from semiring_widgets.checks import choice
from semiring_widgets.core import kernels
from semiring_widgets.core.semirings.base import Semiring, Value
from semiring_widgets.core.semirings.edge_weight import Weight
from semiring_widgets.core.semirings.log_contraction import (
    Contracted,
    as_weights,
    columns_at,
    contracted,
    contracted_logs,
    rows_at,
)
from semiring_widgets.core.semirings.log_weights import LogWeights
from semiring_widgets.core.semirings.registry import register
from semiring_widgets.core.semirings.relative_logs import NONE, exponential

__all__ = ["BranchMax", "Max", "SignedMax"]


class BranchMax(Semiring):
    """The branch-level maximum of Du et al. (2023): linear inside a step, max where a tensor branches.

    https://arxiv.org/abs/2307.03056; asked for by ``level="branch"``. Costs two ordinary backward passes.

    The value is the pair (highest, lowest). Each consumer passes both back by the *ordinary* backward of
    its step; the larger and the smaller of the two results compete with those of the other consumers.
    Not a semiring in the strict sense (no distributive law); it is the rule that the published
    key / query / value / skip figures follow.
    """

    zero, one = (0.0, 0.0), (1.0, 1.0)
    distributive = False

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

    def plain(self, value: Value) -> Tensor:
        return self.readout(value) if self.name == "signed_max" else _signed_best(self.facts(value))

    def __repr__(self) -> str:
        return f"BranchMax({self.name!r})"


class _Largest(Semiring):
    """Of each part, a logarithm, the larger one counts."""

    def plus(self, a: Value, b: Value) -> Value:
        return tuple(map(torch.maximum, a, b))

    def sum(self, value: Value, dims: Sequence[int]) -> Value:
        if any(value[0].shape[dim] == 0 for dim in dims):
            return super().sum(value, dims)
        return tuple(v.amax(tuple(dims), keepdim=True) for v in value) if dims else value

    def scatter(self, value: Value, index: Tensor, size: int) -> Value:
        return tuple(v.new_full((size,), NONE).scatter_reduce(0, index, v, "amax") for v in value)


@register
class SignedMax(_Largest):
    """The most positive and the most negative path together: two maxima that feed each other.

    ``plus`` takes the larger of each, ``times = (max(a+ b+, a- b-), max(a+ b-, a- b+))`` in magnitudes;
    ``lift(w)`` is the logarithm of w in the place of its sign. In nats; the facts ``most_positive`` and
    ``most_negative`` are weights, 0 where there is none. Its ``sign`` is + where both are equally large. A
    contraction costs twice that of `Max`.

    The value is (log of the highest positive weight, log |.| of the lowest negative weight); a product of
    two negative weights is positive, so each feeds the other.

        >>> import torch
        >>> import semiring_widgets as sw
        >>> x = torch.tensor([2.0, 3.0])
        >>> with sw.record() as tape:  # two paths from x[0], of weights 12 and -1; one from x[1], of weight 8
        ...     score = 4 * x[0] * x[1] - x[0]
        >>> sw.backprop(tape, score, wrt=x, semiring="signed_max").most_negative
        tensor([-1., -0.])
    """

    name = "signed_max"
    multiplicative = True
    branch_level = BranchMax("signed_max")
    zero, one = (NONE, NONE), (0.0, NONE)

    def lift(self, weight: Tensor) -> Value:
        return (weight.clamp(min=0).log(), (-weight).clamp(min=0).log())

    def times(self, a: Value, b: Value) -> Value:
        positive = torch.maximum(a[0] + b[0], a[1] + b[1])
        negative = torch.maximum(a[0] + b[1], a[1] + b[0])
        return (positive, negative)

    def scale(self, value: Value, weight: Weight) -> Value:
        # A negative weight exchanges the two.
        log, sign = weight.summand, weight.factor
        positive, negative = value[0] + log, value[1] + log
        if isinstance(sign, float):
            return (negative, positive) if sign < 0 else (positive, negative)
        turned = sign < 0
        return torch.where(turned, negative, positive), torch.where(turned, positive, negative)

    def contract(self, value: Value, weight: Weight) -> Value:
        found = contracted("signed", value, weight)
        # Positive products join equal signs, negative ones opposite signs.
        return (
            _settled(found, 0, value, weight.value),
            _settled(found, 1, value[::-1], weight.value),
        )

    def facts(self, value: Value) -> Mapping[str, Tensor]:
        positive, negative = value
        sign = torch.where(positive >= negative, 1.0, -1.0).to(positive.dtype)
        sign = torch.where((positive == NONE) & (negative == NONE), 0.0, sign)
        return {
            "most_positive": exponential(positive),
            "most_negative": -exponential(negative),
            "log_most_positive": positive,
            "log_most_negative": negative,
            "log_weight": torch.maximum(positive, negative),
            "sign": sign,
        }

    def readout(self, value: Value) -> Tensor:
        """The sum of the two weights: positive where the most positive path outweighs the other."""
        return exponential(value[0]) - exponential(value[1])


@register
class Max(_Largest, LogWeights):
    """The best path, that of the largest |weight|: (max, x) on |weight|, or (max, +) on logarithms.

    ``plus = max(a, b)``, ``times = a + b``, ``lift(w) = log|w|``; the value is (log |weight|,), in nats, -inf
    where there is no path. Of equally good paths it is the common weight; `sw.top_paths` lists them. A sweep
    takes about as long as that of `Sum`; the ``sign`` takes another one, of `SignedMax`. The Viterbi semiring
    of Goodman, Semiring Parsing, 1999, https://aclanthology.org/J99-4004/; for neural networks Du et al.,
    2023, https://arxiv.org/abs/2307.03056.

        >>> import torch
        >>> import semiring_widgets as sw
        >>> x = torch.tensor([2.0, 3.0])
        >>> with sw.record() as tape:  # two paths from x[0], of weights 12 and -1; one from x[1], of weight 8
        ...     score = 4 * x[0] * x[1] - x[0]
        >>> sw.backprop(tape, score, wrt=x, semiring="max").log_weight
        tensor([2.4849, 2.0794])
    """

    name, method = "max", "best path"
    multiplicative, row_kernels = True, "max"
    signed = True
    with_sign: Semiring | None = SignedMax()
    branch_level: Semiring | None = BranchMax("max")

    def contract(self, value: Value, weight: Weight) -> Value:
        return contracted_logs("max", value, weight, lambda terms: terms.amax(-1))

    def meet(self, many: Sequence[Value], b: Value) -> Value:
        found = as_weights(b[0])
        if found is None:
            return super().meet(many, b)
        plain, top = found
        return self.below([(Max.contract(self, a, plain)[0] + top,) for a in many])

    def facts(self, value: Value) -> Mapping[str, Tensor]:
        return {"log_weight": value[0]}

    def plain(self, value: Value) -> Tensor:
        """The weight of the best path."""
        return super().plain(value) if self.with_sign is None else _signed_best(self.with_sign.facts(value))


def _signed_best(facts: Mapping[str, Tensor]) -> Tensor:
    weight = exponential(facts["log_weight"])
    return weight * facts["sign"].to(weight.dtype)


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
