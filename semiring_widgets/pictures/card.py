"""The static picture of a result: what a saved notebook shows where no widget can run.

A white card, so that it looks the same in light and dark surroundings: what was explained, the sentence,
the route grid (or, for a comparison, methods x tokens), and a line of facts. It is drawn by matplotlib's
object-oriented interface with the Agg renderer, so it never touches a figure of the user's.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import singledispatch
from typing import Any, Final

import numpy as np
from matplotlib import style
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import FancyBboxPatch
from PIL import Image

from semiring_widgets.pictures.chart import COLOURS
from semiring_widgets.pictures.comparison_table import (
    CURVES,
    draw_curves,
    draw_names,
    draw_table,
    is_measured,
)
from semiring_widgets.pictures.glyphs import FAMILIES, drawable
from semiring_widgets.pictures.grid import draw_grid
from semiring_widgets.pictures.plain_text import plain, statistics
from semiring_widgets.pictures.ribbon import INK, arrange, draw_ribbon
from semiring_widgets.results.comparison import Comparison
from semiring_widgets.results.explanation import Explanation
from semiring_widgets.results.result import Result
from semiring_widgets.results.wording import nats, number

__all__ = ["picture"]

_WIDTH: Final = 9.0  # inches
_MARGIN: Final = 0.28
_MUTED: Final = "#6b7280"
_DPI: Final = 120
_LINES: Final = ("skip", "query", "key", "value", "mlp")


def picture(result: Result) -> bytes:
    """Draw a result.

    Args:
        result: of any kind, with any number of tokens; what is not known yet is grey.

    Returns:
        A PNG file, 1080 pixels wide.
    """
    # The user's style (a dark one, or one with grids) is meant for the user's figures, not for this card.
    with style.context(["default", {"font.family": FAMILIES}]):
        figure = _figure(result)
        canvas: Any = figure.canvas
        canvas.draw()
        pixels = Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3])
    # 256 colours are enough for a card, and a quarter of the bytes in every saved notebook.
    output = io.BytesIO()
    pixels.quantize(256, dither=Image.Dither.NONE).save(output, format="png", optimize=True)
    return output.getvalue()


@singledispatch
def _figure(result: Result) -> Figure:
    """A kind of result that is not named here: its plain lines."""
    lines = plain(result).splitlines()[1:]
    height = 2 * _MARGIN + 0.62 + 0.2 * len(lines)
    figure, page = _card(height)
    _headline(page, height - _MARGIN, result)
    for row, line in enumerate(lines):
        _note(page, height - _MARGIN - 0.72 - 0.2 * row, line, INK)
    return figure


@_figure.register
def _explanation(result: Explanation) -> Figure:
    tokens = result.tokens
    size, line_height = (10.0, 0.34) if len(tokens) <= 120 else (7.0, 0.24)
    labels, lines = arrange(tokens, _WIDTH - 2 * _MARGIN, _measure(size))
    grid_height = min(6.0, max(1.6, 0.42 * (len(result.layers) + 1))) + 0.55
    extra = [f"{name}: {extremes}" for name, extremes in statistics(result)]
    height = 2 * _MARGIN + 0.62 + lines * line_height + 0.12 + grid_height + 0.62 + 0.2 * len(extra)
    figure, page = _card(height)
    top = height - _MARGIN
    _headline(page, top, result)
    top -= 0.62
    known = result.dataset
    draw_ribbon(
        page,
        labels,
        known["token_mass_share"].values[: len(tokens)],
        known["token_best_log_weight"].values[: len(tokens)],
        left=_MARGIN,
        top=top,
        line_height=line_height,
        size=size,
    )
    top -= lines * line_height
    _note(page, top - 0.06, "tint: share of all |path weight|    bar: best path relative to the best of all")
    if result.routes:
        _kinds(page, top - 0.06)
    top -= 0.12
    left, right = 0.45, _WIDTH - _MARGIN
    bottom = top - grid_height + 0.45
    axes = figure.add_axes(
        (left / _WIDTH, bottom / height, (right - left) / _WIDTH, (grid_height - 0.55) / height)
    )
    draw_grid(axes, result, token_labels=42)
    totals = result.totals
    facts = [
        f"log mass {nats(totals.log_mass)}",
        f"entropy {nats(totals.entropy)}",
        f"log cancellation {nats(totals.log_cancellation)}",
        *result.counted.split(", "),
    ]
    for line, said in enumerate(reversed(extra)):
        _note(page, _MARGIN + 0.5 + 0.2 * line, said, INK)
    _note(
        page,
        _MARGIN + 0.3,
        "lines: the best routes, dashed where negative; the best: "
        + (result.routes[0].sentence if result.routes else "not known"),
        INK,
    )
    _note(page, _MARGIN + 0.1, _progress(result) + "   ".join(facts))
    return figure


@_figure.register
def _comparison(result: Comparison) -> Figure:
    rows = max(1, len(result.rows))
    measured = is_measured(result)
    table_height = min(8.0, 0.3 * rows + 0.1)
    curves_height = 1.9 if measured else 0.0
    height = 2 * _MARGIN + 0.62 + table_height + 0.95 + 0.25 + curves_height
    figure, page = _card(height)
    _headline(page, height - _MARGIN, result)
    bottom = height - _MARGIN - 0.62 - table_height
    left, right = (4.0 if measured else 2.5), _WIDTH - _MARGIN
    axes = figure.add_axes((left / _WIDTH, bottom / height, (right - left) / _WIDTH, table_height / height))
    draw_table(axes, result, token_labels=36)
    draw_names(page, result, left=_MARGIN, top=bottom + table_height, height=table_height)
    if measured:
        for place, (name, title) in enumerate(CURVES):
            box = (0.6 + 4.3 * place, _MARGIN + 0.55, 3.7, curves_height - 0.75)
            inside = (box[0] / _WIDTH, box[1] / height, box[2] / _WIDTH, box[3] / height)
            draw_curves(figure.add_axes(inside), result, name, title)
    told = "each row relative to its largest value; blue: positive, orange: negative"
    if result.reference is not None:
        told += f"; words are given {result.reference.label}"
    _note(page, _MARGIN + 0.1, _progress(result) + told)
    return figure


def _card(height: float) -> tuple[Figure, Any]:
    """A figure with a rounded white card, and axes over it whose unit is the inch."""
    figure = Figure(figsize=(_WIDTH, height), dpi=_DPI, facecolor="white")
    FigureCanvasAgg(figure)
    page = figure.add_axes((0, 0, 1, 1))
    page.set_xlim(0, _WIDTH)
    page.set_ylim(0, height)
    page.axis("off")
    page.add_patch(
        FancyBboxPatch(
            (0.06, 0.06),
            _WIDTH - 0.12,
            height - 0.12,
            boxstyle="round,pad=0,rounding_size=0.09",
            facecolor="white",
            edgecolor="#d7dbe0",
            linewidth=0.9,
        )
    )
    return figure, page


def _headline(page: Any, top: float, result: Result) -> None:
    label, value = drawable(result.score.label, 90), result.score.value
    said = f"{label} = {number(value)}" if np.isfinite(value) else label
    page.text(_MARGIN, top - 0.06, said, fontsize=13, color=INK, va="top", weight="bold", parse_math=False)
    about = drawable("   ".join(filter(None, (result.model, result.paths))), 150)
    page.text(_MARGIN, top - 0.34, about, fontsize=8.5, color=_MUTED, va="top", parse_math=False)


def _note(page: Any, y: float, text: str, colour: str = _MUTED) -> None:
    page.text(_MARGIN, y, drawable(text, 150), fontsize=8, color=colour, va="center", parse_math=False)


def _kinds(page: Any, y: float) -> None:
    """What the colours of the lines mean, at the right of the page."""
    x = _WIDTH - _MARGIN - 0.62 * len(_LINES)
    for kind in _LINES:
        page.plot([x, x + 0.16], [y, y], color=COLOURS[kind], linewidth=2.4, solid_capstyle="butt")
        page.text(x + 0.21, y, kind, fontsize=8, color=_MUTED, va="center", parse_math=False)
        x += 0.62


def _progress(result: Result) -> str:
    return "" if result.status.state == "done" else f"{result.status.state}: {result.status.message}   "


def _measure(size: float) -> Callable[[str], float]:
    """Width of a text in inches at a font size in points."""
    canvas: Any = FigureCanvasAgg(Figure(dpi=_DPI))
    renderer = canvas.get_renderer()
    font = FontProperties(family=FAMILIES, size=size)

    def width(text: str) -> float:
        points, _, _ = renderer.get_text_width_height_descent(text, font, ismath=False)
        return float(points) / _DPI

    return width
