"""The study: which cells there are."""

from __future__ import annotations

from functools import partial
from typing import Any

from examples.studies import Cell, Report, Study
from examples.studies.paper import difficulty

TASKS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("Contains1FirstToken", {}),
    ("Contains1", {}),
    ("BinCountOnes", {"classes": 2}),
    ("BinCountOnes", {"classes": 4}),
    ("ContainsTokenSet", {"size": 2}),
    ("ContainsTokenSet", {"size": 3}),
    ("BinCountOnes", {"classes": 9}),
)


def cells(short: bool) -> list[Cell]:
    """All of them, or those of the short form."""
    return [
        Cell(
            f"difficulty-{task}{''.join(map(str, kw.values()))}-{seed}",
            partial(difficulty.measure, task, kw, seed),
            60,
        )
        for seed in range(3)
        for task, kw in TASKS
    ]


STUDY = Study("paper", "", "", cells, lambda rows: Report())
