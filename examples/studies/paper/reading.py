"""Reading the rows of the cells: picking some, and saying them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from examples.studies.bootstrap import estimate
from examples.studies.study import Verdict

TEXTS = ("experiment", "setting", "level", "granularity", "statistic", "group", "branch")


def tidy(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows as they come from a file, with "" where a text does not apply and all columns there."""
    numbers = ("seed", "layer", "n", "mean", "low", "high", "spread")
    found = rows.reindex(columns=["cell", *TEXTS, *numbers])
    return found.assign(**{name: found[name].fillna("").astype(str) for name in TEXTS})


def pick(rows: pd.DataFrame, **where: Any) -> pd.DataFrame:
    """Rows whose columns have these values, or one of a list of them."""
    for column, value in where.items():
        rows = rows[rows[column].isin(value if isinstance(value, (list, tuple)) else [value])]
    return rows


def verdict(holds: bool | None) -> Verdict:
    """What is written for a claim that holds, does not, or could not be asked.

    >>> verdict(True), verdict(False), verdict(None)
    ('agrees', 'disagrees', 'cannot be tested here')
    """
    return "cannot be tested here" if holds is None else "agrees" if holds else "disagrees"


def number(value: float) -> str:
    """Three digits that say something, at any size.

    >>> number(0.0301), number(2.6e-6), number(141.25)
    ('0.0301', '2.6e-06', '141')
    """
    return f"{value:.3g}"


def with_interval(mean: float, low: float, high: float) -> str:
    """A figure and its 95 % interval.

    >>> with_interval(0.5, 0.4, 0.6)
    '0.5 [0.4, 0.6]'
    """
    return f"{number(mean)} [{number(low)}, {number(high)}]"


def said(row: Any) -> str:
    """The figure of one row."""
    return with_interval(row["mean"], row["low"], row["high"])


def over_seeds(rows: pd.DataFrame, digits: int | None = None) -> str:
    """The mean over seeds and the smallest and largest of them: three are too few for an interval."""
    values = rows["mean"].to_numpy()

    def told(value: float) -> str:
        return number(value) if digits is None else f"{round(value, digits) + 0.0:.{digits}f}"

    if len(values) == 1:
        return told(values[0])
    return f"{told(values.mean())} ({told(values.min())} to {told(values.max())})"


def seeds(rows: pd.DataFrame) -> str:
    """How many there are.

    >>> seeds(pd.DataFrame({"seed": [0, 0, 2]}))
    '2 seeds'
    """
    count = rows["seed"].nunique()
    return "1 seed" if count == 1 else f"{count} seeds"


def sign_of(values: np.ndarray) -> tuple[str, bool | None]:
    """A mean with its interval, and whether it is above 0 (True), below (False) or neither (None)."""
    found = estimate(values)
    sure = found.low > 0 or found.high < 0
    return f"{found.told()}, n = {found.n}", (found.mean > 0) if sure else None
