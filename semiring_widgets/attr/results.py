"""A comparison of attribution methods on one text: plain facts, frozen, without torch or captum.

Every method gives one number per token. How far two methods agree is said twice: by the rank
correlation of their absolute scores over all tokens, and by the share of tokens that are in the top k
of both.
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import xarray as xr

from semiring_widgets.explanation import storage
from semiring_widgets.explanation.results import (
    Score,
    Status,
    Stream,
    Token,
    stream_from,
)

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Comparison", "MethodResult"]


@dataclass(frozen=True)
class MethodResult:
    """One method that was asked.

    Attributes:
        name: unique name, for example ``"Saliency"`` or ``"path max"``.
        family: ``"captum"`` or ``"semiring"``.
        label: what the screen shows.
        seconds: time it took.
        error: a sentence if it failed (its scores are NaN), else None.
        signed: whether its scores have a meaningful sign.
        granularity: for semiring methods, which graph was counted; else None.
        level: for maxima, ``"unit"`` or ``"branch"``; else None.
    """

    name: str
    family: str
    label: str
    seconds: float
    error: str | None = None
    signed: bool = True
    granularity: str | None = None
    level: str | None = None


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """Several attribution methods on one text and one score.

    Attributes:
        text: the text as given.
        model: name of the model's class.
        score: the scalar attributed.
        streams: the tokens; scores belong to the first stream.
        methods: the methods, in the order of the axis ``method``.
        dataset: ``scores(method, token)``, ``rank_correlation(method, other)`` (-1 to 1) and
            ``top_k_overlap(method, other)`` (share 0-1), float32; NaN where a method failed.
        top_k: the k of the overlap.
        status: how far it is.
    """

    text: str
    model: str
    score: Score
    streams: tuple[Stream, ...]
    methods: tuple[MethodResult, ...]
    dataset: xr.Dataset
    top_k: int
    status: Status = field(default_factory=Status)

    @property
    def tokens(self) -> tuple[Token, ...]:
        """The tokens that the scores belong to."""
        return self.streams[0].tokens

    def to_xarray(self) -> xr.Dataset:
        """The numbers with labelled axes (method names, token texts)."""
        names = [method.name for method in self.methods]
        size = self.dataset.sizes.get("token", len(self.tokens))
        texts = [token.text for token in self.tokens]
        return self.dataset.assign_coords(
            method=names,
            other=names,
            token=range(size),
            token_text=("token", texts + [""] * (size - len(texts))),
        ).assign_attrs(
            text=self.text,
            model=self.model,
            score=self.score.label,
            score_value=self.score.value,
            top_k=self.top_k,
        )

    def to_pandas(self) -> pd.DataFrame:
        """One row per token: its text and place, and one column per method."""
        import pandas as pd

        rows = pd.DataFrame([asdict(token) for token in self.tokens]).set_index("index")
        scores = self.dataset["scores"].values
        for index, method in enumerate(self.methods):
            rows[method.name] = scores[index, : len(rows)]
        return rows

    def to_html(self, path: str | os.PathLike[str]) -> Path:
        """Write one self-contained interactive page that needs no kernel and no network."""
        from semiring_widgets.export.html import write_page

        return write_page(self, path)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a netCDF file that `Comparison.load` reads back exactly."""
        header = {
            "text": self.text,
            "model": self.model,
            "score": asdict(self.score),
            "streams": [asdict(stream) for stream in self.streams],
            "methods": [asdict(method) for method in self.methods],
            "top_k": self.top_k,
            "status": asdict(self.status),
        }
        storage.write(path, "comparison", header, self.dataset)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Comparison:
        """Read a comparison that `save` wrote.

        Raises:
            InputError: no such file, or not a comparison of a version this installation reads.
        """
        header, dataset = storage.read(path, "comparison")
        return cls(
            text=header["text"],
            model=header["model"],
            score=Score(**header["score"]),
            streams=tuple(stream_from(stream) for stream in header["streams"]),
            methods=tuple(MethodResult(**method) for method in header["methods"]),
            dataset=dataset,
            top_k=header["top_k"],
            status=Status(**header["status"]),
        )

    def __repr__(self) -> str:
        return (
            f"Comparison({self.score.label} = {self.score.value:.4g}, {len(self.tokens)} tokens, "
            f"{len(self.methods)} methods: {', '.join(method.name for method in self.methods)})"
        )

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        from semiring_widgets.widgets.display import mimebundle

        return mimebundle(self, include=include, exclude=exclude)

    def _display_(self) -> Any:
        """What marimo shows: the widget."""
        from semiring_widgets.widgets.display import widget_of

        return widget_of(self)
