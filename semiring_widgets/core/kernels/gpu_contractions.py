"""Contractions on a GPU: Triton kernels where Triton is there, else the torch versions on the same device.

    max, signed, expectation    Triton, for float32, float16 and bfloat16 operands; results are float32
    mass, sums                  torch, that is cuBLAS; sweeps keep TF32 and autocast away (`core.precision`)
    float64                     torch

CUDA builds of torch for Linux bring Triton along. It is imported at the first contraction on a GPU, and each
kernel is compiled and tuned when it first runs. ``SEMIRING_WIDGETS_KERNELS=torch`` chooses torch.
"""

from __future__ import annotations

import importlib.util
import os
import threading
import warnings
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor

from semiring_widgets.errors import PerformanceWarning

__all__ = ["contract"]

_DTYPES = (torch.float32, torch.float16, torch.bfloat16)
# Programs that keep one processor busy, and the fewest terms that are worth a program of their own.
_PROGRAMS, _FEWEST = 2, 64
# Numbers that load as whole vectors, whatever their type.
_ALIGNED = 16
# Side of a typical tile of results; which one is used is known only later.
_TILE = 64
# How the parts of each result are joined.
_JOINS: dict[str, tuple[Callable[[Tensor, int], Tensor], ...]] = {
    "max": (torch.amax,),
    "signed": (torch.amax, torch.amin),
    "expectation": (torch.sum, torch.sum),
}
# Fused multiply-add: set explicitly, because Triton has announced another default.
_OPTIONS = {"enable_fp_fusion": True}
# Triton's tuner keeps the arguments of a call in itself.
_launching = threading.Lock()


def contract(name: str, left: Sequence[Tensor], w: Tensor) -> list[Tensor] | None:
    """The results of a Triton kernel, one per left operand; None where torch has to do it.

    Args:
        name: ``"max"``, ``"signed"`` or ``"expectation"``; the others are torch's.
        left: one operand (..., M, K), or two of one shape.
        w: (..., K, N), on the same GPU.
    """
    if name not in _JOINS or any(t.dtype not in _DTYPES for t in (*left, w)) or not _available():
        return None
    batch = torch.broadcast_shapes(left[0].shape[:-2], w.shape[:-2])
    shape = (*batch, left[0].shape[-2], w.shape[-1])
    if w.dim() == 2:
        # One weight for the whole batch: one product with more rows.
        left = [part.reshape(-1, part.shape[-1]) for part in left]
        batch = torch.Size()
    (rows, inner), columns = left[0].shape[-2:], w.shape[-1]
    if 0 in (*shape, inner):
        return [w.new_zeros(shape, dtype=torch.float32) for _ in left]
    turned = [_turned(part, batch) for part in left]
    weights = w.expand(*batch, inner, columns).reshape(-1, inner, columns)
    parts = _parts(len(weights), rows, inner, columns, _processors(w.device))
    size = (len(weights), parts, rows, columns)
    found = [w.new_empty(size, dtype=torch.float32) for _ in left]
    with _launching, torch.cuda.device_of(w):
        _launch(name, turned, weights, found)
    return [join(f, 1).reshape(shape) for join, f in zip(_JOINS[name], found, strict=True)]


def _launch(name: str, left: Sequence[Tensor], w: Tensor, out: Sequence[Tensor]) -> None:
    """Run the kernel for `_turned` left operands and ``w`` (B, K, N), into ``out`` (B, parts, M, N)."""
    from semiring_widgets.core.kernels import triton_algebra, triton_rows, triton_tiles

    batch, parts, rows, columns = out[0].shape
    inner = w.shape[1]
    depth = -(-inner // parts)
    algebra = triton_algebra.NUMBER[name]
    pointers = (left[0], left[-1], w, out[0], out[-1])
    across = left[0].stride()
    if rows == 1:
        grid = (batch * parts * -(-columns // triton_rows.COLUMNS),)
        triton_rows.rows[grid](
            *pointers, inner, columns, parts, depth, across[0], across[1], *w.stride(), algebra,
            triton_rows.TERMS, triton_rows.COLUMNS, **_OPTIONS,
        )  # fmt: skip
        return

    def tiles(config: dict[str, Any]) -> tuple[int]:
        return (batch * parts * -(-rows // config["ROWS"]) * -(-columns // config["COLUMNS"]),)

    sizes = [1 << (size - 1).bit_length() for size in (rows, inner, columns)]
    triton_tiles.tiles[tiles](
        *pointers, rows, inner, columns, parts, depth,
        across[0], left[0].shape[2], *w.stride(), *sizes, algebra, **_OPTIONS,
    )  # fmt: skip


def _turned(part: Tensor, batch: torch.Size) -> Tensor:
    """(..., M, K) as (B, K, M), with rows of zeros up to a multiple of `_ALIGNED` unless there is one row."""
    rows, inner = part.shape[-2:]
    filled = rows if rows == 1 else -(-rows // _ALIGNED) * _ALIGNED
    turned = part.new_zeros((*part.shape[:-2], inner, filled))
    turned[..., :rows] = part.mT
    return turned.expand(*batch, inner, filled).reshape(-1, inner, filled)


def _parts(batch: int, rows: int, inner: int, columns: int, processors: int) -> int:
    """Into how many the terms are cut, so that there is work for all processors."""
    programs = batch * -(-rows // _TILE) * -(-columns // _TILE)
    parts = max(1, min(_PROGRAMS * processors // programs, inner // _FEWEST))
    return -(-inner // -(-inner // parts))


@cache
def _processors(device: torch.device) -> int:
    if device.type != "cuda":
        # Triton's interpreter runs one program at a time.
        return 1
    return int(torch.cuda.get_device_properties(device).multi_processor_count)


@cache
def _available() -> bool:
    """Whether Triton is to be used; says once what is missing."""
    if os.environ.get("SEMIRING_WIDGETS_KERNELS") == "torch":
        return False
    if importlib.util.find_spec("triton") is None:
        warnings.warn(
            "Triton is not installed, so contractions on the GPU are computed by broadcasting in torch, with "
            "the same numbers but many times slower. Install it with `pip install triton`.",
            PerformanceWarning,
            stacklevel=2,
        )
        return False
    return True
