"""Maxima on NVIDIA GPUs: which kernel in which variant, over how many blocks, and how an operand lies.

The kernels are cuda_tiles.cu and cuda_rows.cu. Everything but the addresses follows from sizes and strides,
so it is worked out once for each, and kept: a repeated contraction costs one allocation and one launch.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

import torch
from torch import Tensor

from semiring_widgets.core.kernels.cuda_driver import Kernel, fill_with_zeros
from semiring_widgets.core.kernels.cuda_tables import DEPTH, ROWS_COLUMNS, Tile, chosen_tile, row_parts
from semiring_widgets.core.kernels.cuda_variants import Variant, loaded
from semiring_widgets.core.kernels.layouts import layout

__all__ = ["Work", "contract"]

# Addresses from which four numbers load at once are multiples of this.
_ALIGNED = 16
# Of blocks in one launch, and of each size.
_MOST = (1 << 31) - 1


class Work(ctypes.Structure):
    """``struct Work`` of cuda_terms.cuh."""

    _fields_ = (
        *[(name, ctypes.c_void_p) for name in ("p", "q", "w", "first", "second")],
        ("p_batch", ctypes.c_longlong * 3),
        ("w_batch", ctypes.c_longlong * 3),
        ("p_line", ctypes.c_longlong),
        ("w_line", ctypes.c_longlong),
        *[
            (name, ctypes.c_int)
            for name in ("batch_1", "batch_2", "rows", "inner", "columns", "parts", "depth")
        ],
    )


@dataclass(frozen=True, slots=True)
class _Plan:
    """All that is known before the operands' addresses are.

    Attributes:
        kernel: in the variant that fits.
        blocks: how many it takes; 0 where there is no result.
        template: a `Work` without addresses.
        shape: of a result.
        joined: whether parts join their results in memory, which then has to be 0.
    """

    kernel: Kernel | None
    blocks: int
    template: Work
    shape: tuple[int, ...]
    joined: bool


def contract(
    name: str, left: Sequence[Tensor], w: Tensor, tile: Tile | None = None, parts: int | None = None
) -> list[Tensor]:
    """The results of one contraction, one per left operand, float32.

    Args:
        name: ``"max"`` or ``"signed"``.
        left: one operand (..., M, K), or two of one shape; K is not 0.
        w: (..., K, N), float32, float16 or bfloat16, on the same GPU.
        tile: another one than the table's, to measure it.
        parts: another number than the table's.

    Raises:
        CudaError: the kernel cannot be compiled or started here.
    """
    p, q = left[0], left[-1]
    stride = p.stride()
    if p.dtype != torch.float32 or q.dtype != torch.float32 or stride[-1] != 1 or q.stride() != stride:
        p, q = p.float().contiguous(), q.float().contiguous()
    at_p, at_q, at_w = p.data_ptr(), q.data_ptr(), w.data_ptr()
    aligned = not (at_p | at_q | at_w) % _ALIGNED
    device = w.get_device()
    plan = _plan(
        name, p.shape, p.stride(), w.shape, w.stride(), w.dtype, device, aligned, tile, parts
    )  # fmt: skip
    if plan is None:
        return contract(name, *_plainer(p, q, w, len(left)), tile, parts)
    count = len(left)
    found = w.new_empty(plan.shape if count == 1 else (count, *plan.shape), dtype=torch.float32)
    results = [found] if count == 1 else list(found.unbind())
    if plan.kernel is None:
        return results
    work = Work.from_buffer_copy(plan.template)
    work.p, work.q, work.w = at_p, at_q, at_w
    work.first, work.second = results[0].data_ptr(), results[-1].data_ptr()
    if plan.joined:
        fill_with_zeros(work.first, found.numel(), device)
    plan.kernel.start(plan.blocks, work)
    return results


def _plainer(p: Tensor, q: Tensor, w: Tensor, count: int) -> tuple[list[Tensor], Tensor]:
    """Copies of operands whose layout no kernel reads, of one that it does."""
    left = [p, q][:count]
    if not w.is_contiguous():
        return left, w.contiguous()
    if p.is_contiguous() and p.shape[:-2] == w.shape[:-2]:
        raise ValueError(f"A contraction of {tuple(p.shape)} and {tuple(w.shape)} is too large.")
    batch = torch.broadcast_shapes(p.shape[:-2], w.shape[:-2])
    left = [part.expand(*batch, *part.shape[-2:]).contiguous() for part in left]
    return left, w.expand(*batch, *w.shape[-2:]).contiguous()


@lru_cache(maxsize=4096)
def _plan(
    name: str,
    p_shape: tuple[int, ...],
    p_stride: tuple[int, ...],
    w_shape: tuple[int, ...],
    w_stride: tuple[int, ...],
    dtype: torch.dtype,
    device: int,
    aligned: bool,
    tile: Tile | None,
    parts: int | None,
) -> _Plan | None:
    """None where the operands have to be copied first."""
    found = layout(p_shape, p_stride, w_shape, w_stride)
    if found is None or max(found.batch * found.rows * found.columns, found.inner) > _MOST:
        return None
    if 0 in found.shape:
        return _Plan(None, 0, Work(), found.shape, joined=False)
    signed, processors = name == "signed", _processors(device)
    if found.rows == 1 and tile is None:
        blocks = found.batch * -(-found.columns // ROWS_COLUMNS[found.w_along_terms])
        parts = parts or row_parts(blocks, found.inner, processors)
    else:
        if tile is None:
            tile, best = chosen_tile(signed, found.batch, found.rows, found.inner, found.columns, processors)
            parts = parts or best
        parts = parts or 1
        blocks = tile.count(found.batch, found.rows, found.columns)
    depth = -(-found.inner // (parts * DEPTH)) * DEPTH
    parts = -(-found.inner // depth)
    template = Work(
        p_batch=found.p_batch, w_batch=found.w_batch, p_line=found.p_line, w_line=found.w_line,
        batch_1=found.sizes[1], batch_2=found.sizes[2], rows=found.rows, inner=found.inner,
        columns=found.columns, parts=parts, depth=depth,
    )  # fmt: skip
    kernel = loaded(Variant(signed, dtype, tile, aligned and found.even, found.w_along_terms), device)
    return _Plan(kernel, blocks * parts, template, found.shape, joined=parts > 1)


@cache
def _processors(device: int) -> int:
    return int(torch.cuda.get_device_properties(device).multi_processor_count)
