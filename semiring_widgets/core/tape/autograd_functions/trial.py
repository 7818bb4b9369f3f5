"""A trial, once in a process: whether this PyTorch lets the tape see `torch.autograd.Function`s.

Where a call of one goes by unseen, its backward does, and every number behind it is silently another. That
hangs on how PyTorch calls them, which is no public interface and has changed before (in 2.14).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.utils._python_dispatch import _disable_current_modes

from semiring_widgets.core.tape.autograd_functions.custom import CustomFunction
from semiring_widgets.core.tape.tape import Tape
from semiring_widgets.errors import UnsupportedOpError

__all__ = ["try_functions"]

# The versions that the tests have been run with.
_OLDEST, _NEWEST = "2.8", "2.15"


class _Turned(Function):
    """Its backward is not the derivative of its forward, so it has to be one step of a tape."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return -gradient


_FUNCTION: Any = _Turned
# Also by this name, which is older than any recording.
_turn = _FUNCTION.apply
_TRYING = threading.RLock()


class _State:
    tried = trying = False


def try_functions(record: Callable[[], AbstractContextManager[Tape]]) -> None:
    """Make sure that calls of Functions are seen.

    Args:
        record: starts a recording.

    Raises:
        UnsupportedOpError: they are not; every recording raises it then.
    """
    if not _State.tried:
        _try(record)


def _try(record: Callable[[], AbstractContextManager[Tape]]) -> None:
    with _TRYING:
        # Another thread was quicker, or this is the recording that is tried.
        if _State.tried or _State.trying:
            return
        _State.trying = True
        try:
            _record_two(record)
        finally:
            _State.trying = False
        _State.tried = True


def _record_two(record: Callable[[], AbstractContextManager[Tape]]) -> None:
    why: Exception | None = None
    seen = 0
    try:
        # Whatever is at work around the first recording.
        with _disable_current_modes(), torch._C._DisableFuncTorch(), torch.inference_mode(False):
            x = torch.ones(1, device="cpu")
            with record() as tape:
                _FUNCTION.apply(_turn(x))
        seen = sum(isinstance(op.func, CustomFunction) for op in tape.ops)
    except Exception as error:  # noqa: BLE001 (parts of PyTorch that are no public interface may be gone)
        why = error
    if seen != 2:
        raise UnsupportedOpError(
            f"PyTorch {torch.__version__} calls torch.autograd.Functions in a way that a recording does not "
            f"see ({why or 'a trial went by unseen'}), so that numbers behind one would be silently wrong. "
            f"This semiring_widgets is tested with PyTorch {_OLDEST} to {_NEWEST}: install one of these, for "
            f"instance by `pip install 'torch=={_NEWEST}.*'`, or a newer semiring_widgets."
        ) from why
