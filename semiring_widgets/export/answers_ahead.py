"""What a page may ask when there is no kernel, answered ahead.

Head maps, those with the largest share of the mass first; the flow through whatever one click selects: a
token, a head, a layer, a cell of the grid; tests of families of routes and of layers, which have none in the
table; and long lists of routes, of which the page itself picks those through a selection. How much of it
depends on the size of the model and the text alone, never on a clock, so a page is the same on every run.
What it cannot answer, it shows as not to be clicked.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from itertools import chain, islice, zip_longest
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from semiring_widgets.contract import drilling, messages
from semiring_widgets.contract.answers import head_shares
from semiring_widgets.contract.inside import UnitsRequest
from semiring_widgets.contract.requests import EMPTY_SELECTION
from semiring_widgets.contract.table import ConditionRequest, HeadMapRequest, RoutesRequest, TestRequest
from semiring_widgets.errors import InputError, SemiringWidgetsError
from semiring_widgets.vocabulary import RANKINGS

if TYPE_CHECKING:
    from semiring_widgets.contract.messages import Message
    from semiring_widgets.results.explanation import Explanation
    from semiring_widgets.results.rankings import ListedStep
    from semiring_widgets.results.session import Session

__all__ = ["answers_ahead", "cheap_answers", "size_of"]

_BASE64: Final = 4 / 3
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
# Parts whose units are in a page.
_UNITS: Final = 24


def answers_ahead(result: Explanation, budget: int, answers: int | None = None) -> dict[str, list[Message]]:
    """The answers to all requests that the table of messages lets a page answer, but for the chart.

    Args:
        result: the explanation; without a live session much of it cannot be told.
        budget: bytes that all of them may take in the page.
        answers: how many parts of the model are to be answered for, however large that gets; None for as
            many as are cheap.

    Returns:
        Messages, by the type of their request.
    """
    maps = _head_maps(result, int(budget * 2 / 5))
    budget -= sum(map(size_of, maps))
    lists = _rankings(result, budget // 2)
    budget -= sum(map(size_of, lists))
    tests = _tests(result)
    budget -= sum(map(size_of, tests))
    units = _units(result)
    budget -= sum(map(size_of, units))
    return {
        HeadMapRequest.type: maps,
        UnitsRequest.type: units,
        TestRequest.type: tests,
        RoutesRequest.type: lists,
        ConditionRequest.type: _conditions(result, budget, answers),
    }


def _head_maps(result: Explanation, budget: int) -> list[Message]:
    """Maps of the heads with the most mass.

    Args:
        result: the explanation.
        budget: bytes that all of them may take in the page.

    Returns:
        ``head_map`` answers; none if the maps are not known.
    """
    found: list[Message] = []
    for layer, head in _heads(result):
        try:
            message = messages.head_map(0, layer, head, head_shares(result, layer, head))
        except InputError:  # neither in the table nor from a session, and so for all the others
            break
        budget -= size_of(message)
        if budget < 0:
            break
        found.append(message)
    return found


def _conditions(result: Explanation, budget: int, answers: int | None = None) -> list[Message]:
    """The flow through what one click selects.

    Args:
        result: the explanation; without a live session there are no conditions.
        budget: bytes that all of them may take in the page.
        answers: how many there are to be, however large they get; None for as many as are cheap.

    Returns:
        ``conditioned`` answers: tokens, heads, layers and cells in turn, those with the most mass first.
    """
    found: list[Message] = []
    if result.session is None or result.status.state == "running":
        return found
    for group in result.groups.values():
        among = [asdict(part) for part in group.parts]
        found.append(messages.conditioned(0, [], *result.session.conditioned([], among=among), among=among))
    cheap = cheap_answers(result)
    for part in islice(_clicks(result), cheap if answers is None else answers):
        dataset, log_share = result.session.conditioned([part])
        # No view shows branches of a selection.
        shown = dataset.drop_vars([name for name in dataset.data_vars if str(name).startswith("branch")])
        message = messages.conditioned(0, [part], shown, log_share)
        budget -= size_of(message)
        if budget < 0 and answers is None:
            break
        found.append(message)
    return found


def _units(result: Explanation) -> list[Message]:
    """The units of the feed-forward parts and heads with the most mass.

    Args:
        result: the explanation; without a live session there are none.

    Returns:
        ``units`` answers.
    """
    if result.session is None or result.status.state == "running":
        return []
    mlps = [{**EMPTY_SELECTION, "layer": layer.index, "branch": "mlp"} for layer in result.layers]
    heads = [{**EMPTY_SELECTION, "layer": layer, "head": head} for layer, head in _heads(result)]
    turns = chain.from_iterable(zip_longest(heads, mlps))
    few = islice(filter(None, turns), min(_UNITS, cheap_answers(result) // 8))
    found = [_units_of(result.session, part) for part in few]
    return [units for units in found if units is not None]


def _units_of(session: Session, part: Mapping[str, Any]) -> Message | None:
    """The units of a part; None where it has no hidden layer."""
    try:
        return drilling.units(0, session.units([part]))
    except SemiringWidgetsError:
        return None


def _tests(result: Explanation) -> list[Message]:
    """Tests of the families of routes, and of the attention of each layer.

    Args:
        result: the explanation; without a live session there are none, nor where the model cannot be run
            again with other numbers.

    Returns:
        ``test`` answers; those of tokens, heads and feed-forward parts are columns of the summary.
    """
    if result.session is None or result.status.state == "running":
        return []
    steps = [family.steps for ranking in result.rankings for family in ranking.families if family.steps]
    asked: list[tuple[Any, tuple[ListedStep, ...]]] = [([], route) for route in dict.fromkeys(steps)]
    asked += [([{**EMPTY_SELECTION, "layer": layer.index}], ()) for layer in result.layers]
    found = [_test(result.session, *one) for one in asked[: _WORK // _work(result)]]
    return [test for test in found if test is not None]


def _test(session: Session, parts: Any, steps: tuple[ListedStep, ...]) -> Message | None:
    """One test; None of a part without an output, or where a model goes another way with other numbers."""
    try:
        return messages.tested(0, session.test(parts, steps))
    except SemiringWidgetsError:
        return None


def _rankings(result: Explanation, budget: int) -> list[Message]:
    """Longer lists of routes than the summary has: what lies in front of a list through a selection is known.

    Args:
        result: the explanation; without a live session, or at branch level, there are none.
        budget: bytes that all of them may take in the page.

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
        budget -= size_of(message)
        if budget < 0:
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


def size_of(message: Message) -> int:
    """Bytes that a message takes in the page."""
    header, buffer = message
    return len(json.dumps(header)) + round(len(buffer) * _BASE64)


def _work(result: Explanation) -> int:
    """About how many values the sweeps of one answer visit."""
    tokens = max(len(stream.tokens) for stream in result.streams)
    heads = sum(layer.heads for layer in result.layers)
    return heads * tokens * (_PER_TOKEN + _PER_PAIR * tokens) + _AT_LEAST


def _clicks(result: Explanation) -> Iterator[Mapping[str, Any]]:
    """Parts that one click selects: of each kind the ones with the most mass first, kinds in turn."""
    tokens = [
        {"token": token.index, "stream": number}
        for number, stream in enumerate(result.streams)
        for token in stream.tokens
    ]
    # Token variables are of the first stream.
    tokens.sort(key=lambda one: (one["stream"], -_at(result, "token", one["token"]) * (one["stream"] == 0)))
    heads = [{"layer": layer, "head": head} for layer, head in _heads(result)]
    layers = [{"layer": layer.index} for layer in reversed(result.layers)]
    cells = [
        {"layer": layer.index, "token": token.index}
        for layer in result.layers
        for token in result.streams[layer.stream].tokens
    ]
    cells.sort(key=lambda cell: -_at(result, "node", cell["layer"], cell["token"]))
    turns = chain.from_iterable(zip_longest(tokens, heads, layers, cells))
    return ({**EMPTY_SELECTION, **parts} for parts in turns if parts is not None)


def _heads(result: Explanation) -> list[tuple[int, int]]:
    """All heads, those with the largest share of the mass first."""
    shares: NDArray[Any] = np.nan_to_num(result.dataset["head_mass_share"].values).sum(axis=2)
    heads = [(layer.index, head) for layer in result.layers for head in range(layer.heads)]
    return sorted(heads, key=lambda place: -float(shares[place]))


def _at(result: Explanation, part: str, *place: int) -> float:
    """A part's share of the mass; 0 where it is not known."""
    return float(np.nan_to_num(result.dataset[f"{part}_mass_share"].values[place]))
