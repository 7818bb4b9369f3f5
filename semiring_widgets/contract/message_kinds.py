"""What a message type says of itself: its direction, and of a request also how it is answered.

The types themselves are in `table`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

__all__ = ["Answer", "MessageType", "Notice", "Request", "Spelled", "Words"]


@dataclass(frozen=True)
class Words:
    """The words that a text may be.

    Attributes:
        name: of their type in TypeScript.
        words: all of them.
        noun: what people call one of them.
    """

    name: str
    words: tuple[str, ...]
    noun: str = "such word"


@dataclass(frozen=True)
class Spelled:
    """What a field is in TypeScript, where its Python type does not say it."""

    type: str


@dataclass(frozen=True)
class MessageType:
    """The base of all messages.

    Attributes:
        type: what the JSON calls it.
    """

    type: ClassVar[str]

    def __init_subclass__(cls, type: str = "", **kwargs: Any) -> None:  # noqa: A002  (the word of the messages)
        super().__init_subclass__(**kwargs)
        if type:
            cls.type = type


@dataclass(frozen=True, kw_only=True)
class Answer(MessageType):
    """The base of the answers; ``id`` is that of the request."""

    id: int


@dataclass(frozen=True, kw_only=True)
class Request(MessageType):
    """The base of the requests. The connection numbers them.

    Attributes:
        id: comes back with the answer.
        answer: the type of the answer; None if it has none of its own.
        at_once: whether the widget meets it by itself; all others wait in a queue for a worker.
        of_selection: whether its answer is about what is selected at the moment: then it is not given any
            more once the latest such question is about something else. By default it is where the latest
            wins.
        latest_wins: whether, of such questions, the later one of this type overtakes the earlier ones.
        ahead: whether a page without a kernel may hold answers to it, prepared when it is written.
        example: its fields in the fixture that both languages are tested with; None if it is in no fixture.
    """

    id: int = 0
    answer: ClassVar[type[Answer] | None]
    at_once: ClassVar[bool]
    of_selection: ClassVar[bool]
    latest_wins: ClassVar[bool]
    ahead: ClassVar[bool]
    example: ClassVar[Mapping[str, Any] | None]

    def __init_subclass__(
        cls,
        type: str = "",  # noqa: A002
        answer: type[Answer] | None = None,
        at_once: bool = False,
        of_selection: bool | None = None,
        latest_wins: bool = False,
        ahead: bool = False,
        example: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init_subclass__(type=type)
        cls.answer, cls.at_once, cls.ahead, cls.example = answer, at_once, ahead, example
        cls.of_selection = latest_wins if of_selection is None else of_selection
        cls.latest_wins = latest_wins


@dataclass(frozen=True, kw_only=True)
class Notice(MessageType):
    """The base of what needs no answer."""

    view: str
