"""Who holds a recording: a session that can be given up, and at most one that a notebook keeps.

A recording takes tens to hundreds of megabytes, and a notebook keeps whatever it has shown: in its output
history, and in the registry of its widgets. So of the explanations shown, the newest has its recording, and
the others give theirs up; their numbers and pictures stay. What was computed and never shown is the
caller's alone, and lives as long as any object.
"""

from __future__ import annotations

import threading
import weakref
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from semiring_widgets.checks import choice, whole_number
from semiring_widgets.errors import InputError
from semiring_widgets.results.drilled import ScalarPath, UnitNumbers
from semiring_widgets.results.groups import Group
from semiring_widgets.results.log_of_tests import Test
from semiring_widgets.results.rankings import Ranking
from semiring_widgets.results.session import Session
from semiring_widgets.vocabulary import RANKINGS

__all__ = ["HeldSession", "keep_newest", "sessions_of"]


class HeldSession:
    """A session until it is given up; then every question is answered by one sentence.

    Args:
        session: the live computation.
    """

    def __init__(self, session: Session) -> None:
        self._session: Session | None = session

    @property
    def released(self) -> bool:
        """Whether it was given up."""
        return self._session is None

    def release(self) -> None:
        """Give it up: its memory is free once a question that is being answered is done."""
        self._session = None

    def conditioned(self, *args: Any, **kwargs: Any) -> tuple[xr.Dataset, float]:
        """See `semiring_widgets.results.session.Session`."""
        return self._held().conditioned(*args, **kwargs)

    def group(self, *args: Any, **kwargs: Any) -> Group:
        """See `semiring_widgets.results.session.Session`."""
        return self._held().group(*args, **kwargs)

    def units(self, *args: Any, **kwargs: Any) -> UnitNumbers:
        """See `semiring_widgets.results.session.Session`."""
        return self._held().units(*args, **kwargs)

    def path(self, *args: Any, **kwargs: Any) -> ScalarPath | None:
        """See `semiring_widgets.results.session.Session`."""
        return self._held().path(*args, **kwargs)

    def ranking(self, by: Any, selection: Any, count: Any, *args: Any, **kwargs: Any) -> Ranking:
        """See `semiring_widgets.results.session.Session`."""
        session = self._held()
        by, count = choice(by, "by", RANKINGS), whole_number(count, "count")
        return session.ranking(by, selection, count, *args, **kwargs)

    def test(self, *args: Any, **kwargs: Any) -> Test:
        """See `semiring_widgets.results.session.Session`."""
        return self._held().test(*args, **kwargs)

    def test_all(self, *args: Any, **kwargs: Any) -> tuple[Test, ...]:
        """See `semiring_widgets.results.session.Session`."""
        return self._held().test_all(*args, **kwargs)

    def circuit(self, *args: Any, **kwargs: Any) -> Any:
        """See `semiring_widgets.results.session.Session`."""
        return self._held().circuit(*args, **kwargs)

    def head_map(self, *args: Any, **kwargs: Any) -> NDArray[np.float32]:
        """See `semiring_widgets.results.session.Session`."""
        return self._held().head_map(*args, **kwargs)

    def _held(self) -> Session:
        session = self._session
        if session is None:
            raise InputError(
                "The recording behind this explanation was given up: a newer one was shown, its widget was "
                "closed, or release() was called. To ask for more, run the cell again."
            )
        return session


_lock = threading.Lock()
_newest: list[weakref.ref[HeldSession]] = []


def sessions_of(result: object) -> tuple[object, ...]:
    """The sessions behind a result: one, or those of both sides.

    Args:
        result: of any kind.
    """
    sides = getattr(result, "sides", (result,))
    return tuple(getattr(side, "session", None) for side in sides)


def keep_newest(*sessions: object) -> None:
    """Note what is shown now; what was shown before it gives its recording up.

    Args:
        sessions: of a result that is shown; what is no `HeldSession` holds no recording.
    """
    held = [one for one in sessions if isinstance(one, HeldSession) and not one.released]
    if not held:
        return
    with _lock:
        shown = [known() for known in _newest]
        _newest[:] = [weakref.ref(session) for session in held]
    for other in shown:
        if other is not None and all(other is not session for session in held):
            other.release()
