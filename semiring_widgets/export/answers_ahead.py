"""What a page may ask when there is no kernel, answered ahead.

Head maps, those with the largest share of the mass first; the flow through whatever one click selects: a
token, a head, a layer, a cell of the grid, a feed-forward part; that through the likeliest pairs of these;
tests of families of routes and of layers, which have none in the table, and of the likeliest pairs; and long
lists of routes, of which the page itself picks those through a selection. How much of it depends on the size
of the model and the text alone, never on a clock, so a page is the same on every run. What it cannot answer,
it shows as not to be clicked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import chain, islice, zip_longest
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import xarray as xr

from semiring_widgets.contract import inside_answers, messages
from semiring_widgets.contract.answers import head_shares
from semiring_widgets.contract.inside_types import UnitsRequest
from semiring_widgets.contract.requests import EMPTY_SELECTION
from semiring_widgets.contract.table import ConditionRequest, HeadMapRequest, RoutesRequest
from semiring_widgets.errors import InputError, SemiringWidgetsError
from semiring_widgets.export.clicks import heads_by_mass, name_of, pairs, share_at, singles
from semiring_widgets.export.packing import Scale, coarse
from semiring_widgets.results.parts import Part
from semiring_widgets.vocabulary import RANKINGS

if TYPE_CHECKING:
    from semiring_widgets.contract.messages import Message
    from semiring_widgets.results.explanation import Explanation
    from semiring_widgets.results.rankings import ListedStep
    from semiring_widgets.results.session import Session

__all__ = ["Ahead", "answers_ahead", "cheap_answers"]

# Work is counted in scalar values of the graph that a pair of sweeps visits; 250 million take about six
# seconds on two cores. Small operators take as long as if they had more values.
_WORK: Final = 250_000_000
_WORK_ON_ROUTES: Final = 75_000_000
_AT_LEAST: Final = 600_000
# Values per token and head, and per pair of tokens and head, where a head is 64 units wide.
_PER_TOKEN: Final = 1_350
_PER_PAIR: Final = 9
# More routes than that are of no use to a reader, even if most of them are not through the selection.
_ROUTES: Final = 80
# Pairs of parts whose flow is known, and those that were tested: a run of the model each.
_PAIRS: Final = 200
_PAIRS_TESTED: Final = 50
# Selections that are asked for together.
_ASKED_TOGETHER: Final = 100
# Parts whose units are in a page.
_UNITS: Final = 24
# The part of the page that maps, lists and units leave for the flow.
_FOR_OTHERS: Final = 0.5


@dataclass(frozen=True)
class Ahead:
    """What a page answers.

    Attributes:
        answers: messages to be packed, by the type of their request.
        held: what these are about, by the type of the request.
        tests: what was tested, as in a message.
    """

    answers: dict[str, list[Message]]
    held: dict[str, list[str]]
    tests: list[dict[str, Any]]


def answers_ahead(result: Explanation, budget: int, answers: int | None = None) -> Ahead:
    """The answers to all requests that the table of messages lets a page answer, but for the chart.

    Args:
        result: the explanation; without a live session much of it cannot be told.
        budget: bytes that all of them may take in the page.
        answers: how many parts and pairs are to be answered for, however large that gets; None for as many
            as are cheap.
    """
    scale = _Budget(budget)
    maps = _head_maps(result, scale)
    lists = _rankings(result, scale)
    units = _units(result, scale)
    groups = _groups(result, scale)
    conditions = _conditions(result, scale, answers)
    return Ahead(
        {
            HeadMapRequest.type: [message for _, message in maps],
            RoutesRequest.type: lists,
            UnitsRequest.type: units,
            ConditionRequest.type: [*groups, *(message for _, message in conditions)],
        },
        {
            HeadMapRequest.type: [name_of(part) for part, _ in maps],
            ConditionRequest.type: [",".join(sorted(map(name_of, parts))) for parts, _ in conditions],
        },
        _tests(result, answers),
    )


class _Budget:
    """Bytes that are left in the page."""

    def __init__(self, left: int) -> None:
        self._scale, self._left = Scale(), left

    def take(self, message: Message, keep: float = 0.0) -> bool:
        """Whether a message fits in, which then counts.

        Args:
            message: the message.
            keep: the part of what is left that others are to have.
        """
        size = self._scale.weigh(message)
        if size > self._left * (1 - keep):
            return False
        self._left -= size
        return True


def _head_maps(result: Explanation, budget: _Budget) -> list[tuple[Part, Message]]:
    """Maps of the heads with the most mass.

    Args:
        result: the explanation.
        budget: what they may take.

    Returns:
        Heads with their ``head_map`` answers; none if the maps are not known.
    """
    found: list[tuple[Part, Message]] = []
    for layer, head in heads_by_mass(result):
        try:
            message = messages.head_map(0, layer, head, head_shares(result, layer, head))
        except InputError:  # neither in the table nor from a session, and so for all the others
            break
        if not budget.take(message, keep=_FOR_OTHERS):
            break
        found.append((Part(layer=layer, head=head), message))
    return found


def _conditions(
    result: Explanation, budget: _Budget, answers: int | None = None
) -> list[tuple[tuple[Part, ...], Message]]:
    """The flow through what one click or two select.

    Args:
        result: the explanation; without a live session there are no conditions.
        budget: what they may take.
        answers: how many there are to be, however large they get; None for as many as are cheap.

    Returns:
        Parts with their ``conditioned`` answers: single ones, then pairs that some path passes.
    """
    session = result.session
    if session is None or result.status.state == "running":
        return []
    found: list[tuple[tuple[Part, ...], Message]] = []
    flows: dict[Part, xr.Dataset] = {}

    def likeliest() -> Iterator[tuple[Part, ...]]:
        # A large model has millions of pairs, and no room for any.
        if len(found) >= count:
            return
        # Asked once all single parts are told: through one part its flow says already which others no path
        # passes as well.
        together = (
            (one, other) for one, other in pairs(result) if one in flows and share_at(flows[one], other) > 0
        )
        yield from islice(together, min(_PAIRS, count - len(found)))

    count = cheap_answers(result) if answers is None else answers
    alone = islice(((part,) for part in singles(result)), count)
    for several in chain(_together(alone), _together(likeliest())):
        told = session.conditioned_each([[asdict(part) for part in parts] for parts in several])
        for parts, (dataset, log_share) in zip(several, told, strict=True):
            if len(parts) == 1:
                flows[parts[0]] = dataset
            message = _conditioned(parts, dataset, log_share)
            if answers is None and not budget.take(message):
                return found
            found.append((parts, message))
    return found


def _together(asked: Iterator[tuple[Part, ...]]) -> Iterator[list[tuple[Part, ...]]]:
    while several := list(islice(asked, _ASKED_TOGETHER)):
        yield several


def _groups(result: Explanation, budget: _Budget) -> list[Message]:
    """The flow through the groups that have a name."""
    if result.session is None or result.status.state == "running":
        return []
    asked = [[asdict(part) for part in group.parts] for group in result.groups.values()]
    found = [_conditioned((), *result.session.conditioned([], among=parts), parts) for parts in asked]
    return [message for message in found if budget.take(message, keep=_FOR_OTHERS)]


def _conditioned(
    parts: Sequence[Part], dataset: xr.Dataset, log_share: float, among: Sequence[Mapping[str, Any]] = ()
) -> Message:
    # No view shows branches of a selection.
    shown = {
        str(name): (one.dims, coarse(str(name), one.values))
        for name, one in dataset.data_vars.items()
        if not str(name).startswith("branch")
    }
    rounded = xr.Dataset(shown, attrs=dataset.attrs)
    selection = [asdict(part) for part in parts]
    header, buffer = messages.conditioned(0, selection, rounded, log_share, among=among)
    return _rounded(header), buffer


def _units(result: Explanation, budget: _Budget) -> list[Message]:
    """The units of the feed-forward parts and heads with the most mass.

    Args:
        result: the explanation; without a live session there are none.
        budget: what they may take.

    Returns:
        ``units`` answers.
    """
    if result.session is None or result.status.state == "running":
        return []
    mlps = [{**EMPTY_SELECTION, "layer": layer.index, "branch": "mlp"} for layer in result.layers]
    heads = [{**EMPTY_SELECTION, "layer": layer, "head": head} for layer, head in heads_by_mass(result)]
    turns = chain.from_iterable(zip_longest(heads, mlps))
    few = islice(filter(None, turns), min(_UNITS, cheap_answers(result) // 8))
    found = [_units_of(result.session, part) for part in few]
    return [units for units in found if units is not None and budget.take(units, keep=_FOR_OTHERS)]


def _units_of(session: Session, part: Mapping[str, Any]) -> Message | None:
    """The units of a part; None where it has no hidden layer."""
    try:
        return inside_answers.units_found(0, session.units([part]))
    except SemiringWidgetsError:
        return None


def _tests(result: Explanation, answers: int | None = None) -> list[dict[str, Any]]:
    """Tests of the families of routes, of the attention of each layer, and of pairs of parts.

    Args:
        result: the explanation; without a live session there are none, nor where the model cannot be run
            again with other numbers.
        answers: how many layers and pairs there are to be at most; None for as many as are cheap.

    Returns:
        Those of words, heads and feed-forward parts are columns of the summary.
    """
    if result.session is None or result.status.state == "running":
        return []
    steps = [family.steps for ranking in result.rankings for family in ranking.families if family.steps]
    asked: list[tuple[tuple[Part, ...], tuple[ListedStep, ...]]]
    asked = [((), route) for route in dict.fromkeys(steps)]
    likely = pairs(result, lambda part: _is_tested(result, part))[:_PAIRS_TESTED]
    parts = chain(((Part(layer=layer.index),) for layer in result.layers), likely)
    asked += [(together, ()) for together in islice(parts, answers)]
    few = asked[: cheap_answers(result)]
    found = result.session.test_each(
        [([asdict(part) for part in together], route) for together, route in few]
    )
    return [messages.tested(0, test)[0]["test"] for test in found if test is not None]


def _is_tested(result: Explanation, part: Part) -> bool:
    """Whether a part has an effect among words, heads and feed-forward parts."""
    if part.layer is None:
        place: Any = ("token" if part.stream == 0 else "decoder", part.token)
    elif part.head is not None:
        place = ("head", (part.layer, part.head))
    elif part.branch == "mlp":
        place = ("mlp", part.layer)
    else:
        return False
    name = f"{place[0]}_effect"
    return name in result.dataset and not np.isnan(result.dataset[name].values[place[1]])


def _rankings(result: Explanation, budget: _Budget) -> list[Message]:
    """Longer lists of routes than the summary has: what lies in front of a list through a selection is known.

    Args:
        result: the explanation; without a live session, or at branch level, there are none.
        budget: what they may take.

    Returns:
        ``routes`` answers of all paths, one per ranking.
    """
    found: list[Message] = []
    count = min(_ROUTES, _WORK_ON_ROUTES // _work(result))
    if result.session is None or result.status.state == "running" or result.level != "unit":
        return found
    for by in RANKINGS:
        known = next((len(ranking.routes) for ranking in result.rankings if ranking.by == by), 0)
        if count <= known:
            continue
        header, buffer = messages.routes(0, by, [], result.session.ranking(by, [], count))
        message = _rounded(header), buffer
        if not budget.take(message, keep=_FOR_OTHERS):
            break
        found.append(message)
    return found


def _rounded(value: Any) -> Any:
    """JSON with numbers as exact as float32, which they come from: half as long to write."""
    if isinstance(value, dict):
        return {key: _rounded(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_rounded(part) for part in value]
    return float(f"{value:.7g}") if isinstance(value, float) else value


def cheap_answers(result: Explanation) -> int:
    """How many parts may be answered for in a page without a limit of the caller's."""
    return _WORK // _work(result)


def _work(result: Explanation) -> int:
    """About how many values the sweeps of one answer visit."""
    tokens = max(len(stream.tokens) for stream in result.streams)
    heads = sum(layer.heads for layer in result.layers)
    return heads * tokens * (_PER_TOKEN + _PER_PAIR * tokens) + _AT_LEAST
