"""What a finished explanation was made of, for the next question: only what depends on a change is made anew.

| changed                                 | made anew                                            |
|-----------------------------------------|------------------------------------------------------|
| text, target, contrast, position, score | everything                                           |
| granularity, rules                      | all but the tests                                    |
| level, through, avoiding, leaving_skip  | sweeps and routes                                    |
| reference                               | tests, estimates, routes by contribution             |
| semiring                                | its statistic                                        |
| paths, rankings                         | routes                                               |

Under a rule that compares with the reference, that is part of the recording. Where memory is limited, or the
model's weights have changed since, nothing is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import xarray as xr
from torch import Tensor, nn

from semiring_widgets.core.paths import Paths
from semiring_widgets.core.rules import find_rule
from semiring_widgets.core.tape import Tape
from semiring_widgets.explanation.modes import training_modules
from semiring_widgets.explanation.prepared import Prepared
from semiring_widgets.explanation.references import Referenced
from semiring_widgets.explanation.statistics import Asked
from semiring_widgets.question import ExplainOptions, Question
from semiring_widgets.results.parts import Correlation, Reference, Statistic, Totals
from semiring_widgets.results.rankings import Ranking

__all__ = ["Made", "Weights", "weights_of"]

Weights = tuple[tuple[int, int], ...]
_OF_PATHS = ("level", "through", "avoiding", "leaving_skip")


@dataclass(frozen=True, eq=False)
class Made:
    """The stages of one explanation.

    Attributes:
        question: what was asked of the model.
        options: what was asked of the paths.
        weights: of the model then, see `weights_of`.
        prepared: the question as a function.
        other: what the text was compared with, and
        reference: how that is told.
        tape: the recording, with
        score: in it, and
        everything: all paths of it.
        few: those that were asked about.
        top: log |weight| of the best of them.
        dataset: all numbers.
        totals: of the paths.
        untested: why nothing was tested.
        correlations: of tests and estimates.
        asking: the statistic that was asked for besides, and
        statistics: what it is called.
        rankings: the routes.
    """

    question: Question
    options: ExplainOptions
    weights: Weights | None
    prepared: Prepared
    other: Referenced
    reference: Reference | None
    tape: Tape
    score: Tensor
    everything: Paths
    few: Paths
    top: float
    dataset: xr.Dataset
    totals: Totals
    untested: str
    correlations: tuple[Correlation, ...]
    asking: Asked | None
    statistics: tuple[Statistic, ...]
    rankings: tuple[Ranking, ...]

    def prepares(self, model: nn.Module, question: Question, options: ExplainOptions) -> bool:
        """Whether the model gives the same score still."""
        limits = (self.options.max_memory, options.max_memory)
        return (
            self.question == question
            and limits == (None, None)
            and self.weights is not None
            and self.weights == weights_of(model)
            and not training_modules(model)
        )

    def compares(self, options: ExplainOptions) -> bool:
        """Whether the same is put in the place of the text."""
        return _same(self.options.reference, options.reference)

    def records(self, options: ExplainOptions) -> bool:
        """Whether the recording is the same, and what its edges carry."""
        alike = self._alike(options, "granularity", "rules")
        return alike and (self.compares(options) or not find_rule(options.rules).needs_reference)

    def sweeps(self, options: ExplainOptions) -> bool:
        """Whether the paths are the same, and what is told of all of them."""
        return self.records(options) and self._alike(options, *_OF_PATHS)

    def asks(self, options: ExplainOptions) -> bool:
        """Whether the same statistic was asked of the same paths."""
        return self.sweeps(options) and self._alike(options, "semiring")

    def ranking(self, by: str, options: ExplainOptions) -> Ranking | None:
        """Routes that were ranked already; None where they are ranked anew."""
        if not self.sweeps(options) or not self._alike(options, "paths"):
            return None
        if by == "contribution" and not self.compares(options):
            return None
        return next((ranking for ranking in self.rankings if ranking.by == by), None)

    def _alike(self, options: ExplainOptions, *names: str) -> bool:
        return all(_same(getattr(self.options, name), getattr(options, name)) for name in names)


def weights_of(model: nn.Module) -> Weights | None:
    """Which tensors a model computes with, and how often they were written to: training shows here.

    None where that is not counted: of what was made in inference mode.
    """
    tensors = [*model.parameters(), *model.buffers()]
    if any(one.is_inference() for one in tensors):
        return None
    return tuple((id(one), one._version) for one in tensors)


def _same(one: Any, other: Any) -> bool:
    """Whether two options are the same; objects are only if they are one."""
    if isinstance(one, (tuple, list)) and type(one) is type(other):
        return len(one) == len(other) and all(map(_same, one, other))
    plain = isinstance(one, (str, int, dict)) and type(one) is type(other)
    return one is other or (plain and bool(one == other))
