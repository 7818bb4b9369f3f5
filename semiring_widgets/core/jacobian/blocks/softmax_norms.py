"""Small graphs that come up in every layer, passed through at once: softmax, and what norms have in common.

They are no blocks: several paths lead from one element to another. What they give is what their single steps
give one after the other, for semirings in which an edge of weight a b is worth two edges of weights a and b
in a row (`Semiring.multiplicative`): factors that all paths share are taken out, and each of the few sums
that are left is written once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import partial

from torch import Tensor

from semiring_widgets.core.jacobian.blocks.column_pieces import by_heads
from semiring_widgets.core.semirings import Norm, Number, Semiring, Value, Weight

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
        through = partial(semiring.through_softmax, dims=self._dims)
        return by_heads(through, value, self.weight, self._dims)

    def push(self, semiring: Semiring, value: Value) -> Value:
        # The ways from i to j weigh as much as those from j to i.
        return self.pull(semiring, value)


class Normalization(Passage):
    """``y = d r``, what norms have in common: besides by r, there is a way from each d[i] to each y[j].

    Args:
        deviation: d, the source x or ``x - mean(x)``.
        scale: r, with the dimensions that means were taken over as 1.
        result: y.
        dims: these dimensions.
        centred: whether the mean was subtracted; then there is a way from each x[i] to each d[j].
    """

    def __init__(
        self, deviation: Tensor, scale: Tensor, result: Tensor, dims: Sequence[int], *, centred: bool
    ) -> None:
        self.weight = Weight(result)
        share = Number(-scale.numel() / max(1, result.numel()), result.dtype, result.device)
        self._norm = Norm(self.weight, Weight(scale), share, deviation, tuple(dims), centred)

    def pull(self, semiring: Semiring, value: Value) -> Value:
        return semiring.through_norm(value, self._norm, forward=False)

    def push(self, semiring: Semiring, value: Value) -> Value:
        return semiring.through_norm(value, self._norm, forward=True)
