"""Attribution methods side by side on one picture, held against tested effects and by two curves.

Of each method it is known how well its order of the cells fits what happens when cells are really replaced:

- *rank correlation* with the tested effects (Spearman's ρ),
- *deletion*: the mean score while its first cells are given the reference, one after the other (less is
  better), and *insertion*: while all others are, until none is (more is better); Petsiuk et al. 2018,
  arXiv 1806.07421. Both are areas under curves over the share of cells, in the unit of the score.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from semiring_widgets.errors import InputError
from semiring_widgets.results.cells.parts import Grid
from semiring_widgets.results.consistency import check_status, dataset_of, require
from semiring_widgets.results.facts import fields_of
from semiring_widgets.results.frames import frame_of
from semiring_widgets.results.parts import Score, Status
from semiring_widgets.results.result import ELSEWHERE, Shown

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ImageComparison", "ImageMethod"]

_AXES: Final = {
    "scores": ("method", "cell"),
    "effect": ("cell",),
    "deletion": ("method", "step"),
    "insertion": ("method", "step"),
    "picture": ("y", "x", "channel"),
}


@dataclass(frozen=True)
class ImageMethod:
    """One method that was asked.

    Attributes:
        name: unique name.
        seconds: time it took.
        error: a sentence if it failed (its scores are NaN), else None.
        effect_correlation: Spearman's ρ with the tested effects; None where it has no value.
        deletion: area under its deletion curve.
        insertion: area under its insertion curve.
    """

    name: str
    seconds: float
    error: str | None = None
    effect_correlation: float | None = None
    deletion: float | None = None
    insertion: float | None = None


@dataclass(frozen=True, eq=False, repr=False)
class ImageComparison(Shown):
    """Several attribution methods on one picture and one score; see `semiring_widgets.compare_image`.

    Attributes:
        model: name of the model's class.
        score: the scalar attributed.
        grid: how the picture is cut into cells.
        methods: the methods, in the order of the axis ``method``.
        reference: what cells are given, in words.
        dataset: ``scores(method, cell)``, ``effect(cell)``, the curves ``deletion(method, step)`` and
            ``insertion(method, step)``, and the ``picture``; NaN where a method failed.
        status: whether it is whole.

    Example:
        >>> table
        ImageComparison(logit(circle) = ..., 3 x 3 cells, 2 methods: effect, GradCAM)
    """

    kind: ClassVar[str] = "image_comparison"

    model: str
    score: Score
    grid: Grid
    methods: tuple[ImageMethod, ...]
    reference: str
    dataset: xr.Dataset
    status: Status = field(default_factory=Status)

    def to_pandas(self) -> pd.DataFrame:
        """One row a method: yardsticks, seconds, and why it failed.

        Example:
            >>> frame = table.to_pandas()
            >>> list(frame.index), float(frame.effect_correlation["effect"])
            (['effect', 'GradCAM'], 1.0)
        """
        return frame_of([asdict(method) for method in self.methods]).set_index("name")

    def to_xarray(self) -> xr.Dataset:
        """The numbers with labelled axes.

        Example:
            >>> table.to_xarray().scores.sel({"method": "GradCAM"}).shape
            (9,)
        """
        names = [method.name for method in self.methods]
        return self.dataset.assign_coords(method=names).assign_attrs(
            model=self.model, score=self.score.label, score_value=self.score.value, reference=self.reference
        )

    def method_map(self, name: str) -> NDArray[np.float32]:
        """The scores of one method, shape (rows, columns) of the grid.

        Args:
            name: of the method, as in the tables.

        Raises:
            InputError: there is no such method.

        Example:
            >>> table.method_map("GradCAM").shape
            (3, 3)
        """
        names = [method.name for method in self.methods]
        if name not in names:
            raise InputError(f"name is {name!r}; choose one of {', '.join(names)}.")
        values = self.dataset["scores"].values[names.index(name)]
        return np.asarray(values.reshape(self.grid.shape))

    @classmethod
    def _from_file(cls, header: dict[str, Any], arrays: dict[str, NDArray[np.float32]]) -> ImageComparison:
        dataset = dataset_of(arrays, _AXES)
        found = cls(**fields_of(cls, header, "it", without=ELSEWHERE), dataset=dataset)
        check_status(found.status)
        require(dataset.sizes["method"] == len(found.methods), "its methods are others than its numbers'")
        require(dataset.sizes["cell"] == found.grid.cells, "its grid has other cells than its numbers")
        return found

    def __repr__(self) -> str:
        names = ", ".join(method.name for method in self.methods)
        rows, columns = self.grid.shape
        return (
            f"ImageComparison({self.score.label} = {self.score.value:.4g}, {rows} x {columns} cells, "
            f"{len(self.methods)} methods: {names})"
        )
