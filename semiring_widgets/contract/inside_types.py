"""The types of messages about parts taken together and taken apart; a part of `table`, which lists them.

>>> UnitsRequest(selection=()).answer.type
'units'
"""

from __future__ import annotations

from dataclasses import dataclass

from semiring_widgets.contract.fields import Column, Selection
from semiring_widgets.contract.message_kinds import Answer, Request
from semiring_widgets.results.drilled import ScalarPath
from semiring_widgets.results.groups import Group
from semiring_widgets.results.rankings import ListedStep

__all__ = ["GroupAnswer", "GroupRequest", "PathAnswer", "PathRequest", "UnitsAnswer", "UnitsRequest"]


@dataclass(frozen=True, kw_only=True)
class GroupAnswer(Answer, type="group"):
    """All groups, after one was made or forgotten."""

    groups: tuple[Group, ...]


@dataclass(frozen=True, kw_only=True)
class UnitsAnswer(Answer, type="units"):
    """The units of a part: the columns ``value``, ``contribution`` and ``mass_share``.

    Attributes:
        selection: the part.
        hidden: whether they are those of a hidden layer, and not of the part's output.
    """

    selection: Selection
    hidden: bool
    columns: tuple[Column, ...]


@dataclass(frozen=True, kw_only=True)
class PathAnswer(Answer, type="path"):
    """The strongest scalar path of a selection or a route; null where there is none."""

    selection: Selection
    avoiding: Selection
    steps: tuple[ListedStep, ...]
    path: ScalarPath | None


@dataclass(frozen=True, kw_only=True)
class GroupRequest(
    Request,
    type="group",
    answer=GroupAnswer,
    example={"name": "movers", "selection": ({"layer": 0, "head": 1}, {"layer": 1, "head": 0})},
):
    """Asks to take some parts as one under a name; without any parts, to forget the group of that name."""

    name: str
    selection: Selection


@dataclass(frozen=True, kw_only=True)
class UnitsRequest(
    Request,
    type="units",
    answer=UnitsAnswer,
    latest_wins=True,
    of_selection=False,
    ahead=True,
    example={"selection": ({"layer": 1, "head": 0},)},
):
    """Asks for the units of one head or feed-forward part."""

    selection: Selection


@dataclass(frozen=True, kw_only=True)
class PathRequest(
    Request,
    type="path",
    answer=PathAnswer,
    latest_wins=True,
    of_selection=False,
    example={"selection": ({"layer": 2, "branch": "value"},)},
):
    """Asks for the strongest scalar path through a selection, or of a listed route.

    Attributes:
        avoiding: parts that the path does not pass.
        steps: of a listed route of the selection; none for all its paths.
    """

    selection: Selection
    avoiding: Selection = ()
    steps: tuple[ListedStep, ...] = ()
