"""A comparison of attribution methods on one text: plain facts, frozen, without torch or captum.

Every method gives one number per token. Their yardstick is the *tested effect* of a token: score before minus
score after the token was given the reference. Against it stand, per method,

- *rank correlation* with the tested effects (Spearman's ρ),
- *comprehensiveness* and *sufficiency* (DeYoung et al. 2020, "ERASER", arXiv 1911.03429, section 4): drop of
  the score when the first 20 % of the words are given the reference (more is better), and when all others
  are (less is better); as curves for 0, 10, ... 100 % of the words,
- *infidelity* and *sensitivity* (Yeh et al. 2019, arXiv 1901.09392), by Captum's functions.

Only words count: special tokens (``[CLS]``, ``[MASK]``, ``</s>``) have effects and scores, but are never
among those that are replaced or ranked, unless the text has nothing else. How each is measured is written in
`semiring_widgets.attr.yardsticks`.

How far two methods agree is said twice: by the rank correlation of their absolute scores over all tokens, and
by the share of tokens that are in the top k of both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from semiring_widgets.checks import choice
from semiring_widgets.errors import InputError
from semiring_widgets.results.answer_checks import check_reference
from semiring_widgets.results.consistency import check_status, check_streams, table
from semiring_widgets.results.facts import fields_of
from semiring_widgets.results.frames import frame_of
from semiring_widgets.results.parts import Reference, Score, Status, Stream, Token
from semiring_widgets.results.result import ELSEWHERE, Result
from semiring_widgets.vocabulary import METRICS

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["TENTHS", "Comparison", "MethodResult", "counted"]

_VARIABLES: Final = {
    "scores": (("method", "token"), ""),
    "rank_correlation": (("method", "other"), ""),
    "top_k_overlap": (("method", "other"), ""),
}
# Files of versions without a yardstick have none of these.
_MEASURED: Final = {
    "token_effect": (("token",), ""),
    "comprehensiveness": (("method", "fraction"), ""),
    "sufficiency": (("method", "fraction"), ""),
}
# A curve is known at each tenth of the words, from none to all.
TENTHS: Final = 10


def counted(tokens: Sequence[Token]) -> tuple[int, ...]:
    """Indices of the tokens that are ranked and replaced: the words, or all where there is no word.

    Args:
        tokens: those of the first stream.
    """
    words = tuple(token.index for token in tokens if not token.special)
    return words or tuple(token.index for token in tokens)


@dataclass(frozen=True)
class MethodResult:
    """One method that was asked.

    Attributes:
        name: unique name, for example ``"Saliency"`` or ``"path max"``.
        family: ``"captum"``, ``"semiring"``, or ``"tested"`` for the tested effects themselves.
        label: what the screen shows.
        seconds: time it took.
        error: a sentence if it failed (its scores are NaN), else None.
        signed: whether its scores have a meaningful sign.
        granularity: for semiring methods, which graph was counted; else None.
        level: for maxima, ``"unit"`` or ``"branch"``; else None.
        ranked_by_size: whether tokens are ranked by absolute score, as the score has no sign, or one that
            speaks of a slope and not of a word.
        effect_correlation: Spearman's ρ of the scores with the tested effects, of absolute values where
            `ranked_by_size`; -1 to 1. None, like all that follow, where it was not asked for or has no value.
        comprehensiveness: drop of the score when the first 20 % of the words are given the reference.
        sufficiency: drop of the score when all other words are.
        infidelity: mean squared error, in the unit of the score squared, of the change that the scores
            predict for random sets of words, after the best common factor.
        sensitivity: the largest relative change of the scores when the input is moved a little.

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
    ranked_by_size: bool = False
    effect_correlation: float | None = None
    comprehensiveness: float | None = None
    sufficiency: float | None = None
    infidelity: float | None = None
    sensitivity: float | None = None


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
            ``top_k_overlap(method, other)`` (share 0-1), ``token_effect(token)``, and the curves
            ``comprehensiveness(method, fraction)`` and ``sufficiency(method, fraction)``, all three in the
            unit of the score; float32, NaN where a method failed or nothing was measured. The last three
            are missing in files of older versions.
        top_k: the k of the overlap.
        status: how far it is.
        paths: in words, which paths alone the path methods count; empty where it is all of them.
        reference: what is put in the place of words; None in files of older versions.

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
    reference: Reference | None = None

    @property
    def rows(self) -> tuple[tuple[str, NDArray[np.float32]], ...]:
        """Label and score of each token, by row as they are shown: tested effects, then the methods.

        Tested effects are a row of their own where they were measured and nobody asked for them as a method.
        """
        count = len(self.tokens)
        scores = self.dataset["scores"].values[:, :count]
        found = [
            (method.label + (" (failed)" if method.error is not None else ""), row)
            for method, row in zip(self.methods, scores, strict=True)
        ]
        tested = any(method.family == "tested" for method in self.methods)
        if "token_effect" in self.dataset and not tested:
            found.insert(0, ("tested effect", self.dataset["token_effect"].values[:count]))
        return tuple(found)

    def to_xarray(self) -> xr.Dataset:
        """The numbers with labelled axes (method names, token texts, shares of the words).

        Example:
            >>> table = c.to_xarray()
            >>> table.scores.dims
            ('method', 'token')
            >>> round(float(table.rank_correlation.loc["Saliency", "best path"]), 2)
            0.77
            >>> [round(float(drop), 1) for drop in table.comprehensiveness.loc["Saliency"][:4]]
            [0.0, 0.0, 8.8, 7.7]
        """
        names = [method.name for method in self.methods]
        size = self.dataset.sizes.get("token", len(self.tokens))
        texts = [token.text for token in self.tokens]
        named: dict[str, Any] = {}
        if "fraction" in self.dataset.dims:
            named["fraction"] = np.arange(TENTHS + 1) / TENTHS
        return self.dataset.assign_coords(
            method=names,
            other=names,
            token=range(size),
            token_text=("token", texts + [""] * (size - len(texts))),
            **named,
        ).assign_attrs(
            text=self.text,
            model=self.model,
            score=self.score.label,
            score_value=self.score.value,
            top_k=self.top_k,
            **({"paths": self.paths} if self.paths else {}),
            **({"reference": self.reference.label} if self.reference is not None else {}),
        )

    def to_pandas(self, rows: Literal["tokens", "methods"] = "tokens") -> pd.DataFrame:
        """The numbers as a table.

        Args:
            rows: ``"tokens"``: text and place of each token, and one column per method; ``"methods"``: label,
                yardsticks and seconds of each method, by name.

        Raises:
            InputError: other rows.

        Example:
            >>> c.to_pandas().set_index("text").Saliency.idxmax()
            'on'
            >>> c.to_pandas(rows="methods").comprehensiveness.round(1).to_dict()
            {'Saliency': 8.8, 'best path': 0.1}
        """
        if choice(rows, "rows", ("tokens", "methods")) == "methods":
            kept = ("name", "family", "label", *METRICS, "seconds", "error")
            facts = [{name: getattr(method, name) for name in kept} for method in self.methods]
            found = frame_of(facts, list(kept)).set_index("name")
            return found.astype(dict.fromkeys(METRICS, float))
        found = frame_of([asdict(token) for token in self.tokens]).set_index("index")
        scores = self.dataset["scores"].values
        for index, method in enumerate(self.methods):
            found[method.name] = scores[index, : len(found)]
        return found

    @classmethod
    def _from_file(cls, header: dict[str, Any], arrays: dict[str, NDArray[np.float32]]) -> Comparison:
        known = _VARIABLES | _MEASURED
        result = cls(**fields_of(cls, header, "it", without=ELSEWHERE), dataset=table(arrays, known, {}))
        check_streams(result.streams)
        check_status(result.status)
        names, sizes = [method.name for method in result.methods], result.dataset.sizes
        if len(set(names)) < len(names):
            raise InputError("two methods have one name")
        if result.top_k < 1:
            raise InputError(f"top_k is {result.top_k}")
        expected = {"method": len(names), "other": len(names), "token": len(result.tokens)}
        wanted = set(_VARIABLES)
        if result.reference is not None:
            check_reference(result.reference, result.streams)
            expected["fraction"] = TENTHS + 1
            wanted |= set(_MEASURED)
        if dict(sizes) != expected or set(result.dataset.data_vars) != wanted:
            raise InputError(f"its numbers have the axes {dict(sizes)}, its facts {expected}")
        return result

    def __repr__(self) -> str:
        paths = f", {self.paths}" if self.paths else ""
        return (
            f"Comparison({self.score.label} = {self.score.value:.4g}, {len(self.tokens)} tokens, "
            f"{len(self.methods)} methods: {', '.join(method.name for method in self.methods)}{paths})"
        )
