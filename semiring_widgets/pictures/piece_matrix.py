"""What each token does to each piece of a continuation, as a static picture and as HTML: rows are pieces."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any, Final

from matplotlib.patches import Rectangle

from semiring_widgets.pictures.glyphs import drawable
from semiring_widgets.pictures.palette import INK, LINE, MUTED, shade
from semiring_widgets.pictures.sheet import MARGIN, WIDTH, Block, heading, label
from semiring_widgets.pictures.tints import PRINTED, Tints
from semiring_widgets.results.visible import visible
from semiring_widgets.results.wording import number

if TYPE_CHECKING:
    from semiring_widgets.results.by_token import ByToken

__all__ = ["pieces_html", "pieces_picture"]

_NAMES: Final = 0.9  # inches of the pieces' names
_WIDE: Final = 0.62
_ROW: Final = 0.24
_ABOVE: Final = 0.62
_PRINTING: Final = 0.4


@dataclass(frozen=True)
class _Matrix:
    """Names and numbers, as both pictures show them."""

    rows: list[str]
    columns: list[str]
    tints: Tints

    @classmethod
    def of(cls, table: ByToken) -> _Matrix:
        found = table.matrix()
        pieces = table.groupby(["of", "piece"])["piece_text"].first()
        names = table.names
        values = found.to_numpy()
        peak = float(found.abs().max(axis=None))
        tested = bool(table["effect"].notna().any())
        sort = "effect, tested" if tested else "contribution: estimated, not tested"
        caption = f"{sort}, in nats, on a scale of its own to ±{number(peak, 2)}"
        return cls(
            [f"− {pieces[at]}" if at[0] == "contrast" else pieces[at] for at in found.index],
            [names[at] for at in found.columns],
            Tints(values, 0.0 if math.isnan(peak) else peak, caption),
        )

    def cells(self) -> Iterator[tuple[int, int, float, str]]:
        """Row, column, strength of the tint and number of all that is there."""
        for row, values in enumerate(self.tints.values):
            for column, value in enumerate(values):
                if not math.isnan(value):
                    yield row, column, self.tints.strength(row, column), self.tints.written(row, column)


def pieces_picture(table: ByToken) -> Block:
    """The picture, as a block of the sheet.

    Args:
        table: of a continuation; not empty.
    """
    matrix = _Matrix.of(table)
    cell = min(_WIDE, (WIDTH - 2 * MARGIN - _NAMES) / max(1, len(matrix.columns)))
    every = max(1, math.ceil(0.13 / cell))

    def draw(page: Any, top: float) -> None:
        heading(page, top - 0.1, "Words × pieces of the answer", matrix.tints.caption)
        left, upper = MARGIN + _NAMES, top - _ABOVE
        for column in range(0, len(matrix.columns), every):
            name, x = drawable(matrix.columns[column], 9), left + (column + 0.5) * cell
            label(page, x - 0.04, upper + 0.04, name, 7, rotation=30, ha="left", va="bottom")
        for row, name in enumerate(matrix.rows):
            label(page, MARGIN, upper - (row + 0.5) * _ROW, drawable(name, 14), 7.5)
        for row, column, strength, written in matrix.cells():
            corner = (left + column * cell, upper - (row + 1) * _ROW)
            looks = {"facecolor": shade(strength), "edgecolor": LINE, "linewidth": 0.4}
            page.add_artist(Rectangle(corner, 0.94 * cell, _ROW - 0.02, **looks))
            if cell >= _PRINTING and abs(strength) >= PRINTED:
                label(page, corner[0] + cell / 2, corner[1] + _ROW / 2, written, 7, ha="center")

    return Block(_ABOVE + _ROW * len(matrix.rows) + 0.12, draw)


def pieces_html(table: ByToken) -> str:
    """The matrix as an HTML table, which needs no script.

    Args:
        table: of a continuation; not empty.
    """
    matrix = _Matrix.of(table)
    known = {(row, column): (strength, written) for row, column, strength, written in matrix.cells()}
    head = "".join(f'<th scope="col">{escape(visible(name))}</th>' for name in matrix.columns)
    body = "".join(
        f'<tr><th scope="row">{escape(visible(name))}</th>'
        + "".join(_cell(known.get((row, column))) for column in range(len(matrix.columns)))
        + "</tr>"
        for row, name in enumerate(matrix.rows)
    )
    return (
        f'<table style="background:#fff;color:{INK}"><caption style="color:{MUTED}">'
        f"Words × pieces of the answer: {escape(matrix.tints.caption)}</caption>"
        f"<thead><tr><th></th>{head}</tr></thead><tbody>{body}</tbody></table>"
    )


def _cell(known: tuple[float, str] | None) -> str:
    if known is None:
        return "<td></td>"
    strength, written = known
    return f'<td style="background:{shade(strength)};color:{INK};text-align:right">{escape(written)}</td>'
