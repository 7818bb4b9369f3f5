"""What all widgets share: a result that grows, shown by one JavaScript view.

Two ways lead to the front end. *Traits* hold the current summary (header, buffer, revision), so that a
saved notebook or a second view has it without asking. *Messages* answer requests. Both carry a revision
or an id, because the order in which a host delivers them is not guaranteed.

A running job publishes from its own thread. ``revision`` is set after the header and its buffer, so a
front end that waits for ``change:revision`` never sees a header with another's buffer.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, ClassVar, Generic, TypeVar

import traitlets as t

from semiring_widgets.checks import shown
from semiring_widgets.contract import messages
from semiring_widgets.contract.bundle import read_bundle
from semiring_widgets.contract.requests import parts_of
from semiring_widgets.contract.table import Cancel, Gone, Left, Pull, Shown
from semiring_widgets.errors import InputError
from semiring_widgets.jobs import ExplanationJob
from semiring_widgets.results.holding import HeldSession, keep_newest, sessions_of
from semiring_widgets.results.parts import Status
from semiring_widgets.widgets.asked_widget import AskedWidget
from semiring_widgets.widgets.desk import Desk, Request
from semiring_widgets.widgets.mime import with_picture

__all__ = ["ResultWidget"]

R = TypeVar("R", bound=Any)
_GRACE = 1.0  # seconds


class _SettingError(InputError, t.TraitError):
    """Both, as ipywidgets and its users expect the one and our own the other."""


class ResultWidget(AskedWidget, Generic[R]):
    """Base of the widgets.

    Args:
        source: a result, or a job that is computing one.
        text: what to show while the job has given nothing yet.
        model: likewise, the model's class.

    Attributes:
        summary: the JSON header of the current summary (read only).
        summary_buffer: its columns (read only).
        revision: its number.
        selection: the parts that are selected, each with layer, branch, head, token (None or given) and
            stream; what is shown are the paths through all of them. Settable, also to a single part.
        theme: ``"auto"`` (follow the notebook), ``"light"`` or ``"dark"``.
    """

    kind: ClassVar[str] = ""
    shows: ClassVar[type[Any]]

    _esm = t.Unicode().tag(sync=True)
    summary = t.Dict().tag(sync=True)
    summary_buffer = t.Bytes().tag(sync=True)
    revision = t.Int(0).tag(sync=True)
    selection = t.Union([t.List(), t.Dict()], default_value=[]).tag(sync=True)
    theme = t.Enum(["auto", "light", "dark"], default_value="auto").tag(sync=True)

    def __init__(self, source: R | ExplanationJob[R], *, text: str = "", model: str = "") -> None:
        self._text, self._model = text, model
        self._closed = False
        self._current: R | None = None
        self._publishing = threading.Lock()
        self._job: ExplanationJob[R] | None = source if isinstance(source, ExplanationJob) else None
        if self._job is None:
            if not isinstance(source, self.shows):
                raise InputError(
                    f"A {type(self).__name__} shows {self.shows.__name__} objects and jobs; this is a "
                    f"{type(source).__name__}."
                )
            self._current = source
            status = self._current.status
        else:
            status = self._job.status
        header, buffer = self._encode(status, 1)
        super().__init__(summary=header, summary_buffer=buffer, revision=1)
        self._own_layout = self.layout
        self._desk = Desk(self._answer, self._reply)
        self._hold()
        self._views: set[Any] = set()
        self.on_msg(self._receive)
        if self._job is not None:
            self._follow(self._job)

    def __setattr__(self, name: str, value: Any) -> None:
        try:
            super().__setattr__(name, value)
        except InputError:
            raise
        except (t.TraitError, ValueError) as error:  # ValueError: an array where one of some words is meant
            said = " ".join(str(error).split())[:200]
            raise _SettingError(f"{name} cannot be {shown(value)}: {said}") from error

    @t.default("_esm")
    def _default_esm(self) -> str:
        return read_bundle()

    @t.validate("selection")
    def _valid_selection(self, proposal: Any) -> list[dict[str, Any]]:
        return parts_of(proposal["value"])

    @property
    def result(self) -> R | None:
        """The newest result, finished or not; None before the first snapshot of a job."""
        return self._current

    def wait(self, timeout: float | None = None) -> R:
        """Wait for the end of the job, and give its result.

        An interrupt of the kernel cancels the job; the partial result says so.

        Args:
            timeout: seconds to wait at most; None for as long as it takes.

        Raises:
            TimeoutError: not finished within ``timeout`` seconds.
            Exception: whatever the computation raised.

        Example:
            >>> widget = sw.widgets.explain(model, tokenizer, "The keys [MASK] here.", "are")
            >>> widget.wait(timeout=60).status.state
            'done'
        """
        if self._job is not None:
            return self._job.result(timeout)
        return self._current  # type: ignore[return-value]  # a widget without a job has a result

    async def arun(self) -> R:
        """Await the end of the job: as `wait`, but clicks, Cancel among them, are answered meanwhile.

        Example:
            >>> import asyncio
            >>> widget = sw.widgets.explain(model, tokenizer, "The keys [MASK] here.", "are")
            >>> asyncio.run(widget.arun()).status.state  # in a notebook: await widget.arun()
            'done'
        """
        if self._job is not None:
            return await self._job.aresult()
        return self.wait()

    def cancel(self) -> None:
        """Stop the job, if there is one and it still runs; what is known stays on screen.

        Example:
            >>> widget = sw.widgets.ExplanationWidget(e)
            >>> widget.cancel()  # nothing runs any more: nothing happens
            >>> widget.result.status.state
            'done'
        """
        if self._job is not None:
            self._job.cancel()

    def close(self) -> None:
        """Stop the job, give up the recording behind the result, and remove the widget.

        Example:
            >>> widget = sw.widgets.explain(model, tokenizer, "The keys [MASK] here.", "are")
            >>> found = widget.wait()
            >>> widget.close()
            >>> found.live  # the recording is gone, the numbers stay
            False
        """
        self.cancel()
        if hasattr(self, "_desk"):  # ipywidgets closes widgets also when their construction failed
            self._desk.clear()
            self._closed = True
            self._hold()
            # ipywidgets made it with the widget, and would keep it for ever.
            self._own_layout.close()
        super().close()

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        return with_picture(super()._repr_mimebundle_(**kwargs), self._current)

    def _encode(self, status: Status, revision: int) -> messages.Message:
        if self._current is None:
            return messages.starting(self.kind, self._text, self._model, status, revision)
        return messages.encode(self._current, revision)

    def _hold(self) -> None:
        """Keep the recording behind what is shown, and no older one; nothing is behind a closed widget."""
        shown, past = sessions_of(self._current), self._past_sessions()
        if not self._closed:
            keep_newest(*shown, beside=past)
            return
        for session in (*shown, *past):
            if isinstance(session, HeldSession):
                session.release()

    def _past_sessions(self) -> list[object]:
        """The sessions of what one may come back to, the newest first."""
        return []

    def _follow(self, job: ExplanationJob[R]) -> None:
        """Show what a job finds, as long as no other has taken its place."""

        def take(latest: R | None, status: Status) -> None:
            with self._publishing:
                if job is self._job:
                    self._take(latest, status)

        self._job = job
        job.subscribe(take)

    def _take(self, latest: R | None, status: Status) -> None:
        """News of the job."""
        self._current = latest
        self._tell(status)

    def _tell(self, status: Status) -> None:
        """Send what is known now, as the next revision."""
        self._hold()
        revision = self.revision + 1
        header, buffer = self._encode(status, revision)
        with self.hold_sync():
            self.summary = header
            self.summary_buffer = buffer
            self.revision = revision

    def _requested(self, request: Request) -> None:
        kind = request.get("type")
        if kind == Cancel.type:
            self.cancel()
        elif kind == Shown.type:
            self._views.add(request.get("view"))
        elif kind == Left.type:
            self._views.discard(request.get("view"))
        elif kind == Gone.type:
            self._lose(request.get("view"))
        elif kind == Pull.type:
            self._say_again()
        else:
            self._desk.put(request)

    def _say_again(self) -> None:
        """Answer with what is known now."""
        with self._publishing:  # header and buffer of one revision
            self._reply((self.summary, self.summary_buffer))

    def _lose(self, view: Any) -> None:
        """Stop what nobody looks at any more: its output was cleared, its notebook closed."""
        if view not in self._views:
            return
        self._views.remove(view)

        def stop() -> None:
            if not self._views:
                self.cancel()
                self._desk.clear()

        if not self._views:
            # An output that is moved is taken away and shown again.
            threading.Timer(_GRACE, stop).start()

    def _answer(self, request: Request, check: Callable[[], None]) -> messages.Message:
        """The answer to a request that takes time; on the desk's worker."""
        raise NotImplementedError
