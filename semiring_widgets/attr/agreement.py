"""How far attribution methods agree, said twice.

*Rank correlation*: Spearman's ρ of the absolute scores over all tokens, ties sharing their mean rank. It
asks whether two methods order the whole sentence alike. *Top-k overlap*: the share of the k highest
absolute scores that two methods have in common. It asks whether they would point at the same words.
Absolute scores, because some methods have no sign.

    >>> import numpy as np
    >>> scores = np.array([[3.0, -2.0, 1.0], [9.0, 5.0, 0.0], [0.0, 1.0, 2.0]])
    >>> rank_correlation(scores).round(2)
    array([[ 1.,  1., -1.],
           [ 1.,  1., -1.],
           [-1., -1.,  1.]])
    >>> top_k_overlap(scores, 1)
    array([[1., 1., 0.],
           [1., 1., 0.],
           [0., 0., 1.]])
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = ["effect_correlation", "rank_correlation", "top_k_overlap"]


def rank_correlation(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Spearman's ρ between the absolute scores of each two methods.

    Args:
        scores: shape (methods, tokens); a row of NaN is a method that failed.

    Returns:
        Shape (methods, methods), -1 to 1. NaN where a method failed, or gave all tokens the same
        absolute score (one token included): then it has no order to compare.
    """
    return _spearman(np.abs(scores))


def effect_correlation(scores: NDArray[np.float64], effects: NDArray[np.float64], by_size: bool) -> float:
    """Spearman's ρ between scores and tested effects.

    Args:
        scores: shape (tokens,).
        effects: shape (tokens,).
        by_size: whether absolute values are compared.

    Returns:
        -1 to 1, or NaN where one of them has no order or holds NaN.

    Example:
        >>> round(effect_correlation(np.array([3.0, 2.0, 1.0]), np.array([-9.0, 4.0, 0.0]), True), 2)
        1.0
    """
    rows = np.stack([scores, effects])
    # A correlation of 0 comes out as some 1e-17.
    return round(float(_spearman(np.abs(rows) if by_size else rows)[0, 1]), 12)


def _spearman(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    # Ranks first: pandas' own "spearman" would leave infinite scores out.
    ranks = pd.DataFrame(rows).rank(axis=1).T
    found: NDArray[np.float64] = ranks.corr(min_periods=len(ranks)).to_numpy()
    return found


def top_k_overlap(scores: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    """Share of the k tokens with the highest absolute scores that two methods have in common.

    Args:
        scores: shape (methods, tokens); a row of NaN is a method that failed.
        k: how many tokens; of fewer tokens, all. Among equal scores the earlier token goes first.

    Returns:
        Shape (methods, methods), 0 to 1; NaN where a method failed.
    """
    k = min(k, scores.shape[1])
    order = np.argsort(-np.abs(scores), axis=1, kind="stable")[:, :k]
    chosen = np.zeros(scores.shape)
    np.put_along_axis(chosen, order, 1.0, axis=1)
    chosen[np.isnan(scores).any(axis=1)] = np.nan
    return (chosen @ chosen.T) / k
