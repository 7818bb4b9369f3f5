"""What `test` is asked: one test or several, each of parts and of what is put in their place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, NamedTuple, cast

from torch import Tensor

from semiring_widgets.checks import shown
from semiring_widgets.core.anatomy import Selection, checked
from semiring_widgets.core.effects.cut_points import Place, place_of
from semiring_widgets.core.effects.routes import RouteSteps, Way, way_of
from semiring_widgets.core.paths import Ground, Route
from semiring_widgets.core.tape import Tape
from semiring_widgets.errors import InputError

__all__ = ["Finder", "Pair", "Tests", "Together", "Where", "listed_tests"]

# A tensor, a part, several parts together, or a route.
Where = Tensor | Selection | Mapping[str, Any] | Sequence[Any] | Route | RouteSteps
# One test: replacements by place, or pairs of them.
Tests = Mapping[Any, Any] | Sequence[Any]
Pair = tuple[Where, Any]


def listed_tests(tests: Tests) -> tuple[list[list[Pair]], bool]:
    """Every test as pairs of a place and what is put there; and whether it was a list of tests.

    Raises:
        InputError: something is no test.
    """
    if _is_pair(tests):
        return [[cast("Pair", tests)]], False
    several = isinstance(tests, (list, tuple)) and not (tests and all(_is_pair(one) for one in tests))
    return [_pairs(one) for one in (cast("Sequence[Any]", tests) if several else [tests])], several


class Together(NamedTuple):
    """Parts that are replaced together."""

    places: tuple[Place, ...]


class Finder:
    """Where things are that are to be replaced.

    Args:
        tape: the tape.
        ground: from the inputs to the score; None where no inputs were named, so that no parts are known.
    """

    def __init__(self, tape: Tape, ground: Ground | None) -> None:
        self._tape, self._ground = tape, ground

    def __call__(self, where: Where) -> Together | Way:
        """Of a tensor or a part its place, of several parts all of them, of a route its way.

        Raises:
            InputError, TapeError: there is none.
        """
        if isinstance(where, Tensor):
            return Together((Place(self._tape.node(where, "tensor to replace")),))
        ground = self._known(where)
        if isinstance(where, (Route, RouteSteps)):
            return way_of(ground, RouteSteps.of(where) if isinstance(where, Route) else where)
        chosen = checked(cast("Any", where), ground.extent)
        if not chosen:
            raise InputError(
                f"{shown(where)} is to be replaced; give a tensor that was used inside the recording, or a "
                f"part, for example {{'layer': 3, 'head': 2}}."
            )
        return Together(tuple(place_of(ground.graph, ground.anatomy, part) for part in chosen))

    def _known(self, where: Any) -> Ground:
        if self._ground is None:
            raise InputError(
                f"{shown(where)} is to be replaced: layers and tokens are counted from the inputs, so give "
                f"wrt=, the inputs that were used inside the recording."
            )
        return self._ground


def _is_pair(thing: Any) -> bool:
    """Not so two parts side by side, which are replaced together."""
    return isinstance(thing, tuple) and len(thing) == 2 and not isinstance(thing[1], _PLACES)


_PLACES = (Selection, Mapping, Route, RouteSteps, tuple, list)
_FIELDS = {part.name for part in fields(Selection)}


def _pairs(one: Any) -> list[Pair]:
    if isinstance(one, Mapping):
        if one and _FIELDS.issuperset(one):
            raise InputError(
                f"A test is {shown(one)}, which is a part, and it is not said what comes in its place; give "
                f"both as a pair: ({shown(one)}, 'zero')."
            )
        pairs: list[Any] = list(one.items())
    else:
        pairs = list(one) if isinstance(one, (list, tuple)) else [None]
    if not pairs or not all(_is_pair(pair) for pair in pairs):
        raise InputError(
            f"A test is {shown(one)}; give a dict of what is replaced by what, such as {{hidden: 0.0}}, or a "
            f"list of such pairs: [({{'layer': 3, 'head': 2}}, 'zero')]."
        )
    return pairs
