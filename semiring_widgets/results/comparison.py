"""A comparison of attribution methods on one text: plain facts, frozen, without torch or captum.

Every method gives one number per token. How far two methods agree is said twice: by the rank
correlation of their absolute scores over all tokens, and by the share of tokens that are in the top k
of both.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from semiring_widgets.errors import InputError
from semiring_widgets.results.consistency import check_status, check_streams, table
from semiring_widgets.results.facts import fields_of
from semiring_widgets.results.parts import Score, Status, Stream
from semiring_widgets.results.result import ELSEWHERE, Result

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Comparison", "MethodResult"]

_VARIABLES: Final = {
    "scores": (("method", "token"), ""),
    "rank_correlation": (("method", "other"), ""),
    "top_k_overlap": (("method", "other"), ""),
}


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

    Example:
        >>> MethodResult("Saliency", "captum", "Saliency", seconds=0.01, signed=False).error is None
        True
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
class Comparison(Result):
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
        paths: in words, which paths alone the path methods count; empty where it is all of them.

    Example:
        >>> import semiring_widgets as sw
        >>> model, tokenizer = sw.load_demo()
        >>> c = sw.compare(
        ...     model, tokenizer, "The keys to the cabinet [MASK] on the table.", "are", "is",
        ...     methods=["Saliency", "path max"],
        ... )
        >>> c
        Comparison(logit(are) - logit(is) at [MASK] = 8.045, 12 tokens, 2 methods: Saliency, best path)
        >>> c.tokens[2].text
        'keys'
    """

    kind: ClassVar[str] = "comparison"

    text: str
    model: str
    score: Score
    streams: tuple[Stream, ...]
    methods: tuple[MethodResult, ...]
    dataset: xr.Dataset
    top_k: int
    status: Status = field(default_factory=Status)
    paths: str = ""

    def to_xarray(self) -> xr.Dataset:
        """The numbers with labelled axes (method names, token texts).

        Example:
            >>> table = c.to_xarray()
            >>> table.scores.dims
            ('method', 'token')
            >>> round(float(table.rank_correlation.loc["Saliency", "best path"]), 2)
            0.77
        """
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
            **({"paths": self.paths} if self.paths else {}),
        )

    def to_pandas(self) -> pd.DataFrame:
        """One row per token: its text and place, and one column per method.

        Example:
            >>> c.to_pandas().set_index("text").Saliency.idxmax()
            'on'
        """
        import pandas as pd

        rows = pd.DataFrame([asdict(token) for token in self.tokens]).set_index("index")
        scores = self.dataset["scores"].values
        for index, method in enumerate(self.methods):
            rows[method.name] = scores[index, : len(rows)]
        return rows

    @classmethod
    def _from_file(cls, header: dict[str, Any], arrays: dict[str, NDArray[np.float32]]) -> Comparison:
        result = cls(**fields_of(cls, header, "it", without=ELSEWHERE), dataset=table(arrays, _VARIABLES, {}))
        check_streams(result.streams)
        check_status(result.status)
        names, sizes = [method.name for method in result.methods], result.dataset.sizes
        if len(set(names)) < len(names):
            raise InputError("two methods have one name")
        if result.top_k < 1:
            raise InputError(f"top_k is {result.top_k}")
        expected = {"method": len(names), "other": len(names), "token": len(result.tokens)}
        if dict(sizes) != expected or set(result.dataset.data_vars) != set(_VARIABLES):
            raise InputError(f"its numbers have the axes {dict(sizes)}, its facts {expected}")
        return result

    def __repr__(self) -> str:
        paths = f", {self.paths}" if self.paths else ""
        return (
            f"Comparison({self.score.label} = {self.score.value:.4g}, {len(self.tokens)} tokens, "
            f"{len(self.methods)} methods: {', '.join(method.name for method in self.methods)}{paths})"
        )
