"""The C library: how it is found, called from several threads at once, and what it says of its operands."""

from __future__ import annotations

import ctypes
import math
import os
import struct
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor

from semiring_widgets.core.kernels.build import library_name
from semiring_widgets.core.kernels.threads import declare, pieces, together
from semiring_widgets.errors import PerformanceWarning

__all__ = [
    "Logs",
    "contract",
    "contract_best",
    "contract_logs",
    "has_wide_vectors",
    "join_logs",
    "library",
    "log_magnitude",
    "sum_logs",
]

# Multiply-adds, and exponentials, below which a second thread costs more than it brings.
_SMALL = 1 << 20
_FEW = 1 << 15
_COLUMNS = 32
# Best paths that there is a kernel for.
_MOST = 8
# ``ABI`` of vector_math.h.
_ABI = 3
# The kernel of each algebra, and what makes its left operands.
_LEFT = {"plain": "one", "mass": "one", "max": "one", "expectation": "expectation", "signed": "signed"}


class _Work(ctypes.Structure):
    """``struct work`` of contractions.c."""

    _fields_ = (
        *[(name, ctypes.c_void_p) for name in ("p", "q", "w", "top", "first", "second")],
        *[(name, ctypes.c_long) for name in ("w_batch", "w_inner", "w_column", "rows", "inner", "columns")],
        *[(name, ctypes.c_long) for name in ("from_batch", "to_batch", "from_column", "to_column")],
        ("peak", ctypes.c_uint),
        ("least", ctypes.c_float * 2),
    )


class _Left(ctypes.Structure):
    """``struct left`` of log_rows.c."""

    _fields_ = (
        *[(name, ctypes.c_void_p) for name in ("log", "other", "p", "q", "top")],
        *[(name, ctypes.c_long) for name in ("batch_stride", "row_stride", "inner_stride")],
        *[(name, ctypes.c_long) for name in ("rows", "inner", "from_row", "to_row")],
        ("strange", ctypes.c_int),
    )


class _Pairs(ctypes.Structure):
    """``struct pairs`` of log_rows.c."""

    _fields_ = (
        *[(name, ctypes.c_void_p * 2) for name in ("a", "b", "out")],
        *[(name, ctypes.c_long) for name in ("from_", "to")],
        ("strange", ctypes.c_int),
    )


class _Ranked(ctypes.Structure):
    """``struct ranked`` of k_best.c."""

    _fields_ = (
        *[(name, ctypes.c_void_p) for name in ("p", "w", "out")],
        *[(name, ctypes.c_long) for name in ("w_batch", "w_inner", "w_column")],
        *[(name, ctypes.c_long) for name in ("batch", "rows", "inner", "columns")],
        *[(name, ctypes.c_long) for name in ("from_batch", "to_batch", "from_column", "to_column")],
    )


_FUNCTIONS: tuple[tuple[tuple[str, ...], type[ctypes.Structure]], ...] = (
    (tuple(f"semiring_{name}" for name in _LEFT), _Work),
    (("relative_one", "relative_expectation", "relative_signed", "sum_one", "sum_expectation"), _Left),
    (("plus_one", "plus_expectation", "log_magnitude"), _Pairs),
    (tuple(f"semiring_best_{k}" for k in range(1, _MOST + 1)), _Ranked),
)


@dataclass(frozen=True, slots=True)
class Logs:
    """What a contraction of logarithms gives.

    Attributes:
        parts: the results, (..., M, N) each.
        top: maximum of each row of the left operand, (..., M, 1); at least the lowest finite number.
        peak: the largest ``|w|``.
        least: for each part, the smallest magnitude that was computed relative to ``top``.
    """

    parts: tuple[Tensor, ...]
    top: Tensor
    peak: float
    least: tuple[float, float]


@cache
def library() -> ctypes.CDLL | None:
    """The library, or None where torch was asked for, or has to do it: then that is said once."""
    if os.environ.get("SEMIRING_WIDGETS_KERNELS") == "torch":
        return None
    path = Path(__file__).with_name(library_name())
    found = _loaded(path) if path.exists() else None
    if found is None:
        state = "were built for another version or machine" if path.exists() else "are not built"
        warnings.warn(
            f"The C kernels {state}, so torch computes the contractions: with the same numbers, but max and "
            f"entropy sweeps take several times as long. Where there is a C compiler, build them by `python "
            f"-m semiring_widgets.core.kernels.build`; SEMIRING_WIDGETS_KERNELS=torch silences this.",
            PerformanceWarning,
            stacklevel=2,
        )
    return found


def _loaded(path: Path) -> ctypes.CDLL | None:
    """The library in a file; None where it cannot be used here, or has other structures than these."""
    try:
        found = ctypes.CDLL(str(path))
        found.semiring_abi.restype = ctypes.c_int
        if found.semiring_abi() != _ABI:
            return None
        for names, argument in _FUNCTIONS:
            structure = argument.__name__.removeprefix("_").lower()
            size = ctypes.c_long.in_dll(found, f"semiring_size_of_{structure}")
            if size.value != ctypes.sizeof(argument):
                return None
            for name in names:
                getattr(found, name).argtypes = [ctypes.POINTER(argument)]
                getattr(found, name).restype = None
        declare(found)
        found.semiring_has_wide_vectors.restype = ctypes.c_int
    except (OSError, AttributeError, ValueError):  # a function, or a number, that is not there
        return None
    return found


@cache
def has_wide_vectors() -> bool:
    """Whether this machine has AVX-512, and the library code for it."""
    found = library()
    return found is not None and bool(found.semiring_has_wide_vectors())


def contract(name: str, left: tuple[Tensor, ...], w: Tensor) -> tuple[Tensor, ...] | None:
    """The results of one kernel for operands that are relative already; None where torch has to do it.

    Args:
        name: ``"plain"``, ``"mass"``, ``"max"``, ``"expectation"`` or ``"signed"``.
        left: one operand or two, (..., M, K).
        w: (..., K, N).
    """
    if not _fits(left[0], w):
        return None
    shape = _Shape(left[0], w)
    operands = [_rows(part, shape).contiguous() for part in left]
    if shape.empty:
        return tuple(part.new_zeros(shape.out) for part in left)
    done = _multiply(name, operands, w, None, shape)
    # Comparisons drop NaN, and torch's maxima must not be other ones than these.
    if done.peak != done.peak and name in ("max", "signed"):
        return None
    return done.parts


def contract_logs(name: str, value: tuple[Tensor, ...], w: Tensor) -> Logs | None:
    """The same from logarithms to logarithms.

    Args:
        name: as for `contract`, but not ``"plain"``. The values are (log mass,), (log of the best,),
            (log mass, entropy), or log of the highest and log |.| of the lowest weight.
        value: (..., M, K).
        w: (..., K, N).

    Returns:
        None where torch has to do it: also for NaN and infinite operands, whose handling is torch's.
    """
    if not _fits(value[0], w):
        return None
    shape = _Shape(value[0], w)
    if shape.empty:
        return None
    rows = [_rows(part, shape) for part in value]
    if len({part.stride() for part in rows}) > 1:
        rows = [part.contiguous() for part in rows]
    first = rows[0]
    p = [first.new_empty(first.shape) for _ in rows]
    top = first.new_empty((*first.shape[:-1], 1))
    pointers = [t.data_ptr() for t in (rows[0], rows[-1], p[0], p[-1], top)]
    fixed = (*pointers, *first.stride(), first.shape[1], first.shape[2])
    rows_of_each = pieces(first.shape[0] * first.shape[1], _threads(first))
    if _any_strange(f"relative_{_LEFT[name]}", [_Left(*fixed, *part) for part in rows_of_each]):
        return None
    done = _multiply(name, p, w, top, shape)
    return done if done.peak < float("inf") else None


def contract_best(value: tuple[Tensor, ...], logs: Tensor) -> tuple[Tensor, ...] | None:
    """The k largest of all sums of a part of the value and a weight; None where torch has to do it.

    Args:
        value: k logarithms, best first, (..., M, K) each.
        logs: of the weights' magnitudes, (..., K, N).

    Returns:
        k parts (..., M, N), best first; None also for more than 8 parts, and where some are NaN, +inf or not
        in order.
    """
    first, count = value[0], len(value)
    if not _fits(first, logs) or count > _MOST:
        return None
    shape = _Shape(first, logs)
    # A transposed view would be copied.
    top = (logs if logs.is_contiguous() else logs.mT).amax() if not shape.empty else math.inf
    if not bool(top < math.inf) or not bool(first.amax() < math.inf):
        return None
    stacked = torch.stack([_rows(part, shape) for part in value])
    # Also False for NaN.
    if not all(bool((high >= low).all()) for high, low in pairwise((stacked[0], *stacked))):
        return None
    weights = _weights(logs, shape)
    out = first.new_empty((count, *shape.out))
    sizes = (shape.batch, shape.rows, shape.inner, shape.columns)
    fixed = (stacked.data_ptr(), weights.data_ptr(), out.data_ptr(), *weights.stride(), *sizes)
    jobs = [_Ranked(*fixed, *part) for part in _parts(shape, count)]
    together(library(), f"semiring_best_{count}", jobs)
    return out.unbind()


def join_logs(a: tuple[Tensor, ...], b: tuple[Tensor, ...]) -> tuple[Tensor, ...] | None:
    """The sum of two values, (log mass,) or (log mass, entropy); None where torch has to do it."""
    first = a[0]
    if library() is None or any(part.shape != first.shape or not _is_plain(part) for part in (*a, *b)):
        return None
    return _pairwise("plus_expectation" if len(a) == 2 else "plus_one", a, b)


def log_magnitude(x: Tensor) -> Tensor | None:
    """``log|x|``; None where torch has to do it."""
    if library() is None or not _is_plain(x) or x.numel() < _COLUMNS:
        return None
    found = _pairwise("log_magnitude", (x,), (x,))
    return None if found is None else found[0]


def sum_logs(value: tuple[Tensor, ...], dims: Sequence[int]) -> tuple[Tensor, ...] | None:
    """The sum of (log mass,) or (log mass, entropy) over the last dimensions, which stay with size 1.

    None where torch has to do it: also for other dimensions.
    """
    first = value[0]
    kept = first.dim() - len(dims)
    if library() is None or sorted(dim % first.dim() for dim in dims) != list(range(kept, first.dim())):
        return None
    if first.numel() == 0 or any(part.shape != first.shape or not _is_plain(part) for part in value):
        return None
    shape = (*first.shape[:kept], *(1 for _ in dims))
    count, inner = first.shape[:kept].numel(), first.shape[kept:].numel()
    operands = [part.contiguous() for part in value]
    out = [part.new_empty(shape) for part in value]
    pointers = [t.data_ptr() for t in (operands[0], operands[-1], out[0], out[-1])]
    jobs = [_Left(*pointers, 0, 0, inner, 1, count, inner, *part) for part in pieces(count, _threads(first))]
    return None if _any_strange("sum_expectation" if len(value) == 2 else "sum_one", jobs) else tuple(out)


def _pairwise(name: str, a: tuple[Tensor, ...], b: tuple[Tensor, ...]) -> tuple[Tensor, ...] | None:
    left, right = [part.contiguous() for part in a], [part.contiguous() for part in b]
    out = [part.new_empty(part.shape) for part in left]
    both = ctypes.c_void_p * 2
    sides = [both(t[0].data_ptr(), t[-1].data_ptr()) for t in (left, right, out)]
    jobs = [_Pairs(*sides, *part) for part in pieces(out[0].numel(), _threads(out[0]))]
    return None if _any_strange(name, jobs) else tuple(out)


def _any_strange(name: str, jobs: Sequence[_Left] | Sequence[_Pairs]) -> bool:
    """Run jobs; whether one met numbers whose handling is torch's."""
    together(library(), name, jobs)
    return any(job.strange for job in jobs)


def _threads(first: Tensor) -> int:
    """How many threads share the elements of an operand."""
    return torch.get_num_threads() if first.numel() > _FEW else 1


def _is_plain(part: Tensor) -> bool:
    return part.dtype == torch.float32 and part.device.type == "cpu"


class _Shape:
    """Sizes of one contraction; a weight without batch dimensions makes the batch more rows."""

    def __init__(self, left: Tensor, w: Tensor) -> None:
        batch, other = left.shape[:-2], w.shape[:-2]
        if other and other != batch:
            batch = torch.broadcast_shapes(batch, other)
        rows, self.inner, self.columns = left.shape[-2], left.shape[-1], w.shape[-1]
        self.out = (*batch, rows, self.columns)
        self.top = (*batch, rows, 1)
        self.whole = (*batch, rows, self.inner)
        count = batch.numel()
        # One product with more rows packs a shared weight once.
        shared = w.dim() == 2
        self.batch: int = 1 if shared else count
        self.rows: int = count * rows if shared else rows
        self.empty = count * rows * self.columns * self.inner == 0


def _fits(left: Tensor, w: Tensor) -> bool:
    return (
        library() is not None
        and left.dtype == torch.float32 == w.dtype
        and left.device.type == "cpu" == w.device.type
    )


def _rows(part: Tensor, shape: _Shape) -> Tensor:
    wanted = (shape.batch, shape.rows, shape.inner)
    return part if part.shape == wanted else part.expand(shape.whole).reshape(wanted)


def _weights(w: Tensor, shape: _Shape) -> Tensor:
    """The right operand with exactly one batch dimension."""
    wanted = (shape.batch, shape.inner, shape.columns)
    if w.shape == wanted:
        return w
    wide = w.expand(*shape.out[:-2], *w.shape[-2:]) if w.dim() > 2 else w
    return wide.reshape(wanted)


def _multiply(name: str, left: list[Tensor], w: Tensor, top: Tensor | None, shape: _Shape) -> Logs:
    weights = _weights(w, shape)
    out = [weights.new_empty(shape.out) for _ in left]
    pointers = [t.data_ptr() for t in (left[0], left[-1], weights)]
    pointers += [0 if top is None else top.data_ptr(), out[0].data_ptr(), out[-1].data_ptr()]
    fixed = (*pointers, *weights.stride(), shape.rows, shape.inner, shape.columns)
    jobs = [_Work(*fixed, *part) for part in _parts(shape, len(left))]
    together(library(), f"semiring_{name}", jobs)
    peaks, first, second = zip(*((job.peak, *job.least) for job in jobs), strict=True)
    (peak,) = struct.unpack("f", struct.pack("I", max(peaks)))
    whole = out[0].new_empty(0) if top is None else top.reshape(shape.top)
    return Logs(tuple(out), whole, peak, (min(first), min(second)))


def _parts(shape: _Shape, count: int) -> list[tuple[int, int, int, int]]:
    """(from_batch, to_batch, from_column, to_column) for each thread, for so many left operands."""
    batch, columns = shape.batch, shape.columns
    work = count * batch * columns * shape.rows * shape.inner
    threads = torch.get_num_threads() if work > _SMALL else 1
    if batch >= threads:
        return [(*piece, 0, columns) for piece in pieces(batch, threads)]
    panels = pieces(-(-columns // _COLUMNS), threads)
    return [(0, batch, start * _COLUMNS, min(columns, end * _COLUMNS)) for start, end in panels]
