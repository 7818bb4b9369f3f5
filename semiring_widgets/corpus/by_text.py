"""One number of every text and part of a kind: what means and intervals are taken over.

The tables of a large run are far larger than memory, and what is averaged of them is not: they are read some
chunks at a time, and the numbers of a text's tokens become one at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from semiring_widgets.checks import choice, shown
from semiring_widgets.corpus.files import Folder, arrow, typed
from semiring_widgets.corpus.table_columns import EXAMPLES, PARTS
from semiring_widgets.errors import InputError

__all__ = ["ByText", "numbers_by_text"]

# What is averaged of the texts themselves is called as a kind of part.
_WHOLE: Final = "example"
_PLACE: Final = ("layer", "head", "branch", "source", "target", "source_class", "target_class")
_NUMBERS: Final = tuple(name for name, (kind, _) in PARTS.items() if kind == "float64")
_OF_EXAMPLES: Final = tuple(name for name, (kind, _) in EXAMPLES.items() if kind == "float64")
# How the numbers of one text's tokens become one; all others are added.
_JOINED: Final = {"best_share": "max", "cancellation": "mean"}


@dataclass(frozen=True, eq=False)
class ByText:
    """A number of every text and part.

    Attributes:
        rows: of the texts, places in the corpus, (texts,).
        parts: a row a part, and the columns that say which it is.
        numbers: (texts, parts), NaN where a text has no such part.
    """

    rows: NDArray[np.int64]
    parts: pd.DataFrame
    numbers: NDArray[np.float64]

    def only(self, rows: Any) -> ByText:
        """Of some texts, and the parts that these have.

        Args:
            rows: places in the corpus.
        """
        own = np.isin(self.rows, np.asarray(rows, np.int64))
        numbers = self.numbers[own]
        there = np.flatnonzero(~np.isnan(numbers).all(0))
        return ByText(self.rows[own], self.parts.iloc[there].reset_index(drop=True), numbers[:, there])


def numbers_by_text(folder: Folder, of: str, kind: str) -> ByText:
    """One number of all parts of a kind.

    Args:
        folder: of the run.
        of: a column of the parts; of ``kind="example"``, of the examples.
        kind: of the parts, or ``"example"``.

    Raises:
        InputError: no such column, or nothing of that kind has it.
    """
    if kind == _WHOLE:
        of = choice(of, "of", _OF_EXAMPLES)
        texts = folder.read("examples")
        texts = texts[texts[of].notna()].sort_values("row", kind="stable")
        numbers = texts[of].to_numpy(np.float64)[:, None]
        found = ByText(texts["row"].to_numpy(np.int64), pd.DataFrame({"kind": [kind]}), numbers)
    else:
        of = choice(of, "of", _NUMBERS)
        if not isinstance(kind, str):
            raise InputError(f"kind is {shown(kind)}; give a kind of parts, such as 'head', or {_WHOLE!r}.")
        found = _of_parts(folder, of, kind, ("token_class",) if kind == "token" else _PLACE)
    if not len(found.rows):
        known = ", ".join(f"{one} ({name})" for one, name in _known(folder))
        raise InputError(f"No part of kind {kind!r} has a number {of!r}; there are {known or 'none'}.")
    return found


def _of_parts(folder: Folder, of: str, kind: str, place: Sequence[str]) -> ByText:
    arrow()
    from pyarrow import dataset

    wanted = (dataset.field("kind") == kind) & ~dataset.field(of).is_null(nan_is_null=True)
    columns: dict[tuple[Any, ...], int] = {}
    blocks = []
    for table in folder.batches("parts", ["row", *place, of], wanted):
        if not len(table):
            continue
        first, part = _parts_among(table, place)
        told = table.iloc[first][[*place]].astype(object)
        names = told.where(told.notna(), None).itertuples(index=False, name=None)
        at = [columns.setdefault(name, len(columns)) for name in names]
        text, rows = pd.factorize(table["row"].to_numpy(np.int64), sort=True)
        cells = table[of].groupby(text * len(at) + part).agg(_JOINED.get(of, "sum"))
        numbers = np.full(len(rows) * len(at), np.nan)
        numbers[cells.index.to_numpy()] = cells.to_numpy()
        blocks.append((rows, at, numbers.reshape(len(rows), len(at))))
    told = typed("parts", pd.DataFrame(list(columns), columns=[*place]))[[*place]]
    # Of an edge to a feed-forward part, head and branch are missing, and it is a part all the same.
    order = told.groupby([*place], dropna=False, sort=True).ngroup().to_numpy()
    whole = np.full((sum(len(rows) for rows, *_ in blocks), len(columns)), np.nan)
    every, start = [rows for rows, *_ in blocks], 0
    for rows, at, numbers in _taken(blocks):
        whole[start : start + len(rows), order[at]] = numbers
        start += len(rows)
    told = told.iloc[np.argsort(order)].reset_index(drop=True)
    told = told[[name for name in place if name == "token_class" or told[name].notna().any()]]
    told.insert(0, "kind", kind)
    return ByText(np.concatenate(every) if every else np.empty(0, np.int64), told, whole)


def _taken(blocks: list[Any]) -> Any:
    """One after the other, each let go of when the next is asked for."""
    blocks.reverse()
    while blocks:
        yield blocks.pop()


def _parts_among(table: pd.DataFrame, place: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where each part is met first, (parts,), and which part each row is of, (rows,)."""
    key = np.zeros(len(table), np.int64)
    for name in place:
        column = table[name]
        coded = column.cat.codes if isinstance(column.dtype, pd.CategoricalDtype) else column.fillna(-1)
        code = coded.to_numpy(np.int64) + 1
        if code.any():
            # Numbered again each time, so that no key is ever too large.
            key = pd.factorize(key * (int(code.max()) + 1) + code)[0].astype(np.int64)
    first = np.full(int(key.max()) + 1, len(key))
    np.minimum.at(first, key, np.arange(len(key)))
    return first, key


def _known(folder: Folder) -> list[tuple[str, str]]:
    """Kinds of parts, each with the numbers that some of them have."""
    found = set()
    for table in folder.batches("parts", ["kind", *_NUMBERS]):
        there = table[[*_NUMBERS]].notna().groupby(table["kind"].astype(object)).any()
        found |= {(str(kind), str(name)) for name in there for kind in there.index[there[name]]}
    return sorted(found, key=lambda each: (each[0], _NUMBERS.index(each[1])))
