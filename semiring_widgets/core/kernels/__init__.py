"""Max-plus contractions: a small C library where it was built, torch elsewhere.

`accelerated` says which; ``SEMIRING_WIDGETS_KERNELS=torch`` in the environment chooses torch. Both give the
same numbers: a maximum does not round.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from semiring_widgets.core.kernels.build import library_name

__all__ = ["accelerated", "maxplus", "maxplus_signed"]

# Elements of the largest temporary of the torch version (float32: 64 MB).
_CHUNK = 1 << 24
# Multiply-adds below which a second thread costs more than it brings.
_SMALL = 1 << 20
_COLUMNS = 32


def maxplus(a: Tensor, w: Tensor) -> Tensor:
    """``out[..., m, n] = max over k of a[..., m, k] + w[..., k, n]``; -inf where K is 0.

    Args:
        a: log weights, (..., M, K), no NaN; batch dimensions broadcast.
        w: log weights, (..., K, N), of the same dtype and device.
    """
    library = _library()
    if library is None or a.dtype != torch.float32 or a.device.type != "cpu":
        return _with_torch(a, w)
    batch = torch.broadcast_shapes(a.shape[:-2], w.shape[:-2])
    m, k, n = a.shape[-2], a.shape[-1], w.shape[-1]
    if k == 0:
        return a.new_full((*batch, m, n), float("-inf"))
    if a.dim() > 2 and w.dim() == 2:
        # One weight for the whole batch: one product with more rows packs it once.
        return maxplus(a.reshape(-1, k), w).reshape(*batch, m, n)
    out = a.new_empty((*batch, m, n))
    if out.numel() == 0:
        return out
    flat_a = a.expand(*batch, m, k).reshape(-1, m, k)
    flat_w = w.expand(*batch, k, n).reshape(-1, k, n)
    flat = out.view(-1, m, n)
    strides = (ctypes.c_long * 9)(*flat_a.stride(), *flat_w.stride(), *flat.stride())

    def run(b0: int, b1: int, n0: int, n1: int) -> None:
        pointers = flat_a.data_ptr(), flat_w.data_ptr(), flat.data_ptr()
        if library.semiring_maxplus(*pointers, strides, b0, b1, m, k, n0, n1):
            raise MemoryError("no memory for a panel of the max-plus product")

    count = len(flat)
    threads = torch.get_num_threads() if count * m * k * n > _SMALL else 1
    panels = -(-n // _COLUMNS)
    parts = min(threads, count if count >= threads else panels)
    if parts <= 1:
        run(0, count, 0, n)
    elif count >= threads:
        edges = [count * i // parts for i in range(parts + 1)]
        _in_parallel(parts, [(edges[i], edges[i + 1], 0, n) for i in range(parts)], run)
    else:
        edges = [min(n, panels * i // parts * _COLUMNS) for i in range(parts + 1)]
        _in_parallel(parts, [(0, count, edges[i], edges[i + 1]) for i in range(parts)], run)
    return out


def maxplus_signed(ap: Tensor, an: Tensor, wp: Tensor, wn: Tensor) -> tuple[Tensor, Tensor]:
    """Best positive and best negative product, as logs.

    Args:
        ap: logs of the positive left entries, -inf where there is none.
        an: the same of the negative ones.
        wp: logs of the positive weights.
        wn: logs of the negative weights.
    """
    positive = torch.maximum(maxplus(ap, wp), maxplus(an, wn))
    negative = torch.maximum(maxplus(ap, wn), maxplus(an, wp))
    return positive, negative


def accelerated() -> bool:
    """Whether the C library is in use."""
    return _library() is not None


@cache
def _library() -> ctypes.CDLL | None:
    path = Path(__file__).with_name(library_name())
    if os.environ.get("SEMIRING_WIDGETS_KERNELS") == "torch" or not path.exists():
        return None
    try:
        library = ctypes.CDLL(str(path))
    except OSError:
        return None
    pointers = [ctypes.c_void_p] * 3 + [ctypes.POINTER(ctypes.c_long)]
    library.semiring_maxplus.argtypes = [*pointers, *[ctypes.c_long] * 6]
    library.semiring_maxplus.restype = ctypes.c_int
    return library


@cache
def _pool(workers: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(workers, thread_name_prefix="maxplus")


def _in_parallel(workers: int, jobs: list[tuple[int, int, int, int]], run: Callable[..., None]) -> None:
    for future in [_pool(workers).submit(run, *job) for job in jobs]:
        future.result()


def _with_torch(a: Tensor, w: Tensor) -> Tensor:
    batch = torch.broadcast_shapes(a.shape[:-2], w.shape[:-2])
    m, k, n = a.shape[-2], a.shape[-1], w.shape[-1]
    out = a.new_full((*batch, m, n), float("-inf"))
    if out.numel() == 0 or k == 0:
        return out
    turned = w.mT.contiguous()
    step = max(1, _CHUNK // max(1, batch.numel() * n * k))
    for start in range(0, m, step):
        rows = a[..., start : start + step, None, :]
        out[..., start : start + step, :] = (rows + turned[..., None, :, :]).amax(-1)
    return out
