"""Composite operators written as arithmetic: what each granularity counts.

Path statistics depend on how finely an operator is cut, so each table says exactly what its
granularity means. Three tables:

- ``primitive``: softmax = e / sum(e), e = exp(x - c), with the stabilising shift c a constant (it is
  no path); LayerNorm: m = mean x, d = x - m, v = mean(d squared), d * rsqrt(v + eps) * gamma + beta, where
  squaring is one unary step; activations stay one step. A Fourier transform over several dimensions is one
  step for each of them.
- ``operator``: nothing is expanded but products (see `matrix_products`); each composite is one dense local
  Jacobian.
- ``paper``: as the public code of Du et al. (2023, https://arxiv.org/abs/2307.03056): softmax =
  exp(x - logsumexp x) with the path through the maximum, variance = E[x squared] - E[x] squared in every norm
  that subtracts a mean. RMS norm has no mean: its E[x squared] is the same at both granularities.

Half-precision inputs are expanded in float32, as the fused kernels compute.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from semiring_widgets.core.tape.expansion.fused_ops import FUSED
from semiring_widgets.core.tape.expansion.matrix_products import PRODUCTS
from semiring_widgets.core.tape.expansion.norms import PAPER_NORMS, PRIMITIVE_NORMS, UNCUT_NORMS, WHOLE_NORMS
from semiring_widgets.core.tape.expansion.random_ops import RANDOM
from semiring_widgets.core.tape.expansion.softmax import PAPER_SOFTMAX, SHIFTED_SOFTMAX
from semiring_widgets.core.tape.nodes import Node

__all__ = ["expansions", "uncut"]

aten = torch.ops.aten
_Keep = Callable[[Tensor], None]


def expansions(granularity: str, keep: _Keep) -> dict[Any, Callable[..., Any]]:
    """The table of a granularity, keyed by ATen operator, or by the name of another that may come later.

    Args:
        granularity: one of `GRANULARITIES`.
        keep: is told of each constant that steps of an expansion refer to.
    """
    if granularity == "primitive":
        shifted = {func: partial(expansion, keep=keep) for func, expansion in SHIFTED_SOFTMAX.items()}
        return {**RANDOM, **FUSED, **PRODUCTS, **_FOURIER, **PRIMITIVE_NORMS, **shifted}
    if granularity == "paper":
        return {**RANDOM, **FUSED, **PRODUCTS, **_FOURIER, **PAPER_NORMS, **PAPER_SOFTMAX}
    return {**RANDOM, **FUSED, **PRODUCTS, **WHOLE_NORMS}


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


_FOURIER: dict[Any, Callable[..., Any]] = {
    aten._fft_c2c: _fft_c2c,
    aten._fft_r2c: _fft_r2c,
    aten._fft_c2r: _fft_c2r,
}
