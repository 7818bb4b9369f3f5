"""Single figures out of the rows of the study."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pandas as pd

from examples.studies.bootstrap import Estimate

_FACTS = ["kind", "model", "statistic", "rule", "against", "truth", "measure"]


def cleaned(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows as they come back from a file: what is empty there is empty text here."""
    return rows.fillna({"rule": "", "against": ""})


def matching(rows: pd.DataFrame) -> pd.DataFrame:
    """Each statistic against the effect under its own reference; one that has none, against all."""
    return rows[(rows.against == "") | (rows.against == rows.truth)]


def figure(rows: pd.DataFrame, **facts: str) -> Estimate:
    """The one row that has these facts; an empty estimate where there is none.

    Args:
        rows: cleaned.
        facts: some of kind, model, statistic, rule, against, truth and measure.

    Raises:
        ValueError: there are several.
    """
    for name, value in facts.items():
        rows = rows[rows[name] == value]
    if len(rows) > 1:
        raise ValueError(f"{len(rows)} rows have {facts}; they differ in {_differing(rows)}.")
    if rows.empty:
        return Estimate(float("nan"), float("nan"), float("nan"), 0)
    row = rows.iloc[0]
    return Estimate(float(row.value), float(row.low), float(row.high), int(row.n))


def _differing(rows: pd.DataFrame) -> str:
    return ", ".join(name for name in _FACTS if rows[name].nunique() > 1)


def told(estimates: Sequence[Estimate], names: Iterable[str], digits: int = 2) -> str:
    """Several figures by name, with the fewest observations behind one of them.

    >>> told([Estimate(0.5, 0.4, 0.6, 60), Estimate(0.1, 0.0, 0.2, 24)], ["zero", "mean"])
    'zero 0.50 [0.40, 0.60], mean 0.10 [0.00, 0.20]; n = 24'
    """
    counts = [each.n for each in estimates if each.n]
    if not counts:
        return "–"
    figures = [f"{name} {each.told(digits)}" for name, each in zip(names, estimates, strict=True)]
    return f"{', '.join(figures)}; n = {min(counts)}"
