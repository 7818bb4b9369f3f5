"""What is true of some texts together: counts by bin, means with intervals, shares of the flow.

Counts and means are exact. Intervals are those of the bootstrap (Efron 1979, 95 %, percentiles): texts are
drawn again, one by one where there are at most a thousand, else a thousand random blocks of them, which say
as much about a mean and take a hundredth of the time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from semiring_widgets.corpus.averaging import resolved
from semiring_widgets.overview.brush import Brush
from semiring_widgets.overview.numbers import BINS, CorpusNumbers

__all__ = ["Aggregates", "aggregate", "largest"]

_SAMPLES: Final = 1000
_PERCENTILES: Final = (2.5, 97.5)
Numbers = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Aggregates:
    """Of some texts.

    Attributes:
        count: texts by group, (groups,).
        right: share of them that prefer the target, (groups,); NaN where that cannot be said.
        mean: of every number by group, (numbers, groups).
        histogram: texts by bin, (numbers, groups, bins).
        part_mean: of every part over all groups, (parts,).
        part_low: the lower end of its interval; NaN of fewer than two texts.
        part_high: the upper end.
        part_count: texts that have the part.
        flow: mean share of the mass by layer and branch, (groups, layers, branches).
        joint: texts by bin of the two numbers of the brush, (bins of x, bins of y).
    """

    count: Numbers
    right: Numbers
    mean: Numbers
    histogram: Numbers
    part_mean: Numbers
    part_low: Numbers
    part_high: Numbers
    part_count: Numbers
    flow: Numbers
    joint: Numbers


def aggregate(numbers: CorpusNumbers, brush: Brush) -> Aggregates:
    """Of the texts that a brush means.

    Args:
        numbers: of the corpus.
        brush: which texts.

    Raises:
        InputError: see `Brush.mask`.
    """
    order, block = numbers.order
    meant = brush.mask(numbers)[order]
    own, block = order[meant], block[meant]
    group, groups = numbers.group[own], len(numbers.groups)
    means, histograms = [], []
    for name in numbers.numbers:
        means.append(_mean_by(group, groups, numbers.number(name)[own]))
        bins = numbers.bin(name)[own]
        place = group[bins < BINS] * BINS + bins[bins < BINS]
        histograms.append(np.bincount(place, minlength=groups * BINS).reshape(groups, BINS))
    x, y = (numbers.bin(name)[own] for name in (brush.x, brush.y))
    both = (x < BINS) & (y < BINS)
    joint = np.bincount(x[both].astype(int) * BINS + y[both], minlength=BINS * BINS)
    mean, low, high, there = _intervals(numbers.effects[own], block)
    return Aggregates(
        count=np.bincount(group, minlength=groups).astype(float),
        right=_mean_by(group, groups, numbers.right[own]),
        mean=np.array(means).reshape(-1, groups),
        histogram=np.array(histograms, float).reshape(-1, groups, BINS),
        part_mean=mean,
        part_low=low,
        part_high=high,
        part_count=there,
        flow=_flow(group, groups, numbers.flow[own]),
        joint=joint.reshape(BINS, BINS).astype(float),
    )


def largest(numbers: CorpusNumbers, whole: Aggregates) -> list[tuple[int, bool]]:
    """Heads and feed-forward parts, the largest |mean| first, and whether each is told from all below it.

    Args:
        numbers: of the corpus.
        whole: of all its texts, or of some.

    Returns:
        Places in ``numbers.parts``; parts that no text has are left out.
    """
    sizes = np.abs(whole.part_mean)
    known = [n for n, part in enumerate(numbers.parts) if part.kind != "layer" and np.isfinite(sizes[n])]
    order = sorted(known, key=lambda n: -sizes[n])
    return list(zip(order, resolved(whole.part_low[order], whole.part_high[order]), strict=True))


def _mean_by(group: NDArray[np.int32], groups: int, values: Numbers) -> Numbers:
    known = np.isfinite(values)
    sums = np.bincount(group[known], values[known], groups)
    with np.errstate(invalid="ignore"):
        found: Numbers = sums / np.bincount(group[known], minlength=groups)
    return found


def _flow(group: NDArray[np.int32], groups: int, flow: NDArray[np.float32]) -> Numbers:
    found = np.full((groups, *flow.shape[1:]), np.nan)
    for place in range(groups):
        own = flow[group == place]
        if len(own):
            there = np.isfinite(own).sum(0)
            with np.errstate(invalid="ignore"):
                found[place] = np.nansum(own, 0, dtype=float) / there
    return found


def _intervals(values: NDArray[np.float32], block: NDArray[np.int64]) -> tuple[Numbers, ...]:
    """Mean, low, high and count of each column, (parts,); blocks of texts come one after the other."""
    parts = values.shape[1]
    if not len(values):
        nothing = np.full(parts, np.nan)
        return nothing, nothing, nothing, np.zeros(parts)
    starts = np.flatnonzero(np.diff(block, prepend=-1))
    known = np.isfinite(values)
    sums = np.add.reduceat(values if known.all() else np.where(known, values, 0), starts, 0, dtype=float)
    there = np.add.reduceat(known, starts, 0, dtype=float)
    count = there.sum(0)
    draw, blocks = np.random.default_rng(0), len(starts)
    times = draw.multinomial(blocks, np.full(blocks, 1 / blocks), _SAMPLES).astype(float)
    with np.errstate(invalid="ignore"):
        mean = sums.sum(0) / count
        drawn = (times @ sums) / (times @ there)
    low, high = np.full((2, parts), np.nan)
    several = count > 1
    if several.any():
        drawn = drawn[:, several]
        # Nothing is drawn of a part that few texts have; else the quicker function does.
        ends = np.nanpercentile if np.isnan(drawn).any() else np.percentile
        low[several], high[several] = ends(drawn, _PERCENTILES, axis=0)
    return mean, low, high, count
