"""The base of the summaries: a result as far as it is known. The summaries themselves are in `table`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from semiring_widgets.contract.fields import Column
from semiring_widgets.contract.message_kinds import MessageType
from semiring_widgets.results.parts import Score, Status, Stream

__all__ = ["VERSION", "Summary"]

# Compared on both sides; the next number when one side would misread what the other one's older version says.
VERSION: Final = 1


@dataclass(frozen=True, kw_only=True)
class Summary(MessageType):
    """A result as far as it is known: everything the first picture needs.

    Attributes:
        revision: number of this summary; older ones are ignored.
        paths: which paths alone it is about, in words; empty where it is all of them.
    """

    version: int = VERSION
    revision: int
    text: str
    model: str
    score: Score
    streams: tuple[Stream, ...]
    status: Status
    columns: tuple[Column, ...] = ()
    paths: str = ""
