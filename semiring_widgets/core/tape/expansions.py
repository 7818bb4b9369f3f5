"""Composite operators written as arithmetic: what each granularity counts.

Path statistics depend on how finely an operator is cut, so each table says exactly what its
granularity means. Three tables:

- ``primitive``: softmax = e / sum(e), e = exp(x - c), with the stabilising shift c a constant (it is
  no path); LayerNorm: m = mean x, d = x - m, v = mean(d squared), d * rsqrt(v + eps) * gamma + beta, where
  squaring is one unary step; activations stay one step.
- ``operator``: nothing is expanded; each composite is one dense local Jacobian.
- ``paper``: as the public code of Du et al. (2023): softmax = exp(x - logsumexp x) with the path
  through the maximum, variance = E[x squared] - E[x] squared in every norm that subtracts a mean. RMS
  norm has no mean: its E[x squared] is the same at both granularities.

Half-precision inputs are expanded in float32, as the fused kernels compute.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from semiring_widgets.errors import InputError

__all__ = ["GRANULARITIES", "expansions"]

aten = torch.ops.aten
GRANULARITIES = ("primitive", "operator", "paper")
# (x, mean, x - mean, dims) -> variance
_Variance = Callable[[Tensor, Tensor, Tensor, list[int]], Tensor]
_HALF = (torch.float16, torch.bfloat16)


def expansions(granularity: str) -> dict[Any, Callable[..., Any]]:
    """The table of a granularity, keyed by ATen operator.

    Raises:
        InputError: for an unknown name.
    """
    if granularity == "primitive":
        return {**_COMMON, **_PRIMITIVE}
    if granularity == "paper":
        return {**_COMMON, **_PAPER}
    if granularity == "operator":
        return {}
    raise InputError(f"granularity is {granularity!r}; choose one of {', '.join(GRANULARITIES)}.")


def _wide(x: Tensor) -> Tensor:
    return x.float() if x.dtype in _HALF else x


def _shift(x: Tensor, dim: list[int] | int) -> Tensor:
    """The stabilising maximum, cut from the graph; 0 where a whole row is masked by -inf."""
    with torch.no_grad():
        if x.numel() == 0:
            return x.sum(dim, keepdim=True)  # nothing to stabilise; zeros of the right shape
        top = torch.amax(x, dim, keepdim=True)
        return torch.where(top.isneginf(), torch.zeros_like(top), top)


def _softmax(x: Tensor, dim: int, half_to_float: bool = False) -> Tensor:
    wide = _wide(x)
    e = torch.exp(wide - _shift(wide, dim))
    return _narrow(e / e.sum(dim, keepdim=True), x, half_to_float)


def _safe_softmax(x: Tensor, dim: int, dtype: torch.dtype | None = None) -> Tensor:
    wide = _wide(x if dtype is None else x.to(dtype))
    e = torch.exp(wide - _shift(wide, dim))
    total = e.sum(dim, keepdim=True)
    with torch.no_grad():
        empty = total == 0
    if bool(empty.any()):  # rows without any allowed key are zero, not NaN
        total = total.masked_fill(empty, 1.0)
    out = e / total
    return out.to(dtype if dtype is not None else x.dtype)


def _log_softmax(x: Tensor, dim: int, half_to_float: bool = False) -> Tensor:
    wide = _wide(x)
    shifted = wide - _shift(wide, dim)
    out = shifted - torch.log(torch.exp(shifted).sum(dim, keepdim=True))
    return _narrow(out, x, half_to_float)


def _logsumexp(x: Tensor, dim: list[int], keepdim: bool = False) -> Tensor:
    shift = _shift(x, dim)
    out = torch.log(torch.exp(x - shift).sum(dim, keepdim=True)) + shift
    return out if keepdim else out.squeeze(list(dim))


def _paper_softmax(x: Tensor, dim: int, half_to_float: bool = False) -> Tensor:
    return _narrow(torch.exp(_paper_log_softmax(_wide(x), dim)), x, half_to_float)


def _paper_safe_softmax(x: Tensor, dim: int, dtype: torch.dtype | None = None) -> Tensor:
    wide = _wide(x if dtype is None else x.to(dtype))
    with torch.no_grad():
        empty = wide.isneginf().all(dim, keepdim=True)
    if bool(empty.any()):  # rows without any allowed key are zero, not NaN
        wide = wide.masked_fill(empty, 0.0)
    out = _paper_softmax(wide, dim)
    if bool(empty.any()):
        out = out.masked_fill(empty, 0.0)
    return out.to(dtype if dtype is not None else x.dtype)


def _paper_log_softmax(x: Tensor, dim: int, half_to_float: bool = False) -> Tensor:
    wide = _wide(x)
    return _narrow(wide - _paper_logsumexp(wide, [dim], keepdim=True), x, half_to_float)


def _paper_logsumexp(x: Tensor, dim: list[int], keepdim: bool = False) -> Tensor:
    top = torch.amax(x, dim, keepdim=True)
    if bool(top.isneginf().any()):  # a whole row is masked
        top = top.masked_fill(top.isneginf(), 0.0)
    out = top + torch.log(torch.exp(x - top).sum(dim, keepdim=True))
    return out if keepdim else out.squeeze(list(dim))


def _spread(x: Tensor, mean: Tensor, centred: Tensor, dims: list[int]) -> Tensor:
    return (centred**2).mean(dims, keepdim=True)


def _paper_spread(x: Tensor, mean: Tensor, centred: Tensor, dims: list[int]) -> Tensor:
    return (x**2).mean(dims, keepdim=True) - mean**2


def _layer_norm(
    x: Tensor,
    shape: Sequence[int],
    weight: Tensor | None,
    bias: Tensor | None,
    eps: float,
    *,
    spread: _Variance = _spread,
) -> tuple[Tensor, Tensor, Tensor]:
    dims = list(range(-len(shape), 0))
    wide = _wide(x)
    mean = wide.mean(dims, keepdim=True)
    centred = wide - mean
    rstd = torch.rsqrt(spread(wide, mean, centred, dims) + eps)
    return _affine(centred * rstd, x, weight, bias), mean, rstd


def _rms_norm(
    x: Tensor, shape: Sequence[int], weight: Tensor | None = None, eps: float | None = None
) -> tuple[Tensor, Tensor]:
    dims = list(range(-len(shape), 0))
    wide = _wide(x)
    eps = torch.finfo(wide.dtype).eps if eps is None else eps
    rstd = torch.rsqrt((wide**2).mean(dims, keepdim=True) + eps)
    return _affine(wide * rstd, x, weight, None), rstd


def _group_norm(
    x: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    n: int,
    channels: int,
    area: int,
    groups: int,
    eps: float,
    *,
    spread: _Variance = _spread,
) -> tuple[Tensor, Tensor, Tensor]:
    grouped = _wide(x).reshape(n, groups, -1)
    mean = grouped.mean(-1, keepdim=True)
    centred = grouped - mean
    rstd = torch.rsqrt(spread(grouped, mean, centred, [-1]) + eps)
    per_channel = [1, channels] + [1] * (x.dim() - 2)
    out = _affine(
        (centred * rstd).reshape(x.shape),
        x,
        None if weight is None else weight.reshape(per_channel),
        None if bias is None else bias.reshape(per_channel),
    )
    return out, mean.squeeze(-1), rstd.squeeze(-1)


def _batch_norm(
    x: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    training: bool,
    momentum: float,
    eps: float,
    cudnn_enabled: bool = True,
    *,
    spread: _Variance = _spread,
) -> Tensor:
    wide = _wide(x)
    per_channel = [1, -1] + [1] * (x.dim() - 2)
    if training or running_mean is None or running_var is None:
        dims = [d for d in range(x.dim()) if d != 1]
        mean = wide.mean(dims, keepdim=True)
        centred = wide - mean
        variance = spread(wide, mean, centred, dims)
        with torch.no_grad():
            count = x.numel() // max(1, mean.numel())
            if running_mean is not None:
                running_mean.lerp_(mean.flatten().to(running_mean.dtype), momentum)
            if running_var is not None:
                unbiased = variance.flatten() * (count / max(1, count - 1))
                running_var.lerp_(unbiased.to(running_var.dtype), momentum)
    else:
        centred = wide - _wide(running_mean).reshape(per_channel)
        variance = _wide(running_var).reshape(per_channel)
    return _affine(
        centred * torch.rsqrt(variance + eps),
        x,
        None if weight is None else weight.reshape(per_channel),
        None if bias is None else bias.reshape(per_channel),
    )


def _affine(x: Tensor, like: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
    if weight is not None:
        x = x * weight
    if bias is not None:
        x = x + bias
    return x.to(like.dtype)


def _narrow(out: Tensor, like: Tensor, half_to_float: bool) -> Tensor:
    return out if half_to_float else out.to(like.dtype)


_COMMON: dict[Any, Callable[..., Any]] = {
    aten._safe_softmax: _safe_softmax,
    aten.logsumexp: _logsumexp,
    aten.batch_norm: _batch_norm,
    aten.native_group_norm: _group_norm,
    aten._fused_rms_norm: _rms_norm,
}
_PRIMITIVE: dict[Any, Callable[..., Any]] = {
    aten._softmax: _softmax,
    aten._log_softmax: _log_softmax,
    aten.native_layer_norm: _layer_norm,
}
_PAPER: dict[Any, Callable[..., Any]] = {
    aten._softmax: _paper_softmax,
    aten._log_softmax: _paper_log_softmax,
    aten._safe_softmax: _paper_safe_softmax,
    aten.logsumexp: _paper_logsumexp,
    aten.native_layer_norm: partial(_layer_norm, spread=_paper_spread),
    aten.native_group_norm: partial(_group_norm, spread=_paper_spread),
    aten.batch_norm: partial(_batch_norm, spread=_paper_spread),
}
