"""What a picture may ask about an explanation, and the answers.

Every answer is a message: a JSON header and a buffer. A question that cannot be answered raises an
`InputError` whose sentence the front end shows. Nothing here knows about widgets or threads, so an
exported page uses the same functions to prepare its answers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from semiring_widgets.contract import messages
from semiring_widgets.errors import InputError
from semiring_widgets.results.facts import short
from semiring_widgets.vocabulary import RANKINGS

if TYPE_CHECKING:
    from semiring_widgets.results.explanation import Explanation
    from semiring_widgets.results.session import Session

__all__ = ["EMPTY_SELECTION", "answer", "head_shares", "parts_of"]

# Routes listed of all paths, and of those through a selection.
_LISTED, _THROUGH = 10, 5

EMPTY_SELECTION: Mapping[str, Any] = {
    "layer": None,
    "branch": None,
    "head": None,
    "token": None,
    "stream": 0,
}
Check = Callable[[], None]


def _never() -> None:
    """Nothing stops the answer."""


def parts_of(selection: Any) -> list[dict[str, Any]]:
    """A selection as a list of parts that name something; whether that is there is checked where it is known.

    Args:
        selection: a part, or several of which paths must pass all. Older versions wrote one part, and one
            that names nothing for all paths.

    Raises:
        InputError: it is neither, or a part has a key or a kind of value that no part has.

    >>> parts_of({"layer": 3, "head": 5})
    [{'layer': 3, 'branch': None, 'head': 5, 'token': None, 'stream': 0}]
    >>> parts_of(EMPTY_SELECTION)
    []
    """
    many = [selection] if isinstance(selection, Mapping) else selection
    if not isinstance(many, (list, tuple)) or not all(isinstance(part, Mapping) for part in many):
        raise InputError(
            f"A selection is a list of parts, dicts with some of {', '.join(EMPTY_SELECTION)}; got "
            f"{selection!r}."
        )
    parts = [{**EMPTY_SELECTION, **{key: _named(key, value) for key, value in part.items()}} for part in many]
    return [part for part in parts if any(part[key] is not None for key in part if key != "stream")]


def answer(result: Explanation, request: Mapping[str, Any], check: Check = _never) -> messages.Message:
    """The answer to one request.

    Args:
        result: the explanation asked about.
        request: ``type`` and ``id``, for ``condition`` a ``selection``, for ``routes`` a ``selection`` and a
            ranking ``by``, for ``head_map`` a ``layer``, a ``head`` and, as for ``chart``, a ``selection``
            if it is not to be about all paths; ``bokehjs`` needs nothing more.
        check: called often; may raise to stop.

    Raises:
        InputError: an unknown request, or something that this explanation does not have.
    """
    kind, request_id = request.get("type"), request.get("id", 0)
    if kind == "condition":
        return _condition(result, request_id, parts_of(request.get("selection")), check)
    if kind == "routes":
        return _routes(result, request_id, request.get("by"), parts_of(request.get("selection")), check)
    if kind == "head_map":
        layer, head = request.get("layer"), request.get("head")
        parts = parts_of(request.get("selection") or [])
        shares = head_shares(result, layer, head, parts, check)
        return messages.head_map(request_id, _whole(layer), _whole(head), shares, parts)
    if kind == "chart":
        from semiring_widgets.pictures.chart import chart_item

        parts = parts_of(request.get("selection") or [])
        if parts:
            dataset, _ = _session(result, "The chart of a selection").conditioned(parts, check)
            result = replace(result, dataset=dataset)
        return {
            "type": "chart",
            "id": request_id,
            "selection": parts,
            "item": chart_item(result),
            "dark": chart_item(result, dark=True),
        }, b""
    if kind == "bokehjs":
        from semiring_widgets.pictures.chart import bokeh_version, bokehjs

        return {"type": "bokehjs", "id": request_id, "version": bokeh_version()}, bokehjs()
    raise InputError(
        f"Request of unknown type {kind!r}; this version answers condition, routes, head_map, chart and "
        f"bokehjs."
    )


def head_shares(
    result: Explanation, layer: Any, head: Any, parts: Sequence[Mapping[str, Any]] = (), check: Check = _never
) -> NDArray[np.float32]:
    """One head's map, from the table if it is there and else from the live computation.

    Args:
        result: the explanation.
        layer: index of the layer.
        head: index of the head.
        parts: whose paths are meant; without any, all.
        check: called often; may raise to stop.

    Returns:
        Shares 0-1, shape (3 kinds: query, key, value; query tokens; key tokens), without the padding of the
        shorter stream.

    Raises:
        InputError: no such head, or its map is not known.
    """
    layer, head = _index("layer", layer, len(result.layers)), _whole(head)
    described = result.layers[layer]
    _index(f"head of layer {layer}", head, described.heads)
    queries = len(result.streams[described.stream].tokens)
    keys = len(result.streams[described.key_stream].tokens)
    if not parts and "map_mass_share" in result.dataset:
        shares: NDArray[np.float32] = result.dataset["map_mass_share"].values[layer, head, :, :queries, :keys]
        if not np.isnan(shares).all():
            return shares
    session = _session(result, "The map of a head")
    # A stream may be filled up to whole windows.
    return session.head_map(layer, head, parts, check)[:, :queries, :keys]


def _condition(
    result: Explanation, request_id: int, parts: list[dict[str, Any]], check: Check
) -> messages.Message:
    dataset, log_share = _session(result, "Flow through a selection").conditioned(parts, check)
    return messages.conditioned(request_id, parts, dataset, log_share)


def _routes(
    result: Explanation, request_id: int, by: Any, parts: list[dict[str, Any]], check: Check
) -> messages.Message:
    if by not in RANKINGS:
        raise InputError(f"There is no ranking by {by!r}; choose from {', '.join(RANKINGS)}.")
    if result.level != "unit":
        raise InputError("Routes are ranked at unit level only; run explain again with level='unit'.")
    session = _session(result, "Another ranking")
    count = _THROUGH if parts else _LISTED
    return messages.routes(request_id, by, parts, session.ranking(by, parts, count, check))


def _named(key: Any, value: Any) -> Any:
    """What a part of a selection names, as a message can carry it."""
    if key not in EMPTY_SELECTION:
        names = ", ".join(EMPTY_SELECTION)
        raise InputError(
            f"A part of a selection has some of {names}, for example {{'token': 2}}; got {key!r}."
        )
    value = value.item() if isinstance(value, np.generic) else value
    kind, wanted = (str, "the name of a branch") if key == "branch" else (int, "a whole number from 0")
    if value is not None and (isinstance(value, bool) or not isinstance(value, kind)):
        raise InputError(f"{key} of a selection is {short(value)}; give {wanted}, or None.")
    return value


def _session(result: Explanation, what: str) -> Session:
    if result.session is not None:
        return result.session
    if result.status.state == "running":
        raise InputError(f"{what} is known once the computation has ended; ask again then.")
    raise InputError(f"{what} needs the model, and this result came without it; run explain again.")


def _index(name: str, value: Any, limit: int) -> int:
    index = _whole(value)
    if not 0 <= index < limit:
        raise InputError(f"There is no {name} {index}; this explanation has {limit}, counted from 0.")
    return index


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise InputError(f"Expected a whole number for layer and head, got {value!r}.")
    return value
