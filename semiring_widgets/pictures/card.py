"""The static picture of a result: what a saved notebook shows where no widget can run.

A white card, so that it looks the same in light and dark surroundings: the answer and its pictures, or, for
a comparison, methods x tokens. It is drawn by matplotlib's object-oriented interface with the Agg renderer,
so it never touches a figure of the user's.
"""

from __future__ import annotations

import io
from functools import singledispatch
from textwrap import wrap
from typing import Any, Final

import numpy as np
from matplotlib import style
from matplotlib.figure import Figure

from semiring_widgets._version import __version__
from semiring_widgets.pictures.cell_card import cell_picture, cell_picture_file
from semiring_widgets.pictures.comparison_table import (
    CURVES,
    draw_curves,
    draw_names,
    draw_table,
    is_measured,
)
from semiring_widgets.pictures.explanation_card import draw_explanation
from semiring_widgets.pictures.glyphs import FAMILIES, drawable
from semiring_widgets.pictures.palette import INK, MUTED
from semiring_widgets.pictures.plain_text import plain
from semiring_widgets.pictures.sheet import DPI, MARGIN, WIDTH, card
from semiring_widgets.pictures.small_png import small_png
from semiring_widgets.pictures.two_sides_card import draw_side_by_side
from semiring_widgets.results.cells import CellExplanation, ImageComparison
from semiring_widgets.results.comparison import Comparison
from semiring_widgets.results.explanation import Explanation
from semiring_widgets.results.result import Result, Shown
from semiring_widgets.results.two_sides import SideBySide
from semiring_widgets.results.wording import number

__all__ = ["picture", "picture_file", "settings_line"]

_GRAPH: Final = (("granularity", "granularity"), ("level", "level"), ("rules", "rules"))


def picture(result: Shown) -> bytes:
    """Draw a result.

    Args:
        result: of any kind, with any number of tokens; what is not known yet is grey.

    Returns:
        A PNG file, 1080 pixels wide.
    """
    if isinstance(result, (CellExplanation, ImageComparison)):
        return cell_picture(result)
    # The user's style (a dark one, or one with grids) is meant for the user's figures, not for this card.
    with style.context(["default", {"font.family": FAMILIES}]):
        figure = _figure(result)
        canvas: Any = figure.canvas
        canvas.draw()
    return small_png(np.asarray(canvas.buffer_rgba())[..., :3])


def picture_file(result: Shown, form: str, scale: float = 2.0) -> bytes:
    """Draw a result for a document, with a line below it that says what was asked.

    Args:
        result: of any kind.
        form: ``"svg"``, whose letters stay text, or ``"png"``.
        scale: of a PNG, in pixels of it per pixel of the card, which is 1080 wide.

    Returns:
        The file; the same for the same result and versions.
    """
    if isinstance(result, (CellExplanation, ImageComparison)):
        return cell_picture_file(result, form, scale)
    words = {"font.family": FAMILIES, "svg.fonttype": "none", "svg.hashsalt": "semiring_widgets"}
    looks: list[Any] = ["default", words]
    with style.context(looks):
        figure = _figure(result)
        for row, line in enumerate(reversed(wrap(settings_line(result), 165))):
            figure.text(
                MARGIN / WIDTH,
                -0.02 - 0.16 * (row + 1) / figure.get_figheight(),
                line,
                fontsize=7.5,
                color=MUTED,
                parse_math=False,
            )
        output = io.BytesIO()
        figure.savefig(
            output,
            format=form,
            dpi=DPI * scale,
            bbox_inches="tight",
            pad_inches=0.08,
            facecolor="white",
            metadata={"Date": None} if form == "svg" else {"Software": None},
        )
    return output.getvalue()


def settings_line(result: Any) -> str:
    """What a picture needs to be made again: model, text, score, reference, rules, graph, version.

    Args:
        result: of any kind.
    """
    reference = getattr(result, "reference", None)
    graph = [f"{getattr(result, name)} {word}".strip() for name, word in _GRAPH if hasattr(result, name)]
    facts = [
        f"semiring_widgets {__version__}",
        result.model,
        f"“{result.text}”",
        result.score.label,
        "" if reference is None else f"compared with {reference.label}",
        *graph,
        result.paths,
    ]
    return drawable("  ·  ".join(filter(None, facts)).replace("\n", " / "), 1000)


@singledispatch
def _figure(result: Any) -> Figure:
    """A kind of result that is not named here: its plain lines."""
    lines = plain(result).splitlines()[1:]
    height = 2 * MARGIN + 0.62 + 0.2 * len(lines)
    figure, page = card(height)
    _headline(page, height - MARGIN, result)
    for row, line in enumerate(lines):
        _note(page, height - MARGIN - 0.72 - 0.2 * row, line, INK)
    return figure


_figure.register(Explanation, draw_explanation)
_figure.register(SideBySide, draw_side_by_side)


@_figure.register
def _comparison(result: Comparison) -> Figure:
    rows = max(1, len(result.rows))
    measured = is_measured(result)
    table_height = min(8.0, 0.3 * rows + 0.1)
    curves_height = 1.9 if measured else 0.0
    height = 2 * MARGIN + 0.62 + table_height + 0.95 + 0.25 + curves_height
    figure, page = card(height)
    _headline(page, height - MARGIN, result)
    bottom = height - MARGIN - 0.62 - table_height
    left, right = (4.0 if measured else 2.5), WIDTH - MARGIN
    axes = figure.add_axes((left / WIDTH, bottom / height, (right - left) / WIDTH, table_height / height))
    draw_table(axes, result, token_labels=36)
    draw_names(page, result, left=MARGIN, top=bottom + table_height, height=table_height)
    if measured:
        for place, (name, title) in enumerate(CURVES):
            box = (0.6 + 4.3 * place, MARGIN + 0.55, 3.7, curves_height - 0.75)
            inside = (box[0] / WIDTH, box[1] / height, box[2] / WIDTH, box[3] / height)
            draw_curves(figure.add_axes(inside), result, name, title)
    told = "each row relative to its largest value; blue: positive, orange: negative"
    if result.reference is not None:
        told += f"; words are given {result.reference.label}"
    _note(page, MARGIN + 0.1, _progress(result) + told)
    return figure


def _headline(page: Any, top: float, result: Result) -> None:
    label, value = drawable(result.score.label, 90), result.score.value
    said = f"{label} = {number(value)}" if np.isfinite(value) else label
    page.text(MARGIN, top - 0.06, said, fontsize=13, color=INK, va="top", weight="bold", parse_math=False)
    about = drawable("   ".join(filter(None, (result.model, result.paths))), 150)
    page.text(MARGIN, top - 0.34, about, fontsize=8.5, color=MUTED, va="top", parse_math=False)


def _note(page: Any, y: float, text: str, colour: str = MUTED) -> None:
    page.text(MARGIN, y, drawable(text, 150), fontsize=8, color=colour, va="center", parse_math=False)


def _progress(result: Result) -> str:
    return "" if result.status.state == "done" else f"{result.status.state}: {result.status.message}   "
