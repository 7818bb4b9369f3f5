"""The messages about parts taken together and taken apart: groups, units, scalar paths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from semiring_widgets.contract.inside_types import GroupAnswer, PathAnswer, UnitsAnswer
from semiring_widgets.contract.messages import Message, message, pack
from semiring_widgets.results.parts import Part

if TYPE_CHECKING:
    from semiring_widgets.results.drilled import ScalarPath, UnitNumbers
    from semiring_widgets.results.groups import GroupBook
    from semiring_widgets.results.rankings import ListedStep

__all__ = ["groups", "path", "units_found"]


def groups(request_id: int, known: GroupBook) -> Message:
    """The answer to ``group``: all groups that there are now."""
    return message(GroupAnswer(id=request_id, groups=tuple(known.values())))


def units_found(request_id: int, found: UnitNumbers) -> Message:
    """The answer to ``units``: a number of each kind for each unit."""
    names = ("value", "contribution", "mass_share")
    columns, buffer = pack({name: np.asarray(getattr(found, name), np.float32) for name in names})
    header = UnitsAnswer(id=request_id, selection=(found.part,), hidden=found.hidden, columns=columns)
    return message(header, buffer)


def path(
    request_id: int,
    selection: Sequence[Mapping[str, Any]],
    avoiding: Sequence[Mapping[str, Any]],
    steps: tuple[ListedStep, ...],
    found: ScalarPath | None,
) -> Message:
    """The answer to ``path``: the strongest scalar path, step by step.

    Args:
        request_id: the request's id.
        selection: the parts that it passes, as asked.
        avoiding: the parts that it does not touch, as asked.
        steps: of the route that it takes, as asked.
        found: the path, if there is one.
    """
    parts, around = (tuple(Part(**part) for part in given) for given in (selection, avoiding))
    return message(PathAnswer(id=request_id, selection=parts, avoiding=around, steps=steps, path=found))
