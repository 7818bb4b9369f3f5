"""Maxima on a GPU: CUDA kernels on NVIDIA's, else Triton kernels, else the torch versions on the same device.

    max, signed           for float32, float16 and bfloat16 operands; results are float32
    mass, expectation     torch, that is cuBLAS; sweeps keep TF32 and autocast away (`core.precision`)
    float64               torch

The CUDA kernels are compiled when they first run, by the NVRTC that torch's CUDA builds bring, and kept on
disk (`cuda_compiler`). Where that fails, as on AMD's GPUs, Triton is used if it is installed, and what is
slower is said once. ``SEMIRING_WIDGETS_KERNELS`` chooses one way: ``torch``, ``triton`` or ``cuda``.
"""

from __future__ import annotations

import importlib.util
import os
import warnings
from collections.abc import Sequence
from functools import cache

import torch
from torch import Tensor

from semiring_widgets.core.kernels import cuda_contractions
from semiring_widgets.core.kernels.cuda_compiler import CudaError, compiler
from semiring_widgets.errors import PerformanceWarning

__all__ = ["contract"]

_DTYPES = (torch.float32, torch.float16, torch.bfloat16)
_KERNELS = ("max", "signed")
# Why CUDA kernels do not run here, once that is known.
_failures: list[str] = []


def contract(name: str, left: Sequence[Tensor], w: Tensor) -> list[Tensor] | None:
    """The results of a kernel, one per left operand; None where torch has to do it.

    Args:
        name: ``"max"`` or ``"signed"``; the others are torch's.
        left: one operand (..., M, K), or two of one shape.
        w: (..., K, N), on the same GPU.
    """
    p, q = left[0], left[-1]
    if name not in _KERNELS or p.dtype not in _DTYPES or q.dtype not in _DTYPES or w.dtype not in _DTYPES:
        return None
    if w.shape[-2] == 0:
        batch = torch.broadcast_shapes(left[0].shape[:-2], w.shape[:-2])
        shape = (*batch, left[0].shape[-2], w.shape[-1])
        return [w.new_zeros(shape, dtype=torch.float32) for _ in left]
    if _cuda_is_there() and not _failures:
        try:
            return cuda_contractions.contract(name, left, w)
        except CudaError as error:
            _failures.append(str(error))
    if not _triton_is_there():
        return None
    from semiring_widgets.core.kernels import triton_contractions

    return triton_contractions.contract(name, left, w)


@cache
def _cuda_is_there() -> bool:
    """Whether the CUDA kernels are to be tried."""
    return os.environ.get("SEMIRING_WIDGETS_KERNELS") not in {"torch", "triton"} and compiler() is not None


@cache
def _triton_is_there() -> bool:
    """Whether Triton is to be used; says once what is slower, and why."""
    if os.environ.get("SEMIRING_WIDGETS_KERNELS") == "torch":
        return False
    there = importlib.util.find_spec("triton") is not None
    if torch.version.hip is None or not there:
        why = f" ({_failures[0].strip()})" if _failures else ""
        way = "Triton computes" if there else "torch computes, by broadcasting,"
        price = "slower" if there else "many times slower; Triton (`pip install triton`) would be faster"
        warnings.warn(
            f"The CUDA kernels cannot be used here{why}, so {way} the maxima on the GPU: with the same "
            f"numbers, but {price}. SEMIRING_WIDGETS_KERNELS=torch silences this.",
            PerformanceWarning,
            stacklevel=2,
        )
    return there
