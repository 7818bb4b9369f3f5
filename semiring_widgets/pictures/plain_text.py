"""A result in a few lines of plain text: for terminals, logs and screen readers."""

from __future__ import annotations

from functools import singledispatch

import numpy as np
from numpy.typing import NDArray

from semiring_widgets.pictures.cell_text import plain_cells, plain_methods
from semiring_widgets.pictures.plain_effects import KINDS, form_of, rows_of
from semiring_widgets.results.cells import CellExplanation, ImageComparison
from semiring_widgets.results.comparison import Comparison
from semiring_widgets.results.explanation import Explanation
from semiring_widgets.results.result import Result, Shown
from semiring_widgets.results.two_sides import SideBySide
from semiring_widgets.results.visible import token_label
from semiring_widgets.results.wording import nats, number, power, signed
from semiring_widgets.vocabulary import METRICS, RANKED_BY

__all__ = ["plain", "statistics"]

_WORDS = 4


def plain(result: Shown) -> str:
    """The result in words.

    Args:
        result: an explanation (the answer, what matters most, then the paths) or a comparison (top tokens per
            method); of a text, a picture or a sound.
    """
    if isinstance(result, CellExplanation):
        return plain_cells(result)
    if isinstance(result, ImageComparison):
        return plain_methods(result)
    if not isinstance(result, Result):
        return repr(result)
    lines = [
        *_answer(result),
        "; ".join([f"{result.score.label} = {number(result.score.value)}", *_compared(result)]),
        " ".join(map(token_label, result.tokens)),
        *([result.paths] if result.paths else []),
    ]
    lines += _lines(result)
    if result.status.state != "done":
        lines.append(f"{result.status.state}: {result.status.message}")
    return "\n".join(lines)


def statistics(result: Explanation) -> list[tuple[str, str]]:
    """Name and range over the tokens of every statistic that was asked for."""
    found = []
    for place, statistic in enumerate(result.statistics):
        values = result.dataset["token_statistic"].values[place, : len(result.tokens)]
        known = np.flatnonzero(np.isfinite(values))
        if not len(known):
            found.append((statistic.name, "not known"))
            continue
        ends = (known[values[known].argmin()], known[values[known].argmax()])
        words = [
            f"{number(values[i])} {statistic.unit}".rstrip() + f" at {token_label(result.tokens[i])}"
            for i in ends
        ]
        found.append((statistic.name, f"from {words[0]} to {words[1]}"))
    return found


@singledispatch
def _answer(result: Result) -> list[str]:
    """What stands first; of a kind that is not named here, nothing."""
    return []


@_answer.register
def _(result: Explanation) -> list[str]:
    return [sentence.text for sentence in result.sentences]


@_answer.register
def _(result: SideBySide) -> list[str]:
    return [sentence.text for sentence in result.sentences]


def _compared(result: Result) -> list[str]:
    """What the text of an explanation is compared with; a comparison says it in a line of its own."""
    reference = result.reference if isinstance(result, Explanation) else None
    return [] if reference is None else [f"compared with {reference.label} ({signed(reference.score)})"]


@singledispatch
def _lines(result: Result) -> list[str]:
    """What a kind of result says beside its score and its tokens; one that is not named here, nothing."""
    return []


@_lines.register
def _explanation(result: Explanation) -> list[str]:
    lines = []
    form = form_of(result)
    for kind, (called, most) in KINDS.items():
        rows = rows_of(result, kind)
        rows = sorted(rows, key=lambda row: -abs(row.effect))[:_WORDS] if most is None else rows
        # All but the first are told only if they do something.
        rows = [row for place, row in enumerate(rows) if place == 0 or not form.is_zero(row.size)]
        told = [
            f"{row.name} {form.signed(row.effect)} (estimated {form.signed(row.contribution)})"
            for row in rows
        ]
        lines += [f"{called} that matter most: {', '.join(told)}"] if told else []
    for ranking in result.rankings:
        told = [f"  {form.signed(f.contribution)} {f.sentence}" for f in ranking.families]
        lines += ["reasons, estimated:", *told] if told else []
    totals = result.totals
    which = "these" if result.paths else "all"
    mass, entropy, cancelled = (
        nats(value) for value in (totals.log_mass, totals.entropy, totals.log_cancellation)
    )
    lines += [
        f"{result.model}, {len(result.layers)} attention layers, {result.counted}",
        f"{which} paths: log mass {mass}, entropy {entropy}, log cancellation {cancelled}",
    ]
    lines += [f"{name}: {extremes}" for name, extremes in statistics(result)]
    for ranking in result.rankings:
        lines.append(f"routes by {RANKED_BY[ranking.by]}:")
        for route in ranking.routes[:3]:
            sign = "−" if route.sign < 0 else ""
            lines.append(
                f"  {route.rank + 1}. {route.sentence} (best path {sign}{power(route.log_weight)}, mass "
                f"{power(route.log_mass)}, contribution {signed(route.contribution)}, cancellation "
                f"{number(route.cancellation, 3)})"
            )
        lines.append(f"  {ranking.remark}")
    return lines


@_lines.register
def _side_by_side(result: SideBySide) -> list[str]:
    return [
        f"{letter} ({name}): {one.score.label} = {number(one.score.value)}; {one.model}, {one.counted}"
        for letter, name, one in zip("AB", result.names, result.sides, strict=True)
    ]


@_lines.register
def _comparison(result: Comparison) -> list[str]:
    lines = []
    if result.reference is not None:
        lines.append(f"effects are tested with {result.reference.label}")
    if result.rows and len(result.rows) > len(result.methods):
        lines.append(_first("tested effect", result.rows[0][1], result))
    for method, scores in zip(result.methods, result.dataset["scores"].values, strict=True):
        if method.error is not None:
            lines.append(f"{method.label}: {method.error}")
        elif np.isfinite(scores).any():
            held = [
                f"{name.replace('_', ' ')} {number(value, 3)}"
                for name in METRICS
                if (value := getattr(method, name)) is not None
            ]
            lines.append("; ".join([_first(method.label, scores, result), *held]))
    return lines


def _first(label: str, scores: NDArray[np.float32], result: Comparison) -> str:
    sizes = np.nan_to_num(np.abs(scores[: len(result.tokens)]), nan=-1.0)
    order = np.argsort(-sizes)[: result.top_k]
    return f"{label}: {', '.join(token_label(result.tokens[i]) for i in order)}"
