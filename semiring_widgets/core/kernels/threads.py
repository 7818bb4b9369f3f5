"""Several threads for one call of the C library: those of torch's OpenMP where that is found."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch

__all__ = ["declare", "pieces", "together"]


def declare(library: ctypes.CDLL) -> None:
    """Declare argument and return types of ``semiring_together``.

    Raises:
        AttributeError: the library does not have it.
    """
    library.semiring_together.argtypes = [*[ctypes.c_void_p] * 3, ctypes.c_long, ctypes.c_long]
    library.semiring_together.restype = None


def pieces(size: int, parts: int) -> list[tuple[int, int]]:
    """``range(size)`` as at most ``parts`` intervals (start, end) that are almost equally long."""
    parts = max(1, min(parts, size))
    return list(pairwise(size * i // parts for i in range(parts + 1)))


def together(library: Any, name: str, jobs: Sequence[ctypes.Structure]) -> None:
    """Call a function of the library with a pointer to each of some jobs, each on a thread of its own.

    Args:
        library: the C library.
        name: of the function.
        jobs: structures of one type, at least one; what the function writes there is seen afterwards.
    """
    function = getattr(library, name)
    if len(jobs) == 1:
        function(ctypes.byref(jobs[0]))
        return
    start = _openmp()
    if start is None:
        waiting = [_pool(len(jobs) - 1).submit(function, ctypes.byref(job)) for job in jobs[1:]]
        function(ctypes.byref(jobs[0]))
        for future in waiting:
            future.result()
        return
    kind: Any = type(jobs[0])
    array = (kind * len(jobs))(*jobs)
    library.semiring_together(start, function, array, ctypes.sizeof(kind), len(jobs))
    for job, done in zip(jobs, array, strict=True):
        ctypes.memmove(ctypes.byref(job), ctypes.byref(done), ctypes.sizeof(kind))


@cache
def _openmp() -> Any:
    """What starts a team of threads in the OpenMP that torch was linked with, GNU's or LLVM's, or None."""
    name = "libtorch_cpu.dylib" if sys.platform == "darwin" else "libtorch_cpu.so"
    try:
        return ctypes.CDLL(str(Path(torch.__file__).with_name("lib") / name)).GOMP_parallel
    except (OSError, AttributeError):
        return None


@cache
def _pool(workers: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(workers, thread_name_prefix="contraction")
