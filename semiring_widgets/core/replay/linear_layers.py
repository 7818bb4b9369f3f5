"""Linear layers on all rows of a batch: one matrix product, with the bias added on the way.

`torch.vmap` has no rule for `addmm`; it multiplies, and then adds the bias in another pass over the result.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

__all__ = ["linear_layer"]


def linear_layer(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """``x @ weight.T + bias`` under `torch.vmap`.

    Args:
        x: shape (..., units), one of many such.
        weight: shape (results, units).
        bias: broadcasts to the result; None for none.
    """
    found: Tensor = _Layer.apply(x, weight, bias)  # type: ignore[no-untyped-call]
    return found


class _Layer(torch.autograd.Function):
    """With a rule for batches; it has no derivative, as none is asked for while tests are run."""

    @staticmethod
    def forward(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return _product(x, weight, bias)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        """Nothing is kept."""

    @staticmethod
    def vmap(
        info: Any, in_dims: tuple[int | None, ...], x: Tensor, weight: Tensor, bias: Tensor | None
    ) -> tuple[Tensor, int]:
        if in_dims[0] is None or in_dims[1] is not None or in_dims[2] is not None:
            return torch.vmap(_plain, in_dims=in_dims)(x, weight, bias), 0
        return _product(x.movedim(in_dims[0], 0), weight, bias), 0


def _plain(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    product = x @ weight.mT
    return product if bias is None else product + bias


def _product(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    if bias is not None and bias.dim() != 1:
        return _plain(x, weight, bias)
    rows = x.reshape(-1, x.shape[-1])
    if _in_onednn(rows, weight, bias):
        found: Tensor = torch.ops.mkldnn._linear_pointwise(rows, weight, bias, "none", [], "")
    else:
        found = torch.nn.functional.linear(rows, weight, bias)
    return found.unflatten(0, x.shape[:-1]) if x.dim() != 2 else found


# What `torch.compile` calls for linear layers on a CPU. Where the processor is none of Intel's it is up to a
# quarter faster than MKL's product, which does not use all that such processors can do.
_HAS_ONEDNN = torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")
_LEAST_ROWS = 64


def _in_onednn(x: Tensor, weight: Tensor, bias: Tensor | None) -> bool:
    given = [one for one in (x, weight, bias) if one is not None]
    return (
        _HAS_ONEDNN
        and bool(torch._C._get_mkldnn_enabled())
        and len(x) >= _LEAST_ROWS
        and all(t.device.type == "cpu" and t.dtype == torch.float32 and t.is_contiguous() for t in given)
    )
