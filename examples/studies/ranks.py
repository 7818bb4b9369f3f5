"""Rank statistics, by average ranks where values are equal."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike


def spearman(one: ArrayLike, other: ArrayLike) -> float:
    """Rank correlation; NaN where one of them does not vary.

    >>> spearman([1, 2, 3, 4], [1, 4, 9, 16])
    1.0
    """
    return pearson(_ranks(one), _ranks(other))


def pearson(one: ArrayLike, other: ArrayLike) -> float:
    """Correlation; NaN where one of them does not vary.

    >>> pearson([1, 2, 3], [2, 4, 6])
    1.0
    """
    a, b = (each - each.mean() for each in (np.asarray(one, dtype=float), np.asarray(other, dtype=float)))
    size = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / size if size > 0 else float("nan")


def auroc(scores: ArrayLike, positive: ArrayLike) -> float:
    """The chance that a positive one is scored above a negative one, equal scores counting half.

    >>> auroc([0.9, 0.8, 0.1], [True, False, False])
    1.0
    """
    true = np.asarray(positive, dtype=bool)
    hits, others = int(true.sum()), int((~true).sum())
    if hits == 0 or others == 0:
        return float("nan")
    above = float(_ranks(scores)[true].sum()) - hits * (hits + 1) / 2
    return above / (hits * others)


def _ranks(values: ArrayLike) -> np.ndarray:
    return pd.Series(np.asarray(values, dtype=float)).rank().to_numpy()
