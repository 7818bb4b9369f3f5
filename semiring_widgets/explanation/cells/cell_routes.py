"""Routes through attentions, told by patches: which head reads which patch, and carries it where."""

from __future__ import annotations

from dataclasses import replace

from semiring_widgets.core import Paths, Route
from semiring_widgets.explanation.cells.layer_numbers import patches_of
from semiring_widgets.explanation.cells.question import CellQuestion
from semiring_widgets.explanation.names import head_name
from semiring_widgets.results.cells import CellRoute

__all__ = ["cell_routes"]

_OPERANDS = ("query", "key", "value")
# So many are looked at for each that is listed: routes that differ in feed-forward parts alone are one here.
_EACH = 4


def cell_routes(paths: Paths, question: CellQuestion, k: int) -> tuple[CellRoute, ...]:
    """Routes of the largest contributions, joined where they differ in feed-forward parts alone.

    Args:
        paths: from the inputs to the score.
        question: what is asked.
        k: how many.

    Returns:
        Empty where no attention was found.
    """
    attentions = paths.anatomy.attentions
    if not k or not attentions or attentions[0].residual is None:
        return ()
    grids = [patches_of(attention, question) for attention in attentions]
    # A model may cut a sound into other frames than those that are tested.
    alike = all(grid is None or grid[1] == question.grid.shape[1] for grid in grids)
    frame = "frame" if alike else "model frame"
    changed = question.inputs - question.reference
    joined: dict[str, CellRoute] = {}
    for route in paths.routes("contribution", _EACH * k, direction=changed):
        told = _told(route, grids, frame)
        known = joined.get(told.text)
        if known is not None:
            share, whole = known.share + told.share, known.contribution + told.contribution
            told = replace(told, share=share, contribution=whole)
        joined[told.text] = told
    ranked = sorted(joined.values(), key=lambda route: -abs(route.contribution))
    return tuple(ranked[:k])


def _told(route: Route, grids: list[tuple[int, int, int] | None], frame: str) -> CellRoute:
    legs = [leg for leg in route.legs if leg.branch in _OPERANDS and leg.head is not None]
    cells: list[int] = []
    words: list[str] = []
    first = grids[legs[0].layer] if legs else None
    for leg in legs:
        grid = grids[leg.layer]
        if not cells:
            cells.append(_patch(leg.source, grid, first))
        cells.append(_patch(leg.target, grid, first))
        how = {"value": "carries", "key": "looks at", "query": "looks from"}[leg.branch]
        words.append(f"{head_name(leg.layer, leg.head)} {how} {_name(leg.source, grid, frame)}")
        words[-1] += f" {'for' if leg.branch == 'key' else 'to'} {_name(leg.target, grid, frame)}"
    text = "; ".join(words) or "along the skip connections, through no head"
    return CellRoute(
        f"{text[0].upper()}{text[1:]}.",
        float(route.share),
        float(route.contribution),
        tuple(cells),
        tuple((leg.layer, int(leg.head or 0)) for leg in legs),
    )


def _patch(token: int, grid: tuple[int, int, int] | None, first: tuple[int, int, int] | None) -> int:
    """The place in the first grid that the middle of a patch lies in; later ones may be coarser."""
    if grid is None or first is None or not 0 <= token - grid[2] < grid[0] * grid[1]:
        return -1
    row, column = divmod(token - grid[2], grid[1])
    up, along = ((2 * row + 1) * first[0]) // (2 * grid[0]), ((2 * column + 1) * first[1]) // (2 * grid[1])
    return up * first[1] + along


def _name(token: int, grid: tuple[int, int, int] | None, frame: str) -> str:
    if grid is None:
        return f"token {token}"
    rows, columns, before = grid
    if not 0 <= token - before < rows * columns:
        return "the class token" if token == 0 else f"token {token}"
    row, column = divmod(token - before, columns)
    return f"{frame} {column + 1}" if rows == 1 else f"patch ({row + 1}, {column + 1})"
