"""The messages between Python and the view of a corpus, as `table` has those about one text.

`table.ChartRequest` and `table.BokehRequest` are asked here, too; what is asked about the explanation of one
of the texts is forwarded to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from semiring_widgets.contract.fields import Column
from semiring_widgets.contract.message_kinds import Answer, MessageType, Request
from semiring_widgets.overview.listing import Line
from semiring_widgets.overview.numbers import PartOfModel
from semiring_widgets.overview.one_text import Word

__all__ = [
    "CORPUS_ANSWERS",
    "CORPUS_REQUESTS",
    "BrushRequest",
    "BrushedAnswer",
    "CellsAnswer",
    "CellsRequest",
    "CorpusHeader",
    "ExplainTextRequest",
    "ExplainedAnswer",
    "GroupOfTexts",
    "NumberOfTexts",
    "OneTextAnswer",
    "OneTextRequest",
    "TextsAnswer",
    "TextsRequest",
]


@dataclass(frozen=True)
class NumberOfTexts:
    """A number that texts have.

    Attributes:
        low: the lower end of the first bin.
        high: the upper end of the last bin.
    """

    name: str
    label: str
    unit: str
    low: float
    high: float


@dataclass(frozen=True)
class GroupOfTexts:
    """A group of texts, and how it is drawn.

    Attributes:
        marker: a marker of Bokeh.
    """

    name: str
    colour: str
    marker: str


@dataclass(frozen=True, kw_only=True)
class CorpusHeader(MessageType, type="corpus"):
    """A corpus at first sight.

    Attributes:
        found: what was found, in at most two sentences.
        asked: what was asked of which model, in words.
        errors: rows that could not be asked.
        by: the column that groups the texts; empty where there is one group.
        of: what parts are measured by, effect or contribution; empty where nothing is known.
        layers: those that have a flow.
        branches: by which it runs.
        x: the number to the right in the picture of points.
        bins: of each histogram.
        points: texts in that picture; where they are fewer than the texts, a sample.
        lines: of the table; where they are fewer than the texts, the extremes and a sample.
        explains: whether a text can be explained, as a model is there.
        columns: those of `BrushedAnswer` of all texts, and `point_row`, `point_group` and `point_number`.
    """

    version: int
    name: str
    found: tuple[str, ...]
    asked: str
    texts: int
    errors: int
    by: str
    of: str
    numbers: tuple[NumberOfTexts, ...]
    groups: tuple[GroupOfTexts, ...]
    parts: tuple[PartOfModel, ...]
    layers: tuple[int, ...]
    branches: tuple[str, ...]
    x: str
    y: str
    bins: int
    points: int
    lines: tuple[Line, ...]
    explains: bool
    columns: tuple[Column, ...]


@dataclass(frozen=True, kw_only=True)
class BrushedAnswer(Answer, type="brushed"):
    """What some texts have in common; `overview.aggregates.Aggregates` says what the columns are."""

    columns: tuple[Column, ...]


@dataclass(frozen=True, kw_only=True)
class TextsAnswer(Answer, type="texts_found"):
    """Lines of the table.

    Attributes:
        total: how many there are in all.
        start: the place of the first of these.
    """

    total: int
    start: int
    lines: tuple[Line, ...]


@dataclass(frozen=True, kw_only=True)
class OneTextAnswer(Answer, type="one_text"):
    """All that the tables say of one text.

    Attributes:
        call: how it is explained in Python.
        columns: `effect` by part, and `flow` by layer and branch.
    """

    row: int
    label: str
    text: str
    reference: str
    best_path: str
    call: str
    words: tuple[Word, ...]
    columns: tuple[Column, ...]


@dataclass(frozen=True, kw_only=True)
class ExplainedAnswer(Answer, type="explained"):
    """The explanation of one text.

    Attributes:
        row: which.
        summary: its summary, whose buffer comes along.
    """

    row: int
    summary: Any


@dataclass(frozen=True, kw_only=True)
class CellsAnswer(Answer, type="cells"):
    """Sets of texts that are brushed together; `overview.cells.cells_of` says what the columns are.

    Attributes:
        each: whether each text is a set of its own.
    """

    each: bool
    columns: tuple[Column, ...]


@dataclass(frozen=True, kw_only=True)
class BrushRequest(Request, type="brush", answer=BrushedAnswer, latest_wins=True, of_selection=False):
    """Asks what the texts in a box and in some groups have in common.

    Attributes:
        box: the lowest and highest x, the lowest and highest y; empty for all.
        groups: their places; empty for all.
    """

    x: str
    y: str
    box: tuple[float, ...] = ()
    groups: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class TextsRequest(Request, type="texts", answer=TextsAnswer, latest_wins=True, of_selection=False):
    """Asks for lines of the table of those texts.

    Attributes:
        words: to be found in them.
        sort: the column that orders them.
    """

    x: str
    y: str
    box: tuple[float, ...] = ()
    groups: tuple[int, ...] = ()
    words: str = ""
    sort: str = "row"
    descending: bool = False
    start: int = 0
    count: int = 100


@dataclass(frozen=True, kw_only=True)
class OneTextRequest(Request, type="one_text", answer=OneTextAnswer, latest_wins=True, of_selection=False):
    """Asks for all that the tables say of one text."""

    row: int


@dataclass(frozen=True, kw_only=True)
class ExplainTextRequest(
    Request, type="explain_text", answer=ExplainedAnswer, latest_wins=True, of_selection=False
):
    """Asks for the explanation of one text, as the run asked for it."""

    row: int


@dataclass(frozen=True, kw_only=True)
class CellsRequest(Request, type="cells", answer=CellsAnswer):
    """Asks for what a page without a kernel brushes."""


CORPUS_ANSWERS: Final[Mapping[str, type[Answer]]] = {
    one.type: one for one in (BrushedAnswer, TextsAnswer, OneTextAnswer, ExplainedAnswer, CellsAnswer)
}
CORPUS_REQUESTS: Final[Mapping[str, type[Request]]] = {
    one.type: one for one in (BrushRequest, TextsRequest, OneTextRequest, ExplainTextRequest, CellsRequest)
}
