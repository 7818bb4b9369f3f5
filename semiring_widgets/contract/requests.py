"""What comes from the page: read once, into the dataclasses of `table`, with a sentence where that fails.

>>> request_of({"type": "head_map", "id": 7, "layer": 3, "head": 5})
HeadMapRequest(id=7, layer=3, head=5, selection=(), avoiding=())
>>> request_of({"type": "head_map", "layer": 3})
Traceback (most recent call last):
...
semiring_widgets.errors.InputError: A request of type 'head_map' says its head.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, asdict, fields
from typing import Annotated, Any, Final, get_args, get_origin, get_type_hints

import numpy as np

from semiring_widgets.checks import shown
from semiring_widgets.contract.corpus_table import CORPUS_REQUESTS
from semiring_widgets.contract.fields import Selection
from semiring_widgets.contract.message_kinds import Request, Words
from semiring_widgets.contract.table import REQUESTS, VERSION
from semiring_widgets.errors import InputError
from semiring_widgets.results.facts import value_of
from semiring_widgets.results.parts import Part

__all__ = ["EMPTY_SELECTION", "another_version", "kind_of", "parts_of", "request_of"]

EMPTY_SELECTION: Final[Mapping[str, Any]] = asdict(Part())


def request_of(given: Mapping[str, Any]) -> Request:
    """One request.

    Args:
        given: its JSON. Fields that have a default may be missing, others that are not in the table are
            ignored.

    Raises:
        InputError: it is of an unknown type, or a field is missing or of another type.
    """
    name, kind = given.get("type"), kind_of(given)
    if kind is None:
        raise InputError(f"Request of unknown type {name!r}; this version knows {', '.join(REQUESTS)}.")
    hints = get_type_hints(kind, include_extras=True)
    found: dict[str, Any] = {"id": given.get("id", 0)}
    for field in fields(kind):
        value = given.get(field.name)
        if field.name == "id" or (value is None and field.default is not MISSING):
            continue
        if hints[field.name] == Selection:
            found[field.name] = tuple(Part(**part) for part in parts_of(value))
        elif field.name not in given:
            raise InputError(f"A request of type {name!r} says its {field.name}.")
        else:
            found[field.name] = _value(hints[field.name], value, f"{field.name} of the request {name!r}")
    return kind(**found)


def kind_of(given: Mapping[str, Any]) -> type[Request] | None:
    """The type of a request, None where it has none of ours."""
    name = given.get("type")
    return (REQUESTS.get(name) or CORPUS_REQUESTS.get(name)) if isinstance(name, str) else None


def another_version(request: Mapping[str, Any]) -> str | None:
    """What to do where the page speaks another version of the messages; None where it is the same.

    Args:
        request: whatever came from the page; without a version it is ours.
    """
    version = request.get("version", VERSION)
    if version == VERSION:
        return None
    ways = "reload the page, and if that does not help install semiring_widgets again and restart the kernel"
    if isinstance(version, int) and version > VERSION:
        ways = "restart the kernel, and run the cell again"
    both = f"version {shown(version)} of the messages, and semiring_widgets in the kernel version {VERSION}"
    return f"The page speaks {both}: {ways}."


def parts_of(selection: Any) -> list[dict[str, Any]]:
    """A selection as a list of parts that name something; whether that is there is checked where it is known.

    Args:
        selection: a part, or several of which paths must pass all. Older versions wrote one part, and one
            that names nothing for all paths.

    Raises:
        InputError: it is neither, or a part has a key or a kind of value that no part has.

    >>> parts_of({"layer": 3, "head": 5})
    [{'layer': 3, 'branch': None, 'head': 5, 'token': None, 'stream': 0}]
    >>> parts_of(EMPTY_SELECTION)
    []
    """
    many = [selection] if isinstance(selection, Mapping) else selection
    if not isinstance(many, (list, tuple)) or not all(isinstance(part, Mapping) for part in many):
        raise InputError(
            f"A selection is a list of parts, dicts with some of {', '.join(EMPTY_SELECTION)}; got "
            f"{selection!r}."
        )
    parts = [{**EMPTY_SELECTION, **{key: _named(key, value) for key, value in part.items()}} for part in many]
    return [part for part in parts if any(part[key] is not None for key in part if key != "stream")]


def _value(hint: Any, value: Any, place: str) -> Any:
    if get_origin(hint) is not Annotated:
        try:
            return value_of(hint, value, place)
        except InputError as error:
            raise InputError(f"The {error}.") from error
    _, words = get_args(hint)
    if isinstance(words, Words) and value not in words.words:
        raise InputError(f"There is no {words.noun} {shown(value)}; choose from {', '.join(words.words)}.")
    return value


def _named(key: Any, value: Any) -> Any:
    """What a part of a selection names, as a message can carry it."""
    if key not in EMPTY_SELECTION:
        names = ", ".join(EMPTY_SELECTION)
        raise InputError(
            f"A part of a selection has some of {names}, for example {{'token': 2}}; got {key!r}."
        )
    value = value.item() if isinstance(value, np.generic) else value
    kind, wanted = (str, "the name of a branch") if key == "branch" else (int, "a whole number from 0")
    if value is not None and (isinstance(value, bool) or not isinstance(value, kind)):
        raise InputError(f"{key} of a selection is {shown(value)}; give {wanted}, or None.")
    return value
