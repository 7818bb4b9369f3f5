"""The messages about two explanations side by side, and how their summary is made.

Tokens are counted by place: where a token of A, a token of B, or one of each stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from semiring_widgets.contract.fields import Column, Selection
from semiring_widgets.contract.message_kinds import Answer, Request
from semiring_widgets.contract.summary import Summary
from semiring_widgets.results.parts import Layer, Reference, Score, Sentence, Statistic, Totals

if TYPE_CHECKING:
    from semiring_widgets.results.two_sides import SideBySide

__all__ = ["BesideHeader", "BothAnswer", "BothRequest", "Side", "beside_header"]


@dataclass(frozen=True)
class Side:
    """One of two explanations that stand side by side.

    Attributes:
        name: what it is called.
        counted: which graph, in words.
    """

    name: str
    text: str
    model: str
    score: Score
    counted: str
    totals: Totals
    reference: Reference | None = None


@dataclass(frozen=True, kw_only=True)
class BesideHeader(Summary, type="beside"):
    """Two explanations side by side; columns have an axis of two sides in front, and tokens by place.

    Attributes:
        sides: A and B.
        words: for each stream, at each place the token of either side as people read it; empty where it has
            none.
        answer: what the two differ in; parts count tokens by place.
    """

    sides: tuple[Side, ...] = ()
    words: tuple[tuple[tuple[str, ...], ...], ...] = ()
    layers: tuple[Layer, ...] = ()
    statistics: tuple[Statistic, ...] = ()
    answer: tuple[Sentence, ...] = ()


@dataclass(frozen=True, kw_only=True)
class BothAnswer(Answer, type="both"):
    """The flow of the paths through a selection, of two explanations side by side.

    Attributes:
        selection: the parts, as asked; tokens are places.
        log_shares: of either side, natural log of the share of its mass that passes; null where none does.
        refusals: of either side, why it has no numbers, in a sentence; empty where it has.
    """

    selection: Selection
    log_shares: tuple[float, ...]
    refusals: tuple[str, ...]
    columns: tuple[Column, ...]


@dataclass(frozen=True, kw_only=True)
class BothRequest(Request, type="both", answer=BothAnswer, latest_wins=True, ahead=True):
    """Asks two explanations side by side for the flow of the paths through a selection.

    Attributes:
        selection: tokens are places.
        avoiding: parts that none of these paths pass.
    """

    selection: Selection
    avoiding: Selection = ()


def beside_header(result: SideBySide, revision: int, columns: Sequence[Column]) -> BesideHeader:
    """The summary of two explanations.

    Args:
        result: the two.
        revision: number of this summary.
        columns: where the buffer has their numbers.
    """
    sides = (
        Side(name, one.text, one.model, one.score, one.counted, one.totals, one.reference)
        for name, one in zip(result.names, result.sides, strict=True)
    )
    return BesideHeader(
        revision=revision,
        text=result.text,
        model=result.model,
        score=result.score,
        streams=result.streams,
        status=result.status,
        columns=tuple(columns),
        paths=result.paths,
        sides=tuple(sides),
        words=result.words,
        layers=result.first.layers,
        statistics=result.statistics,
        answer=result.sentences,
    )
