"""The cells: one model, one kind of part."""

from __future__ import annotations

from functools import partial

import pandas as pd

from examples.studies.importance.measures import over_texts, paired
from examples.studies.importance.parts import part_rows
from examples.studies.importance.routes import route_rows
from examples.studies.importance.texts import asked_texts
from examples.studies.importance.words import word_rows
from examples.studies.study import Cell

# Texts by model in the full and in the short form, and the seconds that one takes about.
PARTS = {"bert": (60, 6, 2.5), "gpt2": (24, 3, 2.5), "llama": (24, 3, 2.5), "minilm": (10, 0, 8.0)}
WORDS = {"bert": (40, 6, 1.5), "gpt2": (24, 0, 1.5), "llama": (12, 0, 1.5), "minilm": (10, 0, 4.0)}
ROUTES = {"bert": (4, 0, 10.0), "gpt2": (2, 0, 10.0)}
REDRAWN = {"bert": (8, 0, 4.0)}


def cells(short: bool) -> list[Cell]:
    """All cells; in the short form the causal models and BERT, with fewer texts."""
    every = [
        ("parts", parts_of, PARTS),
        ("words", words_of, WORDS),
        ("routes", routes_of, ROUTES),
        ("parts-redrawn", redrawn_parts_of, REDRAWN),
        ("words-redrawn", redrawn_words_of, REDRAWN),
    ]
    return [
        Cell(f"{name}-{kind}", partial(run, name, counts[short]), counts[short] * seconds)
        for kind, run, table in every
        for name, (*counts, seconds) in table.items()
        if counts[short]
    ]


def parts_of(name: str, n: int) -> pd.DataFrame:
    """Heads and MLPs of a model, over n texts."""
    return _told(part_rows(asked_texts(name, n)), model=name)


def words_of(name: str, n: int) -> pd.DataFrame:
    """Words, over n texts of a model."""
    return _told(word_rows(asked_texts(name, n), name), model=name)


def routes_of(name: str, n: int) -> pd.DataFrame:
    """Routes, over n texts of a model."""
    return _told(route_rows(asked_texts(name, n)), model=name)


def redrawn_parts_of(name: str, n: int) -> pd.DataFrame:
    """Heads and MLPs: statistics of parameters drawn anew against effects in the trained model."""
    return _told(
        part_rows(asked_texts(name, n, randomised=0), asked_texts(name, n)), model=f"{name}, redrawn"
    )


def redrawn_words_of(name: str, n: int) -> pd.DataFrame:
    """The same for words."""
    rows = word_rows(asked_texts(name, n, randomised=0), name, asked_texts(name, n))
    return _told(rows, model=f"{name}, redrawn")


def _told(rows: pd.DataFrame, model: str) -> pd.DataFrame:
    """Means over texts, and how far they are above the control.

    What one reference says of the effects under another is kept as a rank correlation only.
    """
    found = []
    for kind, own in rows.groupby("kind"):
        control = "random order" if kind in ("words", "routes") else "one fixed ranking"
        measured = ["captured"] if kind == "routes" else ["spearman", "comprehensiveness", "sufficiency"]
        own = pd.concat([own, paired(own, measured, control)])
        alike = (own.against == "") | (own.against == own.truth) | (own.measure == "spearman")
        found.append(over_texts(own[alike], kind=kind, model=model))
    return pd.concat(found).round(4)
