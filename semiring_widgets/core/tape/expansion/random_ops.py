"""Operators that every granularity needs in terms of others.

A path cannot lead through a random mask that nobody kept. What is drawn is a constant to autograd, and is one
here. And a loss that works on its rows in chunks computes its own gradient meanwhile, for what required one
when it was called: in a recording that may be nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from semiring_widgets.core.tape.expansion.norms import narrowed, widened

__all__ = ["REWRITTEN"]

aten = torch.ops.aten


def _dropout(x: Tensor, p: float, train: bool | None) -> tuple[Tensor, Tensor]:
    with torch.no_grad():
        _, mask = aten.native_dropout(x, p, train)
        kept = mask.to(x.dtype)
        if train is not False:
            kept = kept * (1 / (1 - p) if p < 1 else 0.0)
    return x * kept, mask


def _rrelu(
    x: Tensor,
    noise: Tensor,
    lower: float = 1 / 8,
    upper: float = 1 / 3,
    training: bool = False,
    generator: torch.Generator | None = None,
) -> Tensor:
    if not training:
        return torch.nn.functional.leaky_relu(x, (lower + upper) / 2)
    with torch.no_grad():
        aten.rrelu_with_noise(x, noise, lower, upper, training, generator)
    return x * noise


def _linear_cross_entropy(
    x: Tensor,
    linear_weight: Tensor,
    target: Tensor,
    linear_bias: Tensor | None,
    weight: Tensor | None,
    ignore_index: int,
    reduction: str = "none",
) -> Tensor:
    bias = None if linear_bias is None else widened(linear_bias)
    logits = torch.nn.functional.linear(widened(x), widened(linear_weight), bias)
    loss = torch.nn.functional.cross_entropy(
        logits,
        target,
        None if weight is None else widened(weight),
        ignore_index=ignore_index,
        reduction=reduction,
    )
    return narrowed(loss, x.dtype)


def _chunked(
    x: Tensor,
    linear_weight: Tensor,
    target: Tensor,
    linear_bias: Tensor | None,
    weight: Tensor | None,
    reduction: str,
    ignore_index: int,
    label_smoothing: float,
    *how: Any,
) -> Any:
    if label_smoothing:
        return NotImplemented
    loss = _linear_cross_entropy(x, linear_weight, target, linear_bias, weight, ignore_index, reduction)
    # Its other results are gradients, for its own backward alone.
    return loss, *(x.new_empty(0) for _ in range(3))


def _chunked_rows(
    x: Tensor,
    linear_weight: Tensor,
    target: Tensor,
    linear_bias: Tensor | None,
    weight: Tensor | None,
    ignore_index: int,
    *how: Any,
) -> Tensor:
    return _linear_cross_entropy(x, linear_weight, target, linear_bias, weight, ignore_index)


def _lstm(*args: Any) -> Any:
    """In its cells: oneDNN has one operator for a whole layer, which has no derivatives in a recording."""
    packed = isinstance(args[1], Tensor)  # the sizes of its batches
    enabled = torch._C._get_mkldnn_enabled()
    torch._C._set_mkldnn_enabled(False)
    try:
        return (aten.lstm.data if packed else aten.lstm.input).decompose(*args)
    finally:
        torch._C._set_mkldnn_enabled(enabled)


REWRITTEN: dict[Any, Callable[..., Any]] = {
    aten.native_dropout: _dropout,
    aten.rrelu_with_noise: _rrelu,
    aten.lstm: _lstm,
    # New in PyTorch 2.13, and there from their first call on.
    "torch_nn::_linear_cross_entropy_batch_chunked": _chunked,
    "torch_nn::_linear_cross_entropy_batch_chunked_no_reduction": _chunked_rows,
}
