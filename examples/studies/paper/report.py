"""The report of the study: all claims, then all tables."""

from __future__ import annotations

import pandas as pd

from examples.studies import Report
from examples.studies.paper import agreement_claims, entropy_claims, size_claims, top_path_claims
from examples.studies.paper.reading import tidy


def report(rows: pd.DataFrame) -> Report:
    """What the rows of all cells say; of cells that were not run nothing is said."""
    own = tidy(rows)
    parts = [part.report(own) for part in (top_path_claims, agreement_claims, entropy_claims, size_claims)]
    return Report(
        [claim for part in parts for claim in part.claims], [table for part in parts for table in part.tables]
    )
