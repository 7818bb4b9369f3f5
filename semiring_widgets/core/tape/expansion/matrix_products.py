"""Matrix products in disguise, as plain ones: by groups of rows, and by the inverse of a triangle.

Their local derivatives are those of plain products, and too many to be written out one by one. Every
granularity needs these; each edge stays one path of the same weight.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

__all__ = ["PRODUCTS"]

aten = torch.ops.aten


def _grouped_mm(
    a: Tensor,
    b: Tensor,
    offs: Tensor | None = None,
    bias: Tensor | None = None,
    out_dtype: torch.dtype | None = None,
) -> Any:
    """The experts of a mixture, as the models of transformers compute them: one product for each."""
    if bias is not None or out_dtype not in (None, a.dtype):
        return NotImplemented
    if offs is None:
        return torch.bmm(a, b)
    ends = offs.tolist()
    spans = list(zip([0, *ends[:-1]], ends, strict=True))
    if a.dim() == 2 and b.dim() == 2:
        return torch.stack([a[:, start:end] @ b[start:end] for start, end in spans])
    # Experts that no row is sent to cost nothing; what no expert gets is left undefined by the kernel.
    used = [(expert, start, end) for expert, (start, end) in enumerate(spans) if start < end]
    if b.dim() == 2:
        columns = [a[expert] @ b[:, start:end] for expert, start, end in used]
        return torch.cat([*columns, a.new_zeros(a.shape[1], b.shape[1] - ends[-1])], 1)
    rows = [a[start:end] @ b[expert] for expert, start, end in used]
    return torch.cat([*rows, a.new_zeros(a.shape[0] - ends[-1], b.shape[2])])


def _solve_triangular(
    a: Tensor, b: Tensor, *, upper: bool, left: bool = True, unitriangular: bool = False
) -> Tensor:
    """X = A^-1 B, written as A0^-1 (B - (A - A0) X0), where A0 and X0 are the numbers of A and X.

    The delta rule of Qwen3-Next and its like solves one such system for every 64 tokens of a head.
    """
    if not left:
        return _solve_triangular(a.mT, b.mT, upper=not upper, unitriangular=unitriangular).mT
    diagonal = int(unitriangular)
    with torch.no_grad():
        one = torch.eye(a.shape[-1], dtype=a.dtype, device=a.device)
        inverse = torch.linalg.solve_triangular(a, one, upper=upper, unitriangular=unitriangular)
        x = torch.linalg.solve_triangular(a, b, upper=upper, unitriangular=unitriangular)
    used = a.triu(diagonal) if upper else a.tril(-diagonal)
    moved = used @ x
    solved: Tensor = inverse @ (b - (moved - moved.detach()))
    return solved


PRODUCTS: dict[Any, Callable[..., Any]] = {aten.linalg_solve_triangular: _solve_triangular}
if hasattr(aten, "_grouped_mm"):
    PRODUCTS[aten._grouped_mm] = _grouped_mm
