"""Matrix products in other algebras: in C where that was built, in Triton on a GPU, and in torch elsewhere.

`accelerated` says whether the C library is in use, `gpu` what happens on a GPU; torch is chosen by
``SEMIRING_WIDGETS_KERNELS=torch`` in the environment. All functions take left operands (..., M, K) that are
relative to their row's maximum, and weights (..., K, N) as they are: magnitudes and logarithms of a weight
are taken on the fly and never stored.
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

from semiring_widgets.core.kernels import gpu
from semiring_widgets.core.kernels.build import library_name

__all__ = ["accelerated", "expectation", "mass", "max_times", "signed_max_times"]

# Elements of the largest temporary of the torch version (float32: 64 MB).
_CHUNK = 1 << 24
# Multiply-adds below which a second thread costs more than it brings.
_SMALL = 1 << 20
_COLUMNS = 32


def mass(p: Tensor, w: Tensor) -> Tensor:
    """``out[..., m, n] = sum over k of p[..., m, k] |w[..., k, n]|``.

    Args:
        p: not negative, (..., M, K); batch dimensions broadcast.
        w: (..., K, N), of the same dtype and device.
    """
    done = _run("mass", (p,), w)
    return p @ w.abs() if done is None else done[0]


def expectation(p: Tensor, q: Tensor, w: Tensor) -> tuple[Tensor, Tensor]:
    """Mass, and mass times mean logarithm: ``sum p |w|`` and ``sum q |w| + p |w| log|w|``.

    Args:
        p: not negative, (..., M, K).
        q: what each term of p brings along, of the same shape: p (log p - entropy so far).
        w: (..., K, N).
    """
    done = _run("expectation", (p, q), w)
    if done is not None:
        return done[0], done[1]
    magnitude = w.abs()
    return p @ magnitude, q @ magnitude + p @ torch.special.xlogy(magnitude, magnitude)


def max_times(p: Tensor, w: Tensor) -> Tensor:
    """``out[..., m, n] = max over k of p[..., m, k] |w[..., k, n]|``; 0 where K is 0. Arguments as `mass`."""
    done = _run("max", (p,), w)
    if done is not None:
        return done[0]
    return _folded(p, w, lambda left, right: (left * right.abs()).amax(-1))


def signed_max_times(high: Tensor, low: Tensor, w: Tensor) -> tuple[Tensor, Tensor]:
    """Largest and lowest product: max (at least 0) and min (at most 0) over k of ``high w`` and ``low w``.

    Args:
        high: not negative, (..., M, K).
        low: not positive, of the same shape.
        w: (..., K, N).
    """
    done = _run("signed", (high, low), w)
    if done is not None:
        return done[0], done[1]
    largest = [_folded(left, w, lambda x, y: (x * y).amax(-1)) for left in (high, low)]
    lowest = [_folded(left, w, lambda x, y: (x * y).amin(-1)) for left in (high, low)]
    return torch.maximum(*largest).clamp(min=0), torch.minimum(*lowest).clamp(max=0)


def accelerated() -> bool:
    """Whether the C library is in use."""
    return _library() is not None


class _Work(ctypes.Structure):
    """``struct work`` of contractions.c."""

    _fields_ = (
        *[(name, ctypes.c_void_p) for name in ("p", "q", "w", "first", "second")],
        *[(name, ctypes.c_long) for name in ("w_batch", "w_inner", "w_column", "rows", "inner", "columns")],
        *[(name, ctypes.c_long) for name in ("from_batch", "to_batch", "from_column", "to_column")],
    )


@cache
def _library() -> ctypes.CDLL | None:
    path = Path(__file__).with_name(library_name())
    if os.environ.get("SEMIRING_WIDGETS_KERNELS") == "torch" or not path.exists():
        return None
    try:
        library = ctypes.CDLL(str(path))
        for name in ("mass", "max", "expectation", "signed"):
            function = getattr(library, f"semiring_{name}")
            function.argtypes, function.restype = [ctypes.POINTER(_Work)], None
    except (OSError, AttributeError):
        # Built for another machine, or by an older version: torch gives the same answers.
        return None
    return library


@cache
def _pool(workers: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(workers, thread_name_prefix="contraction")


def _run(name: str, left: tuple[Tensor, ...], w: Tensor) -> list[Tensor] | None:
    """The results of a C or Triton kernel, one per left operand; None where torch has to do it."""
    p = left[0]
    if p.device.type == "cuda":
        return gpu.contract(name, left, w)
    library = _library()
    if library is None or p.dtype != torch.float32 or p.device.type != "cpu":
        return None
    batch = torch.broadcast_shapes(p.shape[:-2], w.shape[:-2])
    rows, inner, columns = p.shape[-2], p.shape[-1], w.shape[-1]
    out = [p.new_empty((*batch, rows, columns)) for _ in left]
    if out[0].numel() == 0 or inner == 0:
        return [o.zero_() for o in out]
    if w.dim() == 2:
        # One weight for the whole batch: one product with more rows packs it once.
        left = tuple(part.reshape(-1, inner) for part in left)
        batch, rows = torch.Size(), left[0].shape[0]
    operands = [part.expand(*batch, rows, inner).reshape(-1, rows, inner).contiguous() for part in left]
    weights = w.expand(*batch, inner, columns).reshape(-1, inner, columns)
    function = getattr(library, f"semiring_{name}")
    pointers = [operands[0], operands[-1], weights, out[0], out[-1]]
    fixed = (*[t.data_ptr() for t in pointers], *weights.stride(), rows, inner, columns)

    def run(*part: int) -> None:
        function(ctypes.byref(_Work(*fixed, *part)))

    _share(run, len(weights), columns, rows * inner)
    return out


def _share(run: Callable[..., None], batch: int, columns: int, effort: int) -> None:
    """Call ``run(from_batch, to_batch, from_column, to_column)`` so that the threads share the work."""
    threads = torch.get_num_threads() if batch * columns * effort > _SMALL else 1
    panels = -(-columns // _COLUMNS)
    parts = min(threads, batch if batch >= threads else panels)
    if parts <= 1:
        run(0, batch, 0, columns)
        return
    if batch >= threads:
        edges = [batch * i // parts for i in range(parts + 1)]
        jobs = [(edges[i], edges[i + 1], 0, columns) for i in range(parts)]
    else:
        edges = [min(columns, panels * i // parts * _COLUMNS) for i in range(parts + 1)]
        jobs = [(0, batch, edges[i], edges[i + 1]) for i in range(parts)]
    waiting = [_pool(threads).submit(run, *job) for job in jobs[1:]]
    run(*jobs[0])
    for future in waiting:
        future.result()


def _folded(p: Tensor, w: Tensor, fold: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """``fold`` over k of (..., m, 1, k) and (..., 1, n, k), in pieces that fit into memory."""
    batch = torch.broadcast_shapes(p.shape[:-2], w.shape[:-2])
    m, k, n = p.shape[-2], p.shape[-1], w.shape[-1]
    out = p.new_zeros((*batch, m, n))
    if out.numel() == 0 or k == 0:
        return out
    turned = w.mT.contiguous()
    # Rows at a time; where the products of one row are too many already, columns at a time.
    terms = batch.numel() * k
    step = max(1, _CHUNK // (terms * n))
    width = n if step > 1 else max(1, min(n, _CHUNK // terms))
    for start in range(0, m, step):
        rows = p[..., start : start + step, None, :]
        for column in range(0, n, width):
            columns = slice(column, column + width)
            out[..., start : start + step, columns] = fold(rows, turned[..., None, columns, :])
    return out
