"""Seeing what Python reads of a tensor as a whole: `tolist` and `numpy` are no operators.

A model that reads how many tokens each expert gets goes another way with other numbers. While a recording is
open the two methods of `torch.Tensor` tell it what they read, and do what they always do.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import _disable_current_modes

__all__ = ["Reads"]

_NAMES = ("tolist", "numpy")
_OPEN: list[Reads] = []
# What stood in `torch.Tensor` itself, as somebody else may have put a method there, too.
_BEFORE: dict[str, Any] = {}
_OPENING = threading.Lock()


class Reads:
    """Context manager under which this thread's reads are handed over.

    Args:
        note: takes the tensor that is read.
    """

    def __init__(self, note: Callable[[Tensor], None]) -> None:
        self._note = note
        self._thread = threading.get_ident()

    def __enter__(self) -> Reads:
        with _OPENING:
            if not _OPEN:
                for name in _NAMES:
                    if name in vars(torch.Tensor):
                        _BEFORE[name] = vars(torch.Tensor)[name]
                    setattr(torch.Tensor, name, _telling(getattr(torch.Tensor, name)))
            _OPEN.append(self)
        return self

    def __exit__(self, *exc: object) -> None:
        with _OPENING:
            _OPEN.remove(self)
            if not _OPEN:
                for name in _NAMES:
                    delattr(torch.Tensor, name)
                    if name in _BEFORE:
                        setattr(torch.Tensor, name, _BEFORE.pop(name))

    def tell(self, tensor: Tensor) -> None:
        """Hand over a tensor that is read in this thread."""
        if threading.get_ident() == self._thread:
            with _disable_current_modes():
                self._note(tensor)


def _telling(method: Any) -> Any:
    @functools.wraps(method)
    def read(self: Tensor, *args: Any, **kwargs: Any) -> Any:
        for recording in reversed(_OPEN):
            recording.tell(self)
        return method(self, *args, **kwargs)

    return read
