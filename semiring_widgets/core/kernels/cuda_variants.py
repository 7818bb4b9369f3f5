"""The CUDA kernels in their variants: compiled when one is first needed, and those beside it ahead of time.

A first sweep needs a dozen variants, and each takes a third of a second or more to compile. So where the
first one has to be compiled, threads compile its neighbours meanwhile, on the processor's other cores.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path

import torch

from semiring_widgets.core.kernels.cuda_compiler import CudaError, is_kept, machine_code
from semiring_widgets.core.kernels.cuda_driver import Kernel
from semiring_widgets.core.kernels.cuda_tables import DEPTH, ROWS_THREADS, TILES, Tile

__all__ = ["Variant", "loaded", "neighbours", "source"]

_WEIGHTS = {torch.float32: 0, torch.bfloat16: 1, torch.float16: 2}
# Threads that compile ahead, at most.
_THREADS = 8
_lock = threading.Lock()
_loading = threading.Lock()
_codes: dict[tuple[str, tuple[str, ...]], Future[bytes]] = {}
_kernels: dict[tuple[Variant, int], Kernel] = {}
# What has been compiled ahead, or is being so.
_ahead: set[tuple[torch.dtype, tuple[int, int]]] = set()


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to compile a kernel.

    Attributes:
        signed: whether both signs are followed.
        dtype: of the weights.
        tile: which; None for single rows.
        vectors: whether four neighbours can be loaded at once, everywhere.
        w_along_terms: whether neighbours in w are terms of one column.
    """

    signed: bool
    dtype: torch.dtype
    tile: Tile | None
    vectors: bool
    w_along_terms: bool

    @property
    def name(self) -> str:
        """Of the kernel."""
        return "rows" if self.tile is None else "tiles"

    @property
    def threads(self) -> int:
        """Of a block."""
        return ROWS_THREADS if self.tile is None else self.tile.threads

    def options(self, capability: tuple[int, int]) -> tuple[str, ...]:
        """What the compiler is told, for GPUs of a compute capability."""
        macros = {
            "SIGNED": int(self.signed),
            "WEIGHT": _WEIGHTS[self.dtype],
            "VECTORS": int(self.vectors),
            "W_ALONG_TERMS": int(self.w_along_terms),
        }
        if self.tile is not None:
            macros |= {"DEPTH": DEPTH, **self.tile.macros()}
        architecture = "--gpu-architecture=sm_{}{}".format(*capability)
        return architecture, "--std=c++17", *(f"-D{name}={value}" for name, value in macros.items())


def neighbours(variant: Variant) -> list[Variant]:
    """All variants for the same type of weights, the likeliest to be needed next first."""
    kinds = [
        (signed, tile) for signed in (variant.signed, not variant.signed) for tile in (*TILES[signed], None)
    ]
    return [
        Variant(signed, variant.dtype, tile, vectors, along)
        for vectors, (signed, tile), along in product((True, False), kinds, (False, True))
    ]


def loaded(variant: Variant, device: int) -> Kernel:
    """A variant, ready to be started on a device.

    Raises:
        CudaError: it cannot be compiled or loaded here.
    """
    with _loading:
        key = variant, device
        if key not in _kernels:
            capability = torch.cuda.get_device_capability(device)
            options = variant.options(capability)
            if not is_kept(source(variant.name), options):
                _compile_ahead(variant, capability)
            try:
                found = Kernel(_code(variant.name, options), variant.name, device, variant.threads)
            except CudaError:
                # The file may be damaged.
                code = machine_code(source(variant.name), options, anew=True)
                found = Kernel(code, variant.name, device, variant.threads)
            _kernels[key] = found
        return _kernels[key]


@cache
def source(name: str) -> str:
    """The text of a kernel, ``"tiles"`` or ``"rows"``, with all that it needs."""
    here = Path(__file__).parent
    return "".join((here / file).read_text("utf-8") for file in ("cuda_terms.cuh", f"cuda_{name}.cu"))


def _code(name: str, options: tuple[str, ...]) -> bytes:
    """Compiled by whoever asks first; others wait for it."""
    key = name, options
    with _lock:
        first = key not in _codes
        found = _codes.setdefault(key, Future())
    if first:
        try:
            found.set_result(machine_code(source(name), options))
        except BaseException as error:
            found.set_exception(error)
            raise
    return found.result()


def _compile_ahead(variant: Variant, capability: tuple[int, int]) -> None:
    """Start threads for the neighbours, once for a type of weights and a kind of GPU."""
    if (variant.dtype, capability) in _ahead:
        return
    _ahead.add((variant.dtype, capability))
    waiting = deque(other for other in neighbours(variant) if other != variant)

    def work() -> None:
        # Python waits for this thread before it ends: not for more than one compilation.
        while threading.main_thread().is_alive():
            try:
                other = waiting.popleft()
            except IndexError:
                return
            with suppress(CudaError):
                _code(other.name, other.options(capability))

    for _ in range(min(_THREADS, max(1, (os.cpu_count() or 1) - 1))):
        threading.Thread(target=work, name="compile CUDA kernels").start()
