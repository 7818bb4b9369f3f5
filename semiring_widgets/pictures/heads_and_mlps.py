"""Layers by heads, the last layer on top, and the MLP of each layer beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from matplotlib.patches import Rectangle

from semiring_widgets.pictures.palette import LINE, MUTED, shade
from semiring_widgets.pictures.sheet import MARGIN, Block, heading, label
from semiring_widgets.pictures.tints import PRINTED, Tints

if TYPE_CHECKING:
    from semiring_widgets.results.explanation import Explanation

__all__ = ["heads"]

_NAMES: Final = 0.6  # inches of the layers' names
_WIDE: Final = 4.1  # of all
_MLP: Final = 0.48
_TALLEST, _TALL = 0.24, 3.4


def heads(result: Explanation, own: Tints, mlps: Tints) -> Block:
    """The picture, as a block of the sheet.

    Args:
        result: the explanation.
        own: a number for each head of each layer.
        mlps: one for the MLP of each layer.
    """
    layers, most = len(result.layers), max((layer.heads for layer in result.layers), default=0)
    row = min(_TALLEST, _TALL / max(1, layers))
    cell = min(_MLP, (_WIDE - _NAMES - _MLP - 0.12) / max(1, most))
    named = max(1, round(0.12 / row)) if row < 0.12 else 1

    def draw(page: Any, top: float) -> None:
        heading(page, top - 0.1, "Heads and MLPs", own.caption)
        first, beside = MARGIN + _NAMES, MARGIN + _NAMES + most * cell + 0.12
        label(page, MARGIN, top - 0.32, "head", 7, color=MUTED)
        every = 1 if cell >= 0.16 else 4
        for head in range(0, most, every):
            label(page, first + (head + 0.5) * cell, top - 0.32, f"{head}", 7, color=MUTED, ha="center")
        label(page, beside + _MLP / 2, top - 0.32, "MLP", 7, color=MUTED, ha="center")
        for layer in result.layers:
            y = top - 0.42 - (layers - layer.index) * row
            if layer.index % named == 0:
                label(page, MARGIN, y + row / 2, f"layer {layer.index}", 7)
            for head in range(layer.heads):
                here = (layer.index, head)
                _cell(page, (first + head * cell, y), (cell, row), own, here, most <= 8)
            _cell(page, (beside, y), (_MLP, row), mlps, (layer.index,), row >= 0.12)

    return Block(0.42 + layers * row + 0.1, draw)


def _cell(
    page: Any,
    corner: tuple[float, float],
    size: tuple[float, float],
    tints: Tints,
    place: tuple[int, ...],
    printing: bool,
) -> None:
    (x, y), (width, height) = corner, size
    gap = min(0.03, 0.12 * height)
    strength = tints.strength(*place)
    page.add_artist(
        Rectangle((x, y), width - gap, height - gap, facecolor=shade(strength), edgecolor=LINE, linewidth=0.4)
    )
    if printing and abs(strength) >= PRINTED and height >= 0.12:
        label(page, x + width / 2, y + height / 2, tints.written(*place), 7, ha="center")
