"""Decompositions of composite operators in fewer steps than PyTorch's own; the results are the same.

PyTorch expands what has its shape already, or changes a dtype to itself. Such steps leave nothing on a tape,
but each costs as much as one that does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch._ops import OpOverload

__all__ = ["decomposed"]

aten = torch.ops.aten


def decomposed(func: OpOverload, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call a composite operator as others.

    Returns:
        Its result; NotImplemented where it is not composite.
    """
    shorter = _SHORTER.get(func.overloadpacket)
    if shorter is not None and not kwargs:
        result = shorter(*args)
        if result is not NotImplemented:
            return result
    return func.decompose(*args, **kwargs)


def _dropout(x: Tensor, p: float, train: bool) -> Any:
    return NotImplemented if train else x


def _matmul(x: Tensor, y: Tensor) -> Any:
    """Batches of matrices that need no broadcasting."""
    batch = x.shape[:-2]
    if x.dim() < 3 or y.shape[:-2] != batch:
        return NotImplemented
    if x.dim() == 3:
        return torch.bmm(x, y)
    count = batch.numel()
    left, right = (each.reshape(count, *each.shape[-2:]) for each in (x, y))
    return torch.bmm(left, right).view(*batch, x.shape[-2], y.shape[-1])


def _reshape(x: Tensor, shape: list[int]) -> Any:
    return x.view(shape) if x.is_contiguous() else NotImplemented


_SHORTER: dict[Any, Callable[..., Any]] = {
    aten.dropout: _dropout,
    aten.matmul: _matmul,
    aten.reshape: _reshape,
}
