"""The sentence as a chart: every token on a tinted label, in lines, as wide as the page.

The tint is the token's share of all mass, the bar below it the weight of its best path relative to the best
of all. The two often disagree, which is why both are there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.patches import FancyBboxPatch, Rectangle
from numpy.typing import NDArray

from semiring_widgets.pictures.glyphs import drawable
from semiring_widgets.results.visible import token_label

if TYPE_CHECKING:
    from semiring_widgets.results.parts import Token

__all__ = ["Label", "arrange", "draw_ribbon", "tint"]

INK = "#1b1f24"
_PAD = 0.045  # inches on either side of a token's text
_GAP = 0.07  # between words


@dataclass(frozen=True)
class Label:
    """One token's place: inches from the left, line, width, and the text as drawn."""

    x: float
    line: int
    width: float
    text: str


def arrange(
    tokens: Sequence[Token], width: float, measure: Callable[[str], float]
) -> tuple[list[Label], int]:
    """Break the tokens into lines.

    Args:
        tokens: the tokens; two pieces of one word, or of one character, stand close together.
        width: of the page, in inches.
        measure: gives the width of a text in inches.

    Returns:
        A label per token, and the number of lines.
    """
    labels: list[Label] = []
    x, line = 0.0, 0
    for index, token in enumerate(tokens):
        text = drawable(token_label(token))
        size = max(measure(text), 0.04) + 2 * _PAD
        previous = tokens[index - 1] if index else None
        if previous is not None:
            joined = previous.end >= token.start and token.end > token.start and not previous.special
            x += 0.012 if joined else _GAP
        if x + size > width and x > 0:
            x, line = 0.0, line + 1
        labels.append(Label(x, line, size, text))
        x += size
    return labels, line + 1


def tint(value: float) -> tuple[str, str]:
    """Background and text colour for a value between 0 and 1 (NaN: not known).

    >>> tint(0.0)
    ('#ffffff', '#000000')
    """
    if not np.isfinite(value):
        return "#f3f4f6", "#5b6270"
    value = min(max(float(value), 0.0), 1.0)
    white, deep = (255, 255, 255), (0, 96, 160)
    mixed = [round(w + (d - w) * value) for w, d in zip(white, deep, strict=True)]
    # Black and white are the only pair of which one always has a contrast of 4.5 on any tint.
    background = "#" + "".join(f"{channel:02x}" for channel in mixed)
    return background, "#ffffff" if value > 0.83 else "#000000"


def draw_ribbon(
    axes: Any,
    labels: Sequence[Label],
    shares: NDArray[Any],
    best: NDArray[Any],
    *,
    left: float,
    top: float,
    line_height: float,
    size: float,
) -> None:
    """Draw the labels.

    Args:
        axes: axes whose unit is the inch, y upwards.
        labels: from `arrange`.
        shares: share of mass per token, (token,); tinted relative to the largest.
        best: log |weight| of the best path per token, (token,), nats.
        left: x of the first column.
        top: y of the top of the first line.
        line_height: inches from line to line.
        size: font size in points.
    """
    most = np.nanmax(shares) if np.isfinite(shares).any() else 1.0
    peak = np.nanmax(best) if np.isfinite(best).any() else 0.0
    height = 0.72 * line_height
    for label, share, log_weight in zip(labels, shares, best, strict=False):
        background, ink = tint(share / most if most > 0 else 0.0)
        x, y = left + label.x, top - label.line * line_height - height
        axes.add_patch(
            FancyBboxPatch(
                (x, y),
                label.width,
                height,
                boxstyle="round,pad=0,rounding_size=0.035",
                facecolor=background,
                edgecolor="#d7dbe0",
                linewidth=0.5,
            )
        )
        axes.text(
            x + label.width / 2,
            y + height * 0.53,
            label.text,
            color=ink,
            fontsize=size,
            ha="center",
            va="center_baseline" if size > 8 else "center",
            parse_math=False,
        )
        if np.isfinite(log_weight):
            length = label.width * float(np.exp(log_weight - peak))
            axes.add_patch(Rectangle((x, y - 0.045), length, 0.03, facecolor="#e69f00", linewidth=0))
