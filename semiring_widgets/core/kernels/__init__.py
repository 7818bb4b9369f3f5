"""Max-plus contractions."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["maxplus", "maxplus_signed"]

_CHUNK = 1 << 24


def maxplus(a: Tensor, w: Tensor) -> Tensor:
    """``out[..., m, n] = max over k of a[..., m, k] + w[..., k, n]``; -inf where K is 0."""
    batch = torch.broadcast_shapes(a.shape[:-2], w.shape[:-2])
    m, k, n = a.shape[-2], a.shape[-1], w.shape[-1]
    out = a.new_full((*batch, m, n), float("-inf"))
    if out.numel() == 0 or k == 0:
        return out
    wt = w.mT.contiguous()
    step = max(1, _CHUNK // max(1, batch.numel() * n * k))
    for start in range(0, m, step):
        rows = a[..., start : start + step, None, :]
        out[..., start : start + step, :] = (rows + wt[..., None, :, :]).amax(-1)
    return out


def maxplus_signed(ap: Tensor, an: Tensor, wp: Tensor, wn: Tensor) -> tuple[Tensor, Tensor]:
    """Best positive and best negative product sums in the log domain."""
    positive = torch.maximum(maxplus(ap, wp), maxplus(an, wn))
    negative = torch.maximum(maxplus(ap, wn), maxplus(an, wp))
    return positive, negative
