"""Contractions of logarithms, in the C library or in torch, and what of them has to be computed again.

A contraction takes each row relative to its largest entry, multiplies and adds plain numbers, and takes the
logarithm again. What comes out so small that underflow may have falsified it is *doubtful* and computed once
more from the logarithms.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from semiring_widgets.core import kernels
from semiring_widgets.core.semirings.edge_weight import Weight
from semiring_widgets.core.semirings.late_judge import LOST, Judge, current
from semiring_widgets.core.semirings.relative_logs import NONE, relative, restored

__all__ = ["Contracted", "as_weights", "columns_at", "contracted", "contracted_logs", "pieces", "rows_at"]

_ENTRIES = 1 << 22
# Nats below the largest up to which a number is a normal float32 beside it.
_FAR = -80.0
Where = tuple[Tensor, ...]
Value = tuple[Tensor, ...]


@dataclass(frozen=True, slots=True)
class Contracted:
    """What a contraction gave.

    Attributes:
        parts: the results, (..., M, N) each.
        top: maximum of each row of the left operand, (..., M, 1); rows without any path are known by it.
        shift: logarithm that was taken out of the weights, and is in the results again.
        peak: the largest ``|w|``, relative to the shift.
        least: for each part, the smallest magnitude relative to top and shift.
        inner: K, the number of terms of each result.
    """

    parts: Value
    top: Tensor
    shift: float
    peak: float
    least: tuple[float, ...]
    inner: int

    def doubtful(self, part: int, reach: Callable[[], Tensor]) -> Iterator[Where]:
        """Where one of the results has to be computed again, in pieces of bounded size.

        Args:
            part: which result.
            reach: counts its terms that are not zero, (..., M, N); called only if needed.

        Yields:
            Index tuples into it.
        """
        limit = LOST * self.inner * self.peak
        out = self.parts[part]
        if out.numel() == 0 or self.inner == 0 or self.least[part] > limit:
            return
        lowest = self.top + (self.shift + (math.log(limit) if limit > 0 else NONE))
        small = (out <= lowest) & (self.top > torch.finfo(out.dtype).min)
        if int(small.sum()) > _ENTRIES // max(1, self.inner):
            # Mostly there is no path at all, as under a causal mask; that is cheaper to see for all at once.
            small &= reach() > 0
        yield from pieces(small, self.inner)

    def doubtful_products(self, log: Tensor, weight: Weight) -> Iterator[Where]:
        """As `doubtful`, for a first part whose terms join logarithms (..., M, K) and weights (..., K, N)."""

        def reach() -> Tensor:
            return (log > NONE).to(log.dtype) @ (weight.value != 0).to(log.dtype)

        return self.doubtful(0, reach)


def contracted(name: str, value: Value, weight: Weight) -> Contracted:
    """Contract logarithms with a weight.

    Args:
        name: ``"mass"``, ``"max"``, ``"expectation"`` or ``"signed"``, as in `kernels.contract_logs`.
        value: (..., M, K) each.
        weight: (..., K, N).
    """
    inner = value[0].shape[-1]
    judge = current()
    if judge is not None and name in _ONE_RESULT and 0 not in (*value[0].shape, weight.value.shape[-1]):
        return _unjudged(name, value, weight, judge)
    if weight.may_be_moderate:
        found = kernels.contract_logs(name, value, weight.value)
        if found is not None and weight.note_peak(found.peak):
            return Contracted(found.parts, found.top, 0.0, found.peak, found.least, inner)
    plain, shift, peak = weight.moderate()
    top, results, parts, _ = _ALGEBRAS[name](value, plain, shift)
    least = tuple(float(r.amin()) if r.numel() else math.inf for r in results)
    return Contracted(parts, top, shift, peak, least, inner)


def contracted_logs(name: str, value: Value, weight: Weight, join: Callable[[Tensor], Tensor]) -> Value:
    """Contract one logarithm with a weight, and again where that is doubtful.

    Args:
        name: ``"mass"`` or ``"max"``.
        value: (log,), (..., M, K).
        weight: (..., K, N).
        join: what is computed of logarithms (E, K) of terms, (E,).
    """
    (log,) = value
    found = contracted(name, value, weight)
    (out,) = found.parts
    for where in found.doubtful_products(log, weight):
        batch = out.shape[:-2]
        out[where] = join(rows_at(log, where, batch) + columns_at(weight.value, where, batch).abs().log())
    return (out,)


def _unjudged(name: str, value: Value, weight: Weight, judge: Judge) -> Contracted:
    """What a contraction gives if all is well."""
    top, (made,), parts, least = _ALGEBRAS[name](value, weight.value, 0.0)
    if weight.sparse:
        # Where no path is, as under a causal mask, there is nothing to be lost.
        reached = _ones(torch.gt, value[0], NONE) @ _ones(torch.ne, weight.value, 0.0)
        least = made.masked_fill(reached == 0, math.inf).amin(-1, keepdim=True)
    elif least is None:
        least = made.amin(-1, keepdim=True)
    least, rows = torch.broadcast_tensors(least, top)
    judge.note(weight, least, rows, value[0].shape[-1])
    return Contracted(parts, top, 0.0, 0.0, (math.inf,), value[0].shape[-1])


def _ones(compare: Callable[..., Tensor], tensor: Tensor, number: float) -> Tensor:
    """1 where a comparison holds, else 0, in the dtype of what is compared, by one operator."""
    return compare(tensor, number, out=torch.empty_like(tensor))


def as_weights(log: Tensor) -> tuple[Weight, Tensor] | None:
    """Logarithms (K, N) as plain numbers, each column relative to its largest, and those, (1, N).

    None where float cannot hold them beside each other: a small one may meet a large left operand.
    """
    if log.numel() == 0:
        return None
    top = log.amax(-2, keepdim=True).clamp(min=torch.finfo(log.dtype).min)
    below = log - top
    if bool(((below < _FAR) & (below > NONE)).any()):
        return None
    return Weight(below.exp_()), top


class _Found(NamedTuple):
    """What an algebra gives: as in `Contracted`, and the least result of each row where that is known."""

    top: Tensor
    results: Value
    parts: Value
    least: Tensor | None = None


def _alone(
    name: str, product: Callable[[Tensor, Tensor], Tensor], value: Value, plain: Tensor, shift: float
) -> _Found:
    top, (p,) = kernels.relative_logs(name, value) or _relative(value[0])
    made = product(p, plain)
    done = None if shift else kernels.restored_logs(name, (made,), top)
    return _Found(top, (made,), *done) if done else _Found(top, (made,), (restored(made, top, shift),))


def _relative(log: Tensor) -> tuple[Tensor, Value]:
    top, p = relative(log)
    return top, (p,)


def _expectation(value: Value, plain: Tensor, shift: float) -> _Found:
    log, entropy = value
    ready = kernels.relative_logs("expectation", value)
    if ready is None:
        top, p = relative(log)
        ready = top, (p, torch.special.xlogy(p, p) - p * entropy)
    top, (p, q) = ready
    # With shares q = p |w| / mass, sum q (H - log q) = log mass - (sum p |w| (log p |w| - H)) / mass.
    mass, total = kernels.expectation(p, q, plain)
    done = None if shift else kernels.restored_logs("expectation", (mass, total), top)
    if done:
        return _Found(top, (mass,), *done)
    log_mass = mass.log()
    mean = total / mass.clamp(min=torch.finfo(mass.dtype).tiny)
    return _Found(top, (mass,), (top + log_mass + shift, torch.where(mass > 0, log_mass - mean, 0.0)))


def _signed(value: Value, plain: Tensor, shift: float) -> _Found:
    top, *relatives = relative(*value)
    high, low = kernels.signed_max_times(relatives[0], -relatives[1], plain)
    results = (high, -low)
    return _Found(top, results, tuple(restored(result, top, shift) for result in results))


_ALGEBRAS: dict[str, Callable[[Value, Tensor, float], _Found]] = {
    "mass": partial(_alone, "mass", kernels.mass),
    "max": partial(_alone, "max", kernels.max_times),
    "expectation": _expectation,
    "signed": _signed,
}

# Those whose first result says all about underflow.
_ONE_RESULT = ("mass", "max", "expectation")


def pieces(chosen: Tensor, inner: int) -> Iterator[Where]:
    """Index tuples of the chosen results, so few at a time that all ``inner`` terms can be written out."""
    where = chosen.nonzero(as_tuple=True)
    step = max(1, _ENTRIES // max(1, inner))
    for start in range(0, len(where[0]), step):
        yield tuple(index[start : start + step] for index in where)


def rows_at(left: Tensor, where: Where, batch: torch.Size) -> Tensor:
    """Rows of a left operand (..., M, K) for some results, (E, K)."""
    return left.expand(*batch, *left.shape[-2:])[where[:-1]]


def columns_at(right: Tensor, where: Where, batch: torch.Size) -> Tensor:
    """Columns of a right operand (..., K, N) for some results, (E, K)."""
    turned = right.mT
    return turned.expand(*batch, *turned.shape[-2:])[(*where[:-2], where[-1])]
