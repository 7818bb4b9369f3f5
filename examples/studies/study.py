"""What a study is made of: cells that measure, and a report that reads their rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from pandas import DataFrame

Verdict = Literal["agrees", "disagrees", "cannot be tested here"]


@dataclass(frozen=True)
class Cell:
    """The smallest piece of work that can be resumed: one model, one seed, one task.

    Attributes:
        key: its name, told apart from all others of the study; letters, digits and ``.-_``.
        run: measures and returns a tidy table, one row an observation. It is pickled by reference: a
            function of a module, its arguments given by `functools.partial`. They, the text of that module
            and of what it imports are the settings of the cell: where one changes, it runs again.
        seconds: what it takes about on one core; the remaining time is told by it.
    """

    key: str
    run: Callable[[], DataFrame]
    seconds: float


@dataclass(frozen=True)
class Claim:
    """Something that was said, and what came out here.

    Attributes:
        what: the claim, a sentence.
        published: the figure that was given for it, and by whom; "" where it is our own.
        ran: what was run here to test it.
        figure: what came out, with its interval and n.
        verdict: whether it holds here.
    """

    what: str
    published: str
    ran: str
    figure: str
    verdict: Verdict


@dataclass(frozen=True)
class Table:
    """A table of the page.

    Attributes:
        title: what it is about.
        frame: its columns as they are printed; the index is left out. Text stays as it is, numbers are
            rounded to three digits, missing ones shown as a dash.
        note: one or more sentences that say what it shows, of which it was measured and what n is.
        first: whether it stands open on the page, before all that are folded away.
    """

    title: str
    frame: DataFrame
    note: str
    first: bool = False


@dataclass(frozen=True)
class Report:
    """What a study says."""

    claims: list[Claim] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)


@dataclass(frozen=True)
class Study:
    """A question, how it is measured, and how the measurements are read.

    Attributes:
        name: that of its sub-package.
        title: what the page calls it.
        question: what it asks, in one or two sentences.
        cells: all its cells, or with ``True`` those of the short form.
        report: reads the rows of all cells, as they come back from a CSV file, with a column ``cell``.
        terms: what one has to know to read the claims and tables, in a few sentences.
    """

    name: str
    title: str
    question: str
    cells: Callable[[bool], list[Cell]]
    report: Callable[[DataFrame], Report]
    terms: str = ""
