"""An answer about a picture or a sound in a few lines of plain text."""

from __future__ import annotations

import numpy as np

from semiring_widgets.results.cells import CellExplanation, ImageComparison, several
from semiring_widgets.results.wording import number, signed

__all__ = ["plain_cells", "plain_methods"]

_CELLS, _ROUTES = 5, 3


def plain_cells(result: CellExplanation) -> str:
    """The answer, the cells of largest effect, and the routes.

    Args:
        result: about a picture or a sound.
    """
    effects, estimates = (result.dataset[name].values for name in ("effect", "contribution"))
    order = np.argsort(-np.abs(effects), kind="stable")[:_CELLS]
    lines = [
        result.answer,
        (
            f"{result.score.label} = {number(result.score.value)}; with {result.reference} everywhere "
            f"{number(result.reference_score)}"
        ),
        f"{several(result.cells)} of largest effect (tested; estimated by rule {result.rules}):",
        *(
            f"  {result.grid.name(cell)}: {signed(float(effects[cell]))}; {signed(float(estimates[cell]))}"
            for cell in order.tolist()
        ),
    ]
    if result.routes:
        lines.append("routes of largest contribution:")
        lines += [f"  {signed(route.contribution)}: {route.text}" for route in result.routes[:_ROUTES]]
    return "\n".join(lines)


def plain_methods(result: ImageComparison) -> str:
    """Every method with its yardsticks.

    Args:
        result: of methods on one picture.
    """
    lines = [
        f"{result.score.label} = {number(result.score.value)}; cells are given {result.reference}",
        "method: correlation with tested effects; areas under deletion (less is better) and insertion (more)",
    ]
    lines += [
        f"  {one.name}: {one.error}"
        if one.error is not None
        else f"  {one.name}: {number(one.effect_correlation, 2)}; {number(one.deletion, 3)}, "
        f"{number(one.insertion, 3)}"
        for one in result.methods
    ]
    return "\n".join(lines)
