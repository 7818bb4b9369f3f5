"""Norms as arithmetic: the mean is subtracted, and what is left multiplied by one over its deviation.

Mean and deviation that a norm also returns, and the running ones that a batch norm writes, are constants to
autograd, and are here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

__all__ = ["PAPER_NORMS", "PRIMITIVE_NORMS", "UNCUT_NORMS", "WHOLE_NORMS", "ordered", "rounded_to", "widened"]

aten = torch.ops.aten
_HALF = (torch.float16, torch.bfloat16)
_CHANNELS_LAST = {4: torch.channels_last, 5: torch.channels_last_3d}
# (x, mean, x - mean, dims) -> variance
_Variance = Callable[[Tensor, Tensor, Tensor, list[int]], Tensor]


def widened(x: Tensor) -> Tensor:
    """Half precision in float32, as the fused kernels compute."""
    return x.float() if x.dtype in _HALF else x


def rounded_to(x: Tensor, dtype: torch.dtype) -> Tensor:
    """Back from `widened`."""
    return x if x.dtype == dtype else x.to(dtype)


def ordered(out: Tensor, channels_of: Tensor | None = None) -> Tensor:
    """In the memory layout that the operator itself gives, as a view that follows may need it.

    SmolVLM calls `view` on the norm of a transposed tensor, which fails on another layout than the kernel's.

    Args:
        out: the result, laid out as arithmetic leaves it.
        channels_of: the input, where the operator keeps channels last.
    """
    if channels_of is not None and channels_of.dim() in _CHANNELS_LAST:
        order = _CHANNELS_LAST[channels_of.dim()]
        if channels_of.is_contiguous(memory_format=order):
            return out.contiguous(memory_format=order)
    return out.contiguous()


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
    spread: _Variance,
) -> tuple[Tensor, Tensor, Tensor]:
    out, mean, rstd = _normalized(x, shape, weight, bias, eps, spread)
    return out, mean.detach(), rstd.detach()


def _layer_norm_alone(
    x: Tensor,
    shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
    cudnn_enable: bool = True,
    *,
    spread: _Variance,
) -> Tensor:
    return _normalized(x, shape, weight, bias, eps, spread)[0]


def _normalized(
    x: Tensor, shape: Sequence[int], weight: Tensor | None, bias: Tensor | None, eps: float, spread: _Variance
) -> tuple[Tensor, Tensor, Tensor]:
    dims = list(range(-len(shape), 0))
    wide = widened(x)
    mean = wide.mean(dims, keepdim=True)
    centred = wide - mean
    rstd = torch.rsqrt(spread(wide, mean, centred, dims) + eps)
    return ordered(_affine(centred * rstd, x, weight, bias)), mean, rstd


def _rms_norm(
    x: Tensor, shape: Sequence[int], weight: Tensor | None = None, eps: float | None = None
) -> tuple[Tensor, Tensor]:
    dims = list(range(-len(shape), 0))
    wide = widened(x)
    eps = torch.finfo(wide.dtype).eps if eps is None else eps
    rstd = torch.rsqrt((wide**2).mean(dims, keepdim=True) + eps)
    return ordered(_affine(wide * rstd, x, weight, None), x), rstd


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
    spread: _Variance,
) -> tuple[Tensor, Tensor, Tensor]:
    grouped = widened(x).reshape(n, groups, channels // groups * area)
    mean = grouped.mean(-1, keepdim=True)
    centred = grouped - mean
    rstd = torch.rsqrt(spread(grouped, mean, centred, [-1]) + eps)
    out = _per_channel((centred * rstd).reshape(x.shape), x, weight, bias)
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
    *,
    spread: _Variance,
) -> tuple[Tensor, Tensor, Tensor]:
    wide = widened(x)
    if training or running_mean is None or running_var is None:
        dims = [d for d in range(x.dim()) if d != 1]
        mean = wide.mean(dims, keepdim=True)
        centred = wide - mean
        variance = spread(wide, mean, centred, dims)
        _update(x, mean, variance, running_mean, running_var, momentum)
    else:
        shape = [1, -1] + [1] * (x.dim() - 2)
        centred = wide - widened(running_mean).reshape(shape)
        variance = widened(running_var).reshape(shape)
    rstd = torch.rsqrt(variance + eps)
    out = _per_channel(centred * rstd, x, weight, bias)
    with torch.no_grad():
        saved = (mean.flatten(), rstd.flatten()) if training else (x.new_empty(0), x.new_empty(0))
    return (out, *saved)


@torch.no_grad()
def _update(
    x: Tensor,
    mean: Tensor,
    variance: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    momentum: float,
) -> None:
    count = x.numel() // max(1, mean.numel())
    if running_mean is not None:
        running_mean.lerp_(mean.flatten().to(running_mean.dtype), momentum)
    if running_var is not None:
        unbiased = variance.flatten() * (count / max(1, count - 1))
        running_var.lerp_(unbiased.to(running_var.dtype), momentum)


def _batch_norm_alone(*args: Any, spread: _Variance) -> Tensor:
    return _batch_norm(*args[:8], spread=spread)[0]  # the ninth says whether to use cuDNN


def _legit(x: Tensor, weight: Tensor | None, bias: Tensor | None, *rest: Any, spread: _Variance) -> Any:
    # One overload has no running statistics.
    return _batch_norm(x, weight, bias, *(rest if len(rest) == 5 else (None, None, *rest)), spread=spread)


def _with_update(*args: Any, spread: _Variance) -> tuple[Tensor, ...]:
    found = _legit(*args[:5], True, *args[5:], spread=spread)
    return (*found, args[0].new_empty(0, dtype=torch.uint8))


def _whole_legit(x: Tensor, weight: Tensor | None, bias: Tensor | None, *rest: Any) -> Any:
    """Batch norm as one step, in the overload that writes nothing."""
    if len(rest) != 5:
        return NotImplemented
    running_mean, running_var, training, momentum, eps = rest
    if not training:
        return aten._native_batch_norm_legit_no_training(
            x, weight, bias, running_mean, running_var, momentum, eps
        )
    with torch.no_grad():
        dims = [d for d in range(x.dim()) if d != 1]
        variance, mean = torch.var_mean(widened(x), dims, correction=0)
    _update(x, mean, variance, running_mean, running_var, momentum)
    return aten._native_batch_norm_legit.no_stats(x, weight, bias, True, momentum, eps)


def _whole_with_update(*args: Any) -> Any:
    return (*_whole_legit(*args[:5], True, *args[5:]), args[0].new_empty(0, dtype=torch.uint8))


def _per_channel(x: Tensor, like: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
    shape = [1, -1] + [1] * (x.dim() - 2)
    out = _affine(
        x,
        like,
        None if weight is None else weight.reshape(shape),
        None if bias is None else bias.reshape(shape),
    )
    return ordered(out, like)


def _affine(x: Tensor, like: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
    if weight is not None:
        x = x * weight
    if bias is not None:
        x = x + bias
    return rounded_to(x, like.dtype)


def _norms(spread: _Variance) -> dict[Any, Callable[..., Any]]:
    return {
        aten.layer_norm: partial(_layer_norm_alone, spread=spread),
        aten.native_layer_norm: partial(_layer_norm, spread=spread),
        aten.native_group_norm: partial(_group_norm, spread=spread),
        aten._fused_rms_norm: _rms_norm,
        aten.batch_norm: partial(_batch_norm_alone, spread=spread),
        aten._native_batch_norm_legit: partial(_legit, spread=spread),
        aten._batch_norm_with_update: partial(_with_update, spread=spread),
    }


PRIMITIVE_NORMS = _norms(_spread)
PAPER_NORMS = _norms(_paper_spread)
# A path cannot lead through an operator that returns one tensor and writes another: these return only.
WHOLE_NORMS: dict[Any, Callable[..., Any]] = {
    aten._native_batch_norm_legit: _whole_legit,
    aten._batch_norm_with_update: _whole_with_update,
}
# PyTorch itself writes these as arithmetic.
UNCUT_NORMS = {norm: lambda *args: True for norm in (aten.rms_norm, aten._fused_rms_norm)}
