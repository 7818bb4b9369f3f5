"""CUDA's driver, by ctypes: it loads compiled kernels and starts them on torch's current stream.

https://docs.nvidia.com/cuda/cuda-driver-api/. Kernels have one argument, a structure. A launch allocates
nothing and waits for nothing, so it can be captured in a CUDA graph once its kernel is loaded.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from functools import cache

import torch

from semiring_widgets.core.kernels.cuda_compiler import CudaError

__all__ = ["Kernel", "driver", "fill_with_zeros"]

_raw_stream: Callable[[int], int] | None = getattr(torch._C, "_cuda_getCurrentRawStream", None)


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

    __slots__ = ("_device", "_driver", "_function", "_threads")

    def __init__(self, code: bytes, name: str, device: int, threads: int) -> None:
        module, function = ctypes.c_void_p(), ctypes.c_void_p()
        self._driver, _ = _of_device(device)
        self._device, self._threads = device, threads
        _submit(device, self._driver.cuModuleLoadData, ctypes.byref(module), code)
        _submit(device, self._driver.cuModuleGetFunction, ctypes.byref(function), module, name.encode())
        self._function = function.value

    def start(self, blocks: int, argument: ctypes.Structure) -> None:
        """Start so many blocks on the current stream of the device.

        Args:
            blocks: at least 1.
            argument: the kernel's only one, which is copied.
        """
        place = ctypes.c_void_p(ctypes.addressof(argument))
        _submit(
            self._device, self._driver.cuLaunchKernel, self._function,
            blocks, 1, 1, self._threads, 1, 1, 0, _stream(self._device), ctypes.addressof(place), None,
        )  # fmt: skip


def fill_with_zeros(pointer: int, count: int, device: int) -> None:
    """Set so many numbers of four bytes to 0, on the current stream of a device."""
    _submit(device, _of_device(device)[0].cuMemsetD32Async, pointer, 0, count, _stream(device))


def _stream(device: int) -> int:
    """Address of torch's current stream; the quick way is the one that Triton takes."""
    if _raw_stream is None:
        return int(torch.cuda.current_stream(device).cuda_stream)
    return int(_raw_stream(device))


def _submit(device: int, call: Callable[..., int], *arguments: object) -> None:
    """One call of the driver's in torch's context on a device, most often the current one already."""
    found, wanted = _of_device(device)
    current = ctypes.c_void_p()
    found.cuCtxGetCurrent(ctypes.byref(current))
    if current.value == wanted:
        status = call(*arguments)
    else:
        _check(found.cuCtxPushCurrent_v2(wanted))
        status = call(*arguments)
        found.cuCtxPopCurrent_v2(ctypes.byref(current))
    if status:
        _check(status)


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
