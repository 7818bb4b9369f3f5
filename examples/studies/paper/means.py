"""Means of many columns at once with bootstrap intervals, where sentences are what is drawn."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from examples.studies.bootstrap import interval
from examples.studies.ranks import spearman

Numbers = NDArray[np.float64]


def drawn_means(values: Numbers, draws: int = 500, seed: int = 0) -> Numbers:
    """Means over resampled rows, NaN left out, shape (draws, columns); of values (rows, columns)."""
    rows = len(values)
    weights = np.random.default_rng(seed).multinomial(rows, np.full(rows, 1 / rows), draws).astype(float)
    there = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        found: Numbers = (weights @ np.where(there, values, 0.0)) / (weights @ there)
    return found


def means(values: Numbers, seed: int = 0) -> tuple[Numbers, Numbers, Numbers]:
    """Mean of each column, NaN left out, and the ends of its 95 % interval.

    >>> mean, low, high = means(np.array([[1.0], [3.0], [np.nan]]))
    >>> mean.tolist(), low.tolist(), high.tolist()
    ([2.0], [1.0], [3.0])
    """
    there = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        mean = np.where(there, values, 0.0).sum(0) / there.sum(0)
    low, high = np.nanquantile(drawn_means(values, seed=seed), [0.025, 0.975], axis=0)
    return mean, low, high


def rank_correlation(one: Numbers, other: Numbers, seed: int = 0) -> tuple[float, float, float]:
    """Spearman's rank correlation and its 95 % bootstrap interval.

    >>> rank_correlation(np.arange(9.0), np.arange(9.0))
    (1.0, 1.0, 1.0)
    """
    ends = interval(len(one), lambda some: spearman(one[some], other[some]), seed=seed)
    return spearman(one, other), *ends
