"""dropout and rrelu as ``x * mask``, with what is drawn as a constant, as it is to autograd.

A path cannot lead through a random mask that nobody kept.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

__all__ = ["RANDOM"]

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


RANDOM: dict[Any, Callable[..., Any]] = {
    aten.native_dropout: _dropout,
    aten.rrelu_with_noise: _rrelu,
}
