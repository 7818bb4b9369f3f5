"""What a picture may ask about an explanation, and the answers.

Every answer is a message: a JSON header and a buffer. A question that cannot be answered raises an
`InputError` whose sentence the front end shows. Nothing here knows about widgets or threads, so an
exported page uses the same functions to prepare its answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from semiring_widgets.errors import InputError
from semiring_widgets.explanation.schema import BRANCHES, RANKINGS
from semiring_widgets.widgets import messages

if TYPE_CHECKING:
    from semiring_widgets.explanation import Explanation

__all__ = ["EMPTY_SELECTION", "answer", "head_shares"]

# Routes listed of all paths, and of those through a selection.
_LISTED, _THROUGH = 10, 5

EMPTY_SELECTION: Mapping[str, Any] = {
    "layer": None,
    "branch": None,
    "head": None,
    "token": None,
    "stream": 0,
}


def answer(result: Explanation, request: Mapping[str, Any]) -> messages.Message:
    """The answer to one request.

    Args:
        result: the explanation asked about.
        request: ``type`` and ``id``, and for ``condition`` a ``selection``, for ``routes`` a ``selection``
            and a ranking ``by``, for ``head_map`` a ``layer`` and a ``head``; ``chart`` and ``bokehjs`` need
            nothing more.

    Raises:
        InputError: an unknown request, or something that this explanation does not have.
    """
    kind, request_id = request.get("type"), request.get("id", 0)
    if kind == "condition":
        return _condition(result, request_id, request.get("selection"))
    if kind == "routes":
        return _routes(result, request_id, request.get("by"), request.get("selection"))
    if kind == "head_map":
        layer, head = request.get("layer"), request.get("head")
        return messages.head_map(request_id, _whole(layer), _whole(head), head_shares(result, layer, head))
    if kind == "chart":
        from semiring_widgets.export.chart import chart_item

        return {
            "type": "chart",
            "id": request_id,
            "item": chart_item(result),
            "dark": chart_item(result, dark=True),
        }, b""
    if kind == "bokehjs":
        from semiring_widgets.export.chart import bokeh_version, bokehjs

        return {"type": "bokehjs", "id": request_id, "version": bokeh_version()}, bokehjs()
    raise InputError(
        f"Request of unknown type {kind!r}; this version answers condition, routes, head_map, chart and "
        f"bokehjs."
    )


def head_shares(result: Explanation, layer: Any, head: Any) -> NDArray[np.float32]:
    """One head's map, from the table if it is there and else from the live computation.

    Args:
        result: the explanation.
        layer: index of the layer.
        head: index of the head.

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
    if "map_mass_share" in result.dataset:
        shares: NDArray[np.float32] = result.dataset["map_mass_share"].values[layer, head, :, :queries, :keys]
        if not np.isnan(shares).all():
            return shares
    if result.session is None:
        raise InputError(_needs_model(result, "The map of a head"))
    # A stream may be filled up to whole windows.
    return result.session.head_map(layer, head)[:, :queries, :keys]


def _condition(result: Explanation, request_id: int, selection: Any) -> messages.Message:
    chosen = _chosen(result, selection)
    if result.session is None:
        raise InputError(_needs_model(result, "Flow through a selection"))
    dataset, log_share = result.session.conditioned(chosen)
    return messages.conditioned(request_id, chosen, dataset, log_share)


def _routes(result: Explanation, request_id: int, by: Any, selection: Any) -> messages.Message:
    chosen = _chosen(result, selection)
    if by not in RANKINGS:
        raise InputError(f"There is no ranking by {by!r}; choose from {', '.join(RANKINGS)}.")
    if result.level != "unit":
        raise InputError("Routes are ranked at unit level only; run explain again with level='unit'.")
    if result.session is None:
        raise InputError(_needs_model(result, "Another ranking"))
    count = _THROUGH if any(chosen[key] is not None for key in ("layer", "head", "token")) else _LISTED
    return messages.routes(request_id, by, chosen, result.session.ranking(by, chosen, count))


def _chosen(result: Explanation, selection: Any) -> dict[str, Any]:
    """A selection, checked."""
    if not isinstance(selection, Mapping):
        raise InputError(f"A selection has layer, branch, head, token and stream; got {selection!r}.")
    chosen = {key: selection.get(key, default) for key, default in EMPTY_SELECTION.items()}
    stream = _index("stream", chosen["stream"], len(result.streams))
    limits = {
        "layer": len(result.layers),
        "head": max((layer.heads for layer in result.layers), default=0),
        "token": len(result.streams[stream].tokens),
    }
    for name, limit in limits.items():
        if chosen[name] is not None:
            chosen[name] = _index(name, chosen[name], limit)
    if chosen["branch"] is not None and chosen["branch"] not in BRANCHES:
        raise InputError(f"There is no branch {chosen['branch']!r}; branches are {', '.join(BRANCHES)}.")
    return chosen


def _needs_model(result: Explanation, what: str) -> str:
    if result.status.state == "running":
        return f"{what} is known once the computation has ended; ask again then."
    return f"{what} needs the model, and this result came without it; run explain again."


def _index(name: str, value: Any, limit: int) -> int:
    index = _whole(value)
    if not 0 <= index < limit:
        raise InputError(f"There is no {name} {index}; this explanation has {limit}, counted from 0.")
    return index


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise InputError(f"Expected a whole number for layer, head, token or stream, got {value!r}.")
    return value
