"""How much, how many, how spread: mass, count and entropy of the paths, in the log domain.

The mass Z = sum of |path weight| grows by about ten nats per layer and leaves float32 within eight of
them, so values are natural logarithms: no scale has to be carried, and every element has its full range.
Exact zeros are -inf.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from semiring_widgets.core import kernels
from semiring_widgets.core.semirings.base import Semiring, Value
from semiring_widgets.core.semirings.edge_weight import Weight
from semiring_widgets.core.semirings.log_contraction import (
    as_weights,
    columns_at,
    contracted,
    contracted_logs,
    rows_at,
)
from semiring_widgets.core.semirings.log_weights import LogWeights
from semiring_widgets.core.semirings.registry import register
from semiring_widgets.core.semirings.relative_logs import NONE, exponential, shares_are_coarse

__all__ = ["Abs", "Count", "Entropy"]


@register
class Abs(LogWeights):
    """The mass of all paths: Z = sum of |path weight|, which nothing cancels in.

    ``plus = logaddexp(a, b)``, ``times = a + b``, ``lift(w) = log|w|``; the value is (log Z,), in nats, -inf
    where there is no path. A sweep takes about as long as that of `Sum`.

        >>> import torch
        >>> import semiring_widgets as sw
        >>> x = torch.tensor([2.0, 3.0])
        >>> with sw.record() as tape:  # two paths from x[0], of weights 12 and -1; one from x[1], of weight 8
        ...     score = 4 * x[0] * x[1] - x[0]
        >>> sw.backprop(tape, score, wrt=x, semiring="abs").log_mass
        tensor([2.5649, 2.0794])
    """

    name, method = "abs", "path mass"
    multiplicative, row_kernels = True, "mass"

    def plus(self, a: Value, b: Value) -> Value:
        joined = kernels.join_logs(a, b)
        return (torch.logaddexp(a[0], b[0]),) if joined is None else joined

    def sum(self, value: Value, dims: Sequence[int]) -> Value:
        if not dims:
            return value
        summed = kernels.sum_logs(value, dims)
        return (torch.logsumexp(value[0], tuple(dims), keepdim=True),) if summed is None else summed

    def contract(self, value: Value, weight: Weight) -> Value:
        return contracted_logs("mass", value, weight, lambda terms: terms.logsumexp(-1))

    def meet(self, many: Sequence[Value], b: Value) -> Value:
        found = as_weights(b[0])
        if found is None:
            return super().meet(many, b)
        plain, top = found
        return self.below([(Abs.contract(self, a, plain)[0] + top,) for a in many])

    def scatter(self, value: Value, index: Tensor, size: int) -> Value:
        top = _scatter_top(value[0], index, size)
        p = torch.exp(value[0] - top[index])
        return (top + p.new_zeros(size).index_add(0, index, p).log(),)

    def facts(self, value: Value) -> Mapping[str, Tensor]:
        return {"log_mass": value[0]}

    def plain(self, value: Value) -> Tensor:
        """The mass."""
        return exponential(value[0])


@register
class Count(Abs):
    """The number of paths whose weight is not 0, as its logarithm: (+, x) on 1 for each edge.

    ``plus = logaddexp(a, b)``, ``times = a + b``, ``lift(w) = 0`` for w other than 0; the value is (log
    number,), in nats, -inf where there is none. Numbers are comparable within one granularity only. About as
    fast as `Abs`.

        >>> import torch
        >>> import semiring_widgets as sw
        >>> x = torch.tensor([2.0, 3.0])
        >>> with sw.record() as tape:  # two paths from x[0], of weights 12 and -1; one from x[1], of weight 8
        ...     score = 4 * x[0] * x[1] - x[0]
        >>> sw.backprop(tape, score, wrt=x, semiring="count").count
        tensor([0.6931, 0.0000])
    """

    name, method = "count", "path count"
    multiplicative = True

    def lift(self, weight: Tensor) -> Value:
        return (torch.where(weight != 0, 0.0, NONE).to(weight.dtype),)

    def scale(self, value: Value, weight: Weight) -> Value:
        return (value[0] + self.lift(weight.value)[0],)

    def contract(self, value: Value, weight: Weight) -> Value:
        plain = (weight.value != 0).to(weight.value.dtype)
        return super().contract(value, Weight(plain, sparse=weight.sparse))

    def facts(self, value: Value) -> Mapping[str, Tensor]:
        return {"count": value[0]}

    def plain(self, value: Value) -> Tensor:
        """log(1 + number of paths), which is 0 without any."""
        return torch.logaddexp(value[0], torch.zeros_like(value[0]))


@register
class Entropy(Semiring):
    """The expectation semiring: mass Z and entropy H of the distribution p(path) = |weight| / Z.

    ``times = (log Z_a + log Z_b, H_a + H_b)``; ``plus`` joins with shares q_a = Z_a / (Z_a + Z_b) and q_b to
    ``(logaddexp, sum of q (H - log q))``; ``lift(w) = (log|w|, 0)``. In nats; 0 for a single path, and where
    there is none. A contraction costs two to three times that of `Sum`. From Eisner, Parameter Estimation for
    Probabilistic Finite-State Transducers, 2002, https://aclanthology.org/P02-1001/, and Li & Eisner, 2009,
    https://aclanthology.org/D09-1005/; for neural networks Du et al., 2023, https://arxiv.org/abs/2307.03056.

    The value is (log Z, H) with H the entropy in nats, not the sum of |w| log |w| that textbooks carry, nor
    log Z - H: those grow with the weights, and their difference would lose the entropy's digits. An edge
    changes no entropy; a choice adds its own.

        >>> import torch
        >>> import semiring_widgets as sw
        >>> x = torch.tensor([2.0, 3.0])
        >>> with sw.record() as tape:  # two paths from x[0], of weights 12 and -1; one from x[1], of weight 8
        ...     score = 4 * x[0] * x[1] - x[0]
        >>> sw.backprop(tape, score, wrt=x, semiring="entropy").entropy
        tensor([0.2712, 0.0000])
    """

    name, unit, method = "entropy", "nats", "path entropy"
    multiplicative, row_kernels = True, "expectation"
    signed = False
    begins_with = Abs
    zero, one = (NONE, 0.0), (0.0, 0.0)

    def lift(self, weight: Tensor) -> Value:
        return (weight.abs().log(), torch.zeros_like(weight))

    def times(self, a: Value, b: Value) -> Value:
        return (a[0] + b[0], a[1] + b[1])

    def plus(self, a: Value, b: Value) -> Value:
        joined = kernels.join_logs(a, b)
        if joined is not None:
            return joined
        log_mass = torch.logaddexp(a[0], b[0])
        safe = log_mass.clamp(min=torch.finfo(log_mass.dtype).min)
        first, second = torch.exp(a[0] - safe), torch.exp(b[0] - safe)
        return (log_mass, _spread(first, a[1]) + _spread(second, b[1]))

    def scale(self, value: Value, weight: Weight) -> Value:
        log = value[0] + weight.summand
        return (log, value[1] if value[1].shape == log.shape else value[1].expand_as(log))

    def sum(self, value: Value, dims: Sequence[int]) -> Value:
        if not dims:
            return value
        summed = kernels.sum_logs(value, dims)
        if summed is not None:
            return summed
        dims = tuple(dims)
        log_mass = torch.logsumexp(value[0], dims, keepdim=True)
        share = torch.exp(value[0] - log_mass.clamp(min=torch.finfo(log_mass.dtype).min))
        return (log_mass, _spread(share, value[1]).sum(dims, keepdim=True))

    def contract(self, value: Value, weight: Weight) -> Value:
        log, entropy = value
        found = contracted("expectation", value, weight)
        for where in found.doubtful_products(log, weight):
            batch = found.parts[0].shape[:-2]
            edges = columns_at(weight.value, where, batch).abs().log()
            exact = self.sum((rows_at(log, where, batch) + edges, rows_at(entropy, where, batch)), (-1,))
            for part, new in zip(found.parts, exact, strict=True):
                part[where] = new.squeeze(-1)
        return found.parts

    def meet(self, many: Sequence[Value], b: Value) -> Value:
        found = as_weights(b[0])
        if found is None:
            return super().meet(many, b)
        plain, top = found
        weighed, rows = Weight(plain.value * b[1]), []
        for a in many:
            log_mass, entropy = Entropy.contract(self, a, plain)
            # What the right operands add: their mean, each by its share of the mass.
            (more,) = Abs().contract((a[0],), weighed)
            mean = torch.where(log_mass > NONE, (more - log_mass).exp(), 0.0)
            rows.append((log_mass + top, entropy + mean))
        return self.below(rows)

    def scatter(self, value: Value, index: Tensor, size: int) -> Value:
        (log_mass,) = Abs().scatter((value[0],), index, size)
        share = torch.exp(value[0] - log_mass.clamp(min=torch.finfo(log_mass.dtype).min)[index])
        return (log_mass, share.new_zeros(size).index_add(0, index, _spread(share, value[1])))

    def facts(self, value: Value) -> Mapping[str, Tensor]:
        log_mass, entropy = value
        # Rounding must not make a single path's entropy -0.00001.
        return {"log_mass": log_mass, "entropy": torch.where(log_mass > NONE, entropy, 0.0).clamp(min=0.0)}

    def readout(self, value: Value) -> Tensor:
        """The entropy."""
        return self.facts(value)["entropy"]

    def coarse(self, value: Value) -> bool:
        return shares_are_coarse(value[0])


def _spread(share: Tensor, entropy: Tensor) -> Tensor:
    """What one of several choices adds to the entropy: ``q (H - log q)``; 0 where q is 0."""
    own: Tensor = torch.special.xlogy(share, share)
    return share * entropy - own


def _scatter_top(log: Tensor, index: Tensor, size: int) -> Tensor:
    lowest = torch.finfo(log.dtype).min
    return log.new_full((size,), lowest).scatter_reduce(0, index, log, "amax")
