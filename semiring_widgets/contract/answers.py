"""What a picture may ask about an explanation, and the answers.

Every answer is a message: a JSON header and a buffer. A question that cannot be answered raises an
`InputError` whose sentence the front end shows. Nothing here knows about widgets or threads, so an
exported page uses the same functions to prepare its answers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from semiring_widgets.contract import inside_answers, messages
from semiring_widgets.contract.fields import Selection
from semiring_widgets.contract.inside_types import GroupRequest, PathRequest, UnitsRequest
from semiring_widgets.contract.message_kinds import Request
from semiring_widgets.contract.requests import request_of
from semiring_widgets.contract.table import (
    BokehAnswer,
    BokehRequest,
    ChartRequest,
    ConditionRequest,
    HeadMapRequest,
    RoutesRequest,
    TestRequest,
)
from semiring_widgets.errors import InputError
from semiring_widgets.pictures.chart import bokeh_version, bokehjs, chart_item

if TYPE_CHECKING:
    from semiring_widgets.results.explanation import Explanation
    from semiring_widgets.results.session import Session

__all__ = ["ANSWERED", "answer", "head_shares"]

# Routes listed of all paths, and of those through a selection.
_LISTED, _THROUGH = 10, 5

Check: TypeAlias = Callable[[], None]


def _never() -> None:
    """Nothing stops the answer."""


def answer(result: Explanation, request: Mapping[str, Any], check: Check = _never) -> messages.Message:
    """The answer to one request.

    Args:
        result: the explanation asked about.
        request: one of the requests of `table` that are not met at once, as JSON.
        check: called often; may raise to stop.

    Raises:
        InputError: an unknown request, or something that this explanation does not have.
    """
    asked = request_of(request)
    if type(asked) not in _ANSWERS:
        raise InputError(f"{asked.type!r} is met by a widget; an explanation answers {', '.join(ANSWERED)}.")
    return _ANSWERS[type(asked)](result, asked, check)


def head_shares(
    result: Explanation,
    layer: int,
    head: int,
    parts: Sequence[Mapping[str, Any]] = (),
    check: Check = _never,
    *,
    avoiding: Sequence[Mapping[str, Any]] = (),
) -> NDArray[np.float32]:
    """One head's map, from the table if it is there and else from the live computation.

    Args:
        result: the explanation.
        layer: index of the layer.
        head: index of the head.
        parts: whose paths are meant; without any, all.
        check: called often; may raise to stop.
        avoiding: parts that none of these paths pass.

    Returns:
        Shares 0-1, shape (3 kinds: query, key, value; query tokens; key tokens), without the padding of the
        shorter stream.

    Raises:
        InputError: no such head, or its map is not known.
    """
    _check_place("layer", layer, len(result.layers))
    described = result.layers[layer]
    _check_place(f"head of layer {layer}", head, described.heads)
    queries = len(result.streams[described.stream].tokens)
    keys = len(result.streams[described.key_stream].tokens)
    if not parts and not avoiding and "map_mass_share" in result.dataset:
        shares: NDArray[np.float32] = result.dataset["map_mass_share"].values[layer, head, :, :queries, :keys]
        if not np.isnan(shares).all():
            return shares
    session = _session(result, "The map of a head")
    # A stream may be filled up to whole windows.
    return session.head_map(layer, head, parts, check, avoiding=avoiding)[:, :queries, :keys]


def _condition(result: Explanation, asked: ConditionRequest, check: Check) -> messages.Message:
    parts = _parts(asked)
    around, among = _around(asked), _among(asked)
    dataset, log_share = _session(result, "Flow through a selection").conditioned(
        parts, check, avoiding=around, among=among
    )
    return messages.conditioned(asked.id, parts, dataset, log_share, avoiding=around, among=among)


def _routes(result: Explanation, asked: RoutesRequest, check: Check) -> messages.Message:
    if result.level != "unit":
        raise InputError("Routes are ranked at unit level only; run explain again with level='unit'.")
    session, parts = _session(result, "Another ranking"), _parts(asked)
    around, among = _around(asked), _among(asked)
    count = _THROUGH if parts or around or among else _LISTED
    ranking = session.ranking(asked.by, parts, count, check, avoiding=around, among=among)
    return messages.routes(asked.id, asked.by, parts, ranking, among=among)


def _test(result: Explanation, asked: TestRequest, check: Check) -> messages.Message:
    session, parts = _session(result, "A test"), _parts(asked)
    found = session.test(parts, asked.steps, asked.by, check)
    result.tests.add(found)
    return messages.tested(asked.id, found)


def _head_map(result: Explanation, asked: HeadMapRequest, check: Check) -> messages.Message:
    parts = _parts(asked)
    shares = head_shares(result, asked.layer, asked.head, parts, check, avoiding=_around(asked))
    return messages.head_map(asked.id, asked.layer, asked.head, shares, parts)


def _group(result: Explanation, asked: GroupRequest, check: Check) -> messages.Message:
    if asked.selection:
        session = _session(result, "The numbers of a group")
        result.groups.add(session.group(asked.name, _parts(asked), check))
    else:
        result.groups.remove(asked.name)
    return inside_answers.groups(asked.id, result.groups)


def _units(result: Explanation, asked: UnitsRequest, check: Check) -> messages.Message:
    return inside_answers.units_found(
        asked.id, _session(result, "The units of a part").units(_parts(asked), check)
    )


def _path(result: Explanation, asked: PathRequest, check: Check) -> messages.Message:
    session, parts, around = _session(result, "A scalar path"), _parts(asked), _around(asked)
    found = session.path(parts, asked.steps, check, avoiding=around)
    return inside_answers.path(asked.id, parts, around, asked.steps, found)


def _chart(result: Explanation, asked: ChartRequest, check: Check) -> messages.Message:
    parts, around, among = _parts(asked), _around(asked), _among(asked)
    if parts or around or among:
        session = _session(result, "The chart of a selection")
        dataset, _ = session.conditioned(parts, check, avoiding=around, among=among)
        result = replace(result, dataset=dataset)
    return messages.chart(asked.id, parts, chart_item(result), chart_item(result, dark=True))


def _bokehjs(result: Explanation, asked: BokehRequest, check: Check) -> messages.Message:
    del result, check
    return messages.message(BokehAnswer(id=asked.id, version=bokeh_version()), bokehjs())


_ANSWERS: Final[Mapping[type[Request], Callable[[Explanation, Any, Check], messages.Message]]] = {
    ConditionRequest: _condition,
    RoutesRequest: _routes,
    TestRequest: _test,
    HeadMapRequest: _head_map,
    GroupRequest: _group,
    UnitsRequest: _units,
    PathRequest: _path,
    ChartRequest: _chart,
    BokehRequest: _bokehjs,
}
ANSWERED: Final = tuple(kind.type for kind in _ANSWERS)


class _OfSelection(Protocol):
    @property
    def selection(self) -> Selection: ...


class _Avoiding(Protocol):
    @property
    def avoiding(self) -> Selection: ...


def _parts(asked: _OfSelection) -> list[dict[str, Any]]:
    return [asdict(part) for part in asked.selection]


def _around(asked: _Avoiding) -> list[dict[str, Any]]:
    return [asdict(part) for part in asked.avoiding]


def _among(asked: ConditionRequest | RoutesRequest | ChartRequest) -> list[dict[str, Any]]:
    return [asdict(part) for part in asked.among]


def _session(result: Explanation, what: str) -> Session:
    if result.session is not None:
        return result.session
    if result.status.state == "running":
        raise InputError(f"{what} is known once the computation has ended; ask again then.")
    raise InputError(f"{what} needs the model, and this result came without it; run explain again.")


def _check_place(name: str, index: int, limit: int) -> None:
    if not 0 <= index < limit:
        raise InputError(f"There is no {name} {index}; this explanation has {limit}, counted from 0.")
