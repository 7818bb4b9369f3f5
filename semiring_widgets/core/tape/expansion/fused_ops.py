"""Fused operators that have no derivative inside a recording, in the steps that they fuse.

A loss that works on its rows in chunks computes its own gradient meanwhile, for what required one when it was
called: in a recording that may be nothing. An LSTM of oneDNN is one operator for a whole layer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from semiring_widgets.core.tape.expansion.norms import rounded_to, widened

__all__ = ["FUSED"]

aten = torch.ops.aten


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
    return rounded_to(loss, x.dtype)


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


def _chunked_rows(*args: Any) -> Tensor:
    return _linear_cross_entropy(*args[:6])  # the others say how it is cut into chunks


def _lstm(*args: Any) -> Any:
    """In its cells: oneDNN has one operator for a whole layer, which has no derivatives in a recording."""
    packed = isinstance(args[1], Tensor)  # the sizes of its batches
    enabled = torch._C._get_mkldnn_enabled()
    torch._C._set_mkldnn_enabled(False)
    try:
        return (aten.lstm.data if packed else aten.lstm.input).decompose(*args)
    finally:
        torch._C._set_mkldnn_enabled(enabled)


FUSED: dict[Any, Callable[..., Any]] = {
    aten.lstm: _lstm,
    # New in PyTorch 2.13, and there from their first call on.
    "torch_nn::_linear_cross_entropy_batch_chunked": _chunked,
    "torch_nn::_linear_cross_entropy_batch_chunked_no_reduction": _chunked_rows,
}
