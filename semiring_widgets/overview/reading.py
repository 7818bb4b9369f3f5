"""The tables of a run made dense: file by file, so that no table is held whole.

A hundred thousand texts have tens of millions of parts; what a view shows are means over texts, for which one
number a text and part of the model is enough.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from semiring_widgets.checks import choice
from semiring_widgets.corpus import Corpus
from semiring_widgets.corpus.files import Folder
from semiring_widgets.errors import InputError
from semiring_widgets.overview.numbers import CorpusNumbers, PartOfModel
from semiring_widgets.vocabulary import BRANCHES

__all__ = ["numbers_of"]

_COLUMNS: Final = ("row", "kind", "layer", "head", "branch", "effect", "contribution", "mass_share")
# More groups than colours that can be told apart are put together.
_GROUPS: Final = 6
_OTHERS: Final = "others"
_NO_GROUP: Final = "no group"
_ALL: Final = "all texts"
# To read a large run takes seconds; it is read again once more of its chunks are finished.
_known: weakref.WeakKeyDictionary[Corpus, tuple[tuple[str | None, tuple[str, ...]], CorpusNumbers]]
_known = weakref.WeakKeyDictionary()


def numbers_of(corpus: Corpus, by: str | None = None) -> CorpusNumbers:
    """What a view shows of a corpus.

    Args:
        corpus: a run, finished or not.
        by: the column of the examples that groups the texts; None for ``"group"`` where rows have one, else
            ``"right"``, else none.

    Raises:
        InputError: no such column; no text was explained; a file is damaged.

    Example:
        >>> found = numbers_of(corpus)
        >>> found.groups, found.effects.shape, found.flow.shape
        (('right',), (4, 24), (4, 4, 6))
    """
    done = tuple(Folder(corpus.path).done())
    held = _known.get(corpus)
    if held is None or held[0] != (by, done):
        held = _known[corpus] = ((by, done), _read(corpus, by))
    return held[1]


def _read(corpus: Corpus, by: str | None) -> CorpusNumbers:
    texts = corpus.examples()
    if not len(texts):
        raise InputError(
            f"{str(corpus.path)!r} holds no explained text yet; its errors table says why a row was not."
        )
    texts = texts.sort_values("row", kind="stable", ignore_index=True)
    by, groups, group = _groups(texts, by)
    effects, contributions, flow = _Sums(len(texts)), _Sums(len(texts)), _Sums(len(texts))
    rows = texts["row"].to_numpy(np.int64)
    for part in _parts_of(corpus):
        place = np.searchsorted(rows, part["row"].to_numpy(np.int64))
        kind = part["kind"].to_numpy()
        whole = ((kind == "head") & part["branch"].isna().to_numpy()) | (kind == "mlp")
        at = part["layer"].to_numpy(np.int64), part["head"].fillna(-1).to_numpy(np.int64)
        for sums, name in ((effects, "effect"), (contributions, "contribution")):
            sums.add(place, *at, part[name].to_numpy(np.float64), whole)
        branch = pd.Categorical(part["branch"], BRANCHES).codes.astype(np.int64)
        flow.add(place, at[0], branch, part["mass_share"].to_numpy(np.float64), kind == "branch")
    used, of = (effects, "effect") if effects.known else (contributions, "contribution")
    parts, numbers = _with_layers(*used.dense())
    shares, own = flow.dense()
    layers = sorted({layer for layer, _ in shares})
    held = np.full((len(texts), len(layers), len(BRANCHES)), np.nan, np.float32)
    for column, (layer, branch_code) in enumerate(shares):
        held[:, layers.index(layer), branch_code] = own[:, column]
    return CorpusNumbers(
        path=corpus.path,
        manifest=corpus.manifest,
        texts=texts,
        errors=len(corpus.errors()),
        by=by,
        groups=groups,
        group=group,
        of=of if parts else "",
        parts=parts,
        effects=numbers,
        layers=tuple(layers),
        flow=held,
    )


class _Sums:
    """Sums over the tokens of each text, by two numbers that name a part: columns come as they are met."""

    def __init__(self, texts: int) -> None:
        self._texts = texts
        self._columns: dict[tuple[int, int], NDArray[np.float32]] = {}

    @property
    def known(self) -> bool:
        return bool(self._columns)

    def add(
        self,
        text: NDArray[np.int64],
        first: NDArray[np.int64],
        second: NDArray[np.int64],
        value: NDArray[np.float64],
        wanted: NDArray[np.bool_],
    ) -> None:
        """Add values to the places of their texts; what is not known is not there."""
        wanted = wanted & np.isfinite(value)
        if not wanted.any():
            return
        text, first, second, value = text[wanted], first[wanted], second[wanted], value[wanted]
        width = int(second.max()) + 2
        named, column = np.unique(first * width + second + 1, return_inverse=True)
        low = int(text.min())
        height = int(text.max()) - low + 1
        place = (text - low) * len(named) + column
        shape, size = (height, len(named)), height * len(named)
        sums = np.bincount(place, value, size).reshape(shape)
        there = np.bincount(place, minlength=size).reshape(shape) > 0
        for number, name in enumerate(named.tolist()):
            key = (name // width, name % width - 1)
            if key not in self._columns:
                self._columns[key] = np.full(self._texts, np.nan, np.float32)
            held = self._columns[key][low : low + height]
            here = there[:, number]
            # A text whose parts lie in two batches has a sum already.
            held[here] = np.where(np.isnan(held[here]), 0, held[here]) + sums[here, number]

    def dense(self) -> tuple[list[tuple[int, int]], NDArray[np.float32]]:
        """The names of the columns in order, and the columns, (texts, columns)."""
        names = sorted(self._columns)
        if not names:
            return [], np.empty((self._texts, 0), np.float32)
        return names, np.stack([self._columns.pop(name) for name in names], 1)


def _with_layers(
    names: Sequence[tuple[int, int]], numbers: NDArray[np.float32]
) -> tuple[tuple[PartOfModel, ...], NDArray[np.float32]]:
    """Heads, then the sums over the heads of each layer, then feed-forward parts."""
    heads = [place for place, (_, head) in enumerate(names) if head >= 0]
    mlps = [place for place, (_, head) in enumerate(names) if head < 0]
    of_heads = numbers[:, heads]
    layers = sorted({names[place][0] for place in heads})
    sums = np.empty((len(numbers), len(layers)), np.float32)
    for column, layer in enumerate(layers):
        own = of_heads[:, [n for n, place in enumerate(heads) if names[place][0] == layer]]
        sums[:, column] = np.where(np.isnan(own).all(1), np.nan, np.nansum(own, 1))
    parts = (
        *(PartOfModel("head", *names[place]) for place in heads),
        *(PartOfModel("layer", layer) for layer in layers),
        *(PartOfModel("mlp", names[place][0]) for place in mlps),
    )
    return parts, np.concatenate([of_heads, sums, numbers[:, mlps]], 1)


def _parts_of(corpus: Corpus) -> Iterator[pd.DataFrame]:
    """The parts that a view shows, of all finished chunks, some at a time."""
    from pyarrow import dataset

    kind, whole = dataset.field("kind"), dataset.field("branch").is_null()
    wanted = (kind == "branch") | (kind == "mlp") | ((kind == "head") & whole)
    return (part for part in Folder(corpus.path).batches("parts", _COLUMNS, wanted) if len(part))


def _groups(texts: pd.DataFrame, by: str | None) -> tuple[str, tuple[str, ...], NDArray[np.int32]]:
    """The column that groups texts, its words, and the word of each text."""
    if by is None:
        by = next((name for name in ("group", "right") if texts[name].notna().any()), "")
    if by == "":
        return "", (_ALL,), np.zeros(len(texts), np.int32)
    by = choice(by, "by", [str(name) for name in texts])
    named = texts[by]
    if by == "right":
        named = named.map({True: "right", False: "wrong"})
    words = named.astype(object).where(named.notna(), _NO_GROUP).map(str)
    names = [str(name) for name in words.value_counts().index]
    if len(names) > _GROUPS:
        kept = set(names[: _GROUPS - 1])
        words = words.where(words.isin(kept), _OTHERS)
        names = [*sorted(kept), _OTHERS]
    else:
        names.sort()
    return by, tuple(names), pd.Categorical(words, names).codes.astype(np.int32)
