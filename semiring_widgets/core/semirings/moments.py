"""Spread of the paths' weights: the second-order expectation semiring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from semiring_widgets.core.semirings.base import Semiring, Value
from semiring_widgets.core.semirings.contracting import Contracted, columns_at, rows_at
from semiring_widgets.core.semirings.mass import lifted_log
from semiring_widgets.core.semirings.scaling import NONE, relative, restored
from semiring_widgets.core.semirings.weights import Weight

__all__ = ["Variance"]


class Variance(Semiring):
    """Mean and variance of log |weight| under p(path) ~ |weight|.

    The value is (log mass, mean, variance); central moments are carried, as raw ones would cancel.
    """

    name, unit = "variance", "nats²"
    zero, one = (NONE, 0.0, 0.0), (0.0, 0.0, 0.0)

    def lift(self, weight: Tensor) -> Value:
        return self._lifted(weight.abs().log())

    def times(self, a: Value, b: Value) -> Value:
        return (a[0] + b[0], a[1] + b[1], a[2] + b[2])

    def plus(self, a: Value, b: Value) -> Value:
        return tuple(part.squeeze(0) for part in self.sum(
            tuple(torch.stack(torch.broadcast_tensors(x, y)) for x, y in zip(a, b, strict=True)), (0,)
        ))  # fmt: skip

    def scale(self, value: Value, weight: Weight) -> Value:
        return self.times(value, self._lifted(weight.log))

    def sum(self, value: Value, dims: Sequence[int]) -> Value:
        if not dims:
            return value
        dims = tuple(dims)
        log, mean, variance = value
        log_mass = torch.logsumexp(log, dims, keepdim=True)
        p = torch.exp(log - log_mass.clamp(min=torch.finfo(log.dtype).min))
        middle = (p * mean).sum(dims, keepdim=True)
        # No path has mean -1e30, whose square is no number.
        off = torch.where(p > 0, mean - middle, 0.0)
        return (log_mass, middle, (p * (variance + off * off)).sum(dims, keepdim=True))

    def contract(self, value: Value, weight: Weight) -> Value:
        log, so_far, variance = value
        plain, shift, peak = weight.moderate()
        top, p = relative(log)
        magnitude = plain.abs()
        # Deviations from a middle of the rows and of the edges, so that squares stay small.
        total = p.sum(-1, keepdim=True).clamp(min=torch.finfo(p.dtype).tiny)
        row_middle = (p * so_far).sum(-1, keepdim=True) / total
        edge_middle = torch.special.xlogy(magnitude, magnitude).sum() / magnitude.sum().clamp(min=1e-30)
        d = torch.where(p > 0, so_far - row_middle, 0.0)
        e = torch.where(magnitude > 0, magnitude.log() - edge_middle, 0.0)
        mass = p @ magnitude
        safe = mass.clamp(min=torch.finfo(mass.dtype).tiny)
        first = ((p * d) @ magnitude + p @ (magnitude * e)) / safe
        second = (p * (variance + d * d)) @ magnitude + 2 * (p * d) @ (magnitude * e)
        second = (second + p @ (magnitude * e * e)) / safe
        mean = torch.where(mass > 0, row_middle + edge_middle + first + shift, 0.0)
        out = (restored(mass, top, shift), mean, (second - first * first).clamp(min=0))
        least = float(mass.amin()) if mass.numel() else 0.0
        found = Contracted(out, top, shift, peak, (least,), log.shape[-1])
        for where in found.doubtful_products(log, weight):
            batch = mass.shape[:-2]
            edges = self._lifted(columns_at(weight.value, where, batch).abs().log())
            rows = tuple(rows_at(part, where, batch) for part in value)
            for part, new in zip(out, self.sum(self.times(rows, edges), (-1,)), strict=True):
                part[where] = new.squeeze(-1)
        return out

    def facts(self, value: Value) -> Mapping[str, Tensor]:
        log_mass, mean, variance = value
        exists = log_mass > NONE
        entropy = torch.where(exists, log_mass - mean, 0.0).clamp(min=0.0)
        return {"log_mass": log_mass, "entropy": entropy, "variance": torch.where(exists, variance, 0.0)}

    def readout(self, value: Value) -> Tensor:
        """The variance."""
        return self.facts(value)["variance"]

    @staticmethod
    def _lifted(log: Tensor) -> Value:
        return (*lifted_log(log), torch.zeros_like(log))
