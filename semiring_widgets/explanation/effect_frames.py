"""`effects` and `contributions`: every part of a model in a table, measured and estimated."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd
from torch import Tensor

from semiring_widgets.core import Tape
from semiring_widgets.core.effects import Row, effect_rows, saturated
from semiring_widgets.core.effects.reference_values import Reference

__all__ = ["contributions", "effects", "frame_of", "rank_correlations"]

_PLACE = ["kind", "example", "stream", "layer", "head", "token", "stand_in"]
_WHOLE = ["example", "stream", "layer", "head", "token", "stand_in"]


def effects(
    tape: Tape,
    score: Tensor,
    wrt: Tensor | Sequence[Tensor],
    reference: Reference | None = None,
    *,
    kind: str | Sequence[str] | None = None,
    by: str = "reference",
    resample: Reference | None = None,
    steps: int | None = None,
    max_memory: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """What every token, head and feed-forward part does to the score: measured, and estimated.

    A part is given its value under the reference, all else stays as it is, and what lies behind is run again
    (see `test`): ``effect = before - after``. The estimate is its first order, the sum over the units of the
    part's output of all paths from there to the score, times output minus reference output: attribution
    patching (Nanda 2023; Syed et al. 2023, arXiv 2310.10348).

    Args:
        tape: the finished tape.
        score: what is explained, shape () or (B,), computed in the recording. Of a batch of texts of one
            length, padded or not, a part is replaced in all at once, and every text has effects of its own;
            ``"mean"`` is then over the padding, too.
        wrt: the inputs, shape (..., tokens, units) each; a tensor, or a list of them.
        reference: other inputs, shaped as ``wrt``, or another text of any length (`Aligned`), or ``"zero"``,
            or ``"mean"`` for their mean over the tokens; None for that of the tape. There need be none where
            ``by`` is another word.
        kind: ``"tokens"`` of the inputs, ``"heads"``, ``"mlps"``, ``"attentions"`` (all heads of a layer
            together), ``"layers"`` (the stream that enters each layer, token by token), ``"heads_at"`` (each
            head at each query token), or several of these; None for the first three.
        by: what a part is given: ``"reference"``, ``"zero"``, ``"mean"`` over the tokens of its own tensor,
            or ``"resample"``.
        resample: what ``"resample"`` means: the inputs of a text to draw values from, as for ``reference``.
        steps: how many steps between reference (with ``by="resample"``, that text) and inputs the estimate is
            averaged over (integrated gradients at the parts; Hanna et al. 2024, arXiv 2403.17806); None for
            the derivative at the inputs.
        max_memory: bytes that the tests may take beside the tape; None for no limit.
        progress: called with (steps done, steps in all) of the tests; may raise to cancel.

    Returns:
        One row a part: ``kind``, ``example`` (where there are several), ``stream`` (which input a token is
        of), ``layer``, ``head``, ``token``, ``stand_in`` (the token of another text whose value it was
        given; missing where it stayed as it was), ``effect``, ``contribution``, ``before``, ``after`` in the
        unit of the score, and ``saturated``: whether the estimate misleads, because it has the other sign or
        is off by more than half of the larger, although the part matters (a tenth of the largest effect of
        its kind). What does not apply is missing. ``.attrs["rank_correlation"]`` has the rank correlation of
        ``effect`` with ``contribution`` by kind, of a batch on average over its examples.

    Raises:
        InputError: an unknown word, a reference that does not fit, several scores where examples cannot be
            told apart.
        TapeError, UnsupportedOpError: as `test` and `backprop`.

    Example:
        >>> x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
        >>> with sw.record() as tape:
        ...     score = (x * x).sum()
        >>> found = sw.effects(tape, score, wrt=x, reference="zero")
        >>> found[["kind", "token", "effect", "contribution"]]
            kind  token  effect  contribution
        0  token      0     5.0          10.0
        1  token      1    25.0          50.0
    """
    rows = effect_rows(
        tape,
        score,
        wrt,
        reference,
        kind=kind,
        by=by,
        resample=resample,
        steps=steps,
        max_memory=max_memory,
        progress=progress,
    )
    found = frame_of(rows, ["effect", "contribution", "before", "after"])
    found["saturated"] = saturated(rows)
    found.attrs["rank_correlation"] = rank_correlations(found)
    return found


def contributions(
    tape: Tape,
    score: Tensor,
    wrt: Tensor | Sequence[Tensor],
    reference: Reference | None = None,
    *,
    kind: str | Sequence[str] | None = None,
    by: str = "reference",
    resample: Reference | None = None,
    steps: int | None = None,
) -> pd.DataFrame:
    """The estimates of `effects` alone, of all parts from one sweep: about the time of a gradient.

    Args:
        tape: the finished tape.
        score: what is explained, shape () or (B,).
        wrt: the inputs.
        reference: what parts are compared with.
        kind: of parts; None for tokens, heads and feed-forward parts.
        by: what a part is given.
        resample: what ``by="resample"`` means.
        steps: between reference and inputs. All as in `effects`.

    Returns:
        One row a part: ``kind``, ``example`` (where there are several), ``stream``, ``layer``, ``head``,
        ``token``, ``stand_in`` and ``contribution``, in the unit of the score.

    Raises:
        InputError, TapeError, UnsupportedOpError: as `effects`.

    Example:
        >>> x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
        >>> with sw.record() as tape:
        ...     score = (x * x).sum()
        >>> sw.contributions(tape, score, wrt=x, reference="zero").contribution.tolist()
        [10.0, 50.0]
    """
    rows = effect_rows(
        tape, score, wrt, reference, kind=kind, by=by, resample=resample, steps=steps, tested=False
    )
    return frame_of(rows, ["contribution"])


def frame_of(rows: Sequence[Row], numbers: Sequence[str]) -> pd.DataFrame:
    """Rows as a table: where they are, and some of their numbers.

    Args:
        rows: of `semiring_widgets.core.effects.effect_rows`.
        numbers: the columns beside those that say where.
    """
    found = pd.DataFrame([dict(row) for row in rows], columns=[*_PLACE, *numbers])
    found = found.astype({**dict.fromkeys(_WHOLE, "Int64"), **dict.fromkeys(numbers, "float64")})
    return found if found["example"].any() else found.drop(columns="example")


def rank_correlations(found: pd.DataFrame) -> dict[str, float]:
    """Spearman's rank correlation of effect and contribution by kind, ties at their mean rank.

    NaN where a kind has fewer than two parts that differ. Of several examples the mean over those that have
    one.

    Args:
        found: a table with the columns ``kind``, ``effect`` and ``contribution``, and maybe ``example``.

    Example:
        >>> import pandas as pd
        >>> heads = {"kind": ["head"] * 3, "effect": [1.0, 2.0, 3.0], "contribution": [0.1, 0.4, 0.2]}
        >>> rank_correlations(pd.DataFrame(heads))
        {'head': 0.5}
    """
    if "example" in found:
        each = pd.DataFrame(
            [rank_correlations(own.drop(columns="example")) for _, own in found.groupby("example")]
        )
        return {str(kind): float(number) for kind, number in each.mean().items()}
    # Ranks first: `Series.corr(method="spearman")` needs scipy.
    return {
        str(kind): float(own["effect"].rank().corr(own["contribution"].rank()))
        for kind, own in found.groupby("kind", sort=False)
    }
