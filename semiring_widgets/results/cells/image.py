"""An answer about one picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from semiring_widgets.results.cells.cell_explanation import CellExplanation

__all__ = ["ImageExplanation"]


@dataclass(frozen=True, eq=False, repr=False)
class ImageExplanation(CellExplanation):
    """What made a model of pictures give its answer; see `semiring_widgets.explain_image`.

    The picture is that which the model was given, in the dataset as ``picture(y, x, channel)``, 0-1.

    Example:
        >>> import semiring_widgets as sw
        >>> model, processor = sw.load_demo_image("cnn")
        >>> scene = sw.tasks.shape_scenes(1)[0]
        >>> found = sw.explain_image(model, processor, scene.image, grid=6)
        >>> found
        ImageExplanation(logit(circle) = ..., 6 x 6 cells, 3 layers, rules secant)
        >>> list(found.effects().columns[:7])
        ['kind', 'row', 'column', 'top', 'left', 'bottom', 'right']
    """

    kind: ClassVar[str] = "image"

    @property
    def picture(self) -> NDArray[np.float32]:
        """The picture, shape (height, width, 3), red, green and blue from 0 to 1."""
        return np.asarray(self.dataset["picture"].values)

    def _where(self, cell: int) -> dict[str, Any]:
        row, column = self.grid.place(cell)
        edges = ("top", "left", "bottom", "right")
        return {"row": row, "column": column, **dict(zip(edges, self.grid.box(cell), strict=True))}

    @classmethod
    def _axes(cls) -> dict[str, tuple[str, ...]]:
        return {"picture": ("y", "x", "channel")}
