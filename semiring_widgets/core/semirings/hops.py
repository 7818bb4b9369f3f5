"""How long paths are: mass by the number of marked edges on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from semiring_widgets.checks import whole_number
from semiring_widgets.core.semirings.base import Semiring, Value
from semiring_widgets.core.semirings.mass import Abs
from semiring_widgets.core.semirings.scaling import NONE
from semiring_widgets.core.semirings.weights import Weight

__all__ = ["Hops"]

# Parts of a value, each a tensor.
_MOST = 10_000


class Hops(Semiring):
    """Polynomials of masses: part n is the log mass of all paths with n marked edges.

    Args:
        most: the largest number told apart; the last part also holds all longer paths.

    Raises:
        InputError: not a whole number, or a negative one.
    """

    name, unit = "hops", "hops"

    def __init__(self, most: int) -> None:
        self.most = whole_number(most, "most", least=0, most=_MOST)
        self.zero = (NONE,) * (self.most + 1)
        self.one = (0.0, *(NONE,) * self.most)
        self._mass = Abs()

    def lift(self, weight: Tensor) -> Value:
        log = weight.abs().log()
        return (log, *(torch.full_like(log, NONE) for _ in range(self.most)))

    def times(self, a: Value, b: Value) -> Value:
        terms: list[list[Tensor]] = [[] for _ in self.zero]
        for i, left in enumerate(a):
            for j, right in enumerate(b):
                terms[min(i + j, self.most)].append(left + right)
        return tuple(torch.logsumexp(torch.stack(own), 0) for own in terms)

    def plus(self, a: Value, b: Value) -> Value:
        return tuple(torch.logaddexp(x, y) for x, y in zip(a, b, strict=True))

    def mark(self, value: Value) -> Value:
        if self.most == 0:
            return value
        *low, second, last = value
        return (torch.full_like(last, NONE), *low, torch.logaddexp(second, last))

    def scale(self, value: Value, weight: Weight) -> Value:
        return tuple(part + weight.log for part in value)

    def sum(self, value: Value, dims: Sequence[int]) -> Value:
        return tuple(torch.logsumexp(part, tuple(dims), keepdim=True) for part in value) if dims else value

    def contract(self, value: Value, weight: Weight) -> Value:
        # One product with more rows: the weight is read once.
        (joined,) = self._mass.contract((torch.stack(value),), weight)
        return joined.unbind(0)

    def scatter(self, value: Value, index: Tensor, size: int) -> Value:
        return tuple(self._mass.scatter((part,), index, size)[0] for part in value)

    def facts(self, value: Value) -> Mapping[str, Tensor]:
        masses = torch.stack(value, -1)
        log_mass = torch.logsumexp(masses, -1)
        count = torch.arange(len(value), dtype=masses.dtype, device=masses.device)
        share = torch.exp(masses - log_mass.clamp(min=torch.finfo(masses.dtype).min)[..., None])
        return {"log_masses": masses, "log_mass": log_mass, "length": (share * count).sum(-1)}

    def readout(self, value: Value) -> Tensor:
        """The mean number of hops."""
        return self.facts(value)["length"]

    def __repr__(self) -> str:
        return f"Hops({self.most})"
