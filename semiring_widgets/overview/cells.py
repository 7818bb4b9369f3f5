"""A corpus for a page without a kernel: sets of texts that are brushed together, with their sums.

Of a small corpus every text is a set of its own. Of a large one, a set holds the texts of one group in one
bin of two numbers; sums, squares and counts of all that a view shows give exact means of any choice of bins.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from semiring_widgets.overview.brush import Brush
from semiring_widgets.overview.numbers import BINS, CorpusNumbers

__all__ = ["cells_of"]

# Numbers that a page may hold, of four bytes each: 1.2 MB, and a third more in a page.
_MOST: Final = 300_000
# Bins of an axis; each is a whole number of bins of the histograms.
_COARSER: Final = (24, 12, 8, 6, 4, 3)


def cells_of(numbers: CorpusNumbers, brush: Brush, most: int = _MOST) -> dict[str, NDArray[Any]]:
    """The sets, one row each.

    Args:
        numbers: of the corpus.
        brush: its two numbers are the axes.
        most: how many numbers all arrays together may hold.

    Returns:
        ``group``, and either the numbers of each text (``x``, ``y``, ``bin`` by number, ``number``,
        ``right``, ``effect``, ``flow``), or of each set ``count``, the bins ``x`` and ``y``, ``histogram`` by
        number, and of ``number``, ``right``, ``effect`` and ``flow`` the sums (``_sum``), the counts of what
        is known (``_count``), and of effects the squares (``effect_square``). ``edges`` (2, bins + 1) are of
        the bins of both axes; there are none where each text is its own.
    """
    single = len(numbers.numbers) + len(numbers.parts) + numbers.flow[0].size + 8
    values = {
        "number": np.stack([numbers.number(name) for name in numbers.numbers], 1),
        "right": numbers.right[:, None],
        "effect": numbers.effects,
        "flow": numbers.flow.reshape(len(numbers), -1),
    }
    bins = np.stack([numbers.bin(name) for name in numbers.numbers], 1)
    if len(numbers) * single <= most:
        axes = {"x": numbers.number(brush.x), "y": numbers.number(brush.y)}
        return {"group": numbers.group, **axes, "bin": bins, **values}
    width = sum(2 * one.shape[1] for one in values.values()) + numbers.effects.shape[1]
    width += len(numbers.numbers) * BINS + 4
    for per_axis in _COARSER:
        x, y = (numbers.bin(name).astype(int) * per_axis // BINS for name in (brush.x, brush.y))
        key = (numbers.group * 256 + x) * 256 + y
        names, cell = np.unique(key, return_inverse=True)
        if len(names) * width <= most:
            break
    found: dict[str, NDArray[Any]] = {
        "group": names // 65_536,
        "x": names // 256 % 256,
        "y": names % 256,
        "edges": np.stack([np.linspace(*numbers.edges(name), per_axis + 1) for name in (brush.x, brush.y)]),
        "count": np.bincount(cell),
        "histogram": np.stack([_counted(cell, len(names), own) for own in bins.T], 1),
    }
    order = np.argsort(cell, kind="stable")
    starts = np.flatnonzero(np.diff(cell[order], prepend=-1))
    for name, own in values.items():
        known = np.isfinite(own)
        filled = np.where(known, own, 0)[order]
        found[f"{name}_sum"] = np.add.reduceat(filled, starts, 0, dtype=float)
        found[f"{name}_count"] = np.add.reduceat(known[order], starts, 0, dtype=float)
        if name == "effect":
            found["effect_square"] = np.add.reduceat(filled.astype(float) ** 2, starts, 0)
    return found


def _counted(cell: NDArray[np.int64], cells: int, bins: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Texts by set and bin."""
    known = bins < BINS
    place = cell[known] * BINS + bins[known]
    return np.bincount(place, minlength=cells * BINS).reshape(cells, BINS)
