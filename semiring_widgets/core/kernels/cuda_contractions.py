"""Maxima on NVIDIA GPUs: which kernel in which variant, over how many blocks, and how an operand lies.

The kernels are cuda_tiles.cu and cuda_rows.cu. Everything but the addresses follows from sizes and strides,
so it is worked out once for each, and kept: a repeated contraction costs one allocation and one launch. No
variant is tried out in front of a person: `cuda_tables` chooses.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import torch
from torch import Tensor

from semiring_widgets.core.kernels.cuda_compiler import machine_code
from semiring_widgets.core.kernels.cuda_driver import Kernel, fill_with_zeros
from semiring_widgets.core.kernels.cuda_tables import (
    DEPTH,
    ROWS_COLUMNS,
    ROWS_THREADS,
    Tile,
    choice,
    row_parts,
)
from semiring_widgets.core.kernels.layouts import Layout, layout

__all__ = ["Work", "contract", "source", "variant"]

_WEIGHTS = {torch.float32: 0, torch.bfloat16: 1, torch.float16: 2}
# Numbers that load at once.
_FOUR = 4
# Of blocks in one launch, and of each size.
_MOST = (1 << 31) - 1
_compiling = threading.Lock()


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
        blocks: how many it takes.
        template: a `Work` without addresses.
        shape: of a result.
        joined: whether parts join their results in memory, which then has to be 0.
    """

    kernel: Kernel
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
        left: one operand (..., M, K), or two of one shape.
        w: (..., K, N), float32, float16 or bfloat16, on the same GPU.
        tile: another one than the table's, to measure it.
        parts: another number than the table's.

    Raises:
        CudaError: the kernel cannot be compiled or started here.
    """
    left = [part.float() for part in left]
    if left[-1].stride() != left[0].stride():
        left = [part.contiguous() for part in left]
    found = _planned(name, left, w, tile, parts)
    if found is None:
        left, w = [part.contiguous() for part in left], w.contiguous()
        found = _planned(name, left, w, tile, parts)
    if found is None:
        batch = torch.broadcast_shapes(left[0].shape[:-2], w.shape[:-2])
        left = [part.expand(*batch, *part.shape[-2:]).contiguous() for part in left]
        w = w.expand(*batch, *w.shape[-2:]).contiguous()
        found = _planned(name, left, w, tile, parts)
    if found is None:
        raise ValueError(f"A contraction of {tuple(left[0].shape)} and {tuple(w.shape)} is too large.")
    both = w.new_empty((len(left), *found.shape), dtype=torch.float32)
    if both.numel() == 0:
        return list(both.unbind())
    device = w.get_device()
    if found.joined:
        fill_with_zeros(both.data_ptr(), both.numel(), device)
    work = Work.from_buffer_copy(found.template)
    work.p, work.q, work.w = left[0].data_ptr(), left[-1].data_ptr(), w.data_ptr()
    work.first = both.data_ptr()
    work.second = work.first + both.stride(0) * (len(left) - 1) * 4
    found.kernel.start(found.blocks, work)
    return list(both.unbind())


def _planned(
    name: str, left: Sequence[Tensor], w: Tensor, tile: Tile | None, parts: int | None
) -> _Plan | None:
    p = left[0]
    aligned = not any(part.data_ptr() % (_FOUR * 4) for part in left)
    w_aligned = not w.data_ptr() % (_FOUR * w.itemsize)
    return _plan(
        name,
        p.shape,
        p.stride(),
        aligned,
        w.shape,
        w.stride(),
        w_aligned,
        w.dtype,
        w.get_device(),
        tile,
        parts,
    )


@lru_cache(maxsize=4096)
def _plan(
    name: str,
    p_shape: tuple[int, ...],
    p_stride: tuple[int, ...],
    p_aligned: bool,
    w_shape: tuple[int, ...],
    w_stride: tuple[int, ...],
    w_aligned: bool,
    dtype: torch.dtype,
    device: int,
    tile: Tile | None,
    parts: int | None,
) -> _Plan | None:
    """None where the operands have to be copied first."""
    found = layout(p_shape, p_stride, w_shape, w_stride)
    if found is None or max(found.batch * found.rows * found.columns, found.inner) > _MOST:
        return None
    signed = name == "signed"
    if found.rows == 1 and tile is None:
        sizes: Tile | None = None
        blocks = found.batch * -(-found.columns // ROWS_COLUMNS[found.w_along_terms])
        parts = parts or row_parts(blocks, found.inner, _processors(device))
    else:
        sizes, best = (tile, 1) if tile else choice(
            signed, found.batch, found.rows, found.inner, found.columns, _processors(device)
        )  # fmt: skip
        parts = parts or best
        blocks = found.batch * -(-found.rows // sizes.rows) * -(-found.columns // sizes.columns)
    depth = -(-found.inner // parts)
    depth = -(-depth // DEPTH) * DEPTH
    parts = -(-found.inner // depth)
    options = variant(signed, dtype, found, sizes, p_aligned, w_aligned)
    threads = ROWS_THREADS if sizes is None else sizes.threads
    template = Work(
        p_batch=found.p_batch, w_batch=found.w_batch, p_line=found.p_line, w_line=found.w_line,
        batch_1=found.sizes[1], batch_2=found.sizes[2], rows=found.rows, inner=found.inner,
        columns=found.columns, parts=parts, depth=depth,
    )  # fmt: skip
    kernel = _kernel("rows" if sizes is None else "tiles", options, threads, device)
    return _Plan(kernel, blocks * parts, template, found.shape, joined=parts > 1)


def variant(
    signed: bool, dtype: torch.dtype, found: Layout, tile: Tile | None, p_aligned: bool, w_aligned: bool
) -> tuple[str, ...]:
    """The macros of a variant, as options of the compiler. Without a tile it is that of a single row."""
    macros = {
        "SIGNED": int(signed),
        "WEIGHT": _WEIGHTS[dtype],
        "P_VECTORS": int(p_aligned and found.p_even),
        "W_VECTORS": int(w_aligned and found.w_even),
        "W_ALONG_TERMS": int(found.w_along_terms),
    }
    if tile is not None:
        macros |= {"P_ALONG_ROWS": int(not found.p_along_terms), "DEPTH": DEPTH, **tile.macros()}
    return tuple(f"-D{name}={value}" for name, value in macros.items())


@cache
def source(name: str) -> str:
    """The text of a kernel, ``"tiles"`` or ``"rows"``, with all that it needs."""
    here = Path(__file__).parent
    return "".join((here / file).read_text("utf-8") for file in ("cuda_terms.cuh", f"cuda_{name}.cu"))


_kernels: dict[tuple[object, ...], Kernel] = {}


def _kernel(name: str, options: tuple[str, ...], threads: int, device: int) -> Kernel:
    key = (name, options, device)
    with _compiling:
        if key not in _kernels:
            major, minor = torch.cuda.get_device_capability(device)
            full = (f"--gpu-architecture=sm_{major}{minor}", "--std=c++17", *options)
            _kernels[key] = Kernel(machine_code(source(name), full), name, device, threads)
        return _kernels[key]


@cache
def _processors(device: int) -> int:
    return int(torch.cuda.get_device_properties(device).multi_processor_count)
