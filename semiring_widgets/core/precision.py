"""Float32 means float32 while we compute: no TF32, no passes in bfloat16, no autocast, no modes of others.

See https://docs.pytorch.org/docs/stable/notes/numerical_accuracy.html for what is turned off.

A caller may have allowed torch to shorten the mantissas of matrix products, for the whole process
(``torch.set_float32_matmul_precision("high")``, ``torch.backends.cuda.matmul.allow_tf32 = True``,
``torch.backends.fp32_precision = "tf32"``) or for a block (``torch.autocast``). That is the caller's choice
for the model, whose recorded activations are explained as they are; but path weights are products of
dozens of derivatives, and half a per cent in each is a wrong number. So sweeps put these settings to exact
and leave them as they found them, also after an error.

Local derivatives are taken by autograd, in whatever surroundings they are asked for. Under
``torch.inference_mode`` a copy of an inference tensor is one, too, and where autograd would have to save it,
it gives 0 without a word; hooks for saved tensors may change what it saves; inside of an open recording it is
off; and modes (a default device, fake tensors, counters) take every operator for the caller's. All of these
are lifted as well.

The first kind of setting is one of the process. It is put back when the last of several threads is done;
until then, other work in the process computes exactly, too.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import torch
from torch.utils._python_dispatch import _disable_current_modes

__all__ = ["full_precision", "in_full_precision", "is_exact", "settings"]

_P = ParamSpec("_P")
_R = TypeVar("_R")
_KEYS = torch._C.DispatchKey
_AUTOCAST = [getattr(_KEYS, name) for name in dir(_KEYS) if name.startswith("Autocast")]
_AUTOGRAD = [_KEYS.AutogradFunctionality, _KEYS.AutogradOther, _KEYS.AutogradNestedTensor]


@dataclass(frozen=True)
class _Settings:
    """Settings of the process: for all matrix products (None if PyTorch cannot say), and at `_places`."""

    matmul: str | None
    by_place: tuple[str, ...]


_EXACT = ("none", "ieee")


@contextmanager
def full_precision() -> Iterator[None]:
    """A block in which float32 products are rounded like float32, and autograd takes derivatives.

    Inside another one it does nothing.
    """
    if _is_inside():
        yield
        return
    _thread.inside = True
    _process.enter()
    try:
        with ExitStack() as stack:
            for block in _ordinary():
                stack.enter_context(block)
            yield
    finally:
        _process.leave()
        _thread.inside = False


def settings() -> tuple[object, ...]:
    """What of the surroundings decides about the numbers of a model: equal while they are the same."""
    autocast = [(torch.is_autocast_enabled(kind), torch.get_autocast_dtype(kind)) for kind in ("cpu", "cuda")]
    return (_process.found(), *autocast, torch.get_default_dtype())


def in_full_precision(act: Callable[_P, _R]) -> Callable[_P, _R]:
    """Decorates a function or method that computes."""

    @wraps(act)
    def guarded(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        if _is_inside():
            return act(*args, **kwargs)
        with full_precision():
            return act(*args, **kwargs)

    return guarded


def is_exact() -> bool:
    """Whether matrix products are as they are in `full_precision`, also once other threads have left it."""
    found = _process.found()
    return found.matmul == "highest" and all(said in _EXACT for said in found.by_place)


def _is_inside() -> bool:
    return getattr(_thread, "inside", False)


def _ordinary() -> Iterator[AbstractContextManager[Any]]:
    """What lifts the modes of this thread; gradients stay as disabled as they are."""
    if torch.is_inference_mode_enabled():
        yield torch.inference_mode(False)
        yield torch.no_grad()
    excluded = torch._C._dispatch_tls_local_exclude_set()
    for key in _AUTOCAST:
        excluded = excluded.add(key)
    for key in _AUTOGRAD:
        excluded = excluded.remove(key)
    yield torch._C._ForceDispatchKeyGuard(torch._C._dispatch_tls_local_include_set(), excluded)
    if torch._C._len_torch_dispatch_stack():
        yield _disable_current_modes()
    if torch._C._len_torch_function_stack():
        yield torch._C.DisableTorchFunction()
    if torch._C._autograd._top_saved_tensors_default_hooks(True) is not None:
        yield torch.autograd.graph.saved_tensors_hooks(lambda tensor: tensor, lambda saved: saved)
    if torch.is_anomaly_enabled():
        # Which refuses a NaN among derivatives that are of no consequence.
        yield torch.autograd.set_detect_anomaly(False)


class _Process:
    """The settings of the process: exact while at least one thread is inside, then as they were found."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._found: _Settings

    def enter(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._found = _read()
                by_place = tuple(said if said in _EXACT else "ieee" for said in self._found.by_place)
                _set(_Settings(self._found.matmul and "highest", by_place))
            self._inside += 1

    def found(self) -> _Settings:
        """The settings that hold outside."""
        with self._lock:
            return self._found if self._inside else _read()

    def leave(self) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                _set(self._found)


def _read() -> _Settings:
    try:
        matmul: str | None = torch.get_float32_matmul_precision()
    except RuntimeError:
        # Newer settings contradict this one. It is they that count; what it says cannot be read, so it stays.
        matmul = None
    return _Settings(matmul, tuple(getattr(place, "fp32_precision", "none") for place in _places()))


def _set(settings: _Settings) -> None:
    if settings.matmul not in (None, _read().matmul):
        torch.set_float32_matmul_precision(settings.matmul)
    # From the general to the special: what inherits is then right already, and goes on to inherit.
    for place, wanted in zip(_places(), settings.by_place, strict=True):
        if getattr(place, "fp32_precision", "none") != wanted:
            place.fp32_precision = wanted


def _places() -> list[Any]:
    """Where torch 2.9 and later keep a setting for all, by backend, and by backend and operator."""
    backends = torch.backends
    matmul = getattr(backends.mkldnn, "matmul", None)
    return [backends, backends.cudnn, backends.mkldnn, backends.cuda.matmul, *([matmul] if matmul else [])]


_process = _Process()
_thread = threading.local()
