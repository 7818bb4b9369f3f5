"""Softmax, its logarithm and logsumexp as arithmetic, at the two granularities that open them.

The shift that keeps exp from overflowing is a constant here, and a path through the maximum in the code of Du
et al. (2023, https://arxiv.org/abs/2307.03056), which takes softmax = exp(x - logsumexp x).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter

from semiring_widgets.core.looks import any_true
from semiring_widgets.core.tape.expansion.norms import ordered, rounded_to, widened

__all__ = ["PAPER_SOFTMAX", "SHIFTED_SOFTMAX"]

aten = torch.ops.aten
_Keep = Callable[[Tensor], None]


def _constant_shift(x: Tensor, dim: list[int] | int, keep: _Keep) -> Tensor:
    """The stabilising maximum, cut from the graph; 0 where a whole row is masked by -inf."""
    with _unrecorded(x):
        if x.numel() == 0:
            return x.sum(dim, keepdim=True)  # nothing to stabilise; zeros of the right shape
        top = torch.amax(x.real if x.is_complex() else x, dim, keepdim=True)
        top = torch.where(top.isneginf(), torch.zeros_like(top), top)
    keep(top)
    return top


def _unrecorded(x: Tensor) -> AbstractContextManager[object]:
    """A block whose results are constants to the tape.

    For plain tensors below the dispatch mode, so that nothing is recorded at all; a subclass needs its own
    dispatch, and is computed under `no_grad`.
    """
    plain = type(x) in (Tensor, Parameter)
    return torch._C._DisableTorchDispatch() if plain else torch.no_grad()


def _softmax(x: Tensor, dim: int, half_to_float: bool = False, *, keep: _Keep) -> Tensor:
    wide = widened(x)
    e = torch.exp(wide - _constant_shift(wide, dim, keep))
    return _narrowed_result(e / e.sum(dim, keepdim=True), x, half_to_float)


def _safe_softmax(x: Tensor, dim: int, dtype: torch.dtype | None = None, *, keep: _Keep) -> Tensor:
    wide = widened(x if dtype is None else x.to(dtype))
    e = torch.exp(wide - _constant_shift(wide, dim, keep))
    total = e.sum(dim, keepdim=True)
    with _unrecorded(total):
        empty = total == 0
        some = any_true(empty)
    if some:  # rows without any allowed key are zero, not NaN
        total = total.masked_fill(empty, 1.0)
    return ordered(rounded_to(e / total, dtype if dtype is not None else x.dtype))


def _log_softmax(x: Tensor, dim: int, half_to_float: bool = False, *, keep: _Keep) -> Tensor:
    wide = widened(x)
    shifted = wide - _constant_shift(wide, dim, keep)
    out = shifted - torch.log(torch.exp(shifted).sum(dim, keepdim=True))
    return _narrowed_result(out, x, half_to_float)


def _logsumexp(x: Tensor, dim: list[int], keepdim: bool = False, *, keep: _Keep) -> Tensor:
    shift = _constant_shift(x, dim, keep)
    out = torch.log(torch.exp(x - shift).sum(dim, keepdim=True)) + shift
    return out if keepdim else out.squeeze(list(dim))


def _paper_softmax(x: Tensor, dim: int, half_to_float: bool = False) -> Tensor:
    return _narrowed_result(torch.exp(_paper_log_softmax(widened(x), dim)), x, half_to_float)


def _paper_safe_softmax(x: Tensor, dim: int, dtype: torch.dtype | None = None) -> Tensor:
    wide = widened(x if dtype is None else x.to(dtype))
    with torch.no_grad():
        empty = wide.isneginf().all(dim, keepdim=True)
    if bool(empty.any()):  # rows without any allowed key are zero, not NaN
        wide = wide.masked_fill(empty, 0.0)
    out = _paper_softmax(wide, dim)
    if bool(empty.any()):
        out = out.masked_fill(empty, 0.0)
    return out.to(dtype if dtype is not None else x.dtype)


def _paper_log_softmax(x: Tensor, dim: int, half_to_float: bool = False) -> Tensor:
    wide = widened(x)
    return _narrowed_result(wide - _paper_logsumexp(wide, [dim], keepdim=True), x, half_to_float)


def _paper_logsumexp(x: Tensor, dim: list[int], keepdim: bool = False) -> Tensor:
    top = torch.amax(x, dim, keepdim=True)
    if bool(top.isneginf().any()):  # a whole row is masked
        top = top.masked_fill(top.isneginf(), 0.0)
    out = top + torch.log(torch.exp(x - top).sum(dim, keepdim=True))
    return out if keepdim else out.squeeze(list(dim))


def _narrowed_result(out: Tensor, like: Tensor, half_to_float: bool) -> Tensor:
    return ordered(out if half_to_float else rounded_to(out, like.dtype))


SHIFTED_SOFTMAX: dict[Any, Callable[..., Any]] = {
    aten._softmax: _softmax,
    aten._log_softmax: _log_softmax,
    aten._safe_softmax: _safe_softmax,
    aten.logsumexp: _logsumexp,
}
PAPER_SOFTMAX: dict[Any, Callable[..., Any]] = {
    aten._softmax: _paper_softmax,
    aten._log_softmax: _paper_log_softmax,
    aten._safe_softmax: _paper_safe_softmax,
    aten.logsumexp: _paper_logsumexp,
}
