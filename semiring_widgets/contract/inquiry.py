"""What a view that can ask again knows of its questions, and how it asks."""

from __future__ import annotations

from dataclasses import dataclass

from semiring_widgets.contract.message_kinds import Request
from semiring_widgets.results.asked_arguments import Argument
from semiring_widgets.results.parts import Status

__all__ = ["AskRequest", "Change", "Inquiry", "PastQuestion", "RecallRequest"]


@dataclass(frozen=True)
class Change:
    """An argument that is to be another.

    Attributes:
        words: as in a field; nothing there is the default.
    """

    name: str
    words: tuple[str, ...]


@dataclass(frozen=True)
class PastQuestion:
    """A question that was asked in this view and has an answer.

    Attributes:
        label: of the score.
        value: of the score.
        held: whether its answer is still there in full; else it is asked again.
    """

    number: int
    arguments: tuple[Argument, ...]
    label: str
    value: float
    held: bool


@dataclass(frozen=True)
class Inquiry:
    """The questions of a view.

    Attributes:
        number: of the question whose answer is shown; 0 where there is no answer yet.
        attempts: how often anything was asked here.
        arguments: of the question that was asked last.
        status: how far that one is, or why it failed, as long as an earlier answer is shown; null otherwise.
        wrong: the argument that the failure is about, as far as known.
        past: the last questions, the newest first.
    """

    number: int
    attempts: int
    arguments: tuple[Argument, ...] = ()
    status: Status | None = None
    wrong: str = ""
    past: tuple[PastQuestion, ...] = ()


@dataclass(frozen=True, kw_only=True)
class AskRequest(Request, type="ask", at_once=True):
    """Asks the question of the view with some arguments changed; the summaries that follow are the answer."""

    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RecallRequest(Request, type="recall", at_once=True):
    """Asks for an earlier question of the view; the summaries that follow are the answer."""

    number: int = 0
