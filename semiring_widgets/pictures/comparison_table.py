"""A comparison as a picture: one row per method, one column per token."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.colors import LinearSegmentedColormap

from semiring_widgets.pictures.glyphs import drawable
from semiring_widgets.pictures.grid import NEGATIVE, POSITIVE
from semiring_widgets.results.visible import token_label

if TYPE_CHECKING:
    from semiring_widgets.results.comparison import Comparison

__all__ = ["draw_table"]

_SIGNED = LinearSegmentedColormap.from_list("signed", [NEGATIVE, "#ffffff", POSITIVE]).with_extremes(
    bad="#eceef1"
)


def draw_table(axes: Any, result: Comparison, token_labels: int) -> None:
    """Draw the scores, every row relative to its largest absolute value; a failed method is grey.

    Args:
        axes: matplotlib axes to draw into.
        result: the comparison.
        token_labels: how many token labels fit on the axis; more are thinned out.
    """
    tokens = len(result.tokens)
    scores = result.dataset["scores"].values[:, :tokens]
    largest = np.nanmax(np.abs(np.where(np.isnan(scores), 0.0, scores)), axis=1, initial=0.0, keepdims=True)
    relative = np.ma.masked_invalid(scores / np.where(largest > 0, largest, 1.0))
    axes.pcolormesh(
        np.arange(tokens + 1) - 0.5,
        np.arange(len(result.methods) + 1) - 0.5,
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
    labels = [drawable(method.label + (" (failed)" if method.error else ""), 30) for method in result.methods]
    every = max(1, -(-tokens // token_labels))
    ticks = list(range(0, tokens, every))
    words = [drawable(token_label(result.tokens[tick]), 14) for tick in ticks]
    marks = [
        *axes.set_yticks(range(len(labels)), labels),
        *axes.set_xticks(ticks, words, rotation=60, ha="right", rotation_mode="anchor"),
    ]
    for mark in marks:
        mark.label1.set_parse_math(False)
