"""Reads the rows: claims and tables."""

from __future__ import annotations

import pandas as pd

from examples.studies.importance.claims import claims
from examples.studies.importance.found import cleaned
from examples.studies.importance.tables import tables
from examples.studies.study import Report


def report(rows: pd.DataFrame) -> Report:
    """What the rows say.

    Args:
        rows: of all cells.
    """
    found = cleaned(rows)
    return Report(claims(found), tables(found))
