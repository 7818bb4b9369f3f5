"""Means over texts, and how far these would differ had other texts been drawn: the bootstrap.

Tables are (texts, parts); NaN where a text has no such part. A mean is over the texts that have it.

Of more than ten thousand texts, a thousand random blocks of them are drawn again in their place, which say as
much about a mean and take a fraction of the time.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

__all__ = ["differences_with_intervals", "jaccard_of_first", "means_with_intervals", "resolved"]

Numbers = NDArray[np.float64]
# Of what is drawn again, how many texts have each part, and the sums of their numbers.
Units = tuple[Numbers, Numbers]
_SHARE = (2.5, 97.5)  # percentiles of a 95 % interval
_TOGETHER = 64  # draws
_MANY = 10_000  # texts, of which
_BLOCKS = 1000  # are made


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
    units = _units(numbers)
    drawn = np.stack(list(_means_drawn_again(units, samples, seed)))
    return _means(numbers), *_interval(drawn, _several(units))


def differences_with_intervals(
    one: Numbers, other: Numbers, samples: int, seed: int
) -> tuple[Numbers, Numbers, Numbers]:
    """Of every part mean of one group minus that of another, low and high, shape (parts,).

    Texts of each group are drawn again by themselves, as they are not paired.

    Args:
        one: (texts, parts).
        other: (other texts, parts).
        samples: how often texts are drawn again.
        seed: of the drawing.

    Returns:
        Low and high are NaN of a part that fewer than two texts of either group have.

    Example:
        >>> same, zero = np.full((3, 1), 2.0), np.zeros((2, 1))
        >>> [float(each[0]) for each in differences_with_intervals(same, zero, 100, 0)]
        [2.0, 2.0, 2.0]
    """
    mine, its = _units(one), _units(other)
    both = zip(
        _means_drawn_again(mine, samples, (seed, 0)),
        _means_drawn_again(its, samples, (seed, 1)),
        strict=True,
    )
    drawn = np.stack([own - others for own, others in both])
    return _means(one) - _means(other), *_interval(drawn, _several(mine) & _several(its))


def _several(units: Units) -> NDArray[np.bool_]:
    """Whether what is drawn again can differ: two texts, or blocks of texts, have the part."""
    several: NDArray[np.bool_] = (units[0] > 0).sum(0) > 1
    return several


def _interval(drawn: Numbers, known: NDArray[np.bool_]) -> tuple[Numbers, Numbers]:
    low, high = np.full((2, drawn.shape[1]), np.nan)
    if known.any():
        low[known], high[known] = np.nanpercentile(drawn[:, known], _SHARE, axis=0)
    return low, high


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
    own = _first(_means(numbers), k)
    others = [_first(means, k) for means in _means_drawn_again(_units(numbers), samples, seed)]
    return float(np.mean([len(own & other) / len(own | other) for other in others]))


def _first(means: Numbers, k: int) -> set[int]:
    return set(np.argsort(-np.abs(means), kind="stable")[:k].tolist())


def _means_drawn_again(units: Units, samples: int, seed: int | tuple[int, int]) -> Iterator[Numbers]:
    draw, (known, filled) = np.random.default_rng(seed), units
    count = len(known)
    for start in range(0, samples, _TOGETHER):
        drawn = [draw.integers(0, count, count) for _ in range(min(_TOGETHER, samples - start))]
        times = np.stack([np.bincount(one, minlength=count) for one in drawn]).astype(np.float64)
        with np.errstate(invalid="ignore"):  # of no text, NaN
            yield from (times @ filled) / (times @ known)


def _units(numbers: Numbers) -> Units:
    """Of every text, or every block of texts, how many have each part, and the sums of their numbers."""
    known = np.isfinite(numbers)
    filled = np.where(known, numbers, 0.0)
    count = len(numbers)
    if count <= _MANY:
        return known.astype(np.float64), filled
    # Neighbours in a corpus are alike: blocks of them would be drawn too wide.
    order = np.random.default_rng(0).permutation(count)
    starts = np.arange(_BLOCKS) * count // _BLOCKS
    there, sums = (np.add.reduceat(own[order], starts, 0, dtype=np.float64) for own in (known, filled))
    return there, sums


def _means(numbers: Numbers) -> Numbers:
    """Every part's mean over the texts that have it."""
    known = np.isfinite(numbers)
    with np.errstate(invalid="ignore"):
        found: Numbers = np.where(known, numbers, 0.0).sum(0) / known.sum(0)
    return found
