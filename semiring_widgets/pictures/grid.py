"""The route grid: tokens from left to right, layers from bottom to top, the first route as a line.

The line goes upwards from the input to the score, straight along the skip and curved where a head carries it;
dashes say that it speaks against the score. A cell is the token's residual stream at the input of that layer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.patches import FancyBboxPatch, PathPatch
from matplotlib.path import Path

from semiring_widgets.pictures.glyphs import drawable
from semiring_widgets.pictures.palette import LINE, MUTED, ROUTE, shade
from semiring_widgets.pictures.sheet import MARGIN, WIDTH, Block, heading, label, text_width
from semiring_widgets.pictures.tints import PRINTED, Tints
from semiring_widgets.results.visible import token_label
from semiring_widgets.results.wording import brief

if TYPE_CHECKING:
    from semiring_widgets.pictures.ways import Way
    from semiring_widgets.results.explanation import Explanation
    from semiring_widgets.results.parts import Score, Stream
    from semiring_widgets.results.rankings import ListedStep

__all__ = ["Grid", "grid"]

_GUTTER: Final = 0.6  # inches of the layers' names
_TITLE, _PILL = 0.24, 0.34
_STEEP: Final = 9  # columns of a label, where labels are steep
_LABELS: Final = 42  # that stand beside each other
_DASHES: Final = (0, (3, 1.2))


@dataclass(frozen=True)
class Grid:
    """Where things are, in inches from the lower left corner of the cells."""

    tokens: int
    layers: int

    @property
    def cell(self) -> float:
        """Width of a cell."""
        return (WIDTH - 2 * MARGIN - _GUTTER) / max(1, self.tokens)

    @property
    def row(self) -> float:
        """Height of a row."""
        return 0.36 if self.layers <= 8 else max(0.06, min(0.24, 4.6 / self.layers))

    def x(self, token: int) -> float:
        """The line at a token: numbers stand on the right of a cell."""
        return (token + 0.5 - 0.24 * (self.cell >= 0.4)) * self.cell

    def y(self, layer: float) -> float:
        """The middle of the row of a layer."""
        return (layer + 0.5) * self.row


def grid(result: Explanation, tints: Tints, way: Way | None, told: str) -> Block:
    """The grid, as a block of the sheet.

    Args:
        result: the explanation.
        tints: a number for each token at each layer.
        way: what is drawn as a line.
        told: what the line is.
    """
    place = Grid(max(len(stream.tokens) for stream in result.streams), len(result.layers))
    names = [_names(stream, place) for stream in result.streams]
    below = [max((_depth(text, steep) for _, text in shown), default=0.2) for shown, steep in names]
    height = _TITLE + _PILL + place.layers * place.row + sum(below) + 0.12

    def draw(page: Any, top: float) -> None:
        heading(page, top - 0.1, "Words × layers", tints.caption)
        if way is not None:
            label(page, WIDTH - MARGIN, top - 0.1, told, 8, color=MUTED, ha="right")
        left, bottom = MARGIN + _GUTTER, top - _TITLE - _PILL - place.layers * place.row
        _cells(page, result, tints, place, left, bottom)
        y = bottom
        for (shown, steep), deep, stream in zip(names, below, result.streams, strict=True):
            _draw_names(page, shown, steep, place, left, y)
            if len(result.streams) > 1:
                label(page, MARGIN, y - 0.1, stream.name, 7.5, color=MUTED)
            y -= deep
        if way is not None:
            _line(page, way, place, left, bottom)
            _pill(page, result.score, way.steps, place, left, bottom)

    return Block(height, draw)


def _cells(page: Any, result: Explanation, tints: Tints, place: Grid, left: float, bottom: float) -> None:
    colours = np.ones((place.layers, place.tokens, 3))
    printing = place.cell >= 0.4 and place.row >= 0.2
    named = max(1, round(0.14 / place.row)) if place.row < 0.12 else 1
    for layer in result.layers:
        y = bottom + place.y(layer.index)
        if layer.index % named == 0:
            label(page, MARGIN, y, f"layer {layer.index}", 7.5)
        for token in range(len(result.streams[layer.stream].tokens)):
            strength = tints.strength(layer.index, token)
            colours[layer.index, token] = to_rgb(shade(strength))
            if printing and abs(strength) >= PRINTED:
                x = left + (token + 1) * place.cell - 0.06
                label(page, x, y, tints.written(layer.index, token), 7, ha="right", zorder=3)
    right, top = left + place.tokens * place.cell, bottom + place.layers * place.row
    page.imshow(
        colours,
        extent=(left, right, bottom, top),
        origin="lower",
        aspect="auto",
        interpolation="nearest",
        zorder=1,
    )
    # Lines between many cells would be all that is seen of them.
    wide = place.cell > 0.2 and place.row > 0.12
    looks = {"color": LINE if wide else "white", "linewidth": 0.5, "zorder": 2}
    page.hlines([bottom + row * place.row for row in range(place.layers + 1)], left, right, **looks)
    if place.cell > 0.08:
        page.vlines([left + column * place.cell for column in range(place.tokens + 1)], bottom, top, **looks)


def _names(stream: Stream, place: Grid) -> tuple[list[tuple[int, str]], bool]:
    """The tokens that are named, and whether their names are steep: where they would not fit."""
    every = -(-len(stream.tokens) // _LABELS)
    shown = [(token.index, token_label(token)) for token in stream.tokens[::every]]
    room = every * place.cell - 0.06
    steep = any(text_width(drawable(text, 14), 7.5) > room for _, text in shown)
    limit = _STEEP if steep else 14
    return [(token, drawable(text, limit)) for token, text in shown], steep


def _depth(text: str, steep: bool) -> float:
    return 0.14 + 0.87 * text_width(text, 7.5) if steep else 0.2


def _draw_names(
    page: Any, shown: Sequence[tuple[int, str]], steep: bool, place: Grid, left: float, bottom: float
) -> None:
    looks: dict[str, Any] = {"ha": "center", "va": "baseline"}
    if steep:
        looks = {"ha": "right", "va": "center", "rotation": 60, "rotation_mode": "anchor"}
    for token, text in shown:
        x = left + (token + 0.5) * place.cell
        label(page, x, bottom - (0.06 if steep else 0.15), text, 7.5, **looks)


def _line(page: Any, way: Way, place: Grid, left: float, bottom: float) -> None:
    vertices, codes, chips = [], [], []
    for step in way.steps:
        start = (left + place.x(step.source), bottom + place.y(step.layer))
        end = (left + place.x(step.target), bottom + place.y(step.layer + 1))
        codes += [Path.MOVETO]
        if step.branch == "skip":
            vertices += [start, end]
            codes += [Path.LINETO]
            continue
        bend = min(0.3, 0.35 * place.cell) if step.source == step.target else 0.0
        middle = (start[1] + end[1]) / 2
        vertices += [start, (start[0] + bend, middle), (end[0] + bend, middle), end]
        codes += [Path.CURVE4] * 3
        chips.append(((start[0] + end[0]) / 2 + 0.75 * bend, middle, _hop(step)))
    if not vertices:
        return
    path = Path(vertices, codes)
    looks = {"facecolor": "none", "capstyle": "round", "joinstyle": "round"}
    page.add_patch(PathPatch(path, edgecolor="white", linewidth=5.5, zorder=4, **looks))
    dashed = {"linestyle": _DASHES, "capstyle": "butt"} if way.negative else {}
    page.add_patch(PathPatch(path, edgecolor=ROUTE, linewidth=3, zorder=5, **{**looks, **dashed}))
    point: dict[str, Any] = {"marker": "o", "markeredgecolor": "white", "markeredgewidth": 1, "markersize": 6}
    page.plot(*vertices[0], color=ROUTE, zorder=6, **point)
    for x, y, text in chips:
        _chip(page, x, y, text, 7, ("white", ROUTE), 0.16)


def _hop(step: ListedStep) -> str:
    name = f"layer {step.layer}" if step.head is None else f"head {step.layer}·{step.head}"
    return f"{name} {step.branch}" if step.branch in ("query", "key") else name


def _pill(
    page: Any, score: Score, steps: Sequence[ListedStep], place: Grid, left: float, bottom: float
) -> None:
    """The score, where the paths end: `are, not is +8.0`."""
    token = steps[-1].target if steps else score.position
    if token is None:
        return
    only = drawable(score.target or "score", 20)
    asked = only if score.contrast is None else f"{only}, not {drawable(score.contrast, 20)}"
    y = bottom + place.layers * place.row + min(_PILL, place.row + 0.1) / 2
    _chip(page, left + place.x(token), y, f"{asked} {brief(score.value)}", 8, (ROUTE, "white"), 0.24)


def _chip(
    page: Any, x: float, y: float, text: str, size: float, colours: tuple[str, str], height: float
) -> None:
    ground, ink = colours
    wide = text_width(text, size, "bold") + 0.6 * height
    x = min(max(x, MARGIN + _GUTTER + wide / 2), WIDTH - MARGIN - wide / 2)
    page.add_patch(
        FancyBboxPatch(
            (x - wide / 2, y - height / 2),
            wide,
            height,
            boxstyle=f"round,pad=0,rounding_size={height / 2}",
            facecolor=ground,
            edgecolor=ROUTE,
            linewidth=0.8,
            zorder=7,
        )
    )
    label(page, x, y, text, size, ha="center", weight="bold", color=ink, zorder=8)
