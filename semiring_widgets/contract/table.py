"""The table of messages between Python and the page: one frozen dataclass for each type.

What a message is for, its fields and their types stand here only. From the table follow the dispatch of
`answers.answer` and the text of its error, which questions overtake each other on the way (`Request`), and
the TypeScript types: ``python -m semiring_widgets.contract.typescript`` writes ``js/src/contract.ts``. A
message type is a class here, a function in `answers`, and a view that asks or draws.

In the JSON, numbers that are not known are null, so a float here is a number or null there.

>>> REQUESTS["head_map"](layer=3, head=5)
HeadMapRequest(id=0, layer=3, head=5, selection=(), avoiding=())
>>> REQUESTS["head_map"].answer.type, HeadMapRequest.of_selection, HeadMapRequest.latest_wins
('head_map', True, False)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

from semiring_widgets.contract.beside_types import BesideHeader, BothAnswer, BothRequest, Side
from semiring_widgets.contract.charts import BokehAnswer, BokehRequest, ChartAnswer, ChartRequest
from semiring_widgets.contract.fields import GIVEN, KIND, RANKED_BY, Column, Selection
from semiring_widgets.contract.inquiry import AskRequest, Inquiry, RecallRequest
from semiring_widgets.contract.inside_types import (
    GroupAnswer,
    GroupRequest,
    PathAnswer,
    PathRequest,
    UnitsAnswer,
    UnitsRequest,
)
from semiring_widgets.contract.message_kinds import Answer, Notice, Request, Spelled
from semiring_widgets.contract.summary import VERSION, Summary
from semiring_widgets.results.asked_arguments import Argument, Likely
from semiring_widgets.results.comparison import MethodResult
from semiring_widgets.results.groups import Group
from semiring_widgets.results.log_of_tests import Test
from semiring_widgets.results.parts import (
    Correlation,
    Layer,
    Reference,
    Sentence,
    Statistic,
    Totals,
)
from semiring_widgets.results.rankings import ListedStep, Ranking

__all__ = [
    "ANSWERS",
    "NOTICES",
    "REQUESTS",
    "SUMMARIES",
    "VERSION",
    "AskRequest",
    "BesideHeader",
    "BokehAnswer",
    "BokehRequest",
    "BothAnswer",
    "BothRequest",
    "Cancel",
    "ChartAnswer",
    "ChartRequest",
    "ComparisonHeader",
    "ConditionRequest",
    "ConditionedAnswer",
    "ErrorAnswer",
    "ExplanationHeader",
    "Gone",
    "HeadMapAnswer",
    "HeadMapRequest",
    "Left",
    "Packed",
    "Page",
    "Prepared",
    "Pull",
    "RecallRequest",
    "RoutesAnswer",
    "RoutesRequest",
    "Shown",
    "Side",
    "Summary",
    "TestAnswer",
    "TestRequest",
]

_NOTHING_KNOWN: Final = Totals()

# --- to the page, unasked -------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class ExplanationHeader(Summary, type="explanation"):
    """The summary of an explanation; the maps of its heads are asked for one by one.

    Attributes:
        reference: what effects and contributions compare the text with; null where not known yet.
        answer: the sentences that come first.
        tests: those that were asked for one by one; those of all tokens, heads and feed-forward parts are
            columns.
        rules: which number an edge carried.
        arguments: what was asked, without what is the default; empty in results that do not say.
        likeliest: what the model would say there.
        inquiry: the questions of a view that can ask again; null where nobody can be asked.
        groups: parts that are taken together under a name.
    """

    granularity: str = ""
    level: str = ""
    layers: tuple[Layer, ...] = ()
    totals: Totals = _NOTHING_KNOWN
    rankings: tuple[Ranking, ...] = ()
    statistics: tuple[Statistic, ...] = ()
    reference: Reference | None = None
    answer: tuple[Sentence, ...] = ()
    tests: tuple[Test, ...] = ()
    correlations: tuple[Correlation, ...] = ()
    rules: str = "gradient"
    arguments: tuple[Argument, ...] = ()
    likeliest: tuple[Likely, ...] = ()
    inquiry: Inquiry | None = None
    groups: tuple[Group, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ComparisonHeader(Summary, type="comparison"):
    """The summary of a comparison, which holds all its numbers.

    Attributes:
        reference: what is put in the place of words; null where nothing was tested.
    """

    methods: tuple[MethodResult, ...] = ()
    top_k: int = 0
    reference: Reference | None = None


# --- to the page, when asked ----------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class ConditionedAnswer(Answer, type="conditioned"):
    """The flow of the paths through a selection.

    Attributes:
        selection: the parts, as asked.
        log_share: natural log of the share of all mass that passes through it; null where no path does.
        totals: what is known of the totals of these paths; null where that is known of all paths only.
        contribution: of exactly these paths, input minus reference, in the unit of the score.
        avoiding: parts that none of these paths pass.
        among: parts of which they pass at least one; none for no such condition.
    """

    selection: Selection
    log_share: float
    totals: Totals
    contribution: float
    avoiding: Selection = ()
    among: Selection = ()
    columns: tuple[Column, ...]


@dataclass(frozen=True, kw_only=True)
class RoutesAnswer(Answer, type="routes"):
    """One ranking of the routes of the paths through a selection.

    Attributes:
        among: parts of which they pass at least one; none for no such condition.
    """

    by: Annotated[str, RANKED_BY]
    selection: Selection
    ranking: Ranking
    among: Selection = ()


@dataclass(frozen=True, kw_only=True)
class TestAnswer(Answer, type="test"):
    """What one test found."""

    __test__ = False  # for pytest

    test: Test


@dataclass(frozen=True, kw_only=True)
class HeadMapAnswer(Answer, type="head_map"):
    """One head between tokens, in one byte each: ``255 * sqrt(share / peak)``.

    Attributes:
        selection: whose paths are meant; shares are of their mass.
        peak: the largest share of each kind.
    """

    layer: int
    head: int
    selection: Selection
    kinds: tuple[Annotated[str, KIND], ...]
    peak: tuple[float, ...]
    columns: tuple[Column, ...]


@dataclass(frozen=True, kw_only=True)
class ErrorAnswer(Answer, type="error"):
    """Why a request cannot be met, in a sentence."""

    message: str


# --- to Python ------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Pull(Request, type="pull", at_once=True):
    """Asks for the current summary."""


@dataclass(frozen=True, kw_only=True)
class Cancel(Request, type="cancel", at_once=True):
    """Stops the computation; its end, a summary, is the answer."""


_VALUE_OF_LAYER_2: Final = ({"layer": 2, "branch": "value"},)


@dataclass(frozen=True, kw_only=True)
class ConditionRequest(
    Request,
    type="condition",
    answer=ConditionedAnswer,
    latest_wins=True,
    ahead=True,
    example={"selection": _VALUE_OF_LAYER_2},
):
    """Asks for the flow of the paths through a selection.

    Attributes:
        avoiding: parts that none of these paths pass.
        among: parts of which they pass at least one, as a group of parts means; none for no such condition.
    """

    selection: Selection
    avoiding: Selection = ()
    among: Selection = ()


@dataclass(frozen=True, kw_only=True)
class RoutesRequest(
    Request,
    type="routes",
    answer=RoutesAnswer,
    latest_wins=True,
    ahead=True,
    example={"by": "mass", "selection": _VALUE_OF_LAYER_2},
):
    """Asks for a ranking of the routes of the paths through a selection.

    Attributes:
        avoiding: parts that none of these paths pass.
        among: parts of which they pass at least one, as a group of parts means; none for no such condition.
    """

    by: Annotated[str, RANKED_BY]
    selection: Selection
    avoiding: Selection = ()
    among: Selection = ()


@dataclass(frozen=True, kw_only=True)
class TestRequest(
    Request,
    type="test",
    answer=TestAnswer,
    latest_wins=True,
    of_selection=False,
    ahead=True,
    example={"selection": _VALUE_OF_LAYER_2},
):
    """Asks what really becomes of the score when parts are given another value, all at once.

    Attributes:
        steps: a route, instead of the parts: what it carries is taken away, and nothing else.
        by: what the parts are given.
    """

    __test__ = False

    selection: Selection
    steps: tuple[ListedStep, ...] = ()
    by: Annotated[str, GIVEN] = "reference"


@dataclass(frozen=True, kw_only=True)
class HeadMapRequest(
    Request,
    type="head_map",
    answer=HeadMapAnswer,
    of_selection=True,
    ahead=True,
    example={"layer": 1, "head": 0},
):
    """Asks for the map of one head, of the selected paths.

    Attributes:
        avoiding: parts that none of these paths pass.
    """

    layer: int
    head: int
    selection: Selection = ()
    avoiding: Selection = ()


@dataclass(frozen=True, kw_only=True)
class Shown(Notice, type="shown"):
    """A view was opened; a computation stops when its last one is gone."""


@dataclass(frozen=True, kw_only=True)
class Gone(Notice, type="gone"):
    """A view was closed."""


@dataclass(frozen=True, kw_only=True)
class Left(Notice, type="left"):
    """The page of a view is closed or loaded anew: nobody looks now, and what runs goes on."""


# --- in a file ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Prepared:
    """An answer among those that are packed in a page.

    Attributes:
        offset: where its buffer begins in the bytes of all answers.
        nbytes: how long it is.
    """

    header: Annotated[Mapping[str, Any], Spelled("Answer")]
    offset: int
    nbytes: int


@dataclass(frozen=True)
class Page:
    """What a page without a kernel shows at once; what it answers later is packed beside it.

    Attributes:
        buffer: that of the summary, in base64.
        tests: those that were run ahead.
        held: what the packed answers are about, by the type of the request: parts, as in the page's address.
    """

    summary: Annotated[Mapping[str, Any], Spelled("Summary")]
    buffer: str
    tests: Annotated[list[Mapping[str, Any]], Spelled("readonly Test[]")]
    held: Annotated[Mapping[str, list[str]], Spelled('Partial<Record<Request["type"], readonly string[]>>')]


@dataclass(frozen=True)
class Packed:
    """The answers of a page, by the type of the request; their bytes come after them."""

    answers: Annotated[
        Mapping[str, list[Prepared]], Spelled('Partial<Record<Request["type"], readonly Prepared[]>>')
    ]


SUMMARIES: Final = {one.type: one for one in (ExplanationHeader, ComparisonHeader, BesideHeader)}
ANSWERS: Final[Mapping[str, type[Answer]]] = {
    one.type: one
    for one in (
        *(ConditionedAnswer, RoutesAnswer, TestAnswer, HeadMapAnswer),
        *(GroupAnswer, UnitsAnswer, PathAnswer),
        *(ChartAnswer, BokehAnswer, ErrorAnswer, BothAnswer),
    )
}
REQUESTS: Final[Mapping[str, type[Request]]] = {
    one.type: one
    for one in (
        *(Pull, Cancel, ConditionRequest, RoutesRequest, TestRequest, HeadMapRequest),
        *(GroupRequest, UnitsRequest, PathRequest),
        *(ChartRequest, BokehRequest, BothRequest, AskRequest, RecallRequest),
    )
}
NOTICES: Final[Mapping[str, type[Notice]]] = {one.type: one for one in (Shown, Gone, Left)}
