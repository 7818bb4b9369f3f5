"""Means and other statistics with bootstrap intervals (Efron 1979), always seeded."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DRAWS = 2000


@dataclass(frozen=True)
class Estimate:
    """A mean and its 95 % interval.

    Attributes:
        mean: of all observations that are there (not NaN).
        low: 2.5 % of the means of resampled observations lie below.
        high: 2.5 % lie above.
        n: observations.
    """

    mean: float
    low: float
    high: float
    n: int

    def told(self, digits: int = 2) -> str:
        """Text such as ``0.84 [0.80, 0.87]``; a dash where there was no observation.

        >>> Estimate(0.8372, 0.8, 0.871, 60).told()
        '0.84 [0.80, 0.87]'
        """
        if self.n == 0:
            return "–"
        return f"{self.mean:.{digits}f} [{self.low:.{digits}f}, {self.high:.{digits}f}]"


def interval(
    n: int, of: Callable[[NDArray[np.int64]], float], draws: int = 500, seed: int = 0
) -> tuple[float, float]:
    """95 % interval of what is no mean: a correlation, a slope, a difference of groups.

    Args:
        n: observations.
        of: the statistic of the observations with these numbers, drawn with replacement; NaN where it has
            none, which is left out.
        draws: how many.
        seed: of the resampling.

    >>> interval(9, lambda some: 0.5)
    (0.5, 0.5)
    """
    generator = np.random.default_rng(seed)
    low, high = np.nanquantile([of(generator.integers(0, n, n)) for _ in range(draws)], [0.025, 0.975])
    return float(low), float(high)


def estimate(values: Iterable[float], seed: int = 0) -> Estimate:
    """The mean over independent observations (sentences, models), each resampled as a whole.

    Args:
        values: one number an observation; NaN is left out.
        seed: of the resampling.

    >>> estimate([1.0, 2.0, 3.0]).mean
    2.0
    """
    kept = np.asarray(list(values), dtype=float)
    kept = kept[~np.isnan(kept)]
    if kept.size == 0:
        return Estimate(float("nan"), float("nan"), float("nan"), 0)
    chosen = np.random.default_rng(seed).integers(0, kept.size, (DRAWS, kept.size))
    low, high = np.quantile(kept[chosen].mean(1), [0.025, 0.975])
    return Estimate(float(kept.mean()), float(low), float(high), int(kept.size))
