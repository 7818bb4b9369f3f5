"""How long paths are: mass by the number of marked edges on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from semiring_widgets.checks import whole_number
from semiring_widgets.core.semirings.base import Value
from semiring_widgets.core.semirings.edge_weight import Weight
from semiring_widgets.core.semirings.log_mass import Abs
from semiring_widgets.core.semirings.log_weights import LogWeights
from semiring_widgets.core.semirings.registry import register
from semiring_widgets.core.semirings.relative_logs import NONE

__all__ = ["Hops"]

# Parts of a value, each a tensor.
_MOST = 10_000


@register
class Hops(LogWeights):
    """How long paths are: polynomials whose coefficient n is the mass of the paths with n marked edges.

    ``plus`` adds and ``times`` multiplies polynomials; ``lift(w) = (log|w|, -inf, ...)``, and `mark`
    multiplies by the unknown. Part n of the value is a log mass, in nats; ``length`` is the mean of n under
    p(path) ~ |weight|, 0 where there is no path. One contraction of `Abs` with as many more rows as there are
    parts. For whole networks: Veit et al., Residual Networks Behave Like Ensembles of Relatively Shallow
    Networks, 2016, https://arxiv.org/abs/1605.06431. Asked by `sw.path_lengths`, which finds the marked
    edges.

        >>> import torch
        >>> hops = Hops(2)
        >>> direct, marked = hops.lift(torch.tensor(3.0)), hops.mark(hops.lift(torch.tensor(-1.0)))
        >>> hops.facts(hops.plus(direct, marked))["length"]
        tensor(0.2500)

    Args:
        most: the largest number told apart; the last part also holds all longer paths.

    Raises:
        InputError: not a whole number, or a negative one.
    """

    name, unit, method = "hops", "hops", "path length"
    multiplicative = True
    counts_marks = True

    def __init__(self, most: int) -> None:
        self.most = whole_number(most, "most", least=0, most=_MOST)
        self.zero = (NONE,) * (self.most + 1)
        self.one = (0.0, *(NONE,) * self.most)
        self._mass = Abs()

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
