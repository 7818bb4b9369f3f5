"""Frozen facts from JSON: every field is there, is known, and has the type that its class says.

>>> @dataclasses.dataclass(frozen=True)
... class Point:
...     x: float
...     name: str | None = None
>>> fact(Point, {"x": 1.5, "name": "a"}, "point")
Point(x=1.5, name='a')
>>> fact(Point, {"x": "1.5"}, "point")
Traceback (most recent call last):
...
semiring_widgets.errors.InputError: point.x is '1.5', not float
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Collection
from functools import lru_cache
from typing import Any, TypeVar

from semiring_widgets.checks import shown
from semiring_widgets.errors import InputError

__all__ = ["fact", "fields_of", "value_of"]

T = TypeVar("T")


def fact(kind: type[T], given: Any, place: str) -> T:
    """One dataclass from a JSON object.

    Args:
        kind: the class. Its fields are numbers, strings, truth values, None, tuples, and such classes.
        given: what JSON gave.
        place: where it stands, for the message.

    Raises:
        InputError: a field is missing, unknown or of another type; the message is the end of a sentence.
    """
    return kind(**fields_of(kind, given, place))


def fields_of(kind: Any, given: Any, place: str, without: Collection[str] = ()) -> dict[str, Any]:
    """The arguments of one dataclass from a JSON object; a field with a default may be missing.

    Args:
        kind: the class, as for `fact`.
        given: what JSON gave.
        place: where it stands, for the message.
        without: fields that come from elsewhere.

    Raises:
        InputError: see `fact`.
    """
    if not isinstance(given, dict):
        raise InputError(f"{place} is {shown(given)}, not an object")
    needed = {name: optional for name, optional in _fields(kind).items() if name not in without}
    for name in given:
        if name not in needed:
            raise InputError(f"{place} has an unknown field {shown(name)}")
    for name, optional in needed.items():
        if name not in given and not optional:
            raise InputError(f"{place} lacks the field {name!r}")
    hints = _hints(kind)
    return {name: value_of(hints[name], value, f"{place}.{name}") for name, value in given.items()}


def value_of(kind: Any, given: Any, place: str) -> Any:
    """One value of an annotated type; lists become tuples.

    Args:
        kind: the annotation.
        given: what JSON gave.
        place: where it stands, for the message.

    Raises:
        InputError: see `fact`.
    """
    if dataclasses.is_dataclass(kind):
        return fact(typing.cast(type, kind), given, place)
    if typing.get_origin(kind) is tuple:
        if not isinstance(given, list):
            raise InputError(f"{place} is {shown(given)}, not a list")
        of = typing.get_args(kind)[0]
        return tuple(value_of(of, item, f"{place}[{index}]") for index, item in enumerate(given))
    if isinstance(kind, types.UnionType):
        if given is None:
            return None
        (kind,) = (choice for choice in typing.get_args(kind) if choice is not type(None))
        return value_of(kind, given, place)
    # JSON writes a float such as 2.0 as it was given; an int in its place means the same number.
    allowed = (float, int) if kind is float else (kind,)
    if not isinstance(given, allowed) or (isinstance(given, bool) and kind is not bool):
        raise InputError(f"{place} is {shown(given)}, not {kind.__name__}")
    if kind is float and isinstance(given, int):
        try:
            float(given)
        except OverflowError as error:
            raise InputError(f"{place} is {shown(given)}, larger than any float") from error
    return given


@lru_cache(maxsize=32)
def _fields(kind: type[Any]) -> dict[str, bool]:
    """The names of the fields, and whether each has a default."""
    missing = dataclasses.MISSING
    return {
        field.name: field.default is not missing or field.default_factory is not missing
        for field in dataclasses.fields(kind)
    }


@lru_cache(maxsize=32)
def _hints(kind: type[Any]) -> dict[str, Any]:
    return typing.get_type_hints(kind)
