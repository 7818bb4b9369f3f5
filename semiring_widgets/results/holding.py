"""Who holds a recording: a session that can be given up, and at most one that a notebook keeps.

A recording takes tens to hundreds of megabytes, and a notebook keeps whatever it has shown: in its output
history, and in the registry of its widgets. So of the explanations shown, the newest has its recording, with
the questions before it in the same view as far as memory allows, and the others give theirs up; their numbers
and pictures stay. What was computed and never shown is the caller's alone, and lives as long as any object.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterable
from typing import Any, Protocol

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from semiring_widgets.checks import choice, whole_number
from semiring_widgets.errors import InputError
from semiring_widgets.results.asked_arguments import Argument
from semiring_widgets.results.drilled import ScalarPath, UnitNumbers
from semiring_widgets.results.groups import Group
from semiring_widgets.results.log_of_tests import Test
from semiring_widgets.results.rankings import Ranking
from semiring_widgets.results.session import Session
from semiring_widgets.vocabulary import RANKINGS

__all__ = ["Asks", "HeldSession", "keep_newest", "sessions_of"]


class Asks(Protocol):
    """Who asks the question once more, or another one of the same model."""

    @property
    def arguments(self) -> tuple[Argument, ...]:
        """What is asked, without what is the default."""
        ...

    def changed(self, **changes: Any) -> Asks:
        """Another question to the same model."""
        ...

    def run(self, before: object = None) -> Any:
        """The question, ready to be run by a worker; ``before`` is a session whose numbers may be used."""
        ...


class HeldSession:
    """A session until it is given up; then every question is answered by one sentence.

    Args:
        session: the live computation.
        asker: asks the model again, also when the recording was given up; None where nobody can.
    """

    def __init__(self, session: Session, asker: Asks | None = None) -> None:
        self._session: Session | None = session
        self.asker = asker

    @property
    def session(self) -> Session | None:
        """The live computation; None when it was given up."""
        return self._session

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

    def conditioned_each(self, *args: Any, **kwargs: Any) -> list[tuple[xr.Dataset, float]]:
        """See `semiring_widgets.results.session.Session`."""
        return self._held().conditioned_each(*args, **kwargs)

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

    def test_each(self, *args: Any, **kwargs: Any) -> list[Test | None]:
        """See `semiring_widgets.results.session.Session`."""
        return self._held().test_each(*args, **kwargs)

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


def keep_newest(*sessions: object, beside: Iterable[object] = ()) -> None:
    """Note what is shown now; what was shown before it gives its recording up.

    Args:
        sessions: of a result that is shown; what is no `HeldSession` holds no recording.
        beside: of earlier answers in the same view, the newest first: they keep theirs as long as all of
            them together take less than what is still free.
    """
    held = [one for one in sessions if isinstance(one, HeldSession) and not one.released]
    if not held:
        return
    kept = [*held, *_fitting(held, beside)]
    with _lock:
        shown = [known() for known in _newest]
        _newest[:] = [weakref.ref(one) for one in kept]
    for other in shown:
        if other is not None and not any(other is one for one in kept):
            other.release()


def _fitting(newest: list[HeldSession], beside: Iterable[object]) -> list[HeldSession]:
    """Those whose recordings there is room for; one that several share counts for each."""
    room = min(getattr(one.session, "free", 0) for one in newest)
    found = []
    for one in beside:
        if not isinstance(one, HeldSession) or one.released or one in newest:
            continue
        room -= getattr(one.session, "nbytes", 0)
        if room < 0:
            break
        found.append(one)
    return found
