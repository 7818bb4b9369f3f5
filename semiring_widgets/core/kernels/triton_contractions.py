"""Maxima on GPUs where the CUDA kernels do not run, AMD's above all: by Triton, in tiles of fixed sizes.

Triton compiles each kernel when it first runs, for a second or so, and keeps it on disk.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import cache

import torch
from torch import Tensor

from semiring_widgets.core.kernels import triton_algebra, triton_rows, triton_tiles

__all__ = ["contract"]

# Programs that keep one processor busy, and the fewest terms that are worth a program of their own.
_PROGRAMS, _FEWEST = 2, 64
# Numbers that load as whole vectors, whatever their type.
_ALIGNED = 16
# Nothing here adds to a product, but newer versions of Triton want to hear whether they may fuse that.
_OPTIONS = {"enable_fp_fusion": False}
# Triton compiles at a first launch, and neither that nor its interpreter is for two threads.
_launching = threading.Lock()
# How the parts of each result are joined.
_JOINS: dict[str, tuple[Callable[[Tensor, int], Tensor], ...]] = {
    "max": (torch.amax,),
    "signed": (torch.amax, torch.amin),
}


def contract(name: str, left: Sequence[Tensor], w: Tensor) -> list[Tensor]:
    """The results of a Triton kernel, one per left operand, float32.

    Args:
        name: ``"max"`` or ``"signed"``.
        left: one operand (..., M, K), or two of one shape; K is not 0.
        w: (..., K, N), on the same GPU.
    """
    batch = torch.broadcast_shapes(left[0].shape[:-2], w.shape[:-2])
    shape = (*batch, left[0].shape[-2], w.shape[-1])
    if w.dim() == 2:
        # One weight for the whole batch: one product with more rows.
        left = [part.reshape(-1, part.shape[-1]) for part in left]
        batch = torch.Size()
    (rows, inner), columns = left[0].shape[-2:], w.shape[-1]
    if 0 in shape:
        return [w.new_zeros(shape, dtype=torch.float32) for _ in left]
    turned = [_turned(part, batch) for part in left]
    weights = w.expand(*batch, inner, columns).reshape(-1, inner, columns)
    tile = triton_tiles.fitting(rows)
    parts = _parts(len(weights), rows, inner, columns, _processors(w.device), tile)
    size = (len(weights), parts, rows, columns)
    found = [w.new_empty(size, dtype=torch.float32) for _ in left]
    with _launching, torch.cuda.device_of(w):
        _launch(name, turned, weights, found, tile)
    return [join(f, 1).reshape(shape) for join, f in zip(_JOINS[name], found, strict=True)]


def _launch(
    name: str, left: Sequence[Tensor], w: Tensor, out: Sequence[Tensor], tile: tuple[int, int, int]
) -> None:
    """Run the kernel for `_turned` left operands and ``w`` (B, K, N), into ``out`` (B, parts, M, N)."""
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
    high, wide, warps = tile
    grid = (batch * parts * -(-rows // high) * -(-columns // wide),)
    triton_tiles.tiles[grid](
        *pointers, rows, inner, columns, parts, depth, across[0], left[0].shape[2], *w.stride(), algebra,
        high, wide, num_warps=warps, **_OPTIONS,
    )  # fmt: skip


def _turned(part: Tensor, batch: torch.Size) -> Tensor:
    """(..., M, K) as (B, K, M), with rows of zeros up to a multiple of `_ALIGNED` unless there is one row."""
    rows, inner = part.shape[-2:]
    filled = rows if rows == 1 else -(-rows // _ALIGNED) * _ALIGNED
    turned = part.new_zeros((*part.shape[:-2], inner, filled))
    turned[..., :rows] = part.mT
    return turned.expand(*batch, inner, filled).reshape(-1, inner, filled)


def _parts(
    batch: int, rows: int, inner: int, columns: int, processors: int, tile: tuple[int, int, int]
) -> int:
    """Into how many the terms are cut, so that there is work for all processors."""
    programs = batch * -(-rows // tile[0]) * -(-columns // tile[1])
    parts = max(1, min(_PROGRAMS * processors // programs, inner // _FEWEST))
    return -(-inner // -(-inner // parts))


@cache
def _processors(device: torch.device) -> int:
    if device.type != "cuda":
        # Triton's interpreter runs one program at a time.
        return 1
    return int(torch.cuda.get_device_properties(device).multi_processor_count)
