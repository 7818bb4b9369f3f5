"""The median over models, with its bootstrap interval."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["interval_of_median"]


def interval_of_median(values: Sequence[float], seed: int = 0, draws: int = 2000) -> tuple[float, float]:
    """95 % bootstrap interval of the median, over models drawn with replacement.

    Args:
        values: one for each model.
        seed: of the draws.
        draws: how many.
    """
    given = np.asarray(values, dtype=float)
    chosen = np.random.default_rng(seed).integers(len(given), size=(draws, len(given)))
    low, high = np.quantile(np.median(given[chosen], axis=1), [0.025, 0.975])
    return float(low), float(high)
