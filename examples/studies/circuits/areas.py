"""CMD, CPR and Jaccard indices, with bootstrap intervals over sentences."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]


def faithfulness(scores: Numbers, nothing: Numbers, model: Numbers) -> Numbers:
    """f(k) = (mean m(circuit) - mean m(nothing)) / (mean m(model) - mean m(nothing)).

    As the circuit track of MIB has it (Mueller et al. 2025, arXiv 2504.13151), means are taken first.

    Args:
        scores: of circuits, (..., sentences, fractions).
        nothing: of all replaced, (..., sentences).
        model: of the model, (..., sentences).

    >>> faithfulness(np.array([[1.0, 3.0], [2.0, 4.0]]), np.zeros(2), np.array([3.0, 5.0]))
    array([0.375, 0.875])
    """
    none, whole = nothing.mean(-1)[..., None], model.mean(-1)[..., None]
    found: Numbers = (scores.mean(-2) - none) / (whole - none)
    return found


def cpr(fractions: Sequence[float], f: Numbers) -> Numbers:
    """Area under the faithfulness, by trapezoids, along the last axis.

    >>> float(cpr([0.0, 0.5, 1.0], np.array([0.0, 1.0, 1.0])))
    0.75
    """
    widths = np.diff(np.asarray(fractions, dtype=float))
    area: Numbers = ((f[..., 1:] + f[..., :-1]) / 2 * widths).sum(-1)
    return area


def cmd(fractions: Sequence[float], f: Numbers) -> Numbers:
    """Area between the faithfulness and 1; 0 is best.

    >>> float(cmd([0.0, 0.5, 1.0], np.array([0.0, 1.0, 1.0])))
    0.25
    """
    return cpr(fractions, np.abs(1 - f))


def resampled(n: int, draws: int, seed: int = 0, size: int | None = None) -> NDArray[np.int64]:
    """Numbers of resampled sentences, (draws, size); the same for everything that has n sentences."""
    return np.random.default_rng(seed).integers(0, n, (draws, n if size is None else size))


def first(numbers: Numbers, k: int) -> NDArray[np.bool_]:
    """Which k have the largest absolute numbers, along the last axis; of equal ones the first.

    >>> first(np.array([1.0, -3.0, 2.0]), 2)
    array([False,  True,  True])
    """
    order = np.argsort(-np.abs(numbers), axis=-1, kind="stable")[..., :k]
    found = np.zeros(numbers.shape, dtype=bool)
    np.put_along_axis(found, order, True, axis=-1)
    return found


def jaccard(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> Numbers:
    """Size of what two sets share over size of what either has, along the last axis.

    >>> float(jaccard(np.array([True, True, False]), np.array([True, False, True])))
    0.3333333333333333
    """
    share: Numbers = (one & other).sum(-1) / (one | other).sum(-1)
    return share


def stability(numbers: Numbers, k: int, size: int, draws: int = 200, seed: int = 0) -> Numbers:
    """Jaccard indices of circuits of k edges, found on two resampled sets of sentences; (draws,).

    Args:
        numbers: what a method says, (sentences, edges).
        k: how many edges are kept.
        size: how many sentences are drawn, with replacement, each time.
        draws: how many pairs of sets.
        seed: of the resampling.
    """
    chosen = resampled(len(numbers), 2 * draws, seed, size)
    circuits = first(np.stack([numbers[rows].mean(0) for rows in chosen]), k)
    return jaccard(circuits[:draws], circuits[draws:])
