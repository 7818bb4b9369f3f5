"""The sheet of a static picture: as wide as a page, blocks below each other, the inch as unit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import FancyBboxPatch

from semiring_widgets.pictures.glyphs import FAMILIES, drawable
from semiring_widgets.pictures.palette import INK, MUTED

__all__ = [
    "DPI",
    "MARGIN",
    "WIDTH",
    "Block",
    "card",
    "heading",
    "label",
    "prose",
    "sheet",
    "stack",
    "text_width",
]

WIDTH: Final = 9.0  # inches
MARGIN: Final = 0.28
DPI: Final = 120
_POINT: Final = 1 / 72


@dataclass(frozen=True)
class Block:
    """A part of the sheet: how tall it is, and what draws it, given the sheet and where its top is."""

    height: float
    draw: Callable[[Any, float], None]


def sheet(blocks: Sequence[Block]) -> Figure:
    """A figure with all blocks drawn.

    Args:
        blocks: from the top on.
    """
    whole = stack(blocks)
    figure, page = card(2 * MARGIN + whole.height)
    whole.draw(page, MARGIN + whole.height)
    return figure


def card(height: float) -> tuple[Figure, Any]:
    """A figure with a rounded white card, and axes over it whose unit is the inch.

    Args:
        height: of all, in inches.
    """
    figure = Figure(figsize=(WIDTH, height), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    page = figure.add_axes((0, 0, 1, 1))
    page.set_xlim(0, WIDTH)
    page.set_ylim(0, height)
    page.axis("off")
    page.add_patch(
        FancyBboxPatch(
            (0.06, 0.06),
            WIDTH - 0.12,
            height - 0.12,
            boxstyle="round,pad=0,rounding_size=0.09",
            facecolor="white",
            edgecolor="#d7dbe0",
            linewidth=0.9,
        )
    )
    return figure, page


def stack(blocks: Sequence[Block]) -> Block:
    """Blocks below each other, as one."""

    def draw(page: Any, top: float) -> None:
        for block in blocks:
            block.draw(page, top)
            top -= block.height

    return Block(sum(block.height for block in blocks), draw)


def label(page: Any, x: float, y: float, text: str, size: float = 8, **looks: Any) -> Any:
    """A text that is drawn as it is; by default dark, and centred on its height."""
    return page.text(
        x, y, text, **{"color": INK, "va": "center_baseline", "parse_math": False, "fontsize": size, **looks}
    )


def heading(page: Any, y: float, title: str, caption: str, x: float = MARGIN) -> None:
    """The name of a picture, and what its numbers are."""
    label(page, x, y, title, 9, weight="bold")
    label(page, x + text_width(title, 9, "bold") + 0.1, y, caption, 8, color=MUTED)


def prose(text: str, size: float, width: float = WIDTH - 2 * MARGIN, **looks: Any) -> list[Block]:
    """A sentence in lines; what it sets apart by stars is bold, and where all is bold underlined.

    Args:
        text: any text.
        size: of the font, in points.
        width: of a line, in inches.
        looks: of the text, as matplotlib takes them; ``x`` where it begins.
    """
    left, looks = looks.pop("x", MARGIN), {"weight": "normal", **looks}
    blank = text_width("a b", size, "normal") - text_width("ab", size, "normal")
    lines: list[list[_Run]] = [[]]
    for word in _words(text, looks["weight"]):
        wide = sum(text_width(piece, size, weight) for piece, weight, _ in word)
        if lines[-1] and lines[-1][-1].end(size) + blank + wide > left + width:
            lines.append([])
        for place, (piece, weight, starred) in enumerate(word):
            line, apart = lines[-1], starred and looks["weight"] == "bold"
            before = line[-1] if line else None
            if place == 0 and before is not None and (before.weight, before.apart) == (weight, apart):
                # Words that look alike are one text: a font sets them better than we do.
                line[-1] = _Run(before.x, f"{before.text} {piece}", weight, apart)
            else:
                x = left if before is None else before.end(size) + blank * (place == 0)
                line.append(_Run(x, piece, weight, apart))
    height = 1.5 * size * _POINT
    return [Block(height, _line(line, height, size, looks)) for line in lines]


@dataclass(frozen=True)
class _Run:
    """A piece of a line: where it begins, and whether it is set apart by a line below it."""

    x: float
    text: str
    weight: str
    apart: bool

    def end(self, size: float) -> float:
        return self.x + text_width(self.text, size, self.weight)


def _line(
    runs: Sequence[_Run], height: float, size: float, looks: dict[str, Any]
) -> Callable[[Any, float], None]:
    def draw(page: Any, top: float) -> None:
        y = top - 0.7 * height
        for run in runs:
            label(page, run.x, y, run.text, size, **{**looks, "weight": run.weight, "va": "baseline"})
            if run.apart:
                ends = (run.x, run.end(size))
                page.plot(ends, (y - 0.035, y - 0.035), color=INK, linewidth=1.2, solid_capstyle="butt")

    return draw


def _words(text: str, weight: str) -> Iterator[list[tuple[str, str, bool]]]:
    """Words, each in pieces of one weight: what stands between stars, and what is attached to it."""
    word: list[tuple[str, str, bool]] = []
    for place, piece in enumerate(text.split("*")):
        starred = place % 2 == 1
        for part, following in pairwise([*piece.split(" "), None]):
            if part:
                word.append((drawable(part, 60), "bold" if starred else weight, starred))
            if following is not None and word:
                yield word
                word = []
    if word:
        yield word


@lru_cache(maxsize=20_000)
def text_width(text: str, size: float, weight: str = "normal") -> float:
    """Width of a text in inches.

    Args:
        text: on one line.
        size: of the font, in points.
        weight: ``"normal"`` or ``"bold"``.
    """
    font = FontProperties(family=FAMILIES, size=size, weight=weight)
    points, _, _ = _renderer().get_text_width_height_descent(text, font, ismath=False)
    return float(points) / DPI


@lru_cache(maxsize=1)
def _renderer() -> Any:
    canvas: Any = FigureCanvasAgg(Figure(dpi=DPI))
    return canvas.get_renderer()
