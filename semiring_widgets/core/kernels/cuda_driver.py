"""CUDA's driver, by ctypes: it loads compiled kernels and starts them on torch's current stream.

https://docs.nvidia.com/cuda/cuda-driver-api/. Kernels have one argument, a structure. A launch allocates
nothing and waits for nothing, so it can be captured in a CUDA graph once its kernel is loaded.
"""

from __future__ import annotations

import ctypes
import sys
from functools import cache

import torch

from semiring_widgets.core.kernels.cuda_compiler import CudaError

__all__ = ["Kernel", "driver", "fill_with_zeros"]


@cache
def driver() -> ctypes.CDLL | None:
    """The driver's library; None where there is none."""
    try:
        found = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return None
    pointer, number = ctypes.c_void_p, ctypes.c_uint
    found.cuLaunchKernel.argtypes = [pointer, *[number] * 7, pointer, pointer, pointer]
    found.cuMemsetD32Async.argtypes = [pointer, number, ctypes.c_size_t, pointer]
    for name in ("cuCtxGetCurrent", "cuCtxPushCurrent_v2", "cuCtxPopCurrent_v2"):
        getattr(found, name).argtypes = [pointer]
    return found


class Kernel:
    """A compiled kernel on one device.

    Args:
        code: its machine code, for this device.
        name: of the function in it.
        device: index of the device.
        threads: of a block.

    Raises:
        CudaError: this device does not take it.
    """

    __slots__ = ("_device", "_function", "_threads")

    def __init__(self, code: bytes, name: str, device: int, threads: int) -> None:
        module, function = ctypes.c_void_p(), ctypes.c_void_p()
        self._device, self._threads = device, threads
        with _Context(device) as found:
            _check(found.cuModuleLoadData(ctypes.byref(module), code))
            _check(found.cuModuleGetFunction(ctypes.byref(function), module, name.encode()))
        self._function = function.value

    def start(self, blocks: int, argument: ctypes.Structure) -> None:
        """Start so many blocks on the current stream of the device.

        Args:
            blocks: at least 1.
            argument: the kernel's only one, which is copied.
        """
        place = (ctypes.c_void_p * 1)(ctypes.addressof(argument))
        stream = torch.cuda.current_stream(self._device).cuda_stream
        with _Context(self._device) as found:
            status = found.cuLaunchKernel(
                self._function, blocks, 1, 1, self._threads, 1, 1, 0, stream, place, None
            )
        _check(status)


def fill_with_zeros(pointer: int, count: int, device: int) -> None:
    """Set so many numbers of four bytes to 0, on the current stream of a device."""
    stream = torch.cuda.current_stream(device).cuda_stream
    with _Context(device) as found:
        status = found.cuMemsetD32Async(pointer, 0, count, stream)
    _check(status)


class _Context:
    """A block in which torch's context on a device is the current one; most often it is already."""

    __slots__ = ("_found", "_pushed", "_wanted")

    def __init__(self, device: int) -> None:
        self._found, self._wanted = _of_device(device)

    def __enter__(self) -> ctypes.CDLL:
        current = ctypes.c_void_p()
        self._found.cuCtxGetCurrent(ctypes.byref(current))
        self._pushed = current.value != self._wanted
        if self._pushed:
            _check(self._found.cuCtxPushCurrent_v2(self._wanted))
        return self._found

    def __exit__(self, *_: object) -> None:
        if self._pushed:
            self._found.cuCtxPopCurrent_v2(ctypes.byref(ctypes.c_void_p()))


@cache
def _of_device(device: int) -> tuple[ctypes.CDLL, int | None]:
    """The driver, and the context that torch uses on a device: its primary one, kept from here on."""
    found = driver()
    if found is None:
        raise CudaError("The CUDA driver was not found.")
    torch.cuda.init()
    _check(found.cuInit(0))
    place, context = ctypes.c_int(), ctypes.c_void_p()
    _check(found.cuDeviceGet(ctypes.byref(place), device))
    _check(found.cuDevicePrimaryCtxRetain(ctypes.byref(context), place))
    return found, context.value


def _check(status: int) -> None:
    if status:
        text = ctypes.c_char_p()
        found = driver()
        if found is not None:
            found.cuGetErrorString(status, ctypes.byref(text))
        raise CudaError(f"CUDA driver, error {status}: {(text.value or b'unknown').decode()}.")
