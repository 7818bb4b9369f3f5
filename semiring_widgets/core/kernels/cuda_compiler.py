"""CUDA kernels, compiled where they run: by the NVRTC that CUDA builds of torch bring along.

https://docs.nvidia.com/cuda/nvrtc/. Nothing has to be installed: no toolkit, no header, no compiler. What was
compiled is kept in a folder, by everything that it depends on, so a machine compiles a kernel once:
``$SEMIRING_WIDGETS_CACHE``, or ``semiring_widgets`` in the user's cache folder. Where none can be written,
each process compiles for itself.
"""

from __future__ import annotations

import ctypes
import hashlib
import importlib.util
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

import torch

__all__ = ["CudaError", "compiler", "is_kept", "machine_code"]

_SUFFIX = ".cubin"


class CudaError(Exception):
    """A kernel that could not be compiled or loaded on this machine."""


@cache
def compiler() -> ctypes.CDLL | None:
    """NVRTC in the version that torch was built for; None where there is none."""
    if torch.version.cuda is None:
        return None
    major = torch.version.cuda.partition(".")[0]
    for name in _candidates(major):
        with suppress(OSError):
            # It asks the system for this one, which may not look beside it.
            for part in Path(name).parent.glob("*nvrtc-builtins*"):
                if name != Path(name).name and ".alt." not in part.name:
                    ctypes.CDLL(str(part))
            found = ctypes.CDLL(name)
            found.nvrtcGetErrorString.restype = ctypes.c_char_p
            return found
    return None


def _candidates(major: str) -> Iterator[str]:
    """Where it may be: in packages that torch's wheels depend on, beside torch, where the system looks."""
    windows = sys.platform == "win32"
    file = f"nvrtc64_{major}0_0.dll" if windows else f"libnvrtc.so.{major}"
    spec = importlib.util.find_spec("nvidia")
    folders = [Path(folder) for folder in (spec.submodule_search_locations or () if spec else ())]
    packages = [folder / package / "bin" / "x86_64" if windows else folder / package / "lib"
                for folder in folders for package in (f"cu{major}", "cuda_nvrtc")]  # fmt: skip
    for folder in (*packages, Path(torch.__file__).parent / "lib"):
        if (folder / file).exists():
            yield str(folder / file)
    yield file


def machine_code(source: str, options: Sequence[str], *, anew: bool = False) -> bytes:
    """A compiled kernel, from the cache where it is there.

    Args:
        source: CUDA C++ without any ``#include``.
        options: of NVRTC, ``--gpu-architecture=sm_...`` among them.
        anew: compile it whatever the cache has, which gets it.

    Raises:
        CudaError: it does not compile, or there is no NVRTC.
    """
    found = compiler()
    if found is None:
        raise CudaError("NVRTC, which comes with CUDA builds of torch, was not found.")
    place = _place(source, options, _version(found))
    if place is not None and not anew:
        with suppress(OSError):
            return place.read_bytes()
    code = _compiled(found, source, options)
    if place is not None:
        _keep(code, place)
    return code


def is_kept(source: str, options: Sequence[str]) -> bool:
    """Whether a kernel has been compiled before, by any process. Arguments as `machine_code`."""
    found = compiler()
    place = None if found is None else _place(source, options, _version(found))
    return place is not None and place.exists()


def _version(found: ctypes.CDLL) -> tuple[int, int]:
    major, minor = ctypes.c_int(), ctypes.c_int()
    _check(found, found.nvrtcVersion(ctypes.byref(major), ctypes.byref(minor)))
    return major.value, minor.value


def _place(source: str, options: Sequence[str], version: tuple[int, int]) -> Path | None:
    """The file of a kernel; None where the user has no home."""
    key = hashlib.sha256(repr((source, tuple(options), version)).encode()).hexdigest()
    chosen = os.environ.get("SEMIRING_WIDGETS_CACHE")
    if chosen:
        return Path(chosen) / (key + _SUFFIX)
    windows = sys.platform == "win32"
    base = os.environ.get("LOCALAPPDATA" if windows else "XDG_CACHE_HOME")
    try:
        folder = Path(base) if base else Path.home() / ".cache"
    except RuntimeError:
        return None
    return folder / "semiring_widgets" / (key + _SUFFIX)


def _keep(code: bytes, place: Path) -> None:
    """Write a file that other processes see whole or not at all; nothing where that is not possible."""
    scratch = place.with_name(f"{place.name}.{os.getpid()}.tmp")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        scratch.write_bytes(code)
        scratch.replace(place)
    except OSError:
        with suppress(OSError):
            scratch.unlink(missing_ok=True)


def _compiled(found: ctypes.CDLL, source: str, options: Sequence[str]) -> bytes:
    program = ctypes.c_void_p()
    _check(
        found, found.nvrtcCreateProgram(ctypes.byref(program), source.encode(), b"kernel.cu", 0, None, None)
    )
    try:
        encoded = [option.encode() for option in options]
        failed = found.nvrtcCompileProgram(program, len(encoded), (ctypes.c_char_p * len(encoded))(*encoded))
        if failed:
            raise CudaError(_text(found.nvrtcGetProgramLogSize, found.nvrtcGetProgramLog, program))
        size = ctypes.c_size_t()
        _check(found, found.nvrtcGetCUBINSize(program, ctypes.byref(size)))
        code = ctypes.create_string_buffer(size.value)
        _check(found, found.nvrtcGetCUBIN(program, code))
        return code.raw
    finally:
        found.nvrtcDestroyProgram(ctypes.byref(program))


def _text(measure: ctypes._NamedFuncPointer, read: ctypes._NamedFuncPointer, program: ctypes.c_void_p) -> str:
    size = ctypes.c_size_t()
    measure(program, ctypes.byref(size))
    text = ctypes.create_string_buffer(max(1, size.value))
    read(program, text)
    return text.value.decode(errors="replace")


def _check(found: ctypes.CDLL, status: int) -> None:
    if status:
        raise CudaError(found.nvrtcGetErrorString(status).decode())
