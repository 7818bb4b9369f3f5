"""Checks of arguments, one for each kind, so that every public function says the same about a wrong one.

A check returns plain Python: what follows need not know numpy or torch.

>>> import numpy as np
>>> whole_number(np.int64(3), "k"), choice("mass", "by", ("best", "mass")), memory_limit(None)
(3, 'mass', None)
>>> whole_number(10**9, "k")
Traceback (most recent call last):
    ...
semiring_widgets.errors.InputError: k is 1000000000; give a whole number, 1 or more and at most 1,000,000.
"""

from __future__ import annotations

import math
import reprlib
import sys
from collections.abc import Iterable
from operator import index
from typing import Any

import numpy as np

from semiring_widgets.errors import InputError

__all__ = ["MOST", "choice", "memory_limit", "real_number", "seed_number", "shown", "truth", "whole_number"]

# Most paths, routes or samples to ask for: the objects of more than these take gigabytes by themselves.
MOST = 1_000_000
# The seeds that torch accepts.
_SEEDS = -(2**63), 2**63 - 1
# Longer integers are told by their length (and Python refuses to write very long ones).
_BITS = 1000
# Words of a user's, paths of files among them, are longer than reprlib's 30 letters.
_REPR = reprlib.Repr()
_REPR.maxstring = 76
_PLAIN = (type(None), bool, int, float, complex, str, bytes, np.generic, list, tuple, dict, set, frozenset)


def shown(value: Any) -> str:
    """A value in few words, for a message: plain ones as they are, others by class and shape."""
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if _is_array(value):
        return f"a {type(value).__name__} of shape {list(value.shape)} and dtype {value.dtype}"
    if isinstance(value, int) and value.bit_length() > _BITS:
        return f"a number of {value.bit_length():,} bits"
    if isinstance(value, _PLAIN):
        return _REPR.repr(value)
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"


def whole_number(
    value: Any, name: str, *, least: int | None = 1, most: int | None = MOST, wanted: str = ""
) -> int:
    """A whole number: an int of Python, numpy or torch (of shape ()), but not True or False.

    Args:
        value: what was given.
        name: of the argument.
        least: the smallest that can be used; None for any.
        most: the largest; None for any.
        wanted: what to give, in words, where that is more than a number in these bounds.

    Raises:
        InputError: says what was given, and what to give.
    """
    number = _scalar(value)
    try:
        whole = None if isinstance(number, bool) or _is_array(number) else index(number)
    except TypeError:
        whole = None
    too_small = whole is not None and least is not None and whole < least
    if whole is None or too_small or (most is not None and whole > most):
        start = "" if least is None else f", {least} or more"
        end = "" if most is None else f" and at most {most:,}"
        raise InputError(f"{name} is {shown(value)}; give {wanted or f'a whole number{start}{end}'}.")
    return whole


def real_number(value: Any, name: str, *, least: float = -math.inf, wanted: str = "a number") -> float:
    """A number that is not NaN: an int or float of Python, numpy or torch (of shape ()).

    Args:
        value: what was given.
        name: of the argument.
        least: the smallest that can be used.
        wanted: what to give, in words.

    Raises:
        InputError: says what was given, and what to give.
    """
    number = _scalar(value)
    if isinstance(number, bool) or not isinstance(number, (int, float)) or not number >= least:
        raise InputError(f"{name} is {shown(value)}; give {wanted}.")
    return number


def memory_limit(value: Any, name: str = "max_memory") -> int | None:
    """A number of bytes, or None for no limit; infinity is no limit, too.

    A limit from which something was subtracted may be negative: it stays so, and nothing fits.

    Raises:
        InputError: says what was given, and what to give.
    """
    if value is None:
        return None
    number = real_number(value, name, wanted="a number of bytes, or None for no limit")
    return None if number == math.inf else math.floor(max(number, -1))


def seed_number(value: Any, name: str = "seed") -> int:
    """What random numbers begin with: any whole number of 64 bits.

    Raises:
        InputError: says what was given, and what to give.
    """
    return whole_number(value, name, least=_SEEDS[0], most=_SEEDS[1])


def truth(value: Any, name: str) -> bool:
    """True or False, also of numpy or torch (of shape ()).

    Raises:
        InputError: says what was given, and what to give.
    """
    said = _scalar(value)
    if not isinstance(said, bool):
        raise InputError(f"{name} is {shown(value)}; give True or False.")
    return said


def choice(value: Any, name: str, options: Iterable[str]) -> str:
    """One of some words.

    Args:
        value: what was given.
        name: of the argument.
        options: the words, in the order in which the message lists them.

    Raises:
        InputError: says what was given, and the words.
    """
    words = list(options)
    if not isinstance(value, str) or value not in words:
        raise InputError(f"{name} is {shown(value)}; choose one of {', '.join(words)}.")
    return value


def _is_array(value: Any) -> bool:
    # Whoever holds a tensor has imported torch; nobody else shall wait for it.
    tensor = getattr(sys.modules.get("torch"), "Tensor", np.ndarray)
    return isinstance(value, (np.ndarray, tensor))


def _scalar(value: Any) -> Any:
    """The Python number of a numpy or torch one; anything else as it is."""
    if isinstance(value, np.generic) or (_is_array(value) and value.ndim == 0):
        try:
            return value.item()
        except RuntimeError:  # a tensor without numbers: on the meta device, or a fake one
            return value
    return value
