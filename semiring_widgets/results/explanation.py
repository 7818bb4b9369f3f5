"""What an explanation is, once the sweeps have run: plain facts, frozen, without torch.

An `Explanation` answers *by which routes was this score made?* It holds the text as tokens in one or
two streams, the attention layers found, one table of numbers (see `schema`), and the best routes in
words. It knows how to save itself; what shows and exports it is given to it, see `exits`.

Nothing here is validated: the constructors are called by the code that has just computed the numbers.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from semiring_widgets.checks import shown, whole_number
from semiring_widgets.errors import InputError
from semiring_widgets.results.answer_checks import (
    check_correlations,
    check_groups,
    check_reference,
    check_sentences,
    check_tests,
)
from semiring_widgets.results.asked_arguments import Argument, Likely, call_of
from semiring_widgets.results.consistency import (
    check_counted,
    check_layers,
    check_numbers,
    check_pieces,
    check_rankings,
    check_score,
    check_statistics,
    check_status,
    check_streams,
    table,
)
from semiring_widgets.results.exits import exits
from semiring_widgets.results.facts import fields_of, value_of
from semiring_widgets.results.groups import Group, GroupBook
from semiring_widgets.results.holding import HeldSession
from semiring_widgets.results.inside import Inside
from semiring_widgets.results.log_of_tests import Test, TestLog
from semiring_widgets.results.parts import (
    Correlation,
    Layer,
    Reference,
    Score,
    Sentence,
    Statistic,
    Status,
    Stream,
    Totals,
)
from semiring_widgets.results.rankings import ListedRoute, Ranking
from semiring_widgets.results.result import ELSEWHERE, Result
from semiring_widgets.results.schema import COORDINATES, variables_of, with_effects
from semiring_widgets.results.session import Session
from semiring_widgets.results.tested import Tested

if TYPE_CHECKING:
    import pandas as pd

    from semiring_widgets.results.by_token import ByToken

__all__ = ["Explanation", "load"]


@dataclass(frozen=True, eq=False, repr=False)
class Explanation(Tested, Inside, Result):
    """One explained prediction: the answer, what was tested, and the statistics of its paths.

    Attributes:
        text: the text as given; of a pair, both with a line break between. Offsets of tokens point into it.
        model: name of the model's class.
        score: the scalar explained.
        granularity: which graph was counted (``"primitive"``, ``"operator"``, ``"paper"``).
        level: level of the maxima (``"unit"`` or ``"branch"``).
        streams: the tokens; one stream, or encoder and decoder.
        layers: the attention layers, in order of execution.
        totals: mass, entropy, best path and cancellation of the whole score (nats).
        dataset: the numbers, see `semiring_widgets.results.schema`.
        rankings: the first routes, ranked by best path, mass and contribution, as far as asked for and known.
        statistics: what was asked for by ``semiring=``, in the order of the dataset's axis ``statistic``.
        seconds: time spent so far.
        status: how far it is; numbers not known yet are NaN.
        session: live handle for questions that need the model; None after `load`, never saved. It holds the
            recording until a newer explanation is shown in the notebook, its widget is closed, or `release`.
        paths: in words, which paths alone everything but the score is about; empty where it is all of them.
        reference: what effects and contributions compare the text with; None in files that do not know it.
        sentences: the answer, sentence by sentence, each with the parts that it is about.
        correlations: how well contributions rank the parts of each kind as their effects do, in this text.
        tests: those that were run, see `test`; they need no model to be read, and are saved.
        rules: which number an edge of the graph carried: ``"gradient"``, ``"linear"``, ``"secant"``,
            ``"lrp"``, ``"gim"``, or the name of another rule.
        arguments: what was asked, as far as it is not the default; see `call`.
        likeliest: what the model would say there, its first choices; none for a score of the caller's.
        groups: parts that are taken together under a name, by name, see `group`; they are saved.

    Example:
        >>> import semiring_widgets as sw
        >>> model, tokenizer = sw.load_demo()
        >>> e = sw.explain(model, tokenizer, "The keys to the cabinet [MASK] on the table.", "are", "is")
        >>> e
        Explanation(logit(are) - logit(is) at [MASK] = 8.045, 12 tokens, 4 layers, ...)
        >>> [token.text for token in e.tokens][:4]
        ['[CLS]', 'The', 'keys', 'to']
        >>> e.routes[0].label
        'V·L0·H3 → V·L3·H3'
    """

    kind: ClassVar[str] = "explanation"

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
    paths: str = ""
    reference: Reference | None = None
    sentences: tuple[Sentence, ...] = ()
    correlations: tuple[Correlation, ...] = ()
    tests: TestLog = field(default_factory=TestLog)
    rules: str = "gradient"
    arguments: tuple[Argument, ...] = ()
    likeliest: tuple[Likely, ...] = ()
    groups: GroupBook = field(default_factory=GroupBook)

    @property
    def routes(self) -> tuple[ListedRoute, ...]:
        """The routes of the first ranking, usually those with the best single paths."""
        return self.rankings[0].routes if self.rankings else ()

    @property
    def live(self) -> bool:
        """Whether its session still answers questions."""
        released = isinstance(self.session, HeldSession) and self.session.released
        return self.session is not None and not released

    def release(self) -> None:
        """Free the recording, which takes most of the memory; all that was computed stays.

        Flow and routes through a selection, and tests, cannot be asked for any more.

        Example:
            >>> e = sw.explain(model, tokenizer, "The keys [MASK] here.", "are")
            >>> e.live
            True
            >>> e.release()
            >>> e.live
            False
        """
        if isinstance(self.session, HeldSession):
            self.session.release()

    def call(
        self, selection: Iterable[Mapping[str, Any]] = (), avoiding: Iterable[Mapping[str, Any]] = ()
    ) -> str:
        """The Python call that gives this explanation.

        Args:
            selection: parts; the call is then of the paths through all of them, as after a click.
            avoiding: parts that these paths do not touch.

        Returns:
            The call. ``model`` and ``tokenizer`` are names of the reader's, and so is what was given as an
            object: a score, a semiring, a tensor.

        Raises:
            InputError: the explanation comes from a file that does not say what was asked.

        Example:
            >>> e = sw.explain(model, tokenizer, "The keys [MASK] here.", "are")
            >>> e.call()
            'sw.explain(model, tokenizer, "The keys [MASK] here.", target="are")'
            >>> eval(e.call([{"layer": 3, "head": 2}])).paths
            'only paths through head 3·2'
        """
        if not self.arguments:
            raise InputError("This explanation does not say what was asked: it comes from an older file.")
        return call_of(self.arguments, selection, avoiding)

    def ranking(self, by: str) -> Ranking:
        """One of the rankings of routes.

        Args:
            by: ``"contribution"``, ``"best"`` or ``"mass"``.

        Raises:
            InputError: it was not asked for or is not known yet.

        Example:
            >>> best = e.ranking("contribution").routes[0]
            >>> best.label, round(best.contribution, 3)
            ('V·L0·H3 → V·L3·H3', 0.354)
        """
        wanted: Any = by
        for ranking in self.rankings:
            if isinstance(wanted, str) and ranking.by == wanted:
                return ranking
        known = ", ".join(ranking.by for ranking in self.rankings) or "none"
        raise InputError(f"There is no ranking by {shown(by)} here; known are {known}.")

    def to_xarray(self) -> xr.Dataset:
        """The numbers with labelled axes: token texts, layer names, and what was explained.

        Returns:
            A new dataset. Axis ``token`` is as long as the longest stream; ``token_text`` belongs to
            the first stream. Routes are variables over ``ranking`` and ``rank``. ``attrs`` carry text, model,
            score, granularity, rules and level.

        Example:
            >>> table = e.to_xarray()
            >>> table.head_mass_share.dims
            ('layer', 'head', 'kind')
            >>> round(float(table.token_mass_share.sum()), 4)
            1.0
        """
        from semiring_widgets.results.tables import routes_dataset

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
                rules=self.rules,
                level=self.level,
                **({"paths": self.paths} if self.paths else {}),
            )
        )

    @property
    def counted(self) -> str:
        """Which graph was counted, in words: granularity, level, and the rules unless they are the gradient.

        Example:
            >>> e.counted
            'granularity primitive, level unit'
        """
        rules = "" if self.rules == "gradient" else f", rules {self.rules}"
        return f"granularity {self.granularity}, level {self.level}{rules}"

    def to_pandas(self, rows: str = "tokens") -> pd.DataFrame:
        """One row per token of the first stream: its text, place, and every per-token number.

        A statistic asked for by ``semiring=`` is a column of its name (and the word "statistic", where there
        is such a column already).

        Args:
            rows: ``"tokens"``, or ``"routes"`` for one row per route of each ranking: its sentence, best
                path, mass, contribution and cancellation.

        Raises:
            InputError: other rows.

        Example:
            >>> e.to_pandas().query("mass_share > 0.1").text.tolist()
            ['[MASK]', 'on', 'the']
            >>> e.to_pandas("routes").loc["contribution", "label"].iloc[0]
            'V·L0·H3 → V·L3·H3'
        """
        from semiring_widgets.results.tables import routes_frame, tokens_frame

        wanted: Any = rows
        if not isinstance(wanted, str) or wanted not in ("tokens", "routes"):
            raise InputError(f"rows is {shown(rows)}; choose tokens or routes.")
        if wanted == "routes":
            return routes_frame(self.rankings)
        return tokens_frame(self.tokens, self.dataset, self.statistics)

    def by_token(self) -> ByToken:
        """What each token does to each piece of a continuation: of a target of several pieces, one row each.

        Returns:
            A row for every piece and every token before it, in their order: whether the piece is of the
            target or the ``contrast`` (``of``), its place and text, its ``log_probability`` (nats), the token
            (``stream``, ``token``, ``text``), and its tested ``effect`` on this piece and the
            ``contribution`` that estimates it (nats). The effects of a token add up to that on the score.
            It shows itself as a matrix, pieces by tokens, which the view has as a picture.
            Empty where one token was asked for, whose only row is `effects`, and of a masked model.

        Example:
            >>> e.by_token().empty, list(e.by_token().columns)[:4]
            (True, ['of', 'piece', 'piece_text', 'log_probability'])
            >>> long = sw.explain(*causal, "The keys to the cabinet", "are on the table")
            >>> table = long.by_token().pivot(index="piece", columns="token", values="effect")
            >>> table.shape, long.by_token()["piece_text"].unique().tolist()
            ((4, 9), ['are', 'on', 'the', 'table'])
        """
        from semiring_widgets.results.piece_table import pieces_frame

        return pieces_frame(self.score, self.streams, self.dataset)

    def to_html(
        self, path: str | os.PathLike[str], *, chart: bool = True, answers: int | None = None
    ) -> Path:
        """Write one self-contained interactive page that needs no kernel and no network.

        Args:
            path: destination; an existing file is replaced.
            chart: also embed the Bokeh chart and BokehJS (about 0.5 MB more).
            answers: how many words, heads, layers, cells and MLPs can be clicked in it, those with the most
                mass first, and after them pairs of these; None for as many as take a few seconds, which are
                all of a small model, and 200 pairs.

        Returns:
            The path written.

        Raises:
            InputError: the page cannot be written there, or ``answers`` is no number of answers.

        Example:
            >>> e.to_html("keys.html", chart=False, answers=5).name
            'keys.html'
        """
        if answers is not None:
            answers = whole_number(answers, "answers", least=0)
        known = self if self.live else replace(self, session=None)
        return exits().write_page(known, path, chart=chart, answers=answers)

    @classmethod
    def _from_file(cls, header: dict[str, Any], arrays: dict[str, NDArray[np.float32]]) -> Explanation:
        tests = value_of(tuple[Test, ...], header.pop("tests", []), "it.tests")
        groups = value_of(tuple[Group, ...], header.pop("groups", []), "it.groups")
        facts = fields_of(cls, header, "it", without=(*ELSEWHERE, "tests", "groups"))
        statistics = [statistic.name for statistic in facts.get("statistics", ())]
        labels = {**COORDINATES, "statistic": statistics}
        dataset = with_effects(table(arrays, variables_of(bool(statistics)), labels))
        result = cls(**facts, dataset=dataset, tests=TestLog(tests), groups=GroupBook(groups))
        check_streams(result.streams)
        check_status(result.status)
        check_counted(result.granularity, result.level)
        check_layers(result.layers, result.streams)
        check_statistics(result.statistics)
        check_score(result.score, result.streams)
        check_numbers(result.dataset, result.streams, result.layers, result.statistics)
        check_pieces(result.score, result.streams, result.dataset)
        size = result.dataset.sizes["token"]
        check_rankings(result.rankings, result.layers, size)
        check_reference(result.reference, result.streams)
        check_sentences(result.sentences, result.layers, size)
        check_correlations(result.correlations)
        check_tests(result.tests, result.layers, size)
        check_groups(groups, result.layers, size)
        return result

    def __repr__(self) -> str:
        state = "" if self.status.state == "done" else f", {self.status.state}"
        paths = f", {self.paths}" if self.paths else ""
        return (
            f"Explanation({self.score.label} = {self.score.value:.4g}, {len(self.tokens)} tokens, "
            f"{len(self.layers)} layers, {self.counted}{paths}{state})"
        )


def load(path: str | os.PathLike[str]) -> Explanation:
    """Read an explanation that `Explanation.save` wrote.

    Args:
        path: of the file.

    Returns:
        The `Explanation` with its tests, without its recording.

    Raises:
        InputError: no such file, changed since it was written, or of a kind or version that is not read.

    Example:
        >>> e.save("keys.npz")
        >>> known = load("keys.npz")
        >>> known.routes == e.routes, known.live
        (True, False)
    """
    return Explanation.load(path)
