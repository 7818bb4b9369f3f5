"""The k best paths, by weight: (k largest, sums of all pairs) in the log domain."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from semiring_widgets.checks import whole_number
from semiring_widgets.core import kernels
from semiring_widgets.core.semirings.base import Semiring, Value
from semiring_widgets.core.semirings.edge_weight import Weight
from semiring_widgets.core.semirings.log_weights import LogWeights
from semiring_widgets.core.semirings.registry import register
from semiring_widgets.core.semirings.relative_logs import NONE
from semiring_widgets.errors import InputError

__all__ = ["KBest"]

# Parts of a value, each a tensor; `times` compares about k log k pairs of them.
_MOST = 10_000


@register
class KBest(LogWeights):
    """The k highest |path weight|: (k largest, sums of all pairs) on logarithms.

    ``plus`` keeps the k largest of both lists, ``times`` those of all sums of a pair; ``lift(w) = (log|w|,
    -inf, ...)``. The value is k logarithms in nats, best first, -inf where there are fewer paths;
    ``log_weights`` holds them in a last dimension. Each path counts for itself, so equal weights are listed
    as often as they occur. Contractions compare k times as many candidates as those of `Max`. After Goodman,
    Semiring Parsing, 1999, https://aclanthology.org/J99-4004/ (the n-best semiring). Which paths they are
    tells `sw.top_paths`.

    Args:
        k: how many; up to 8 there is a C kernel.

    Raises:
        InputError: k is not positive.

        >>> import torch
        >>> import semiring_widgets as sw
        >>> x = torch.tensor([2.0, 3.0])
        >>> with sw.record() as tape:  # two paths from x[0], of weights 12 and -1; one from x[1], of weight 8
        ...     score = 4 * x[0] * x[1] - x[0]
        >>> sw.backprop(tape, score, wrt=x, semiring=sw.semirings.KBest(2)).log_weights
        tensor([[2.4849, 0.0000],
                [2.0794,   -inf]])
    """

    name, method = "kbest", "best paths"
    multiplicative = True

    def __init__(self, k: int = 5) -> None:
        self.k = whole_number(k, "k", most=_MOST)
        self.name = f"{self.k}-best"
        self.method = f"path {self.name}"
        self.zero = (NONE,) * self.k
        self.one = (0.0, *(NONE,) * (self.k - 1))

    def times(self, a: Value, b: Value) -> Value:
        # The r-th best of one side can only matter with the first k / r of the other.
        pairs = [(i, j) for i in range(self.k) for j in range(self.k) if (i + 1) * (j + 1) <= self.k]
        return self._best(torch.stack([a[i] + b[j] for i, j in pairs], -1))

    def plus(self, a: Value, b: Value) -> Value:
        return self._best(torch.stack(torch.broadcast_tensors(*a, *b), -1))

    def sum(self, value: Value, dims: Sequence[int]) -> Value:
        if not dims:
            return value
        rank = value[0].dim()
        gone = sorted(d % rank for d in dims)
        stayed = [d for d in range(rank) if d not in gone]
        shape = [1 if d in gone else size for d, size in enumerate(value[0].shape)]
        candidates = torch.stack(value, -1).permute(*stayed, *gone, rank)
        kept = [value[0].shape[d] for d in stayed]
        flat = candidates.reshape(*kept, candidates[(0,) * len(stayed)].numel() if 0 not in kept else 0)
        return tuple(part.reshape(shape) for part in self._best(flat))

    def contract(self, value: Value, weight: Weight) -> Value:
        found = kernels.contract_best(value, weight.log)
        return self._contract(value, weight) if found is None else found

    def _contract(self, value: Value, weight: Weight) -> Value:
        turned = weight.log.mT
        batch = torch.broadcast_shapes(value[0].shape[:-2], turned.shape[:-2])
        rows, inner, columns = value[0].shape[-2], turned.shape[-1], turned.shape[-2]
        out = self.full(self.zero, (*batch, rows, columns), value[0])
        if out[0].numel() == 0 or inner == 0:
            return out
        step, width = kernels.tile(batch.numel() * inner * self.k, columns, turned.device)
        for start, column in itertools.product(range(0, rows, step), range(0, columns, width)):
            here = (..., slice(start, start + step), slice(column, column + width))
            logs = turned[..., None, here[-1], :]
            parts = [part[..., here[-2], None, :] + logs for part in value]
            for whole, found in zip(out, self._best(torch.cat(parts, -1)), strict=True):
                whole[here] = found
        return out

    def facts(self, value: Value) -> Mapping[str, Tensor]:
        return {"log_weights": torch.stack(value, -1), "log_weight": value[0]}

    def readout(self, value: Value) -> Tensor:
        """Log of the sum of the k best |weights|."""
        return torch.logsumexp(torch.stack(value, -1), -1)

    def branched(self) -> Semiring:
        """None.

        Raises:
            InputError: always.
        """
        raise InputError(
            "The k best paths are scalar paths: level='branch' is a rule for max and signed_max only. Use "
            "level='unit'."
        )

    def _best(self, candidates: Tensor) -> Value:
        """The k largest along the last dimension, which is dropped."""
        count = min(self.k, candidates.shape[-1])
        top = candidates.topk(count, -1).values
        missing = [top.new_full(top.shape[:-1], NONE) for _ in range(self.k - count)]
        return (*top.unbind(-1), *missing)

    def __repr__(self) -> str:
        return f"KBest({self.k})"
