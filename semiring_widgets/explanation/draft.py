"""An explanation while it is computed: what is known so far, and to whom it is told."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import xarray as xr

from semiring_widgets.core.rules import find_rule
from semiring_widgets.explanation.answering import sentences_of
from semiring_widgets.explanation.prepared import Prepared
from semiring_widgets.question import ExplainOptions
from semiring_widgets.results.asked_arguments import Argument
from semiring_widgets.results.explanation import Explanation
from semiring_widgets.results.groups import GroupBook
from semiring_widgets.results.log_of_tests import Test, TestLog
from semiring_widgets.results.parts import Correlation, Layer, Reference, Sentence, Statistic, Status, Totals
from semiring_widgets.results.rankings import Ranking
from semiring_widgets.results.schema import empty_dataset
from semiring_widgets.results.session import Session

__all__ = ["Check", "Draft", "Report", "Run"]

Report = Callable[[Explanation], None]
Check = Callable[[], None]
Run = Callable[[Report, Check], Explanation]
_PROGRESS = 0.05  # seconds between two reports that bring nothing but progress


@dataclass
class Draft:
    """What is known so far, and to whom it is told."""

    prepared: Prepared
    options: ExplainOptions
    started: float
    report: Report
    check: Check
    arguments: tuple[Argument, ...] = ()
    layers: tuple[Layer, ...] = ()
    totals: Totals = field(default_factory=Totals)
    rankings: tuple[Ranking, ...] = ()
    statistics: tuple[Statistic, ...] = ()
    session: Session | None = None
    paths: str = ""
    reference: Reference | None = None
    untested: str = ""
    route: Test | None = None
    sentences: tuple[Sentence, ...] = ()
    correlations: tuple[Correlation, ...] = ()
    tests: TestLog = field(default_factory=TestLog)
    groups: GroupBook = field(default_factory=GroupBook)
    done: int = 0
    total: int = 0
    message: str = ""
    _told: float = 0.0
    _published: xr.Dataset | None = None

    def __post_init__(self) -> None:
        tokens = max(len(stream.tokens) for stream in self.prepared.streams)
        self.dataset = empty_dataset(0, 0, tokens, maps=False)

    def answer(self) -> None:
        """Put what is known into sentences."""
        self._published = None
        self.sentences = sentences_of(
            self._snapshot("running"), self.prepared.family, self.untested, self.route
        )

    def publish(self, message: str) -> None:
        """Tell what is known now; numbers may have changed."""
        self.message, self._published = message, None
        self._tell("running")

    def progress(self, done: int) -> None:
        """Operators done; tells now and then, and lets the caller stop us."""
        self.check()
        self.done = done
        if time.perf_counter() - self._told > _PROGRESS:
            self._tell("running")

    def finished(self) -> Explanation:
        """The end."""
        self.done, self.message, self._published = self.total, "done", None
        return self._tell("done")

    def _tell(self, state: str) -> Explanation:
        self._told = time.perf_counter()
        snapshot = self._snapshot(state)
        self.report(snapshot)
        return snapshot

    def _snapshot(self, state: str) -> Explanation:
        if self._published is None:
            # What was published is read on other threads and never written again.
            self._published = self.dataset.copy(deep=True)
        prepared = self.prepared
        return Explanation(
            text=prepared.text,
            model=prepared.model_name,
            score=prepared.score,
            granularity=self.options.granularity,
            level=self.options.level,
            rules=find_rule(self.options.rules).name,
            streams=prepared.streams,
            layers=self.layers,
            totals=self.totals,
            dataset=self._published,
            rankings=self.rankings,
            statistics=self.statistics,
            seconds=self._told - self.started,
            status=Status(state, self.done, self.total, self.message),
            session=self.session,
            paths=self.paths,
            reference=self.reference,
            sentences=self.sentences,
            correlations=self.correlations,
            tests=self.tests,
            arguments=self.arguments,
            likeliest=getattr(prepared.asked, "likeliest", ()),
            groups=self.groups,
        )
