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
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from semiring_widgets.errors import InputError
from semiring_widgets.explanation import storage
from semiring_widgets.explanation.consistency import check_explanation, table
from semiring_widgets.explanation.facts import fields_of, short
from semiring_widgets.explanation.holding import HeldSession
from semiring_widgets.explanation.rankings import Ranking, Route
from semiring_widgets.explanation.schema import COORDINATES, variables_of

if TYPE_CHECKING:
    import pandas as pd

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
    "facts_of",
    "load",
]

# Fields that are saved as arrays, or not at all.
ELSEWHERE: Final = ("dataset", "session")


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

    def conditioned(self, selection: Any, check: Callable[[], None] = ...) -> tuple[xr.Dataset, float]:
        """Flow restricted to the paths through all parts of ``selection``.

        Args:
            selection: a part or several, as in `semiring_widgets.select_paths`.
            check: called often; may raise to stop.

        Returns:
            The same variables conditioned, with ``log_mass`` and ``best_log_weight`` of all these paths among
            its attributes, and the natural log of their share of all mass.

        Raises:
            InputError: the model has no such part.
        """
        ...

    def ranking(self, by: str, selection: Any, count: int, check: Callable[[], None] = ...) -> Ranking:
        """The first routes of a ranking, of the paths through ``selection`` (nothing selected: all paths)."""
        ...

    def head_map(
        self, layer: int, head: int, selection: Any = (), check: Callable[[], None] = ...
    ) -> NDArray[np.float32]:
        """Shares through one head of the mass of the selected paths, (3: query, key, value; Tq, Tk)."""
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
        session: live handle for questions that need the model; None after `load`, never saved. It holds the
            recording until a newer explanation is shown in the notebook, its widget is closed, or `release`.
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

    @property
    def live(self) -> bool:
        """Whether its session still answers questions."""
        released = isinstance(self.session, HeldSession) and self.session.released
        return self.session is not None and not released

    def release(self) -> None:
        """Free the recording, which takes most of the memory; all that was computed stays.

        Flow and routes through a selection cannot be asked for any more.
        """
        if isinstance(self.session, HeldSession):
            self.session.release()

    def ranking(self, by: str) -> Ranking:
        """One of the rankings.

        Raises:
            InputError: it was not asked for or is not known yet.
        """
        wanted: Any = by
        for ranking in self.rankings:
            if isinstance(wanted, str) and ranking.by == wanted:
                return ranking
        known = ", ".join(ranking.by for ranking in self.rankings) or "none"
        raise InputError(f"There is no ranking by {short(by)} here; known are {known}.")

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
        wanted: Any = rows
        if not isinstance(wanted, str) or wanted not in frames:
            raise InputError(f"rows is {short(rows)}; choose tokens or routes.")
        return frames[wanted](self)

    def to_html(
        self, path: str | os.PathLike[str], *, chart: bool = True, answers: int | None = None
    ) -> Path:
        """Write one self-contained interactive page that needs no kernel and no network.

        Args:
            path: destination; an existing file is replaced.
            chart: also embed the Bokeh chart and BokehJS (about 0.5 MB more).
            answers: how many tokens, heads, layers and cells can be clicked in it, those with the most mass
                first; None for as many as take a few seconds, which are all of a small model.

        Returns:
            The path written.

        Raises:
            InputError: the page cannot be written there, or ``answers`` is no number of answers.
        """
        from semiring_widgets.core.checks import whole_number
        from semiring_widgets.export.html import write_page

        if answers is not None:
            answers = whole_number(answers, "answers", least=0)
        known = self if self.live else replace(self, session=None)
        return write_page(known, path, chart=chart, answers=answers)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a file that `load` reads back exactly (all but the live session).

        The file is a plain zip of arrays and one JSON document, sealed by its SHA-256, see
        `semiring_widgets.explanation.archive`; `numpy.load` opens it, too.

        Raises:
            InputError: it cannot be written there; what was there before is kept.
        """
        arrays = {str(name): variable.values for name, variable in self.dataset.data_vars.items()}
        storage.write(path, "explanation", facts_of(self), arrays, _explanation_from)

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


def facts_of(result: Any) -> dict[str, Any]:
    """All fields of a result that are neither numbers on axes nor alive, as JSON types."""
    kept = (field.name for field in fields(result) if field.name not in ELSEWHERE)
    return {name: _json(getattr(result, name)) for name in kept}


def load(path: str | os.PathLike[str]) -> Explanation:
    """Read an explanation that `Explanation.save` wrote.

    Raises:
        InputError: no such file, changed since it was written, or not an explanation of a version that this
            installation reads.
    """
    return storage.read(path, "explanation", _explanation_from)


def _explanation_from(header: dict[str, Any], arrays: dict[str, NDArray[np.float32]]) -> Explanation:
    facts = fields_of(Explanation, header, "it", without=ELSEWHERE)
    statistics = [statistic.name for statistic in facts.get("statistics", ())]
    labels = {**COORDINATES, "statistic": statistics}
    result = Explanation(**facts, dataset=table(arrays, variables_of(bool(statistics)), labels))
    check_explanation(result)
    return result


def _json(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_json(item) for item in value]
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else value
