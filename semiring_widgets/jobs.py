"""A computation on a worker thread: progress, partial results, cancel.

`explain_run` and `compare_run` give a function ``run(report, check)``: it computes, hands a snapshot to
``report`` whenever there is something new, and calls ``check`` often, which raises once the job was
cancelled. `ExplanationJob` is the other side of that bargain.

Two threads serve one job. The *worker* computes; it never waits for whoever looks at the snapshots. The
*publisher* calls ``on_update`` with the newest snapshot, at most ten times a second, and always with the
last one; snapshots that were overtaken are dropped.

Both threads run in a copy of the context in which the job was made. In JupyterLab a click is answered on
the kernel subshell that belongs to the context; a plain thread would answer on the main shell, and Cancel
would then have to wait until the running cell ends (measured: 2.9 s against 0.3 s).

    >>> from semiring_widgets.results.parts import Status
    >>> @dataclass(frozen=True)
    ... class Answer:
    ...     value: int
    ...     status: Status = Status()
    >>> job = ExplanationJob(lambda report, check: Answer(42))
    >>> job.result(timeout=5).value
    42
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any, Final, Generic, NoReturn, Protocol, TypeAlias, TypeVar

from semiring_widgets.checks import shown
from semiring_widgets.errors import CancelledError, InputError, sentence_of
from semiring_widgets.results.parts import Status

__all__ = ["ExplanationJob", "Listener", "Run", "Snapshot"]

_INTERVAL: Final = 0.1  # seconds between two snapshots

_log = logging.getLogger(__name__)


class Snapshot(Protocol):
    """A result, finished or not: a frozen dataclass that knows how far it is."""

    @property
    def status(self) -> Status:
        """How far it is."""
        ...


R = TypeVar("R", bound=Snapshot)
Run: TypeAlias = Callable[[Callable[[R], None], Callable[[], None]], R]
Listener: TypeAlias = Callable[[R | None, Status], None]


@dataclass
class _Board:
    """What the threads of one job tell each other, guarded by one condition."""

    latest: Any
    status: Status
    news: bool = False
    ended: bool = False


class ExplanationJob(Generic[R]):
    """Runs ``run(report, check)`` on a worker thread, at once.

    Args:
        run: what `explain_run` or `compare_run` returned.
        on_update: the listener, see `subscribe`.
    """

    def __init__(self, run: Run[R], on_update: Listener[R] | None = None) -> None:
        functions: dict[str, Any] = {"run": run}
        if on_update is not None:
            functions["on_update"] = on_update
        for name, given in functions.items():
            if not callable(given):
                raise InputError(f"{name} is {shown(given)}; give a function.")
        self._on_update = on_update
        self._changed = threading.Condition()
        self._board = _Board(None, Status("running", 0, 0, "starting"))
        self._stop = threading.Event()
        self._finished = threading.Event()
        self._error: Exception | None = None
        # The job does not keep what it runs, which may hold the answer before; results may hold the job.
        for name, target, given in (("worker", self._work, (run,)), ("publisher", self._publish, ())):
            # A context can be entered by one thread at a time, so each gets its own copy.
            context = contextvars.copy_context()
            threading.Thread(
                target=context.run, args=(target, *given), name=f"semiring-widgets-{name}", daemon=True
            ).start()

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        """Neither pickled nor copied: its threads belong to this process."""
        raise InputError(
            "A computation on worker threads can be neither pickled nor copied. Take its result(), and save "
            "that: result.save(path)."
        )

    @property
    def latest(self) -> R | None:
        """The newest snapshot, with an honest status also after cancel or failure; None before the first."""
        with self._changed:
            latest: R | None = self._board.latest
            return latest

    @property
    def status(self) -> Status:
        """How far the job is, known also while there is no snapshot yet."""
        with self._changed:
            return self._board.status

    @property
    def done(self) -> bool:
        """Whether the job has ended (finished, cancelled or failed) and the last update was delivered."""
        return self._finished.is_set()

    def subscribe(self, on_update: Listener[R]) -> None:
        """Name the one listener.

        Args:
            on_update: called on the publisher thread with the newest snapshot (None if the job ended
                before the first) and the status; soon, if there already is news. A job that has ended
                answers at once, on the calling thread.
        """
        with self._changed:
            self._on_update = on_update
            self._board.news = self._board.ended or self._board.latest is not None
            self._changed.notify_all()
            if not self._finished.is_set():
                return
        on_update(self.latest, self.status)

    def cancel(self) -> None:
        """Ask the computation to stop at its next check; harmless when it has ended."""
        self._stop.set()

    def result(self, timeout: float | None = None) -> R:
        """Wait for the end.

        Args:
            timeout: seconds to wait, None for as long as it takes.

        Returns:
            The result. If the job was cancelled (an interrupted kernel cancels it, too): the last
            snapshot, whose status says so.

        Raises:
            TimeoutError: not finished in time; the job goes on.
            InputError: ``timeout`` is no time.
            CancelledError: cancelled before there was any snapshot.
            Exception: whatever the computation raised.
        """
        seconds: Any = timeout
        if seconds is not None:
            known = not isinstance(seconds, bool) and isinstance(seconds, Real)
            if not known or not seconds >= 0:
                raise InputError(f"timeout is {shown(seconds)}; give seconds, or None to wait for the end.")
            timeout = float(min(seconds, threading.TIMEOUT_MAX))
        try:
            ended = self._finished.wait(timeout)
        except KeyboardInterrupt:
            self.cancel()
            ended = self._finished.wait(timeout)
        if not ended:
            raise TimeoutError(
                f"The job has not finished within {timeout} s; it goes on, ask again or cancel()."
            )
        if self._error is not None:
            raise self._error
        latest = self.latest
        if latest is None:
            raise CancelledError("The job was cancelled before it had any result; run it again.")
        return latest

    async def aresult(self) -> R:
        """Await the end: as `result`, and clicks in a widget are answered meanwhile."""
        return await asyncio.to_thread(self.result)

    def _work(self, run: Run[R]) -> None:
        try:
            result = run(self._report, self._check)
            if not isinstance(getattr(result, "status", None), Status):
                raise InputError(f"run gave {shown(result)}, which is no result with a status.")
        except CancelledError:
            self._end_as("cancelled", None)
        except Exception as error:  # noqa: BLE001  (the thread ends here; result() raises it again)
            _forget_locals(error)
            self._error = error
            self._end_as("failed", sentence_of(error))
        else:
            self._report(result, ended=True)

    def _report(self, snapshot: R, *, ended: bool = False) -> None:
        with self._changed:
            self._board = _Board(snapshot, snapshot.status, news=True, ended=ended)
            self._changed.notify_all()

    def _check(self) -> None:
        if self._stop.is_set():
            raise CancelledError("The computation was cancelled.")

    def _end_as(self, state: str, message: str | None) -> None:
        with self._changed:
            latest, status = self._board.latest, self._board.status
            after = f"after {status.done} of {status.total} steps, " * (status.total > 0)
            said = message or f"cancelled {after}during: {status.message}"
            status = replace(status, state=state, message=said)
            if latest is not None:
                latest = replace(latest, status=status)
            self._board = _Board(latest, status, news=True, ended=True)
            self._changed.notify_all()

    def _publish(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._board.news or self._board.ended)
                if not self._board.news:
                    self._finished.set()
                    return
                self._board.news = False
                latest, status = self._board.latest, self._board.status
                listener = self._on_update
            if listener is not None:
                try:
                    listener(latest, status)
                except Exception:  # noqa: BLE001  (a listener may fail in any way)
                    # A broken listener (a closed kernel connection) must not end the computation.
                    _log.exception("An update of a semiring_widgets job could not be delivered.")
            with self._changed:  # the end does not wait
                self._changed.wait_for(lambda: self._board.ended, timeout=_INTERVAL)


def _forget_locals(error: BaseException | None) -> None:
    """Let go of what the failed calls worked on, recordings among it; their lines can still be read."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__
