"""The algebra: semirings, and how to find one by name.

Internal: use `semiring_widgets.semirings`.
"""

from __future__ import annotations

from typing import Any

from semiring_widgets.checks import choice, shown
from semiring_widgets.core.semirings.base import Norm, Semiring, Value
from semiring_widgets.core.semirings.batch import Batch
from semiring_widgets.core.semirings.built_in import *
from semiring_widgets.core.semirings.edge_weight import Number, Weight
from semiring_widgets.core.semirings.gates import Passing, gated
from semiring_widgets.core.semirings.laws import check_form, check_laws
from semiring_widgets.core.semirings.marked_paths import Leaving
from semiring_widgets.core.semirings.product import Product
from semiring_widgets.core.semirings.registry import NAMED, register
from semiring_widgets.errors import InputError
from semiring_widgets.vocabulary import LEVELS

__all__ = [
    "FUSED",
    "NAMED",
    "Batch",
    "Leaving",
    "Norm",
    "Number",
    "Passing",
    "Product",
    "Semiring",
    "Value",
    "Weight",
    "check_laws",
    "find_semiring",
    "gated",
    "register",
]

# The usual questions in one sweep; ``"fused"`` by name.
FUSED = Product(Sum(), Abs(), Entropy(), Max())
FUSED.name = "fused"


def find_semiring(
    semiring: str | Semiring | type[Semiring], level: str = "unit", marks: int | None = None
) -> Semiring:
    """A semiring from its name or object, at the level asked for.

    Args:
        semiring: the name of a built-in one, such as ``"sum"``, ``"abs"``, ``"max"``, ``"entropy"`` or
            ``"kbest"`` (the five best paths), ``"fused"`` (sum, abs, entropy and max in one sweep), or an
            object such as ``KBest(8)`` or one of your own.
        level: of a maximum: ``"unit"`` (over scalar paths) or ``"branch"`` (as in the published figures).
        marks: the most marked edges on a path, where that is known: see `Semiring.counts_marks`.

    Raises:
        InputError: for an unknown name or level, an object whose values have not the form they should, or a
            semiring that has no branch level.
    """
    level = choice(level, "level", LEVELS)
    given: Any = semiring
    if isinstance(semiring, type) and issubclass(semiring, Semiring):
        raise InputError(f"{semiring.__name__} is a class; pass an object of it: {semiring.__name__}(...).")
    if isinstance(semiring, Semiring):
        check_form(semiring)
        found = semiring
    else:
        found = _made(given, marks)
    return found if level == "unit" else found.branched()


def _made(name: Any, marks: int | None) -> Semiring:
    if isinstance(name, str) and name == FUSED.name:
        return FUSED
    cls: Any = NAMED.get(name) if isinstance(name, str) else None
    if cls is None:
        known = sorted(name for name, named in NAMED.items() if not named.counts_marks)
        raise InputError(
            f"semiring is {shown(name)}; choose one of {', '.join(known)}, {FUSED.name}, or pass an "
            f"object of a class derived from sw.Semiring."
        )
    if cls.counts_marks and marks is None:
        raise InputError(
            f"The semiring {name!r} counts layers, which this function knows nothing of; use "
            f"sw.path_lengths, or {name!r} in sw.explain and sw.compare."
        )
    found: Semiring = cls(marks) if cls.counts_marks else cls()
    return found
