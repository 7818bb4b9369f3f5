"""Claims and tables of the study."""

from __future__ import annotations

from pandas import DataFrame

from examples.studies.study import Report


def report(rows: DataFrame) -> Report:
    """What came out."""
    return Report()
