"""From logarithms to plain numbers and back, for contractions that multiply.

Values are logarithms with a range that no float has, so a contraction takes each row relative to its largest
entry.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from semiring_widgets.core.looks import any_true

__all__ = ["NONE", "exponential", "relative", "restored", "shares_are_coarse"]

NONE = float("-inf")
_COARSE = 1000.0


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


def exponential(log: Tensor) -> Tensor:
    """exp, in float64 where float32 has no such number; infinite only where float64 has none either."""
    wide = log.dtype == torch.float64 or not any_true(log > math.log(torch.finfo(log.dtype).max))
    return log.exp() if wide else log.double().exp()


def restored(plain: Tensor, top: Tensor, shift: float) -> Tensor:
    """Logarithm of what was computed relative to ``top`` (..., M, 1) from weights scaled by exp(-shift)."""
    log = plain.log().add_(top)
    return log.add_(shift) if shift else log


def shares_are_coarse(log_mass: Tensor) -> bool:
    """Whether float32 is too coarse for shares of a mass, which are differences of its logarithm and others.

    Beyond 1000 nats a logarithm is known to 6e-5 only.
    """
    return any_true((log_mass.abs() > _COARSE) & log_mass.isfinite())
