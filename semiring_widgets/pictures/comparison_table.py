"""A comparison as a picture: a row per method with yardsticks and a cell per token; below, the curves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from matplotlib.colors import LinearSegmentedColormap

from semiring_widgets.pictures.glyphs import drawable
from semiring_widgets.pictures.palette import INK, MUTED, NEGATIVE, POSITIVE
from semiring_widgets.results.comparison import TENTHS
from semiring_widgets.results.visible import token_label

if TYPE_CHECKING:
    from semiring_widgets.results.comparison import Comparison, MethodResult

__all__ = ["CURVES", "draw_curves", "draw_names", "draw_table", "is_measured"]

# Name of a variable, what it shows, and which way is better.
CURVES: Final = (
    ("comprehensiveness", "drop of the score, words ranked first replaced: more is better"),
    ("sufficiency", "drop of the score, all other words replaced: less is better"),
)
# Those that have room, as headings.
_YARDSTICKS: Final = (
    ("effect_correlation", "rank\ncorr."),
    ("comprehensiveness", "compreh."),
    ("sufficiency", "suffic."),
)
_SIGNED = LinearSegmentedColormap.from_list("signed", [NEGATIVE, "#ffffff", POSITIVE]).with_extremes(
    bad="#eceef1"
)
# Hues of Okabe and Ito, dark enough for thin lines; the page draws the same.
_HUES: Final = ("#0072b2", "#b84a00", "#007a58", "#a8437f", "#2f8fbf", "#8f6400")
_DASHES: Final = ("-", (0, (5, 2)), (0, (1.5, 2)))


def is_measured(result: Comparison) -> bool:
    """Whether any method was held against tested effects."""
    return any(getattr(method, name) is not None for method in result.methods for name, _ in _YARDSTICKS)


def draw_table(axes: Any, result: Comparison, token_labels: int) -> None:
    """Draw the scores, every row relative to its largest absolute value; a failed method is grey.

    Args:
        axes: matplotlib axes to draw into.
        result: the comparison.
        token_labels: how many token labels fit on the axis; more are thinned out.
    """
    tokens = len(result.tokens)
    rows = result.rows
    scores = np.array([values for _, values in rows])
    largest = np.nanmax(np.abs(np.where(np.isnan(scores), 0.0, scores)), axis=1, initial=0.0, keepdims=True)
    relative = np.ma.masked_invalid(scores / np.where(largest > 0, largest, 1.0))
    axes.pcolormesh(
        np.arange(tokens + 1) - 0.5,
        np.arange(len(rows) + 1) - 0.5,
        relative,
        cmap=_SIGNED,
        vmin=-1,
        vmax=1,
        edgecolors="#ffffff" if tokens <= 80 else "none",
        linewidth=1.0 if tokens <= 80 else 0,
    )
    axes.invert_yaxis()
    for side in axes.spines.values():
        side.set_visible(False)
    axes.tick_params(length=0, labelsize=8)
    every = max(1, -(-tokens // token_labels))
    ticks = list(range(0, tokens, every))
    words = [drawable(token_label(result.tokens[tick]), 14) for tick in ticks]
    axes.set_yticks([])
    marks = axes.set_xticks(ticks, words, rotation=60, ha="right", rotation_mode="anchor")
    for mark in marks:
        mark.label1.set_parse_math(False)


def draw_curves(axes: Any, result: Comparison, name: str, title: str) -> None:
    """Draw what becomes of the score as words are replaced, one line per method.

    Args:
        axes: matplotlib axes to draw into.
        result: a comparison whose curves are known.
        name: of the curves.
        title: what they show.
    """
    shares = np.arange(TENTHS + 1) * 100 / TENTHS
    for index, method in enumerate(result.methods):
        axes.plot(shares, result.dataset[name].values[index], **_line_of(method, index))
    axes.axvline(20, color="#9aa3ad", linewidth=0.8, linestyle=":")
    axes.axhline(0, color="#d7dbe0", linewidth=0.8, zorder=0)
    axes.set_xticks([0, 20, 50, 100], ["0", "20 %", "50 %", "100 %"])
    axes.set_title(title, fontsize=8, loc="left")
    axes.tick_params(length=2, labelsize=7)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _line_of(method: MethodResult, index: int) -> dict[str, Any]:
    """How matplotlib draws the line of a method: one of six colours, three ways to dash.

    Args:
        method: the method.
        index: its place in the comparison.
    """
    if method.family == "tested":
        return {"color": INK, "linewidth": 2.0, "linestyle": "-"}
    dash = _DASHES[index // len(_HUES) % len(_DASHES)]
    return {"color": _HUES[index % len(_HUES)], "linewidth": 1.2, "linestyle": dash}


def draw_names(page: Any, result: Comparison, left: float, top: float, height: float) -> None:
    """Write the names of the rows and their yardsticks, with the line that each has among the curves.

    Args:
        page: axes whose unit is the inch.
        result: the comparison.
        left: where names begin.
        top: upper edge of the first row.
        height: of all rows together.
    """
    measured = is_measured(result)
    rows = result.rows
    added = len(rows) - len(result.methods)
    columns = [left + 2.25 + 0.6 * place for place in range(len(_YARDSTICKS))]
    for x, (_, heading) in zip(columns, _YARDSTICKS, strict=True):
        if measured:
            page.text(x, top + 0.04, heading, fontsize=7, color=MUTED, ha="right", va="bottom")
    for place, (label, _) in enumerate(rows):
        y = top - (place + 0.5) * height / len(rows)
        method = result.methods[place - added] if place >= added else None
        if method is not None and measured and label.startswith(method.name):
            # There is no room for remarks beside numbers.
            label = method.name + (" (failed)" if method.error is not None else "")
        page.text(left + 0.3, y, drawable(label, 30), fontsize=8, color=INK, va="center", parse_math=False)
        if method is None or not measured:
            continue
        if method.error is None:
            page.plot([left, left + 0.22], [y, y], **_line_of(method, place - added))
        for x, (name, _) in zip(columns, _YARDSTICKS, strict=True):
            value = getattr(method, name)
            if value is not None:
                page.text(x, y, f"{value:.2f}", fontsize=8, color=INK, ha="right", va="center")
