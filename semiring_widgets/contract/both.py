"""What a picture may ask about two explanations side by side: the flow through a selection, of both."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from semiring_widgets.contract import messages
from semiring_widgets.contract.requests import request_of
from semiring_widgets.contract.table import BothAnswer, BothRequest
from semiring_widgets.errors import InputError, SemiringWidgetsError, sentence_of
from semiring_widgets.results.parts import Part
from semiring_widgets.results.two_sides_tables import on_places

if TYPE_CHECKING:
    from semiring_widgets.results.two_sides import SideBySide

__all__ = ["both", "of_both"]

_SIDES = "AB"


def both(
    sides: SideBySide, request: Mapping[str, Any], check: Callable[[], None] = lambda: None
) -> messages.Message:
    """The answer to one request.

    Args:
        sides: the result asked about.
        request: one of type ``both``, as JSON.
        check: called often; may raise to stop.

    Raises:
        InputError: another request, or neither side has an answer.
    """
    asked = request_of(request)
    if not isinstance(asked, BothRequest):
        raise InputError(
            f"Two explanations side by side answer {BothRequest.type}, not {asked.type!r}; ask each of them."
        )
    return of_both(sides, asked.selection, asked.avoiding, check, asked.id)


def of_both(
    sides: SideBySide,
    selection: Sequence[Part],
    avoiding: Sequence[Part] = (),
    check: Callable[[], None] = lambda: None,
    request_id: int = 0,
) -> messages.Message:
    """The flow of the paths through a selection, of both sides.

    Args:
        sides: the two.
        selection: parts, tokens by place.
        avoiding: parts that none of these paths pass.
        check: called often; may raise to stop.
        request_id: of the request.

    Raises:
        InputError: neither side has an answer; its sentence says why not.
    """
    found = [_asked(sides, side, (selection, avoiding), check) for side in range(len(_SIDES))]
    refusals = tuple(refusal for _, _, refusal in found)
    if all(refusals):
        raise InputError(" ".join(refusals))
    table = on_places([dataset for dataset, _, _ in found], sides.first.layers, sides.places)
    shown = {name: table[name].values[:2] for name in messages.CONDITIONED if name in table}
    columns, buffer = messages.pack(shown)
    answer = BothAnswer(
        id=request_id,
        selection=tuple(selection),
        log_shares=tuple(share for _, share, _ in found),
        refusals=refusals,
        columns=columns,
    )
    return messages.message(answer, buffer)


def _asked(
    sides: SideBySide, side: int, selections: Sequence[Sequence[Part]], check: Callable[[], None]
) -> tuple[xr.Dataset, float, str]:
    """What one side says: its table, the share of its mass, and why it has none; else all is not known."""
    one = sides.sides[side]
    try:
        parts, around = ([asdict(_own(sides, part, side)) for part in some] for some in selections)
        if one.session is None:
            raise InputError("its numbers need the model, and this result came without it.")
        return *one.session.conditioned(parts, check, avoiding=around), ""
    except SemiringWidgetsError as error:
        return xr.full_like(one.dataset, np.nan), np.nan, f"{_SIDES[side]}: {sentence_of(error)}"


def _own(sides: SideBySide, part: Part, side: int) -> Part:
    """A part as one side calls it.

    Raises:
        InputError: there is nothing at its place on that side.
    """
    if part.token is None:
        return part
    layers = sides.first.layers
    known = part.layer is None or 0 <= part.layer < len(layers)
    stream = part.stream if part.layer is None or not known else layers[part.layer].stream
    row = sides.places[stream] if 0 <= stream < len(sides.places) else ()
    if not known or not 0 <= part.token < len(row):
        raise InputError(f"There is no place {part.token} of layer {part.layer} here.")
    token = row[part.token][side]
    if token < 0:
        raise InputError("it has no such word.")
    return Part(part.layer, part.branch, part.head, token, part.stream)
