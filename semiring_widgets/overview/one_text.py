"""One text of a corpus: its own numbers, and how to ask about it again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from semiring_widgets.errors import InputError
from semiring_widgets.overview.numbers import CorpusNumbers

__all__ = ["OneText", "Word", "ones_of", "question_of"]

_MARKS: Final = ("“", "”")


@dataclass(frozen=True)
class Word:
    """A token of a text.

    Attributes:
        of: special, asked or word, see `corpus.table_columns`.
        effect: or contribution, whichever the corpus has.
    """

    text: str
    of: str
    effect: float


@dataclass(frozen=True, eq=False)
class OneText:
    """What a run says of one text.

    Attributes:
        row: its place in the corpus.
        call: how it is explained in Python.
        words: its tokens, in order.
        effects: of every part, (parts,).
        flow: by layer and branch, (layers, branches).
    """

    row: int
    label: str
    text: str
    reference: str
    best_path: str
    call: str
    words: tuple[Word, ...]
    effects: NDArray[np.float32]
    flow: NDArray[np.float32]


def ones_of(numbers: CorpusNumbers, rows: Sequence[int]) -> list[OneText]:
    """All there is of some texts.

    Args:
        numbers: of the corpus.
        rows: places in the corpus.

    Raises:
        InputError: no such row was explained.
    """
    if missing := [row for row in rows if row not in numbers.places]:
        raise InputError(f"Row {missing[0]} was not explained; the errors table may say why.")
    tokens = _tokens(numbers, rows)
    told = []
    for row in rows:
        place = numbers.places[row]
        one = numbers.texts.iloc[place]
        words = tuple(
            Word(str(text), str(of), float(effect))
            for text, of, effect in tokens.loc[tokens["row"] == row, ["text", "of", "effect"]].itertuples(
                index=False
            )
        )
        facts = (str(one[name] or "") for name in ("label", "text", "reference", "best_path"))
        own = numbers.effects[place], numbers.flow[place]
        told.append(OneText(int(row), *facts, _call(numbers, row), words, *own))
    return told


def question_of(numbers: CorpusNumbers, row: int) -> tuple[str, dict[str, Any]]:
    """The text of a row, and what else `semiring_widgets.explain` is to be given, as it was in the run.

    Args:
        numbers: of the corpus.
        row: its place in the corpus.

    Raises:
        InputError: no such row was explained; its reference was a text too long to be kept whole.

    Example:
        >>> from semiring_widgets.overview.reading import numbers_of
        >>> text, more = question_of(numbers_of(corpus), 0)
        >>> more["target"], more["contrast"], more["granularity"], more["reference"]
        ('was', 'were', 'primitive', 'mask')
    """
    if row not in numbers.places:
        raise InputError(f"Row {row} was not explained; the errors table may say why.")
    one = numbers.texts.iloc[numbers.places[row]]
    given = {
        name: one[name].item() if hasattr(one[name], "item") else one[name]
        for name in ("target", "contrast", "position")
        if not pd.isna(one[name])
    }
    asked = numbers.manifest["asked"]
    given |= {"granularity": asked["granularity"], "rules": asked["rules"]}
    return str(one["text"]), given | {"reference": _reference(str(one["reference"]), row)}


def _reference(label: str, row: int) -> str:
    """What is said of a reference, as `explain` takes it."""
    if label.startswith(_MARKS[0]):
        text = label[1 : label.index(_MARKS[1])]
        if text.endswith("…"):
            raise InputError(
                f"Row {row} was compared with a long text, of which the tables hold the beginning; explain "
                f"it with reference= that text."
            )
        return text
    return "mean" if label.startswith("the mean") else "zero" if label.startswith("zero") else "mask"


def _call(numbers: CorpusNumbers, row: int) -> str:
    try:
        text, more = question_of(numbers, row)
    except InputError as error:
        return f"# {error}"
    told = [repr(text), *(f"{name}={value!r}" for name, value in more.items())]
    return f"sw.explain(model, tokenizer, {', '.join(told)})"


def _tokens(numbers: CorpusNumbers, rows: Sequence[int]) -> pd.DataFrame:
    """The tokens of some texts, from the files of these rows."""
    from pyarrow import dataset

    size = numbers.manifest["asked"]["chunk_size"]
    names = sorted({f"part-{row // size:05d}.parquet" for row in rows})
    files = [str(file) for name in names if (file := numbers.path / "parts" / name).exists()]
    column = numbers.of or "effect"
    wanted = (dataset.field("kind") == "token") & dataset.field("row").isin(list(rows))
    if not files:
        return pd.DataFrame(columns=["row", "text", "of", "effect"])
    held = dataset.dataset(files).to_table(
        columns=["row", "stream", "token", "token_text", "token_class", column], filter=wanted
    )
    found = held.to_pandas().sort_values(["row", "stream", "token"], kind="stable")
    return found.rename(columns={"token_text": "text", "token_class": "of", column: "effect"})
