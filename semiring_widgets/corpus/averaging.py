"""Means over texts, and how far these would differ had other texts been drawn: the bootstrap.

Tables are (texts, parts); NaN where a text has no such part. A mean is over the texts that have it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["jaccard_of_first", "means_with_intervals", "resolved"]

Numbers = NDArray[np.float64]
_SHARE = (2.5, 97.5)  # percentiles of a 95 % interval


def means_with_intervals(numbers: Numbers, samples: int, seed: int) -> tuple[Numbers, Numbers, Numbers]:
    """Of every part mean, low and high (percentile bootstrap over texts, Efron 1979, 95 %), shape (parts,).

    Args:
        numbers: (texts, parts).
        samples: how often texts are drawn again.
        seed: of the drawing.

    Returns:
        Low and high are NaN of a part that fewer than two texts have: these do not tell how texts differ.

    Example:
        >>> mean, low, high = means_with_intervals(np.array([[1.0, 5.0], [3.0, np.nan]]), 200, 0)
        >>> mean.tolist(), low.tolist(), high.tolist()
        ([2.0, 5.0], [1.0, nan], [3.0, nan])
    """
    drawn = np.stack(list(_means_drawn_again(numbers, samples, seed)))
    low, high = np.full((2, numbers.shape[1]), np.nan)
    several = np.isfinite(numbers).sum(0) > 1
    if several.any():
        low[several], high[several] = np.nanpercentile(drawn[:, several], _SHARE, axis=0)
    return _means(numbers, np.ones(len(numbers))), low, high


def resolved(low: Numbers, high: Numbers) -> list[bool]:
    """Of parts in order of |mean|: whether a part is told from all below it, as intervals of |mean| say.

    Args:
        low: of each part's interval; NaN where it is not known.
        high: of each part's interval.

    Example:
        A part as large as the next one, of the other sign, is not told from it; the last is, from none.

        >>> resolved(np.array([5.0, 1.0, -2.5]), np.array([6.0, 3.0, -0.5]))
        [True, False, True]
    """
    least = np.where(low * high > 0, np.minimum(np.abs(low), np.abs(high)), 0.0)
    most = np.where(np.isfinite(high), np.maximum(np.abs(low), np.abs(high)), np.inf)
    below = np.append(np.maximum.accumulate(most[::-1])[::-1][1:], -np.inf)
    apart: list[bool] = ((least > below) & np.isfinite(low)).tolist()
    return apart


def jaccard_of_first(numbers: Numbers, k: int, samples: int, seed: int) -> float:
    """Of the k parts with the largest |mean|, how much stays when texts are drawn again: 0-1.

    Args:
        numbers: (texts, parts).
        k: how many, at most as many as there are.
        samples: how often texts are drawn again.
        seed: of the drawing.

    Returns:
        The mean of |both| / |either| over the draws.

    Example:
        >>> jaccard_of_first(np.array([[3.0, 1.0, 0.0], [4.0, 1.0, 0.0]]), 2, 10, 0)
        1.0
    """
    own = _first(_means(numbers, np.ones(len(numbers))), k)
    others = [_first(means, k) for means in _means_drawn_again(numbers, samples, seed)]
    return float(np.mean([len(own & other) / len(own | other) for other in others]))


def _first(means: Numbers, k: int) -> set[int]:
    return set(np.argsort(-np.abs(means), kind="stable")[:k].tolist())


def _means_drawn_again(numbers: Numbers, samples: int, seed: int) -> Iterator[Numbers]:
    draw, count = np.random.default_rng(seed), len(numbers)
    for _ in range(samples):
        yield _means(numbers, np.bincount(draw.integers(0, count, count), minlength=count))


def _means(numbers: Numbers, times: NDArray[Any]) -> Numbers:
    """Every part's mean over the texts that have it, each text counted as often as it says."""
    known = np.isfinite(numbers)
    with np.errstate(invalid="ignore"):  # of no text, NaN
        found: Numbers = (times @ np.where(known, numbers, 0.0)) / (times @ known)
    return found
