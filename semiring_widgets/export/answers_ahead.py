"""What a page may ask when there is no kernel, answered ahead.

Head maps come first, those with the largest share of the mass before the others; then the flow conditioned
on layers, tokens, heads and branches, and the best routes through them. Both as long as it is cheap: within
a budget of bytes and (conditions need the live computation) of seconds. For what is left out, the page says
that it needs a kernel.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from semiring_widgets.errors import InputError
from semiring_widgets.explanation.schema import BRANCHES
from semiring_widgets.widgets.answers import EMPTY_SELECTION, answer

if TYPE_CHECKING:
    from semiring_widgets.explanation import Explanation
    from semiring_widgets.widgets.messages import Message

__all__ = ["conditions", "head_maps", "size_of"]

_BASE64: Final = 4 / 3


def head_maps(result: Explanation, budget: int) -> list[Message]:
    """Maps of the heads with the most mass.

    Args:
        result: the explanation.
        budget: bytes that all of them may take in the page.

    Returns:
        ``head_map`` answers; none if the maps are not known.
    """
    found: list[Message] = []
    for layer, head in _heads_by_mass(result):
        try:
            message = answer(result, {"type": "head_map", "id": 0, "layer": layer, "head": head})
        except InputError:  # neither in the table nor from a session, and so for all the others
            break
        budget -= size_of(message)
        if budget < 0:
            break
        found.append(message)
    return found


def conditions(result: Explanation, budget: int, seconds: float) -> list[Message]:
    """The flow through what is likely to be clicked.

    Args:
        result: the explanation; without a live session there are no conditions.
        budget: bytes that all of them may take in the page.
        seconds: time to spend.

    Returns:
        ``conditioned`` answers for all of it first, then ``routes`` answers, by best path.
    """
    found: list[Message] = []
    if result.session is None or result.status.state == "running":
        return found
    deadline = time.monotonic() + seconds
    requests: list[dict[str, Any]] = [{"type": "condition"}]
    if result.level == "unit":
        requests.append({"type": "routes", "by": "best"})
    for request in requests:
        for selection in _selections(result):
            if time.monotonic() >= deadline:
                return found
            message = answer(result, {**request, "id": 0, "selection": selection})
            budget -= size_of(message)
            if budget < 0:
                return found
            found.append(message)
    return found


def size_of(message: Message) -> int:
    """Bytes that a message takes in the page."""
    header, buffer = message
    return len(json.dumps(header)) + round(len(buffer) * _BASE64)


def _selections(result: Explanation) -> Iterator[Mapping[str, Any]]:
    """Selections that one click makes, the likely ones first."""
    for layer in result.layers:
        yield {**EMPTY_SELECTION, "layer": layer.index}
    for index, stream in enumerate(result.streams):
        for token in stream.tokens:
            yield {**EMPTY_SELECTION, "token": token.index, "stream": index}
    for layer_index, head in _heads_by_mass(result):
        yield {**EMPTY_SELECTION, "layer": layer_index, "head": head}
    for layer in result.layers:
        for branch in BRANCHES:
            yield {**EMPTY_SELECTION, "layer": layer.index, "branch": branch}


def _heads_by_mass(result: Explanation) -> list[tuple[int, int]]:
    """All heads, those with the largest share of the mass first."""
    shares = np.nan_to_num(result.dataset["head_mass_share"].values).sum(axis=2)
    heads = [(layer.index, head) for layer in result.layers for head in range(layer.heads)]
    return sorted(heads, key=lambda place: -float(shares[place]))
