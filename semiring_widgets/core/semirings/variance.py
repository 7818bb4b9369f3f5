"""Spread of the paths' weights: the second-order expectation semiring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from semiring_widgets.core.semirings.base import Semiring, Value
from semiring_widgets.core.semirings.edge_weight import Weight
from semiring_widgets.core.semirings.log_contraction import Contracted, columns_at, pieces, rows_at
from semiring_widgets.core.semirings.registry import register
from semiring_widgets.core.semirings.relative_logs import NONE, relative, restored, shares_are_coarse

__all__ = ["Variance"]

# Relative error at which a difference of squares is not good enough.
_GOOD = 1e-4


@register
class Variance(Semiring):
    """The second-order expectation semiring: entropy, and variance of log |weight|, under p(path) ~ |weight|.

    How far the weights of paths differ: in nats squared; 0 for a single path, and where there is none.
    ``times`` adds all three parts, ``lift(w) = (log|w|, 0, 0)``. A contraction is six matrix products of
    torch. From Li & Eisner, First- and Second-Order Expectation Semirings, 2009,
    https://aclanthology.org/D09-1005/.

    The value is (log Z, H, variance). The mean of log |weight| is log Z - H, but is not what is carried: it
    grows with the weights, and differences of means, which the variance is made of, would lose their digits.
    With shares q of what is joined, and u = log q - H the mean of each relative to log Z (an edge changes
    neither H nor the variance):

        H = - sum of q u,    variance = sum of q (variance_k + (u + H)^2).

        >>> import torch
        >>> import semiring_widgets as sw
        >>> x = torch.tensor([2.0, 3.0])
        >>> with sw.record() as tape:  # two paths from x[0], of weights 12 and -1; one from x[1], of weight 8
        ...     score = 4 * x[0] * x[1] - x[0]
        >>> sw.backprop(tape, score, wrt=x, semiring="variance").variance
        tensor([0.4384, 0.0000])
    """

    name, unit, method = "variance", "nats²", "path spread"
    multiplicative = True
    signed = False
    zero, one = (NONE, 0.0, 0.0), (0.0, 0.0, 0.0)

    def lift(self, weight: Tensor) -> Value:
        return (weight.abs().log(), torch.zeros_like(weight), torch.zeros_like(weight))

    def times(self, a: Value, b: Value) -> Value:
        return (a[0] + b[0], a[1] + b[1], a[2] + b[2])

    def plus(self, a: Value, b: Value) -> Value:
        return tuple(part.squeeze(0) for part in self.sum(
            tuple(torch.stack(torch.broadcast_tensors(x, y)) for x, y in zip(a, b, strict=True)), (0,)
        ))  # fmt: skip

    def scale(self, value: Value, weight: Weight) -> Value:
        return tuple(torch.broadcast_tensors(value[0] + weight.summand, *value[1:]))

    def sum(self, value: Value, dims: Sequence[int]) -> Value:
        if not dims:
            return value
        dims = tuple(dims)
        log, entropy, variance = value
        log_mass = torch.logsumexp(log, dims, keepdim=True)
        own = log - log_mass.clamp(min=torch.finfo(log.dtype).min)
        share = own.exp()
        # What has no share has no mean either; its logarithm is no number to multiply.
        mean = torch.where(share > 0, own - entropy, 0.0)
        joint = -(share * mean).sum(dims, keepdim=True)
        off = torch.where(share > 0, mean + joint, 0.0)
        return (log_mass, joint, (share * (variance + off * off)).sum(dims, keepdim=True))

    def contract(self, value: Value, weight: Weight) -> Value:
        log, entropy, variance = value
        plain, shift, peak = weight.moderate()
        top, p = relative(log)
        magnitude = plain.abs()
        # Deviations from a middle of the rows and of the edges, so that squares stay small.
        total = p.sum(-1, keepdim=True).clamp(min=torch.finfo(p.dtype).tiny)
        mean = torch.where(p > 0, log - top - entropy, 0.0)
        row_middle = (p * mean).sum(-1, keepdim=True) / total
        edge_middle = torch.special.xlogy(magnitude, magnitude).sum() / magnitude.sum().clamp(min=1e-30)
        d = torch.where(p > 0, mean - row_middle, 0.0)
        e = torch.where(magnitude > 0, magnitude.log() - edge_middle, 0.0)
        mass = p @ magnitude
        safe = mass.clamp(min=torch.finfo(mass.dtype).tiny)
        first = ((p * d) @ magnitude + p @ (magnitude * e)) / safe
        second = (p * (variance + d * d)) @ magnitude + 2 * (p * d) @ (magnitude * e)
        second = (second + p @ (magnitude * e * e)) / safe
        log_mass = mass.log()
        joint = torch.where(mass > 0, log_mass - (row_middle + edge_middle + first), 0.0)
        out = (restored(mass, top, shift), joint, (second - first * first).clamp(min=0))
        lost = 8 * torch.finfo(mass.dtype).eps * first * first > _GOOD * (1 + out[2])
        inner = log.shape[-1]
        least = float(mass.amin()) if mass.numel() else 0.0
        found = Contracted(out, top, shift, peak, (least,), inner)
        for where in (*found.doubtful_products(log, weight), *pieces(lost & (mass > 0), inner)):
            batch = mass.shape[:-2]
            edges = self.lift(columns_at(weight.value, where, batch))
            rows = tuple(rows_at(part, where, batch) for part in value)
            for part, new in zip(out, self.sum(self.times(rows, edges), (-1,)), strict=True):
                part[where] = new.squeeze(-1)
        return out

    def facts(self, value: Value) -> Mapping[str, Tensor]:
        log_mass, entropy, variance = value
        exists = log_mass > NONE
        # Rounding must not make a single path's entropy -0.00001.
        entropy = torch.where(exists, entropy, 0.0).clamp(min=0.0)
        return {"log_mass": log_mass, "entropy": entropy, "variance": torch.where(exists, variance, 0.0)}

    def readout(self, value: Value) -> Tensor:
        """The variance."""
        return self.facts(value)["variance"]

    def coarse(self, value: Value) -> bool:
        return shares_are_coarse(value[0])
