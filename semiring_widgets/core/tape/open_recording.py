"""A recording while it is open: what it changes in its thread, and that all of this is taken back.

PyTorch keeps modes in a stack of each thread, and whoever leaves takes the uppermost. So recordings of one
thread have to be left in the order opposite to that in which they were entered. Where they are not:

* one that is left too early takes along those entered after it, which say so when they are left themselves;
* beside the recording of another task (`asyncio`) of the thread, none is entered;
* one that is left in another thread than its own records nothing any more; what it changed in its own thread
  is taken back when the next one is entered there, or when that thread ends;
* one that is open when its thread ends, or in a child process, is over then.
"""

from __future__ import annotations

import os
import sys
import threading
import weakref
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch._ops import OpOverload
from torch.utils._python_dispatch import (
    TorchDispatchMode,
    _get_current_dispatch_mode_stack,
    _pop_mode,
    _push_mode,
)

from semiring_widgets.core.tape.arguments import tensors_in
from semiring_widgets.core.tape.autograd_functions.interception import Interception
from semiring_widgets.core.tape.module_paths import ModulePaths
from semiring_widgets.core.tape.process_settings import ProcessSettings
from semiring_widgets.core.tape.tape import Tape
from semiring_widgets.errors import TapeError

__all__ = ["OpenRecording"]


class OpenRecording:
    """Context manager around what is recorded.

    Args:
        tape: its tape; marked as failed where the recording is over before it is left.
        recorder: the dispatch mode that records.
        tracker: knows which module runs.
        interception: hands over the calls of Functions.

    Raises:
        TapeError: entered beside the recording of another task or among fake tensors; or left in another
            thread, or too late.
    """

    def __init__(
        self, tape: Tape, recorder: TorchDispatchMode, tracker: ModulePaths, interception: Interception
    ) -> None:
        self._tape, self._recorder = tape, recorder
        self._tracker, self._interception = tracker, interception
        task = _current_task()
        self._thread, self._task = threading.get_ident(), None if task is None else weakref.ref(task)
        # What can only be taken back here, and what anywhere.
        self._in_thread, self._in_process = ExitStack(), ExitStack()
        self.is_over = False

    def __enter__(self) -> None:
        here = _threads.here
        here.drop()
        if here and here[-1]._is_of_another_task():
            raise TapeError(
                "Another task of this thread has a recording open, and PyTorch could not tell apart what the "
                "two do. Do not await inside `with sw.record()`, or record in a thread of its own, as "
                "asyncio.to_thread does."
            )
        if torch._C._get_dispatch_mode(torch._C._TorchDispatchModeKey.FAKE) is not None:
            raise TapeError(
                "FakeTensorMode is at work, and fake tensors hold no numbers that paths could be weighed by. "
                "Record outside of it."
            )
        here.append(self)
        _EVERYWHERE.add(self)
        try:
            self._in_process.callback(_PROCESS.leave, self)
            _PROCESS.enter(self)
            if torch.is_inference_mode_enabled():
                self._in_thread.enter_context(torch.inference_mode(False))
            self._in_thread.enter_context(torch.enable_grad())
            self._in_process.enter_context(self._tracker)
            self._in_process.enter_context(self._interception)
            # Below autograd no second graph is built, yet `is_grad_enabled` still shows inner no_grad.
            self._in_thread.enter_context(torch._C._AutoDispatchBelowAutograd())
            self._in_thread.enter_context(_on_stack(self._recorder))
        except BaseException:
            here.drop(self)
            raise

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        was_over = self.is_over
        if threading.get_ident() != self._thread:
            self._abandon()
            words = (
                "in another thread than it was entered in, so nobody knows which work belongs to it. Enter "
                "and leave it in one thread"
            )
        else:
            _threads.here.drop(self)
            words = (
                "when it was over already: a recording that was entered before it was left first, or this is "
                "a process forked meanwhile. Leave recordings in the order opposite to that of entering"
            )
            if not was_over:
                return
        if kind is None:
            raise TapeError(f"A recording was left {words}, as `with sw.record()` in a single function does.")

    def _is_of_another_task(self) -> bool:
        task = None if self._task is None else self._task()
        return task is not None and task is not _current_task()

    def is_forgotten(self) -> bool:
        """Whether nobody can leave it any more: its task has ended."""
        task = None if self._task is None else self._task()
        return self._task is not None and (task is None or task.done())

    def end(self, *, early: bool) -> None:
        """Take everything back; called in its thread, and what was entered after it has ended.

        Args:
            early: before its block was left.
        """
        self.is_over = True
        self._tape.failed |= early
        self._in_thread.close()
        self._in_process.close()

    def _abandon(self) -> None:
        """Take back what can be taken back elsewhere; in its own thread, nothing is recorded any more."""
        self.is_over = self._tape.failed = True
        self._recorder.__class__ = _PassThrough
        self._in_process.close()

    def after_fork(self) -> None:
        """Over, in a child process that has only the thread which forked."""
        if self._thread == threading.get_ident():
            _threads.here.drop(self)
        self.is_over = self._tape.failed = True
        self._in_process.close()


class _Here(list[OpenRecording]):
    """The recordings of one thread, in the order in which they were entered."""

    def drop(self, one: OpenRecording | None = None) -> None:
        """End one and all those above it, and then what lies on top and is over or forgotten."""
        while one in self:
            self[-1].end(early=self[-1] is not one or one.is_over)
            self.pop()
        while self and (self[-1].is_over or self[-1].is_forgotten()):
            self[-1].end(early=True)
            self.pop()

    def __del__(self) -> None:
        # When its thread ends, in that thread.
        while self and not sys.is_finalizing():
            self.pop().end(early=True)


class _Threads(threading.local):
    def __init__(self) -> None:
        self.here = _Here()


class _PassThrough(TorchDispatchMode):
    """What becomes of a recorder that only its own thread could take off the stack: operators pass it by."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False

    def __torch_dispatch__(
        self, func: OpOverload, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        given = tensors_in((args, tuple(kwargs.values())))
        if torch.is_grad_enabled() and any(tensor.requires_grad for tensor in given):
            raise TapeError(
                "A recording that was entered in this thread was left in another one, so autograd is still "
                "off here. Enter and leave `with sw.record(): pass` in this thread, which turns it on."
            )
        return func(*args, **kwargs)


@contextmanager
def _on_stack(mode: TorchDispatchMode) -> Iterator[None]:
    """A mode on the stack; taken off also from below those that were put on it later and are still there."""
    try:
        mode.__enter__()
        yield
    finally:
        above = []
        stack = _get_current_dispatch_mode_stack()
        if any(each is mode for each in stack):
            while stack.pop() is not mode:
                above.append(_pop_mode())
            mode.__exit__(None, None, None)
        for other in reversed(above):
            _push_mode(other)


def _current_task() -> Any:
    """The task that this thread is working at, or None."""
    loops = sys.modules.get("asyncio")
    try:
        return None if loops is None else loops.current_task()
    except RuntimeError:  # no event loop is running
        return None


def _after_fork() -> None:
    _PROCESS.after_fork()
    for opening in list(_EVERYWHERE):
        if not opening.is_over:
            opening.after_fork()


_PROCESS = ProcessSettings()
_EVERYWHERE: weakref.WeakSet[OpenRecording] = weakref.WeakSet()
_threads = _Threads()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
