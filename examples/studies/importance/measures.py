"""How well numbers of parts agree with tested effects, and means over texts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from examples.studies.bootstrap import DRAWS
from examples.studies.ranks import pearson, spearman

Numbers = NDArray[np.float64]
FIXED = "one fixed ranking"


def agreement(found: Numbers, effects: Numbers) -> dict[str, float]:
    """One statistic of the parts of one text, against their effects.

    Args:
        found: by part.
        effects: by part; NaN where it was not tested.

    Returns:
        Spearman and Pearson of the sizes, Pearson with signs, whether the largest is the same, and which
        share of the three largest.
    """
    kept = ~(np.isnan(effects) | np.isnan(found))
    found, effects = found[kept], effects[kept]
    if len(found) < 3:
        return {}
    sizes, true = np.abs(found), np.abs(effects)
    first, best = _first(sizes, 3), _first(true, 3)
    varies = bool(np.ptp(sizes) > 0)
    return {
        "spearman": spearman(sizes, true) if varies else 0.0,
        "pearson": pearson(sizes, true) if varies else 0.0,
        "signed": pearson(found, effects) if varies else 0.0,
        "top 1": float(first[0] == best[0]) if varies else 1 / len(sizes),
        "top 3": len({*first} & {*best}) / 3,
    }


def _first(sizes: Numbers, k: int) -> list[int]:
    return [int(place) for place in np.argsort(-sizes, kind="stable")[:k]]


def fixed_ranking(effects: Sequence[Numbers]) -> list[Numbers]:
    """For every text the mean |effect| of each part in all other texts: what is known without the text."""
    sizes = np.abs(np.array(effects))
    return list((sizes.sum(0) - sizes) / max(len(sizes) - 1, 1))


def paired(rows: pd.DataFrame, measures: Iterable[str], control: str = FIXED) -> pd.DataFrame:
    """Rows that say how much each statistic is above the control, text by text.

    Args:
        rows: with the columns text, statistic, rule, against, truth, measure, value.
        measures: for which of them.
        control: the statistic that is compared with.
    """
    some = rows[rows.measure.isin(list(measures))]
    # Where a control was made of the same effects, that is the one to be compared with.
    base = some[some.statistic == control].groupby(["text", "truth", "measure"]).value.mean()
    joined = some.join(base.rename("base"), on=["text", "truth", "measure"])
    joined = joined[joined.base.notna() & (joined.statistic != control)]
    above = joined.assign(value=joined.value - joined.base, measure=joined.measure + " above control")
    return above.drop(columns="base")


def over_texts(rows: pd.DataFrame, **facts: Any) -> pd.DataFrame:
    """Means over texts with bootstrap intervals; the same resampled texts for everything.

    Args:
        rows: with the columns text, statistic, rule, against, truth, measure, value.
        facts: further columns, the same in every row.

    Returns:
        One row a statistic, rule, reference, truth and measure: value, low, high, n.
    """
    keys = ["statistic", "rule", "against", "truth", "measure"]
    table = rows.pivot_table(index="text", columns=keys, values="value", aggfunc="mean", sort=False)
    numbers = table.to_numpy(dtype=float)
    there = (~np.isnan(numbers)).astype(float)
    draws = np.random.default_rng(0).multinomial(len(numbers), [1 / len(numbers)] * len(numbers), DRAWS)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = draws @ np.nan_to_num(numbers) / (draws @ there)
    # Where nothing is missing the plain quantile is the same, and much quicker.
    quantile = np.nanquantile if np.isnan(means).any() else np.quantile
    low, high = quantile(means, [0.025, 0.975], axis=0)
    found = table.columns.to_frame(index=False)
    found = found.assign(value=np.nanmean(numbers, 0), low=low, high=high, n=there.sum(0).astype(int))
    return found.assign(**facts)
