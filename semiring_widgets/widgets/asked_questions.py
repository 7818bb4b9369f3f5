"""The questions of one widget: the one whose answer is shown, the one on its way, and the last ones before.

Nothing here knows of threads or of the page; `ExplanationWidget` does.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field, fields
from typing import Final

from semiring_widgets.contract.inquiry import Inquiry, PastQuestion
from semiring_widgets.question import ExplainOptions, Question
from semiring_widgets.results.asked_arguments import Argument
from semiring_widgets.results.explanation import Explanation
from semiring_widgets.results.holding import Asks
from semiring_widgets.results.parts import Status

__all__ = ["AskedQuestions", "Entry"]

# Questions that are kept.
_KEPT: Final = 10


@dataclass(eq=False)
class Entry:
    """One question.

    Attributes:
        number: of the question, from 1.
        asker: asks it again; None where the answer came without a model.
        answer: as far as known.
    """

    number: int
    asker: Asks | None
    answer: Explanation | None = None

    @property
    def arguments(self) -> tuple[Argument, ...]:
        """What was asked."""
        if self.answer is not None:
            return self.answer.arguments
        return () if self.asker is None else self.asker.arguments

    @property
    def held(self) -> bool:
        """Whether the answer is there in full, and can be asked about."""
        return self.answer is not None and self.answer.live and self.answer.status.state == "done"

    def told(self) -> PastQuestion:
        """As the page knows it."""
        label, value = "", math.nan
        if self.answer is not None:
            label, value = self.answer.score.label, self.answer.score.value
        return PastQuestion(self.number, self.arguments, label, value, self.held)


@dataclass(eq=False)
class AskedQuestions:
    """All questions of a widget.

    Attributes:
        shown: whose answer is shown; None before there is one.
        latest: the one that was asked last.
        status: how far the latest is, or why it failed, while another answer is shown.
        attempts: how often anything was asked.
    """

    latest: Entry
    shown: Entry | None = None
    status: Status | None = None
    attempts: int = 1
    past: list[Entry] = field(default_factory=list)

    @property
    def base(self) -> Entry:
        """Whose arguments stay as they are where nothing else is said."""
        return self.latest if self.shown is None else self.shown

    def ask(self, asker: Asks | None, entry: Entry | None = None) -> None:
        """Another question is asked, or an earlier one again."""
        number = 1 + max(one.number for one in (self.latest, *self.past))
        self.latest = Entry(number, asker) if entry is None else entry
        self.attempts += 1
        self.status = Status("running", 0, 0, "starting")

    def show(self, answer: Explanation | None) -> None:
        """The answer to the latest question is shown from now on."""
        self.latest.answer = answer
        self.shown, self.status = self.latest, None
        if answer is not None:
            self.past = [self.latest, *(one for one in self.past if one is not self.latest)][:_KEPT]

    def grouped(self, entry: Entry | None = None) -> Explanation | None:
        """The answer whose groups go with the next one; one that is not whole has none yet.

        Args:
            entry: the question, where it is asked again; it keeps its own.
        """
        if entry is not None and entry.answer is not None:
            return entry.answer
        answers = (one.answer for one in self.past if one.answer is not None)
        return next((one for one in answers if one.groups or one.status.state == "done"), None)

    def recall(self, number: int) -> Entry | None:
        """An earlier question."""
        return next((entry for entry in self.past if entry.number == number), None)

    def inquiry(self) -> Inquiry | None:
        """As the page knows it; None where nobody can be asked."""
        if self.base.asker is None:
            return None
        failed = self.status is not None and self.status.state == "failed"
        answered = self.shown is not None and self.shown.answer is not None
        return Inquiry(
            self.shown.number if self.shown is not None and answered else 0,
            self.attempts,
            self.latest.arguments,
            self.status,
            wrong_argument(self.status.message) if self.status and failed else "",
            tuple(entry.told() for entry in self.past),
        )


_NAMES = {part.name for kind in (Question, ExplainOptions) for part in fields(kind)}


def wrong_argument(sentence: str) -> str:
    """The argument that a sentence of ours is about: it names it first; empty where it names none.

    >>> wrong_argument("target 'zzz' is unknown to this tokenizer; choose a word.")
    'target'
    >>> wrong_argument("The text is empty; give a sentence with at least one word.")
    'text'
    >>> wrong_argument("The model's parameter 'w' holds NaN.")
    ''
    """
    found = re.match(r"(?:The |This |One of the two )?(\w+?)(?:s )?\b", sentence)
    name = "" if found is None else found[1]
    return name if name in _NAMES else ""
