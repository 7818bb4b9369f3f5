"""Semirings that are asked for by name."""

from __future__ import annotations

from typing import TypeVar

from semiring_widgets.core.semirings.base import Semiring

__all__ = ["NAMED", "register"]

_Class = TypeVar("_Class", bound=type[Semiring])

# By `Semiring.name`; read by `find_semiring` and by the attribution methods.
NAMED: dict[str, type[Semiring]] = {}


def register(semiring: _Class) -> _Class:
    """A class decorator: wherever a semiring is asked for by name, the name of this class means it.

    An object of the class is made without arguments; of one that `counts_marks`, with their number.

    Raises:
        ValueError: another class has the name already.
    """
    if NAMED.setdefault(semiring.name, semiring) is not semiring:
        raise ValueError(f"The name {semiring.name!r} is taken by {NAMED[semiring.name].__name__}.")
    return semiring
