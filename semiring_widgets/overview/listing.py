"""Lines of the table of texts, and which texts stand for all of a large corpus."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from semiring_widgets.checks import choice
from semiring_widgets.overview.brush import Brush
from semiring_widgets.overview.numbers import CorpusNumbers

__all__ = ["SORTED_BY", "Line", "found", "lines", "some_of", "sorted_places"]

SORTED_BY = ("row", "text", "group", "score", "entropy", "log_mass", "top_token_effect")
_SEED = 0


@dataclass(frozen=True)
class Line:
    """One text in the table.

    Attributes:
        row: its place in the corpus.
        group: place of its group.
        right: whether the target is preferred; None where that cannot be said.
        top_token_text: the word with the largest effect.
        top_token_effect: its effect.
    """

    row: int
    id: str
    group: int
    text: str
    target: str | None
    contrast: str | None
    right: bool | None
    score: float
    entropy: float
    log_mass: float
    top_token_text: str | None
    top_token_effect: float


def found(numbers: CorpusNumbers, brush: Brush, words: str = "") -> NDArray[np.int64]:
    """The places of the texts that a brush means and that hold some words, in their order.

    Args:
        numbers: of the corpus.
        brush: which texts.
        words: to be found in text, id or target, in capitals or not; empty for all.
    """
    meant = brush.mask(numbers)
    if words:
        held = np.zeros(len(numbers), bool)
        for name in ("text", "id", "target"):
            column = numbers.texts[name].astype(object).fillna("").str
            held |= column.contains(words, case=False, regex=False).to_numpy(bool)
        meant &= held
    return np.flatnonzero(meant)


def sorted_places(
    numbers: CorpusNumbers, places: NDArray[np.int64], by: str, descending: bool
) -> NDArray[np.int64]:
    """Places in the order of a column; what is not known stands last.

    Args:
        numbers: of the corpus.
        places: of texts.
        by: one of `SORTED_BY`.
        descending: whether the largest comes first.

    Raises:
        InputError: no such column.
    """
    by = choice(by, "sort", SORTED_BY)
    if by == "group":
        keys = numbers.group[places].astype(float)
    elif by == "text":
        words = numbers.texts["text"].to_numpy(object)[places].astype(str)
        keys = np.unique(words, return_inverse=True)[1].astype(float)
    else:
        keys = numbers.number(by)[places]
    return places[np.argsort(-keys if descending else keys, kind="stable")]


def lines(numbers: CorpusNumbers, places: NDArray[np.int64]) -> tuple[Line, ...]:
    """Lines of some texts.

    Args:
        numbers: of the corpus.
        places: of these texts.
    """
    own = numbers.texts.iloc[places]
    told = own.astype(object).where(own.notna(), None).to_dict("records")
    return tuple(
        Line(
            row=int(one["row"]),
            id=str(one["id"]),
            group=int(numbers.group[place]),
            text=str(one["text"]),
            target=one["target"],
            contrast=one["contrast"],
            right=None if one["right"] is None else bool(one["right"]),
            score=float(numbers.number("score")[place]),
            entropy=float(numbers.number("entropy")[place]),
            log_mass=float(numbers.number("log_mass")[place]),
            top_token_text=one["top_token_text"],
            top_token_effect=float(numbers.number("top_token_effect")[place]),
        )
        for place, one in zip(places, told, strict=True)
    )


def some_of(numbers: CorpusNumbers, most: int) -> NDArray[np.int64]:
    """Places of at most so many texts, in their order: all, or the extremes of every number and a sample.

    Args:
        numbers: of the corpus.
        most: how many.
    """
    count = len(numbers)
    if count <= most:
        return np.arange(count)
    each = max(1, most // (8 * max(1, len(numbers.numbers))))
    ends = []
    for name in numbers.numbers:
        order = np.argsort(numbers.number(name), kind="stable")
        order = order[: np.isfinite(numbers.number(name)).sum()]
        ends += [order[:each], order[-each:]]
    kept = np.unique(np.concatenate(ends))[:most] if ends else np.empty(0, np.int64)
    others = np.random.default_rng(_SEED).permutation(np.setdiff1d(np.arange(count), kept))
    return np.sort(np.concatenate([kept, others[: most - len(kept)]]))
