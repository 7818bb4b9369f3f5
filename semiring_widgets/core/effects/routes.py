"""Path patching: what becomes of the score when a word is replaced on one route only.

The change of the word is carried along the steps of the route (through these heads by this operand, from this
token to that), and at each of them all else is as it was recorded: the other operands, the other tokens, the
other heads, what the norms divide by is computed from the changed row as the model does. By ``"query"`` and
``"key"`` a head's pattern changes by that operand at that token alone, and what it gathers with it are the
recorded values; by ``"value"`` it gathers the changed value of that token with the recorded pattern.

(Wang et al. 2022, arXiv 2211.00593; Goldowsky-Dill et al. 2023, arXiv 2304.05969.) For a small change this is
the contribution of the route: the sum over its paths of weight times change.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from torch import Tensor

from semiring_widgets.checks import shown, whole_number
from semiring_widgets.core.anatomy import Selection, checked
from semiring_widgets.core.effects.cut_points import Place, place_of
from semiring_widgets.core.paths import JOINED, Ground, Route, Station
from semiring_widgets.core.replay import Door, Program, carry
from semiring_widgets.core.tape import Node, Op
from semiring_widgets.errors import InputError
from semiring_widgets.vocabulary import KINDS

__all__ = ["Changed", "RouteStep", "RouteSteps", "Way", "way_of"]

_MLP = ("mlp", "mlp_skip")


@dataclass(frozen=True)
class RouteStep:
    """How a route goes on in one layer, as a `Leg` does; None is any."""

    layer: int
    branch: str
    head: int | None = None
    source: int | None = None
    target: int | None = None


_NAMES = tuple(field.name for field in fields(RouteStep))


@dataclass(frozen=True)
class RouteSteps:
    """A route to be tested, or several that are alike: where it begins, and how it goes through the layers.

    Attributes:
        token: where it begins: a token of the input, a tuple of some (those of one word), None for all.
        legs: the layers in which it is told how to go on, each a step as those of `Route.legs` (or of a
            saved route), or a dict with ``layer``, ``branch`` and perhaps ``head``, ``source`` and
            ``target``. What is None or left out there is any. In a layer that has no leg for its attention
            the change stays on the skip; where there is none for the feed-forward part, it takes both the
            part and the skip beside it.
        stream: of which input ``token`` is.

    Example:
        >>> steps = sw.RouteSteps(2, [{"layer": 3, "branch": "value", "head": 1, "source": 2, "target": 5}])
        >>> steps.legs
        (RouteStep(layer=3, branch='value', head=1, source=2, target=5),)
    """

    token: int | Sequence[int] | None
    legs: Sequence[Any] = ()
    stream: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "legs", tuple(_step(leg) for leg in self.legs))
        if isinstance(self.token, list):
            object.__setattr__(self, "token", tuple(self.token))

    @classmethod
    def of(cls, route: Route) -> RouteSteps:
        """The steps of a route that was found.

        Args:
            route: one of `semiring_widgets.top_routes`.

        Example:
            >>> route = whole.routes(k=2)[1]
            >>> sw.RouteSteps.of(route).token == route.token
            True
        """
        return cls(route.token, route.legs, route.input)


@dataclass(frozen=True, eq=False)
class Way:
    """A route in a recording.

    Attributes:
        start: what is replaced.
        doors: what it passes.
        closed: all that is shut, the doors included.
    """

    start: Place
    doors: tuple[Door, ...]
    closed: frozenset[tuple[Op, Node]]

    @property
    def places(self) -> tuple[Place, ...]:
        """What is replaced, alone."""
        return (self.start,)


@dataclass(frozen=True, eq=False)
class Changed:
    """A change that is carried along a route.

    Attributes:
        way: the route.
        value: of the whole input where it begins; other rows than its own are not looked at.
    """

    way: Way
    value: Tensor

    def score(self, program: Program, progress: Callable[[], None] | None = None) -> Tensor:
        """The score with the change carried along.

        Args:
            program: all that leads to the score.
            progress: called often; may raise to cancel.
        """
        start = self.way.start
        changed = torch.where(start.mask(), self.value, start.node.value)
        return carry(program, {start.node: changed}, self.way.doors, self.way.closed, progress)


def way_of(ground: Ground, steps: RouteSteps) -> Way:
    """Find a route in a recording.

    Args:
        ground: of the recording.
        steps: the route.

    Raises:
        InputError: the model has no such step.
    """
    known = ground.stations.of
    shut = [station for (_, branch), here in known.items() if branch in (*KINDS, JOINED) for station in here]
    doors: list[Door] = []
    for leg in steps.legs:
        _check(leg, ground)
        beside = ground.anatomy.attentions[leg.layer].mlp
        one_of = ("skip", *_MLP) if beside is not None and beside.inner is not None else ("skip",)
        for branch in _MLP if leg.branch in _MLP and one_of == ("skip",) else one_of:
            shut += known.get((leg.layer, branch), [])
        if leg.branch != "attention":
            doors.append(_door(known.get((leg.layer, leg.branch), []), leg, leg.source))
        if leg.branch in (*KINDS, "attention") and (leg.layer, JOINED) in known:
            doors.append(_door(known[leg.layer, JOINED], leg, leg.target))
    closed = frozenset((station.edge.op, station.edge.source) for station in shut)
    doors.sort(key=lambda door: door.op.index)
    return Way(_start(ground, steps), tuple(doors), closed)


def _start(ground: Ground, steps: RouteSteps) -> Place:
    tokens: tuple[Any, ...] = steps.token if isinstance(steps.token, tuple) else (steps.token,)
    parts = [Selection(token=token, stream=steps.stream) for token in tokens]
    if not parts:
        raise InputError("A route begins at no token; name one or some, or give None for all.")
    # A selection that names nothing is not among those checked, though its stream is.
    checked(parts, ground.extent)
    first, *others = [place_of(ground.graph, ground.anatomy, part) for part in parts]
    if not others or first.kept is None:
        return first
    return replace(first, kept=torch.stack([place.mask() for place in (first, *others)]).any(0))


def _step(given: Any) -> RouteStep:
    if isinstance(given, Mapping):
        unknown = [name for name in given if name not in _NAMES]
        if unknown or "layer" not in given or "branch" not in given:
            raise InputError(
                f"A step of a route is {shown(given)}; give a dict with layer, branch, and perhaps head, "
                f"source and target."
            )
        named: dict[str, Any] = dict(given)
        return RouteStep(**named)
    try:
        return RouteStep(*(getattr(given, name) for name in _NAMES))
    except AttributeError:
        raise InputError(
            f"A step of a route is {shown(given)}; give one of Route.legs, or a dict with its fields."
        ) from None


def _check(leg: RouteStep, ground: Ground) -> None:
    branch = None if leg.branch == "attention" else leg.branch
    (part,) = checked(Selection(leg.layer, branch, leg.head, leg.source), ground.extent)
    if leg.target is not None:
        last = ground.extent.layers[part.layer or 0].queries - 1
        wanted = f"a token of layer {part.layer}, 0 to {last}, or None for any"
        whole_number(leg.target, "target", least=0, most=last, wanted=wanted)


def _door(stations: Sequence[Station], leg: RouteStep, token: int | None) -> Door:
    if len(stations) != 1:
        raise InputError(
            f"Layer {leg.layer} has {'no' if not stations else 'more than one'} way by its "
            f"{leg.branch} that a change could be carried along."
        )
    (station,) = stations
    source = station.edge.source
    heads = station.heads or 1
    groups = station.members.reshape(heads, -1, station.members.shape[-1])
    if station.heads is not None and leg.head is not None:
        groups = groups[leg.head : leg.head + 1]
    if token is not None:
        groups = groups[:, token : token + 1]
    kept = torch.zeros(source.shape.numel(), dtype=torch.bool, device=source.device)
    kept[groups[groups >= 0]] = True
    return Door(station.edge.op, source, kept.reshape(source.shape))
