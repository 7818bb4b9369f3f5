"""Small graphs that come up in every layer, passed through at once: softmax, and what norms have in common.

They are no blocks: several paths lead from one element to another. What they give is what their single steps
give one after the other, for semirings in which an edge of weight a b is worth two edges of weights a and b
in a row (`Semiring.multiplicative`): factors that all paths share are taken out, and each of the few sums
that are left is written once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor

from semiring_widgets.core.semirings import Number, Semiring, Value, Weight

__all__ = ["Normalization", "Passage", "Softmax"]


class Passage(ABC):
    """A small graph between two tensors of one shape, to be passed as a whole.

    Attributes:
        weight: of its derivatives those that are not finite if any is not.
    """

    weight: Weight

    @abstractmethod
    def pull(self, semiring: Semiring, value: Value) -> Value:
        """Cotangent: from the values of the result to those of the source."""

    @abstractmethod
    def push(self, semiring: Semiring, value: Value) -> Value:
        """Tangent: from the values of the source to those of the result."""


class Softmax(Passage):
    """``y = e / sum(e), e = exp(x - c)``: from x[i] to y[i] directly by y[i], to any y[j] by -y[i] y[j].

    Args:
        result: y.
        dims: those that y sums to 1 over.
    """

    def __init__(self, result: Tensor, dims: Sequence[int]) -> None:
        self.weight, self._dims = Weight(result), tuple(dims)

    def pull(self, semiring: Semiring, value: Value) -> Value:
        return semiring.through_softmax(value, self.weight, self._dims)

    def push(self, semiring: Semiring, value: Value) -> Value:
        # The ways from i to j weigh as much as those from j to i.
        return self.pull(semiring, value)


class Normalization(Passage):
    """``y = d r, r = (mean(d squared) + eps) ** -0.5``, where d is the source x, or ``x - mean(x)``.

    Besides by r, there is a way from each d[i] to each y[j] by -r y[i] y[j] / n; besides by 1, from each x[i]
    to each d[j] by -1 / n.

    Args:
        result: y.
        scale: r, with the dimensions that means were taken over as 1.
        dims: these dimensions.
        centred: whether the mean was subtracted.
    """

    def __init__(self, result: Tensor, scale: Tensor, dims: Sequence[int], *, centred: bool) -> None:
        self.weight, self._scale = Weight(result), Weight(scale)
        self._dims, self._centred = tuple(dims), centred
        share = -scale.numel() / max(1, result.numel())
        self._share = Number(share, result.dtype, result.device)

    def pull(self, semiring: Semiring, value: Value) -> Value:
        value = self._by_deviation(semiring, value)
        if self._centred:
            value = self._by_mean(semiring, value)
        return semiring.scale(value, self._scale)

    def push(self, semiring: Semiring, value: Value) -> Value:
        value = semiring.scale(value, self._scale)
        if self._centred:
            value = self._by_mean(semiring, value)
        return self._by_deviation(semiring, value)

    def _by_deviation(self, semiring: Semiring, value: Value) -> Value:
        joined = semiring.sum(semiring.scale(value, self.weight), self._dims)
        back = semiring.scale(semiring.scale(joined, self._share), self.weight)
        return semiring.plus(value, back)

    def _by_mean(self, semiring: Semiring, value: Value) -> Value:
        joined = semiring.scale(semiring.sum(value, self._dims), self._share)
        return semiring.plus(
            value, tuple(torch.broadcast_to(j, v.shape) for j, v in zip(joined, value, strict=True))
        )
