"""A corpus as messages: what its view shows first, and the answers to what it asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from semiring_widgets.contract import corpus_table as table
from semiring_widgets.contract.message_kinds import Request
from semiring_widgets.contract.messages import Message, chart, message, pack
from semiring_widgets.contract.table import VERSION, BokehAnswer, BokehRequest, ChartRequest
from semiring_widgets.errors import InputError
from semiring_widgets.overview.aggregates import Aggregates, aggregate
from semiring_widgets.overview.brush import Brush
from semiring_widgets.overview.cells import cells_of
from semiring_widgets.overview.listing import found, lines, some_of, sorted_places
from semiring_widgets.overview.numbers import BINS, NUMBERS, CorpusNumbers
from semiring_widgets.overview.one_text import OneText, ones_of
from semiring_widgets.pictures.chart import bokeh_version, bokehjs
from semiring_widgets.pictures.corpus_charts import chart_items
from semiring_widgets.pictures.corpus_colours import colours_of, markers_of
from semiring_widgets.pictures.corpus_text import asked_in_words, found_in_words
from semiring_widgets.vocabulary import BRANCHES

__all__ = ["LINES", "answer_about_corpus", "axes_of", "corpus_cells", "corpus_summary", "one_text"]

# Sent at once: points of the picture, and lines of the table.
_POINTS: Final = 1500
LINES: Final = 200


def axes_of(numbers: CorpusNumbers) -> Brush:
    """All texts, with the two numbers that are shown first."""
    x, y = (*numbers.numbers, *numbers.numbers)[:2]
    return Brush(x, y)


def corpus_summary(numbers: CorpusNumbers, *, explains: bool = False) -> Message:
    """A corpus at first sight.

    Args:
        numbers: of the corpus.
        explains: whether a text can be explained.
    """
    whole = axes_of(numbers)
    everything = aggregate(numbers, whole)
    listed = some_of(numbers, LINES)
    points = np.union1d(some_of(numbers, _POINTS), listed)
    columns, buffer = pack(
        {
            **_columns(everything),
            "point_row": numbers.texts["row"].to_numpy(np.int64)[points],
            "point_group": numbers.group[points],
            "point_number": np.stack([numbers.number(name)[points] for name in numbers.numbers], 1),
        }
    )
    header = table.CorpusHeader(
        version=VERSION,
        name=numbers.path.name,
        found=tuple(found_in_words(numbers, everything)),
        asked=asked_in_words(numbers),
        texts=len(numbers),
        errors=numbers.errors,
        by=numbers.by,
        of=numbers.of,
        numbers=tuple(
            table.NumberOfTexts(name, *NUMBERS[name], *numbers.edges(name)) for name in numbers.numbers
        ),
        groups=tuple(
            table.GroupOfTexts(*one)
            for one in zip(numbers.groups, colours_of(numbers), markers_of(numbers), strict=True)
        ),
        parts=numbers.parts,
        layers=numbers.layers,
        branches=BRANCHES,
        x=whole.x,
        y=whole.y,
        bins=BINS,
        points=len(points),
        lines=lines(numbers, listed),
        explains=explains,
        columns=columns,
    )
    return message(header, buffer)


def answer_about_corpus(numbers: CorpusNumbers, asked: Request) -> Message:
    """The answer to a request that needs no model.

    Args:
        numbers: of the corpus.
        asked: the request.

    Raises:
        InputError: something that this corpus does not have.
    """
    if isinstance(asked, ChartRequest):
        return chart(asked.id, (), chart_items(numbers), None)
    if isinstance(asked, BokehRequest):
        return message(BokehAnswer(id=asked.id, version=bokeh_version()), bokehjs())
    if isinstance(asked, table.BrushRequest):
        columns, buffer = pack(_columns(aggregate(numbers, _brush(asked))))
        return message(table.BrushedAnswer(id=asked.id, columns=columns), buffer)
    if isinstance(asked, table.TextsRequest):
        places = found(numbers, _brush(asked), asked.words)
        places = sorted_places(numbers, places, asked.sort, asked.descending)
        start = max(0, asked.start)
        shown = lines(numbers, places[start : start + min(asked.count, LINES)])
        return message(table.TextsAnswer(id=asked.id, total=len(places), start=start, lines=shown))
    if isinstance(asked, table.OneTextRequest):
        return one_text(ones_of(numbers, [asked.row])[0], asked.id)
    if isinstance(asked, table.CellsRequest):
        return corpus_cells(numbers, asked.id)
    raise InputError(f"A corpus does not answer {asked.type!r}.")


def one_text(one: OneText, request_id: int = 0) -> Message:
    """All that the tables say of one text.

    Args:
        one: that text.
        request_id: the request's id.
    """
    columns, buffer = pack({"effect": one.effects, "flow": one.flow})
    told = {field.name: getattr(one, field.name) for field in fields(one)}
    del told["effects"], told["flow"]
    return message(table.OneTextAnswer(id=request_id, columns=columns, **told), buffer)


def corpus_cells(numbers: CorpusNumbers, request_id: int = 0) -> Message:
    """What a page without a kernel brushes.

    Args:
        numbers: of the corpus.
        request_id: the request's id.
    """
    held = cells_of(numbers, axes_of(numbers))
    columns, buffer = pack(held)
    return message(table.CellsAnswer(id=request_id, each="count" not in held, columns=columns), buffer)


def _brush(asked: table.BrushRequest | table.TextsRequest) -> Brush:
    return Brush(asked.x, asked.y, asked.box, asked.groups)


def _columns(of: Aggregates) -> Mapping[str, NDArray[Any]]:
    return {field.name: getattr(of, field.name) for field in fields(of)}
