"""What an explanation is, once the sweeps have run: plain facts, frozen, without torch.

An `Explanation` answers *by which routes was this score made?* It holds the text as tokens in one or
two streams, the attention layers found, one table of numbers (see `schema`), and the best routes in
words. It knows how to show, save and export itself; the faces that do so are imported only when asked.

    >>> token = Token(index=0, text="keys", raw="keys", id=7, start=4, end=8, special=False)
    >>> token.text
    'keys'

Nothing here is validated: the constructors are called by the code that has just computed the numbers.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import xarray as xr

from semiring_widgets.errors import InputError
from semiring_widgets.explanation import storage
from semiring_widgets.explanation.rankings import Ranking, Route, ranking_from

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

__all__ = [
    "Explanation",
    "Layer",
    "Score",
    "Session",
    "Statistic",
    "Status",
    "Stream",
    "Token",
    "Totals",
    "load",
]


@dataclass(frozen=True)
class Token:
    """One token: ``text`` is what people read, ``raw`` the tokenizer's piece.

    ``text`` is the source, or what the piece stands for where no characters of the source are its own; white
    space and what has no shape are marked, and parts of a character show which bytes they are.
    """

    index: int
    text: str
    raw: str
    id: int
    start: int
    end: int
    special: bool


@dataclass(frozen=True)
class Stream:
    """A sequence of tokens: ``"input"``, or ``"encoder"`` and ``"decoder"``."""

    name: str
    tokens: tuple[Token, ...]


@dataclass(frozen=True)
class Layer:
    """One attention. ``key_stream`` differs from ``stream`` (its queries) in cross-attention."""

    name: str
    index: int
    stream: int
    key_stream: int
    heads: int


@dataclass(frozen=True)
class Score:
    """The scalar explained, for example ``logit(are) - logit(is) at [MASK]``."""

    label: str
    value: float
    target: str | None
    contrast: str | None
    position: int | None


@dataclass(frozen=True)
class Totals:
    """Facts about all paths together, in nats; None where not known yet."""

    log_mass: float | None = None
    entropy: float | None = None
    best_log_weight: float | None = None
    best_sign: int | None = None
    log_cancellation: float | None = None


@dataclass(frozen=True)
class Statistic:
    """A number of the paths in a semiring of the reader's choice, with its unit (``"nats"``: a logarithm)."""

    name: str
    unit: str


@dataclass(frozen=True)
class Status:
    """How far the computation is: ``state`` is running, done, cancelled or failed."""

    state: str = "done"
    done: int = 0
    total: int = 0
    message: str = ""


class Session(Protocol):
    """The live computation behind an explanation; answers questions that need the model's tape."""

    def conditioned(self, selection: Mapping[str, Any]) -> tuple[xr.Dataset, float]:
        """Flow restricted to the paths through ``selection``.

        Args:
            selection: ``layer``, ``branch``, ``head``, ``token`` (each None or given) and ``stream``.

        Returns:
            The same variables conditioned, and the natural log of the share of all mass that passes through
            the selection.
        """
        ...

    def ranking(self, by: str, selection: Mapping[str, Any], count: int) -> Ranking:
        """The first routes of a ranking, of the paths through ``selection`` (nothing selected: all paths)."""
        ...

    def head_map(self, layer: int, head: int) -> NDArray[np.float32]:
        """Share of all mass through one head, shape (3 kinds: query, key, value; Tq, Tk)."""
        ...


@dataclass(frozen=True, eq=False, repr=False)
class Explanation:
    """By which routes a score was made, for one text.

    Attributes:
        text: the text as given; of a pair, both with a line break between. Offsets of tokens point into it.
        model: name of the model's class.
        score: the scalar explained.
        granularity: which graph was counted (``"primitive"``, ``"operator"``, ``"paper"``).
        level: level of the maxima (``"unit"`` or ``"branch"``).
        streams: the tokens; one stream, or encoder and decoder.
        layers: the attention layers, in order of execution.
        totals: mass, entropy, best path and cancellation of the whole score (nats).
        dataset: the numbers, see `semiring_widgets.explanation.schema`.
        rankings: the first routes, ranked by best path, mass and contribution, as far as asked for and known.
        statistics: what was asked for by ``semiring=``, in the order of the dataset's axis ``statistic``.
        seconds: time spent so far.
        status: how far it is; numbers not known yet are NaN.
        session: live handle for questions that need the model; None after `load`, never saved.
    """

    text: str
    model: str
    score: Score
    granularity: str
    level: str
    streams: tuple[Stream, ...]
    layers: tuple[Layer, ...]
    totals: Totals
    dataset: xr.Dataset
    rankings: tuple[Ranking, ...] = ()
    statistics: tuple[Statistic, ...] = ()
    seconds: float = 0.0
    status: Status = field(default_factory=Status)
    session: Session | None = None

    @property
    def tokens(self) -> tuple[Token, ...]:
        """The tokens of the first stream: those whose attributions the token variables hold."""
        return self.streams[0].tokens

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes of the first ranking, usually those with the best single paths."""
        return self.rankings[0].routes if self.rankings else ()

    def ranking(self, by: str) -> Ranking:
        """One of the rankings.

        Raises:
            InputError: it was not asked for or is not known yet.
        """
        for ranking in self.rankings:
            if ranking.by == by:
                return ranking
        known = ", ".join(ranking.by for ranking in self.rankings) or "none"
        raise InputError(f"There is no ranking by {by!r} here; known are {known}.")

    def to_xarray(self) -> xr.Dataset:
        """The numbers with labelled axes: token texts, layer names, and what was explained.

        Returns:
            A new dataset. Axis ``token`` is as long as the longest stream; ``token_text`` belongs to
            the first stream. Routes are variables over ``ranking`` and ``rank``. ``attrs`` carry text, model,
            score, granularity and level.
        """
        from semiring_widgets.explanation.tables import routes_dataset

        size = self.dataset.sizes.get("token", len(self.tokens))
        texts = [token.text for token in self.tokens]
        return (
            self.dataset.merge(routes_dataset(self.rankings))
            .assign_coords(
                token=np.arange(size),
                token_text=("token", texts + [""] * (size - len(texts))),
                layer=np.arange(self.dataset.sizes.get("layer", len(self.layers))),
                layer_name=("layer", [layer.name for layer in self.layers]),
            )
            .assign_attrs(
                text=self.text,
                model=self.model,
                score=self.score.label,
                score_value=self.score.value,
                granularity=self.granularity,
                level=self.level,
            )
        )

    def to_pandas(self, rows: str = "tokens") -> pd.DataFrame:
        """One row per token of the first stream: its text, place, and every per-token number.

        A statistic asked for by ``semiring=`` is a column of its name (and the word "statistic", where there
        is such a column already).

        Args:
            rows: ``"tokens"``, or ``"routes"`` for one row per route of each ranking: its sentence, best
                path, mass, contribution and cancellation.

        Raises:
            InputError: other rows.
        """
        from semiring_widgets.explanation.tables import routes_frame, tokens_frame

        frames = {"tokens": tokens_frame, "routes": routes_frame}
        if rows not in frames:
            raise InputError(f"rows is {rows!r}; choose tokens or routes.")
        return frames[rows](self)

    def to_html(self, path: str | os.PathLike[str], *, chart: bool = True) -> Path:
        """Write one self-contained interactive page that needs no kernel and no network.

        Args:
            path: destination; an existing file is replaced.
            chart: also embed the Bokeh chart and BokehJS (about 1.8 MB more).

        Returns:
            The path written.
        """
        from semiring_widgets.export.html import write_page

        return write_page(self, path, chart=chart)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a netCDF file that `load` reads back exactly (all but the live session)."""
        header = {
            "text": self.text,
            "model": self.model,
            "score": asdict(self.score),
            "granularity": self.granularity,
            "level": self.level,
            "streams": [asdict(stream) for stream in self.streams],
            "layers": [asdict(layer) for layer in self.layers],
            "totals": asdict(self.totals),
            "rankings": [asdict(ranking) for ranking in self.rankings],
            "statistics": [asdict(statistic) for statistic in self.statistics],
            "seconds": self.seconds,
            "status": asdict(self.status),
        }
        storage.write(path, "explanation", header, self.dataset)

    def __repr__(self) -> str:
        state = "" if self.status.state == "done" else f", {self.status.state}"
        return (
            f"Explanation({self.score.label} = {self.score.value:.4g}, {len(self.tokens)} tokens, "
            f"{len(self.layers)} layers, granularity {self.granularity}, level {self.level}{state})"
        )

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        from semiring_widgets.widgets.display import mimebundle

        return mimebundle(self, include=include, exclude=exclude)

    def _display_(self) -> Any:
        """What marimo shows: the widget."""
        from semiring_widgets.widgets.display import widget_of

        return widget_of(self)


def stream_from(header: Mapping[str, Any]) -> Stream:
    """A stream from its JSON form."""
    return Stream(header["name"], tuple(Token(**token) for token in header["tokens"]))


def load(path: str | os.PathLike[str]) -> Explanation:
    """Read an explanation that `Explanation.save` wrote.

    Raises:
        InputError: no such file, or not an explanation of a version this installation reads.
    """
    header, dataset = storage.read(path, "explanation")
    return Explanation(
        text=header["text"],
        model=header["model"],
        score=Score(**header["score"]),
        granularity=header["granularity"],
        level=header["level"],
        streams=tuple(stream_from(stream) for stream in header["streams"]),
        layers=tuple(Layer(**layer) for layer in header["layers"]),
        totals=Totals(**header["totals"]),
        dataset=dataset,
        rankings=tuple(ranking_from(ranking) for ranking in header["rankings"]),
        statistics=tuple(Statistic(**statistic) for statistic in header["statistics"]),
        seconds=header["seconds"],
        status=Status(**header["status"]),
    )
