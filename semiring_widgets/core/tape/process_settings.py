"""What recordings change for the whole process: set when the first opens, put back when the last is left.

Which kernels compute attention, whether compiled code runs, and the garbage collector's pause are settings of
the process, and recordings of several threads may overlap in any order. Until the last of them is left, other
work in the process runs with these settings, too.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils import _python_dispatch

from semiring_widgets.core.tape.gc_pause import uncollected

__all__ = ["ProcessSettings"]

# PyTorch notes here that some mode is at work, each mode for itself what the one before it had noted.
_NOTES = (
    "_is_in_torch_dispatch_mode",
    "_is_in_non_infra_torch_dispatch_mode",
    "_is_in_any_mode_without_ignore_compile_internals",
)


class ProcessSettings:
    """The settings, and which recordings need them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._needed_by: set[object] = set()
        self._settings = ExitStack()
        self._is_eager = False

    def enter(self, recording: object) -> None:
        """A recording begins; `leave` has to follow, from whatever thread, also if this fails."""
        with self._lock:
            if not self._needed_by:
                self._is_eager = False
                self._settings.enter_context(_notes_restored())
                self._settings.enter_context(_without_fastpath())
                self._settings.enter_context(sdpa_kernel(SDPBackend.MATH))
                self._settings.enter_context(uncollected())
            self._needed_by.add(recording)
            # Else nothing is compiled, and importing it takes a second.
            if "torch._dynamo" in sys.modules and not self._is_eager:
                self._settings.enter_context(torch.compiler.set_stance("force_eager"))
                self._is_eager = True

    def leave(self, recording: object) -> None:
        """A recording is over."""
        with self._lock:
            self._needed_by.discard(recording)
            if not self._needed_by:
                self._settings.close()

    def after_fork(self) -> None:
        """In a child process, where the thread that may have held the lock is gone."""
        self._lock = threading.Lock()


@contextmanager
def _without_fastpath() -> Iterator[None]:
    enabled = torch.backends.mha.get_fastpath_enabled()
    try:
        torch.backends.mha.set_fastpath_enabled(False)
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(enabled)


@contextmanager
def _notes_restored() -> Iterator[None]:
    """PyTorch's notes as they were: modes of several threads that are not left in turn garble them."""
    known = {name: getattr(_python_dispatch, name) for name in _NOTES if hasattr(_python_dispatch, name)}
    try:
        yield
    finally:
        for name, value in known.items():
            setattr(_python_dispatch, name, value)
        tell = getattr(_python_dispatch, "set_is_in_mode_without_ignore_compile_internals", None)
        if tell is not None and _NOTES[-1] in known:
            tell(known[_NOTES[-1]])
