"""From logarithms to plain numbers and back, for contractions that multiply.

Values are logarithms with a range that no float has. A contraction takes each row relative to its largest
entry, multiplies and adds plain numbers, and takes the logarithm again. What comes out so small that
underflow may have falsified it is *doubtful* and computed once more from the logarithms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from semiring_widgets.core.semirings.weights import Weight

__all__ = ["NONE", "columns_at", "doubtful", "doubtful_products", "relative", "restored", "rows_at"]

NONE = float("-inf")
# A relative entry below 1e-38 was lost; a result must be this much larger than what can be lost with it.
_LOST = 1e-32
_ENTRIES = 1 << 22
Where = tuple[Tensor, ...]


def relative(log: Tensor, *others: Tensor) -> tuple[Tensor, ...]:
    """Row maximum (finite, also for empty rows), and each tensor's entries relative to it, in 0..1.

    Args:
        log: logarithms, (..., M, K).
        others: more of the same shape; the maximum is taken over all.
    """
    logs = (log, *others)
    if log.shape[-1] == 0:
        return (log.new_zeros((*log.shape[:-1], 1)), *logs)
    top = log.amax(-1, keepdim=True)
    for other in others:
        top = torch.maximum(top, other.amax(-1, keepdim=True))
    top = top.clamp(min=torch.finfo(log.dtype).min)
    return (top, *((part - top).exp_() for part in logs))


def restored(plain: Tensor, top: Tensor, shift: float) -> Tensor:
    """Logarithm of what was computed relative to ``top`` (..., M, 1) from weights scaled by exp(-shift)."""
    log = plain.log().add_(top)
    return log.add_(shift) if shift else log


def doubtful(
    out: Tensor, top: Tensor, inner: int, peak: float, reach: Callable[[], Tensor]
) -> Iterator[Where]:
    """Where a contraction has to be computed again, in pieces of bounded size.

    Args:
        out: the results, (..., M, N), not negative.
        top: what `relative` gave, (..., M, 1); rows without any path are known by it.
        inner: K, the number of terms of each result.
        peak: the largest ``|w|``.
        reach: counts the terms of every result that are not zero, (..., M, N); called only if needed.

    Yields:
        Index tuples into ``out``.
    """
    limit = _LOST * inner * peak
    if out.numel() == 0 or float(out.amin()) > limit:
        return
    small = (out <= limit) & (top > torch.finfo(top.dtype).min)
    step = max(1, _ENTRIES // max(1, inner))
    if int(small.sum()) > step:
        # Mostly there is no path at all, as under a causal mask; that is cheaper to see for all at once.
        small &= reach() > 0
    where = small.nonzero(as_tuple=True)
    for start in range(0, len(where[0]), step):
        yield tuple(part[start : start + step] for part in where)


def doubtful_products(out: Tensor, top: Tensor, log: Tensor, weight: Weight, peak: float) -> Iterator[Where]:
    """As `doubtful`, for terms that join a logarithm (..., M, K) and a weight (..., K, N)."""

    def reach() -> Tensor:
        return (log > NONE).to(out.dtype) @ (weight.value != 0).to(out.dtype)

    return doubtful(out, top, log.shape[-1], peak, reach)


def rows_at(left: Tensor, where: Where, batch: torch.Size) -> Tensor:
    """Rows of a left operand (..., M, K) for some results, (E, K)."""
    return left.expand(*batch, *left.shape[-2:])[where[:-1]]


def columns_at(right: Tensor, where: Where, batch: torch.Size) -> Tensor:
    """Columns of a right operand (..., K, N) for some results, (E, K)."""
    turned = right.mT
    return turned.expand(*batch, *turned.shape[-2:])[(*where[:-2], where[-1])]
