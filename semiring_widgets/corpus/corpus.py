"""A finished corpus run, or one under way: its tables, and averages over them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd

from semiring_widgets.checks import shown, whole_number
from semiring_widgets.corpus.averaging import (
    differences_with_intervals,
    jaccard_of_first,
    means_with_intervals,
    resolved,
)
from semiring_widgets.corpus.by_text import numbers_by_text
from semiring_widgets.corpus.files import Folder
from semiring_widgets.errors import InputError
from semiring_widgets.results.atomic import destination_of
from semiring_widgets.results.exits import exits

__all__ = ["Corpus", "read_corpus"]


def read_corpus(path: str | os.PathLike[str]) -> Corpus:
    """What `explain_corpus` wrote.

    Args:
        path: its folder.

    Raises:
        InputError: there is no corpus run, or one of another version.

    Example:
        >>> import tempfile
        >>> out = tempfile.mkdtemp()
        >>> rows = [{"text": "The keys to the cabinet [MASK] on the table.", "target": "are"}]
        >>> _ = sw.explain_corpus(model, tokenizer, rows, out=out)
        >>> read_corpus(out).examples()["top_token_text"].tolist()
        ['keys']
    """
    folder = Folder(Path(destination_of(path, "read")))
    folder.manifest()
    return Corpus(folder)


class Corpus:
    """The tables of a corpus run.

    Args:
        folder: where they are.

    Example:
        >>> corpus.manifest["asked"]["model"], sorted(file.name for file in corpus.path.glob("[a-z]*"))
        ('BertForMaskedLM', ['errors', 'examples', 'manifest.json', 'parts'])
    """

    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    @property
    def path(self) -> Path:
        """The folder: ``manifest.json``, and Parquet files in ``examples``, ``parts`` and ``errors``."""
        return self._folder.path

    @property
    def manifest(self) -> dict[str, Any]:
        """What was asked, and of which model."""
        return self._folder.manifest()

    def examples(self) -> pd.DataFrame:
        """A row a text: score, reference, mass, entropy, best path, the word with the largest effect.

        Example:
            >>> corpus.examples()[["row", "target", "contrast", "right"]].head(2).values.tolist()
            [[0, 'was', 'were', True], [1, 'has', 'have', True]]
        """
        return self._folder.read("examples")

    def parts(self) -> pd.DataFrame:
        """A row a part of a text: effect, contribution, share of the mass, best path, cancellation.

        Example:
            >>> parts = corpus.parts()
            >>> sorted(parts["kind"].unique()), len(parts[(parts["kind"] == "mlp")])
            (['branch', 'class', 'head', 'mlp', 'token'], 16)
        """
        return self._folder.read("parts")

    def errors(self) -> pd.DataFrame:
        """A row for every row that could not be asked, with the reason.

        Example:
            >>> print(corpus.errors()["reason"][0][:29])
            The text has no [MASK] token,
        """
        return self._folder.read("errors")

    def averages(
        self,
        of: str = "effect",
        kind: str = "head",
        by: str | Sequence[str] = (),
        *,
        samples: int = 1000,
        seed: int = 0,
    ) -> pd.DataFrame:
        """A number of the parts of one kind, averaged over the texts, with bootstrap intervals.

        Of each text, the numbers of its tokens become one first, by class of token for ``"token"`` and by
        layer and branch for ``"branch"``: their sum, of ``best_share`` the largest, of ``cancellation`` the
        mean. A text that has no such part does not count for it.

        Args:
            of: the column of the parts that is averaged; of ``kind="example"``, that of the examples.
            kind: of the parts, ``"edge"`` where these were asked for; or ``"example"``.
            by: columns of the examples, such as ``"group"`` or ``"right"``: averages of each group.
            samples: how often texts are drawn again.
            seed: of the drawing.

        Returns:
            A row a part (and group), the largest |mean| first: ``mean``, ``low`` and ``high`` (95 % of the
            means of texts drawn again; NaN where fewer than two texts, or blocks of them, have it), ``n``
            (texts that have it), and ``resolved``: whether the intervals of |mean| of all rows below it (of
            its group) lie under its own, so that the order can be told.

        Raises:
            InputError: no such column, or no rows.

        Example:
            >>> corpus.averages("effect", "mlp")[["layer", "n"]].head(1).values.tolist()
            [[0, 4]]
        """
        samples = whole_number(samples, "samples")
        by = [by] if isinstance(by, str) else list(by)
        whole = numbers_by_text(self._folder, of, kind)
        twice = [name for name in by if by.count(name) > 1 or name in whole.parts]
        if twice:
            raise InputError(
                f"by names {twice[0]!r} twice, or parts of kind {kind!r} have a column of that name."
            )
        groups = self._named(whole.rows, by).groupby(by, dropna=False) if by else ()
        found = []
        for group, own in [(key, whole.only(texts.index)) for key, texts in groups] or [((), whole)]:
            mean, low, high = means_with_intervals(own.numbers, samples, seed)
            there = np.isfinite(own.numbers).sum(0)
            told = own.parts.assign(mean=mean, low=low, high=high, n=there)
            told = told.iloc[np.argsort(-np.abs(mean), kind="stable")]
            told["resolved"] = resolved(told["low"].to_numpy(), told["high"].to_numpy())
            for name, value in zip(by, group, strict=True):
                told[name] = cast("Any", value)
            found.append(told)
        place = list(whole.parts)
        return pd.concat(found, ignore_index=True)[[*by, *place, "mean", "low", "high", "n", "resolved"]]

    def differences(
        self,
        by: str,
        of: str = "effect",
        kind: str = "head",
        *,
        between: tuple[Any, Any] | None = None,
        samples: int = 1000,
        seed: int = 0,
    ) -> pd.DataFrame:
        """Where two groups of texts differ: the means of one minus those of the other, with intervals.

        Args:
            by: column of the examples that makes the groups, such as ``"right"`` or ``"group"``.
            of: as in `averages`.
            kind: as in `averages`.
            between: two values of that column, the second is subtracted; None where there are but two: the
                larger minus the smaller.
            samples: how often the texts of each group are drawn again.
            seed: of the drawing.

        Returns:
            A row a part, the largest |difference| first: ``difference``, ``low`` and ``high`` (95 %
            percentile bootstrap, NaN where fewer than two texts of a group have it), ``n_one`` and
            ``n_other`` (texts that have it), ``resolved``: whether the interval leaves out 0. ``attrs`` has
            the two values as ``"between"``.

        Raises:
            InputError: no such column, number or group, or not two groups.

        Example:
            >>> found = corpus.differences("target", "entropy", "example", between=("was", "has"))
            >>> found[["n_one", "n_other"]].values.tolist()
            [[2, 1]]
        """
        samples = whole_number(samples, "samples")
        whole = numbers_by_text(self._folder, of, kind)
        group = self._named(whole.rows, [by])[by]
        values = sorted(group.dropna().unique().tolist(), reverse=True)
        if between is None and len(values) != 2:
            raise InputError(
                f"{by!r} has {len(values)} values ({', '.join(map(shown, values[:5]))}); say by between= "
                f"which two are compared."
            )
        between = (values[0], values[1]) if between is None else between
        for value in between:
            if value not in values:
                raise InputError(f"No text has {by} = {shown(value)}; there are {shown(values)}.")
        one, other = (whole.numbers[(group == value).fillna(False).to_numpy(bool)] for value in between)
        mean, low, high = differences_with_intervals(one, other, samples, seed)
        told = whole.parts.assign(difference=mean, low=low, high=high)
        told = told.assign(n_one=np.isfinite(one).sum(0), n_other=np.isfinite(other).sum(0))
        told["resolved"] = told["low"] * told["high"] > 0
        told = told.iloc[np.argsort(-np.abs(mean), kind="stable")].reset_index(drop=True)
        told.attrs["between"] = tuple(between)
        return told

    def stability(
        self, of: str = "effect", kind: str = "head", k: int = 5, *, samples: int = 1000, seed: int = 0
    ) -> float:
        """How much of the first k parts stays the same when texts are drawn again: mean Jaccard index, 0-1.

        Args:
            of: the column of the parts that ranks them, by |mean|.
            kind: of the parts.
            k: how many.
            samples: how often texts are drawn again.
            seed: of the drawing.

        Raises:
            InputError: no such column, no rows, fewer than k parts or than two texts.

        Example:
            >>> corpus.stability("effect", "head", k=16)  # all of them
            1.0
        """
        k, samples = whole_number(k, "k"), whole_number(samples, "samples")
        numbers = numbers_by_text(self._folder, of, kind).numbers
        texts, parts = numbers.shape
        if k > parts:
            raise InputError(f"k is {k}, and there are {parts} parts of kind {kind!r}; give at most that.")
        if texts < 2:
            raise InputError(
                "One text says nothing about what stays when others are drawn; explain more of them."
            )
        return jaccard_of_first(numbers, k, samples, seed)

    def view(self, model: Any = None, tokenizer: Any = None, *, by: str | None = None) -> Any:
        """The corpus as a widget: distributions, heads and layers, flow, and all texts, linked.

        Args:
            model: the model of the run; with it, a text that is clicked is explained below the charts.
            tokenizer: its tokenizer.
            by: the column of the examples that groups the texts; None for ``"group"`` where rows have one,
                else ``"right"``, else none.

        Raises:
            InputError: no such column, or no text was explained.
            MissingBundleError: the JavaScript was not built.

        Example:
            >>> corpus.view(model, tokenizer, by="right").summary["texts"]
            4
        """
        return exits().corpus_widget(self, model, tokenizer, by)

    def to_html(self, path: str | os.PathLike[str], *, by: str | None = None) -> Path:
        """Write one self-contained page of all that `view` shows; what is chosen there needs no kernel.

        Args:
            path: destination; an existing file is replaced.
            by: as in `view`.

        Returns:
            The path written.

        Raises:
            InputError: no such column, the page cannot be written there, or no text was explained.

        Example:
            >>> corpus.to_html("corpus.html").name
            'corpus.html'
        """
        return exits().corpus_page(self, path, by)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        return exits().mimebundle(self, include=include, exclude=exclude)

    def _display_(self) -> Any:
        """What marimo shows: the widget."""
        return exits().widget_of(self)

    def _named(self, rows: Any, by: Sequence[str]) -> pd.DataFrame:
        """Columns of the examples, of some texts, by their row in the corpus."""
        examples = self.examples()
        if unknown := [name for name in by if name not in examples]:
            raise InputError(f"by names {unknown[0]!r}; choose from {', '.join(map(str, examples))}.")
        return examples.set_index("row", drop=False)[[*by]].reindex(rows).rename_axis(None)
