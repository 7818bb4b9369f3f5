"""The static picture of two explanations: the sentences, then A, B and A - B of each picture on one scale."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from semiring_widgets.pictures.glyphs import drawable
from semiring_widgets.pictures.palette import INK, LINE, MUTED, shade
from semiring_widgets.pictures.sheet import MARGIN, WIDTH, Block, heading, label, prose, sheet, text_width
from semiring_widgets.pictures.tints import PRINTED, Tints
from semiring_widgets.results.two_sides import SideBySide
from semiring_widgets.results.two_sides_tables import SIDES, reasons
from semiring_widgets.results.wording import number

__all__ = ["draw_side_by_side"]

_GAP: Final = 0.2  # inches between pictures
_PANEL: Final = (WIDTH - 2 * MARGIN - 2 * _GAP) / 3
_GUTTER: Final = 0.5
_MLP: Final = 0.34
_CHIP: Final = 0.3
_LETTERS: Final = 9
_MOST: Final = 90  # words; of more, the first are drawn


def draw_side_by_side(result: SideBySide) -> Figure:
    """The picture as a figure.

    Args:
        result: two explanations, with any number of tokens; what is not known is grey.
    """
    return sheet(list(_blocks(result)))


def _blocks(result: SideBySide) -> Iterator[Block]:
    tints, told = _tints(result)
    for place, sentence in enumerate(result.sentences):
        remark = sentence.kind == "remark"
        size, weight = (13, "bold") if place == 0 else (8.5 if remark else 10, "normal")
        yield from prose(sentence.text, size, weight=weight, color=MUTED if remark else INK)
    for side, name, one in zip(SIDES, result.names, result.sides, strict=False):
        about = (
            f"{side} ({name}): {one.score.label} = {number(one.score.value)}  ·  {one.model}  ·  {one.text}"
        )
        yield from prose(drawable(about.replace("*", "∗").replace("\n", " ⏎ "), 170), 8, color=MUTED)
    yield Block(0.1, lambda page, top: None)
    for stream, (row, kind) in enumerate(zip(result.words, ("token", "decoder"), strict=False)):
        if kind in tints:
            title = "Words" if len(result.words) == 1 else f"Words of the {result.streams[stream].name}"
            yield Block(0.24, _titled(title, told[kind]))
            yield _words(row[:_MOST], tints[kind])
    yield Block(0.24, _titled("Heads and MLPs", told["head"]))
    yield _three(result, _heads_height(result), _heads(result, tints))
    yield Block(0.24, _titled("Words × layers", told["node"]))
    yield _three(result, _cells_height(result), _cells(result, tints["node"]))


def _titled(title: str, caption: str) -> Callable[[Any, float], None]:
    return lambda page, top: heading(page, top - 0.1, title, f"{caption}; one scale for A, B and A - B")


def _tints(result: SideBySide) -> tuple[dict[str, Tints], dict[str, str]]:
    """Numbers of each kind of parts by side, on one scale, and whether they were tested."""
    kinds = [
        kind for kind in ("token", "decoder", "node", "head", "mlp") if f"{kind}_effect" in result.dataset
    ]
    known = {kind: reasons(result.dataset, kind) for kind in kinds}
    peak = max(float(np.abs(v[np.isfinite(v)]).max(initial=0.0)) for v, _ in known.values())
    told = {
        kind: "effect, tested" if tested else "contribution: estimated, not tested"
        for kind, (_, tested) in known.items()
    }
    return {kind: Tints(values, peak, told[kind]) for kind, (values, _) in known.items()}, told


def _words(row: Sequence[tuple[str, str]], tints: Tints) -> Block:
    """The words of A, of B, and their difference, below each other, in as many lines as they need."""
    texts = [[drawable(a, 14), drawable(b, 14), ""] for a, b in row]
    wide = [max(text_width(text, 8.5) for text in both) + 0.14 for both in texts]
    wide = [max(one, 0.42) for one in wide]
    lines: list[list[int]] = [[]]
    x = 0.0
    for place, width in enumerate(wide):
        if x + width > WIDTH - 2 * MARGIN - _GUTTER and lines[-1]:
            lines.append([])
            x = 0.0
        lines[-1].append(place)
        x += width
    tall = 2 * (_CHIP + 0.03) + 0.2 + 0.08

    def draw(page: Any, top: float) -> None:
        for number_of_line, line in enumerate(lines):
            x = MARGIN + _GUTTER
            for side, name in enumerate(SIDES):
                y = top - number_of_line * tall - side * (_CHIP + 0.03) - 0.5 * (0.2 if side == 2 else _CHIP)
                label(page, MARGIN, y, name, 8, weight="bold")
            for place in line:
                _chips(page, x, top - number_of_line * tall, wide[place], texts[place], tints, place)
                x += wide[place]

    return Block(len(lines) * tall + 0.04, draw)


def _chips(
    page: Any, x: float, top: float, width: float, texts: Sequence[str], tints: Tints, place: int
) -> None:
    for side, text in enumerate(texts):
        height = 0.2 if side == 2 else _CHIP
        y = top - side * (_CHIP + 0.03) - height
        missing = side < 2 and not text
        colour = "white" if missing else shade(tints.strength(side, place))
        page.add_artist(
            Rectangle(
                (x, y),
                width - 0.03,
                height,
                facecolor=colour,
                edgecolor=LINE,
                linewidth=0.5,
                linestyle=":" if missing else "-",
            )
        )
        middle = x + width / 2 - 0.015
        if text:
            label(
                page,
                middle,
                y + 0.2,
                text,
                8.5,
                ha="center",
                weight="bold" if texts[0] != texts[1] else "normal",
            )
        label(page, middle, y + (0.1 if side == 2 else 0.07), tints.written(side, place), 7, ha="center")


def _three(result: SideBySide, height: float, draw_one: Callable[[Any, int, float, float], None]) -> Block:
    """A picture of each side and of the difference, beside each other."""

    def draw(page: Any, top: float) -> None:
        for side, name in enumerate(SIDES):
            left = MARGIN + side * (_PANEL + _GAP)
            said = name if side == 2 else f"{name}  {drawable(result.names[side], 30)}"
            label(page, left, top - 0.08, said, 8, weight="bold")
            draw_one(page, side, left, top - 0.2)

    return Block(height + 0.3, draw)


def _row(layers: int) -> float:
    return min(0.24, 3.2 / max(1, layers))


def _heads_height(result: SideBySide) -> float:
    return len(result.first.layers) * _row(len(result.first.layers)) + 0.14


def _heads(result: SideBySide, tints: dict[str, Tints]) -> Callable[[Any, int, float, float], None]:
    layers = result.first.layers
    row, most = _row(len(layers)), max((layer.heads for layer in layers), default=0)
    cell = min(0.48, (_PANEL - _GUTTER - _MLP - 0.08) / max(1, most))

    def draw(page: Any, side: int, left: float, top: float) -> None:
        first = left + _GUTTER
        beside = first + most * cell + 0.08
        for head in range(0, most, 1 if cell >= 0.14 else 4):
            label(page, first + (head + 0.5) * cell, top - 0.05, f"{head}", 6.5, color=MUTED, ha="center")
        label(page, beside + _MLP / 2, top - 0.05, "MLP", 6.5, color=MUTED, ha="center")
        for layer in layers:
            y = top - 0.12 - (len(layers) - layer.index) * row
            _name(page, left, y, row, layer.index)
            for head in range(layer.heads):
                at = (side, layer.index, head)
                _cell(page, first + head * cell, y, cell, row, tints["head"], at)
            _cell(page, beside, y, _MLP, row, tints["mlp"], (side, layer.index))

    return draw


def _name(page: Any, left: float, y: float, row: float, layer: int) -> None:
    if row >= 0.12 or layer % 4 == 0:
        label(page, left, y + row / 2, f"layer {layer}", 6.5)


def _cell(page: Any, x: float, y: float, width: float, row: float, tints: Tints, at: tuple[int, ...]) -> None:
    strength = tints.strength(*at)
    air = min(0.025, 0.12 * row)
    page.add_artist(
        Rectangle((x, y), width - air, row - air, facecolor=shade(strength), edgecolor=LINE, linewidth=0.4)
    )
    if abs(strength) >= PRINTED and width >= 0.3 and row >= 0.12:
        label(page, x + width / 2, y + row / 2, tints.written(*at), 6.5, ha="center")


def _cells_height(result: SideBySide) -> float:
    return len(result.first.layers) * _row(len(result.first.layers)) + 0.5


def _cells(result: SideBySide, tints: Tints) -> Callable[[Any, int, float, float], None]:
    layers, places = result.first.layers, max(len(row) for row in result.words)
    row, cell = _row(len(layers)), (_PANEL - _GUTTER) / max(1, places)
    every = max(1, math.ceil(0.12 / cell))

    def draw(page: Any, side: int, left: float, top: float) -> None:
        values: NDArray[Any] = tints.values[side]
        first, bottom = left + _GUTTER, top - len(layers) * row
        colours = [
            [_channels(tints.strength(side, *at)) for at in ((layer, place) for place in range(places))]
            for layer in range(len(values))
        ]
        if layers:
            extent = (first, first + places * cell, bottom, top)
            page.imshow(
                colours, extent=extent, origin="lower", aspect="auto", interpolation="nearest", zorder=1
            )
        for layer in layers:
            _name(page, left, bottom + layer.index * row, row, layer.index)
        for place in range(0, len(result.words[0]), every):
            a, b = result.words[0][place]
            text = drawable((a, b, a or b)[side] or "·", _LETTERS)
            looks: dict[str, Any] = {"ha": "right", "va": "center", "rotation": 60, "rotation_mode": "anchor"}
            label(page, first + (place + 0.5) * cell, bottom - 0.05, text, 6.5, **looks)

    return draw


def _channels(strength: float) -> tuple[float, ...]:
    colour = shade(strength)
    return tuple(int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
