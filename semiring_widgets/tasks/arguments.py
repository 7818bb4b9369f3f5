"""What the generators are asked with: checked here, in the words that the rest of the package uses.

The checks of ``core`` say the same, but know torch, which this room does without.
"""

from __future__ import annotations

import reprlib
from collections.abc import Iterable
from operator import index
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from semiring_widgets.errors import InputError

__all__ = ["MOST", "Integers", "choice", "integers", "random_numbers", "truth", "whole_number"]

Integers: TypeAlias = NDArray[np.int64]

# Of examples: of more, memory runs out before time does.
MOST = 10_000_000


def integers(values: ArrayLike) -> Integers:
    """Numbers or truth values as int64, which not every machine takes of itself."""
    return np.asarray(values, dtype=np.int64)


def whole_number(value: Any, name: str, *, least: int = 1, most: int = MOST) -> int:
    """A whole number of Python or numpy, but not True or False.

    Raises:
        InputError: says what was given, and what to give.
    """
    try:
        whole = None if isinstance(value, (bool, np.bool_)) else index(value)
    except TypeError:
        whole = None
    if whole is None or not least <= whole <= most:
        raise InputError(
            f"{name} is {reprlib.repr(value)}; give a whole number, {least:,} or more and at most {most:,}."
        )
    return whole


def truth(value: Any, name: str) -> bool:
    """True or False.

    Raises:
        InputError: says what was given, and what to give.
    """
    if not isinstance(value, (bool, np.bool_)):
        raise InputError(f"{name} is {reprlib.repr(value)}; give True or False.")
    return bool(value)


def choice(value: Any, name: str, options: Iterable[str]) -> str:
    """One of some words.

    Raises:
        InputError: says what was given, and the words.
    """
    words = list(options)
    if not isinstance(value, str) or value not in words:
        raise InputError(f"{name} is {reprlib.repr(value)}; choose one of {', '.join(words)}.")
    return value


def random_numbers(seed: Any) -> np.random.Generator:
    """Random numbers that are the same on every machine: PCG64 from a whole number.

    Raises:
        InputError: the seed is negative, too large, or no whole number.
    """
    # Not `default_rng`, whose bit generator numpy may change.
    return np.random.Generator(np.random.PCG64(whole_number(seed, "seed", least=0, most=2**63 - 1)))
