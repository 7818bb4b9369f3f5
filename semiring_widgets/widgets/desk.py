"""Questions from the front end, answered one after the other on a worker thread.

A callback of the kernel's connection must return at once (the next click waits behind it), and it may run
on any thread. So callbacks only put a request on the desk, and a worker takes them in order.

What is asked about a selection is *overtaken* by the next question of its kind, and by those about another
selection, because only the current one matters: it gets no answer, and where it is being answered that
stops. (A chart stays; it says whose it is.) The same question again, as from a second view, is answered with
the first.

The worker ends when the desk is empty. It is started by the callback, in a copy of its context, so that
its answers travel on the same kernel subshell.
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from semiring_widgets.contract import messages
from semiring_widgets.contract.requests import kind_of
from semiring_widgets.errors import sentence_of

__all__ = ["Desk", "Request"]

Request: TypeAlias = Mapping[str, Any]
Check: TypeAlias = Callable[[], None]


class _OvertakenError(Exception):
    """Nobody waits for this answer any more."""


@dataclass(eq=False)
class _Question:
    """A question, and the requests that ask it."""

    content: dict[str, Any]
    ids: list[Any] = field(default_factory=list)
    overtaken: bool = False

    def check(self) -> None:
        if self.overtaken:
            raise _OvertakenError

    def is_overtaken_by(self, other: dict[str, Any]) -> bool:
        kind, later = kind_of(self.content), kind_of(other)
        if kind is None or later is None or not later.latest_wins:
            return False
        # What is left out names no part: some questions never have a group.
        moved = any(
            (self.content.get(key) or []) != (other.get(key) or [])
            for key in ("selection", "avoiding", "among")
        )
        return kind is later or (kind.of_selection and later.of_selection and moved)


class Desk:
    """Takes requests, sends answers.

    Args:
        answer: gives the answer to a request, or raises; runs on the worker. It calls its second argument
            often, which raises once the answer is not wanted any more.
        send: delivers an answer; runs on the worker.
    """

    def __init__(
        self,
        answer: Callable[[Request, Check], messages.Message],
        send: Callable[[messages.Message], None],
    ) -> None:
        self._answer = answer
        self._send = send
        self._lock = threading.Lock()
        self._waiting: list[_Question] = []
        self._current: _Question | None = None
        self._busy = False

    def put(self, request: Request) -> None:
        """Queue a request; returns at once. Overtaken requests get no answer."""
        content = {key: value for key, value in request.items() if key != "id"}
        with self._lock:
            asked = [*self._waiting, *([] if self._current is None else [self._current])]
            for question in asked:
                if question.content == content and not question.overtaken:
                    # Views send again what stays unanswered.
                    if request.get("id", 0) not in question.ids:
                        question.ids.append(request.get("id", 0))
                    return
            for question in asked:
                question.overtaken |= question.is_overtaken_by(content)
            self._waiting = [question for question in self._waiting if not question.overtaken]
            self._waiting.append(_Question(content, [request.get("id", 0)]))
            if self._busy:
                return
            self._busy = True
        context = contextvars.copy_context()
        threading.Thread(
            target=context.run, args=(self._work,), name="semiring-widgets-desk", daemon=True
        ).start()

    def clear(self) -> None:
        """Forget all requests; what is being answered stops."""
        with self._lock:
            self._waiting = []
            if self._current is not None:
                self._current.overtaken = True

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._busy = False
                    return
                question = self._current = self._waiting.pop(0)
            found: messages.Message | None = None
            try:
                found = self._answer({**question.content, "id": question.ids[0]}, question.check)
            except _OvertakenError:
                pass
            except Exception as error:  # noqa: BLE001  (whatever went wrong is this request's answer)
                found = messages.failure(question.ids[0], sentence_of(error))
            with self._lock:
                # From here on the same question is a new one.
                self._current = None
            if found is None or question.overtaken:
                continue
            header, buffer = found
            for request_id in question.ids:
                self._send(({**header, "id": request_id}, buffer))
