"""What lies between contractions of logarithms on an NVIDIA GPU: cuda_logs.cu, one launch each.

All take float32 values that lie in memory as they are read, or a copy of them; where a shape is not theirs,
or a kernel cannot be compiled, they give None, and torch does it with the same numbers.
"""

from __future__ import annotations

import ctypes
import math
import os
import threading
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from semiring_widgets.core.kernels.cuda_compiler import CudaError, compiler, machine_code
from semiring_widgets.core.kernels.cuda_driver import Kernel

__all__ = [
    "ALGEBRAS",
    "TASKS",
    "Rows",
    "fits",
    "join",
    "macros",
    "magnitude",
    "norm",
    "relative",
    "restored",
    "softmax",
    "source",
    "sum_rows",
]

ALGEBRAS = {"max": 0, "mass": 1, "expectation": 2}
TASKS = ("relative", "restored", "sum", "softmax", "norm pulled", "norm pushed", "join", "magnitude")
_THREADS = 128
# Of blocks in one launch.
_MOST = (1 << 31) - 1
_compiling = threading.Lock()
# Why they do not run here, once that is known.
_failures: list[str] = []
Value = tuple[Tensor, ...]


class Rows(ctypes.Structure):
    """``struct Rows`` of cuda_logs.cu."""

    _fields_ = (
        *[
            (name, ctypes.c_void_p)
            for name in ("log", "entropy", "other_log", "other_entropy", "weight", "scale")
        ],
        *[(name, ctypes.c_void_p) for name in ("out", "out_entropy", "top", "least")],
        *[(name, ctypes.c_longlong) for name in ("rows", "batch_line", "row_line", "entry_line")],
        *[(name, ctypes.c_int) for name in ("rows_of_batch", "inner", "centred")],
        ("share", ctypes.c_float),
    )


def fits(*tensors: Tensor) -> bool:
    """Whether the kernels take tensors."""
    if any(tensor.device.type != "cuda" or tensor.dtype != torch.float32 for tensor in tensors):
        return False
    return tensors[0].numel() > 0 and _are_there()


@cache
def _are_there() -> bool:
    chosen = os.environ.get("SEMIRING_WIDGETS_KERNELS")
    return chosen not in {"torch", "triton"} and compiler() is not None


def relative(name: str, value: Value) -> tuple[Tensor, Value] | None:
    """Row maxima (..., 1), and the left operands of a contraction relative to them."""
    if value[-1].stride() != value[0].stride() or _batch_line(value[0]) is None:
        value = _whole(value)
    first = value[0]
    inner = first.shape[-1]
    rows = first.numel() // inner
    out = tuple(part.new_empty(part.shape) for part in value)
    top = first.new_empty((*first.shape[:-1], 1))
    argument = Rows(log=_at(value, 0), entropy=_at(value, -1), out=_at(out, 0), out_entropy=_at(out, -1),
                    top=top.data_ptr(), rows=rows, inner=inner, batch_line=_batch_line(first) or 0,
                    row_line=first.stride(-2), entry_line=first.stride(-1),
                    rows_of_batch=first.shape[-2])  # fmt: skip
    return (top, out) if _start("relative", name, rows, argument, top) else None


def _batch_line(tensor: Tensor) -> int | None:
    """How far it is from one matrix of (..., M, K) to the next; None where that differs."""
    line, size = 0, 1
    for stride, count in zip(reversed(tensor.stride()[:-2]), reversed(tensor.shape[:-2]), strict=True):
        if count == 1:
            continue
        if size > 1 and stride != line * size:
            return None
        line = stride if size == 1 else line
        size *= count
    return line


def restored(name: str, made: Value, top: Tensor) -> tuple[Value, Tensor] | None:
    """Logarithms of what was computed relative to ``top`` (..., M, 1), and the least of each row.

    Args:
        name: of the algebra; of an expectation the results are mass, and mass times mean logarithm.
        made: the results, (..., M, N).
        top: row maxima.
    """
    made = _whole(made)
    columns = made[0].shape[-1]
    rows = made[0].numel() // columns
    top = top.expand(*made[0].shape[:-1], 1).contiguous()
    out, least = tuple(torch.empty_like(part) for part in made), torch.empty_like(top)
    argument = Rows(log=_at(made, 0), entropy=_at(made, -1), out=_at(out, 0), out_entropy=_at(out, -1),
                    top=top.data_ptr(), least=least.data_ptr(), rows=rows, inner=columns)  # fmt: skip
    return (out, least) if _start("restored", name, rows, argument, top) else None


def sum_rows(name: str, value: Value, dims: Sequence[int]) -> Value | None:
    """The sum over the last dimensions, which stay with size 1; None for others."""
    inner = _row(value[0], dims)
    if inner is None:
        return None
    value = _whole(value)
    shape = (*value[0].shape[: value[0].dim() - len(dims)], *(1 for _ in dims))
    out = tuple(part.new_empty(shape) for part in value)
    rows = value[0].numel() // inner
    argument = Rows(log=_at(value, 0), entropy=_at(value, -1), out=_at(out, 0), out_entropy=_at(out, -1),
                    rows=rows, inner=inner)  # fmt: skip
    return out if _start("sum", name, rows, argument, value[0]) else None


def softmax(name: str, value: Value, result: Tensor, dims: Sequence[int]) -> Value | None:
    """What `Semiring.through_softmax` gives, over the last dimensions."""
    inner = _row(result, dims)
    return None if inner is None else _through("softmax", name, value, result, result, inner)


def norm(
    name: str,
    value: Value,
    result: Tensor,
    scale: Tensor,
    dims: Sequence[int],
    *,
    centred: bool,
    forward: bool,
) -> Value | None:
    """What `Semiring.through_norm` gives, over the last dimensions."""
    inner = _row(result, dims)
    task = "norm pushed" if forward else "norm pulled"
    return None if inner is None else _through(task, name, value, result, scale, inner, centred=centred)


def join(name: str, a: Value, b: Value) -> Value | None:
    """The sum of two values of one shape."""
    a, b = _whole(a), _whole(b)
    out = tuple(torch.empty_like(part) for part in a)
    count = a[0].numel()
    argument = Rows(log=_at(a, 0), entropy=_at(a, -1), other_log=_at(b, 0), other_entropy=_at(b, -1),
                    out=_at(out, 0), out_entropy=_at(out, -1), rows=count)  # fmt: skip
    return out if _start("join", name, _blocks(count), argument, a[0]) else None


def magnitude(x: Tensor) -> Tensor | None:
    """``log|x|``."""
    x = x.contiguous()
    out = torch.empty_like(x)
    argument = Rows(weight=x.data_ptr(), out=out.data_ptr(), rows=x.numel())
    return out if _start("magnitude", "max", _blocks(x.numel()), argument, x) else None


def _through(
    task: str, name: str, value: Value, result: Tensor, scale: Tensor, inner: int, *, centred: bool = False
) -> Value | None:
    value = _whole(tuple(part.expand(result.shape) for part in value))
    result, scale = result.contiguous(), scale.contiguous()
    out = tuple(torch.empty_like(part) for part in value)
    rows = result.numel() // inner
    argument = Rows(log=_at(value, 0), entropy=_at(value, -1), weight=result.data_ptr(),
                    scale=scale.data_ptr(), out=_at(out, 0), out_entropy=_at(out, -1), rows=rows, inner=inner,
                    centred=centred, share=-math.log(inner))  # fmt: skip
    return out if _start(task, name, rows, argument, result) else None


def _whole(value: Value) -> Value:
    return tuple(part.contiguous() for part in value)


def _at(value: Value, place: int) -> int:
    return value[place].data_ptr()


def _row(tensor: Tensor, dims: Sequence[int]) -> int | None:
    """The size of a row over the last dimensions; None where the dimensions are others."""
    kept = tensor.dim() - len(dims)
    if not dims or sorted(dim % tensor.dim() for dim in dims) != list(range(kept, tensor.dim())):
        return None
    return tensor.shape[kept:].numel()


def _blocks(count: int) -> int:
    return -(-count // _THREADS)


def _start(task: str, name: str, blocks: int, argument: Rows, near: Tensor) -> bool:
    """Start a kernel; False where there is none for it here."""
    if blocks > _MOST or _failures:
        return False
    try:
        _kernel(task, name, near.get_device()).start(blocks, argument)
    except CudaError as error:
        _failures.append(str(error))
        return False
    return True


_kernels: dict[tuple[str, str, int], Kernel] = {}


def _kernel(task: str, name: str, device: int) -> Kernel:
    found = _kernels.get((task, name, device))
    if found is None:
        with _compiling:
            major, minor = torch.cuda.get_device_capability(device)
            options = (f"--gpu-architecture=sm_{major}{minor}", "--std=c++17", *macros(task, name))
            code = machine_code(source(), options)
            found = _kernels.setdefault((task, name, device), Kernel(code, "logs", device, _THREADS))
    return found


def macros(task: str, name: str) -> tuple[str, ...]:
    """The macros of a variant, as options of the compiler."""
    return f"-DTASK={TASKS.index(task)}", f"-DALGEBRA={ALGEBRAS[name]}", f"-DTHREADS={_THREADS}"


@cache
def source() -> str:
    """The text of the kernels."""
    return Path(__file__).with_name("cuda_logs.cu").read_text("utf-8")
