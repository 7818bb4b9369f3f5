"""Questions from the front end, answered one after the other on a worker thread.

A callback of the kernel's connection must return at once (the next click waits behind it), and it may run
on any thread. So callbacks only put a request on the desk. A worker takes them in order; a ``condition`` or
``routes`` request that is still waiting is overtaken by the next one, because only the current selection
matters.

The worker ends when the desk is empty. It is started by the callback, in a copy of its context, so that
its answers travel on the same kernel subshell.
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from semiring_widgets.explanation.jobs import sentence_of
from semiring_widgets.widgets import messages

__all__ = ["Desk", "Request"]

Request: TypeAlias = Mapping[str, Any]
_LATEST_WINS = ("condition", "routes")


class Desk:
    """Takes requests, sends answers.

    Args:
        answer: gives the answer to a request, or raises; runs on the worker.
        send: delivers an answer; runs on the worker.
    """

    def __init__(
        self, answer: Callable[[Request], messages.Message], send: Callable[[messages.Message], None]
    ) -> None:
        self._answer = answer
        self._send = send
        self._lock = threading.Lock()
        self._waiting: list[Request] = []
        self._busy = False

    def put(self, request: Request) -> None:
        """Queue a request; returns at once. Overtaken requests get no answer."""
        kind = request.get("type")
        with self._lock:
            if kind in _LATEST_WINS:
                self._waiting = [other for other in self._waiting if other.get("type") != kind]
            self._waiting.append(request)
            if self._busy:
                return
            self._busy = True
        context = contextvars.copy_context()
        threading.Thread(
            target=context.run, args=(self._work,), name="semiring-widgets-desk", daemon=True
        ).start()

    def clear(self) -> None:
        """Forget all requests that wait."""
        with self._lock:
            self._waiting = []

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._busy = False
                    return
                request = self._waiting.pop(0)
            try:
                message = self._answer(request)
            except Exception as error:  # noqa: BLE001  (whatever went wrong is this request's answer)
                message = messages.failure(request.get("id", 0), sentence_of(error))
            self._send(message)
