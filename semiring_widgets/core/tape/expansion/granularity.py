"""Composite operators written as arithmetic: what each granularity counts.

Path statistics depend on how finely an operator is cut, so each table says exactly what its
granularity means. Three tables:

- ``primitive``: softmax = e / sum(e), e = exp(x - c), with the stabilising shift c a constant (it is
  no path); LayerNorm: m = mean x, d = x - m, v = mean(d squared), d * rsqrt(v + eps) * gamma + beta, where
  squaring is one unary step; activations stay one step. A Fourier transform over several dimensions is one
  step for each of them.
- ``operator``: nothing is expanded but products (see `products`); each composite is one dense local Jacobian.
- ``paper``: as the public code of Du et al. (2023): softmax = exp(x - logsumexp x) with the path
  through the maximum, variance = E[x squared] - E[x] squared in every norm that subtracts a mean. RMS
  norm has no mean: its E[x squared] is the same at both granularities.

Half-precision inputs are expanded in float32, as the fused kernels compute.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter

from semiring_widgets.core.tape.expansion.matrix_products import PRODUCTS
from semiring_widgets.core.tape.expansion.norms import (
    PAPER_NORMS,
    PRIMITIVE_NORMS,
    UNCUT_NORMS,
    WHOLE_NORMS,
    narrowed,
    ordered,
    widened,
)
from semiring_widgets.core.tape.expansion.random_ops import REWRITTEN
from semiring_widgets.core.tape.nodes import Node

__all__ = ["GRANULARITIES", "expansions", "uncut"]

aten = torch.ops.aten
GRANULARITIES = ("primitive", "operator", "paper")
_Keep = Callable[[Tensor], None]


def expansions(granularity: str, keep: _Keep) -> dict[Any, Callable[..., Any]]:
    """The table of a granularity, keyed by ATen operator, or by the name of another that may come later.

    Args:
        granularity: one of `GRANULARITIES`.
        keep: is told of each constant that steps of an expansion refer to.
    """
    if granularity == "primitive":
        shifted = {func: partial(expansion, keep=keep) for func, expansion in _SHIFTED.items()}
        return {**REWRITTEN, **PRODUCTS, **_FOURIER, **PRIMITIVE_NORMS, **shifted}
    if granularity == "paper":
        return {**REWRITTEN, **PRODUCTS, **_FOURIER, **PAPER_NORMS, **_PAPER}
    return {**REWRITTEN, **PRODUCTS, **WHOLE_NORMS}


def uncut(granularity: str) -> dict[Any, Callable[..., bool]]:
    """The ATen operators that PyTorch would decompose, and that a granularity keeps as one step.

    Each has a function that tells from the arguments, with nodes in the place of tensors, whether it is one.
    """
    return {aten.linear: _is_plain, **(UNCUT_NORMS if granularity == "operator" else {})}


def _is_plain(x: Any, weight: Any, bias: Any = None) -> bool:
    """Whether a linear layer takes rows of real numbers, and none of its arguments twice.

    A bias of several dimensions meets rows that PyTorch has joined to one dimension.
    """
    if not (isinstance(x, Node) and isinstance(weight, Node)) or x.complex or weight.complex:
        return False
    if bias is not None and (not isinstance(bias, Node) or len(bias.shape) != 1):
        return False
    return len(x.shape) > 1 and len(weight.shape) == 2 and x is not weight and bias not in (x, weight)


def _shift(x: Tensor, dim: list[int] | int, keep: _Keep) -> Tensor:
    """The stabilising maximum, cut from the graph; 0 where a whole row is masked by -inf."""
    with _unrecorded(x):
        if x.numel() == 0:
            return x.sum(dim, keepdim=True)  # nothing to stabilise; zeros of the right shape
        top = torch.amax(x.real if x.is_complex() else x, dim, keepdim=True)
        top = torch.where(top.isneginf(), torch.zeros_like(top), top)
    keep(top)
    return top


def _unrecorded(x: Tensor) -> AbstractContextManager[object]:
    """What is computed from ``x`` is a constant, and the tape does not even see how."""
    plain = type(x) in (Tensor, Parameter)
    return torch._C._DisableTorchDispatch() if plain else torch.no_grad()


def _softmax(x: Tensor, dim: int, half_to_float: bool = False, *, keep: _Keep) -> Tensor:
    wide = widened(x)
    e = torch.exp(wide - _shift(wide, dim, keep))
    return _narrow(e / e.sum(dim, keepdim=True), x, half_to_float)


def _safe_softmax(x: Tensor, dim: int, dtype: torch.dtype | None = None, *, keep: _Keep) -> Tensor:
    wide = widened(x if dtype is None else x.to(dtype))
    e = torch.exp(wide - _shift(wide, dim, keep))
    total = e.sum(dim, keepdim=True)
    with _unrecorded(total):
        empty = total == 0
        some = bool(empty.any())
    if some:  # rows without any allowed key are zero, not NaN
        total = total.masked_fill(empty, 1.0)
    return ordered(narrowed(e / total, dtype if dtype is not None else x.dtype))


def _log_softmax(x: Tensor, dim: int, half_to_float: bool = False, *, keep: _Keep) -> Tensor:
    wide = widened(x)
    shifted = wide - _shift(wide, dim, keep)
    out = shifted - torch.log(torch.exp(shifted).sum(dim, keepdim=True))
    return _narrow(out, x, half_to_float)


def _logsumexp(x: Tensor, dim: list[int], keepdim: bool = False, *, keep: _Keep) -> Tensor:
    shift = _shift(x, dim, keep)
    out = torch.log(torch.exp(x - shift).sum(dim, keepdim=True)) + shift
    return out if keepdim else out.squeeze(list(dim))


def _paper_softmax(x: Tensor, dim: int, half_to_float: bool = False) -> Tensor:
    return _narrow(torch.exp(_paper_log_softmax(widened(x), dim)), x, half_to_float)


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
    return _narrow(wide - _paper_logsumexp(wide, [dim], keepdim=True), x, half_to_float)


def _paper_logsumexp(x: Tensor, dim: list[int], keepdim: bool = False) -> Tensor:
    top = torch.amax(x, dim, keepdim=True)
    if bool(top.isneginf().any()):  # a whole row is masked
        top = top.masked_fill(top.isneginf(), 0.0)
    out = top + torch.log(torch.exp(x - top).sum(dim, keepdim=True))
    return out if keepdim else out.squeeze(list(dim))


def _fft_c2c(x: Tensor, dim: Sequence[int], normalization: int, forward: bool) -> Any:
    if len(dim) < 2:
        return NotImplemented
    for d in dim:
        x = aten._fft_c2c(x, [d], normalization, forward)
    return x


def _fft_r2c(x: Tensor, dim: Sequence[int], normalization: int, onesided: bool) -> Any:
    if len(dim) < 2:
        return NotImplemented
    x = aten._fft_r2c(x, [dim[-1]], normalization, onesided)
    return aten._fft_c2c(x, list(dim[:-1]), normalization, True)


def _fft_c2r(x: Tensor, dim: Sequence[int], normalization: int, last_dim_size: int) -> Any:
    if len(dim) < 2:
        return NotImplemented
    x = aten._fft_c2c(x, list(dim[:-1]), normalization, False)
    return aten._fft_c2r(x, [dim[-1]], normalization, last_dim_size)


def _narrow(out: Tensor, like: Tensor, half_to_float: bool) -> Tensor:
    return ordered(out if half_to_float else narrowed(out, like.dtype))


_FOURIER: dict[Any, Callable[..., Any]] = {
    aten._fft_c2c: _fft_c2c,
    aten._fft_r2c: _fft_r2c,
    aten._fft_c2r: _fft_c2r,
}
_SHIFTED: dict[Any, Callable[..., Any]] = {
    aten._softmax: _softmax,
    aten._log_softmax: _log_softmax,
    aten._safe_softmax: _safe_softmax,
    aten.logsumexp: _logsumexp,
}
_PAPER: dict[Any, Callable[..., Any]] = {
    aten._softmax: _paper_softmax,
    aten._log_softmax: _paper_log_softmax,
    aten._safe_softmax: _paper_safe_softmax,
    aten.logsumexp: _paper_logsumexp,
}
