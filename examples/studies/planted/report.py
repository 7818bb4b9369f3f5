"""Reads the rows of the study: medians over models, intervals, and what was chosen on other models."""

from __future__ import annotations

import random

import pandas as pd

from examples.studies.planted.medians import interval_of_median
from examples.studies.study import Report, Table

__all__ = ["choosing", "report"]

OURS = "sw.edges"
_WAY = ["method", "rule", "statistic"]


def choosing(names: list[str]) -> set[str]:
    """The seeded third of the programs on which a rule and a statistic are chosen; it is not reported on.

    Args:
        names: of all programs.
    """
    chance = random.Random(0)  # noqa: S311 (no secret)
    return set(chance.sample(sorted(names), len(names) // 3))


def report(rows: pd.DataFrame) -> Report:
    """Claims and tables.

    Args:
        rows: of all cells, as `measure_program` and `measure_trained` give them.
    """
    edges = rows[rows["auroc"].notna()]
    programs = edges[edges["models"] != "trained"]
    apart = choosing(programs["model"].unique().tolist())
    tables = []
    for models, title in TITLES.items():
        own = edges[(edges["models"] == models) & ~(edges["model"].isin(apart) & (models != "trained"))]
        if len(own):
            tables.append(Table(title, medians(own), NOTES[models]))
    return Report(claims=[], tables=tables)


TITLES = {
    "compiled": "Edges of compiled programs",
    "turned": "Edges of compiled programs, the stream turned",
    "trained": "Edges of trained models with LayerNorm",
}
NOTES = {"compiled": "", "turned": "", "trained": ""}


def medians(rows: pd.DataFrame) -> pd.DataFrame:
    """Over models: median, interval, quartiles, share at 1, median seconds; the best first."""
    found = []
    for way, own in rows.groupby(_WAY, dropna=False):
        values = own["auroc"]
        low, high = interval_of_median(values.tolist())
        found.append(
            {
                **dict(zip(_WAY, way, strict=True)),
                "median AUROC": values.median(),
                "interval": f"[{low:.2f}, {high:.2f}]",
                "lower quartile": values.quantile(0.25),
                "upper quartile": values.quantile(0.75),
                "mean": values.mean(),
                "all found first": (values == 1).mean(),
                "edges found": own["found"].mean(),
                "seconds": own["seconds"].median(),
                "n": len(own),
            }
        )
    table = pd.DataFrame(found)
    return table.sort_values(["median AUROC", "mean"], ascending=False, ignore_index=True)
