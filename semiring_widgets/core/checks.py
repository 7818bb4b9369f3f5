"""What numbers are asked to be, said in one way everywhere."""

from __future__ import annotations

from operator import index
from typing import Any

from semiring_widgets.errors import InputError

__all__ = ["check_limit", "check_whole"]


def check_limit(max_memory: Any) -> None:
    """Refuse what is no number of bytes and not None.

    Raises:
        InputError: says what was given, and what to give.
    """
    if max_memory is not None and not isinstance(max_memory, (int, float)):
        raise InputError(f"max_memory is {max_memory!r}; give a number of bytes, or None for no limit.")


def check_whole(name: str, number: Any, *, least: int = 1) -> None:
    """Refuse what is not a whole number, or too small a one.

    Args:
        name: of the argument.
        number: what was given for it.
        least: the smallest that can be used.

    Raises:
        InputError: says what was given, and what to give.
    """
    try:
        fits = index(number) >= least
    except TypeError:
        fits = False
    if not fits:
        raise InputError(f"{name} is {number!r}; give a whole number, {least} or more.")
