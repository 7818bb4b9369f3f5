"""Whole numbers of 64 bits on every machine, and random ones from a seed."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from semiring_widgets.checks import seed_number

__all__ = ["Integers", "integers", "random_numbers"]

Integers: TypeAlias = NDArray[np.int64]


def integers(values: ArrayLike) -> Integers:
    """Numbers or truth values as int64, which not every machine takes of itself."""
    return np.asarray(values, dtype=np.int64)


def random_numbers(seed: Any) -> np.random.Generator:
    """Random numbers that are the same on every machine.

    Raises:
        InputError: the seed is no whole number of 64 bits.
    """
    # Not `default_rng`, whose bit generator numpy may change; and PCG64 takes no negative seeds.
    return np.random.Generator(np.random.PCG64(seed_number(seed) % 2**64))
