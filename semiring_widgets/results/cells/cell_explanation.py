"""What an answer about a picture and one about a sound have in common.

A *cell* is a patch of a picture or a frame of a sound. Of each it is known

- its *effect*: score before minus score after its pixels were given the reference, really tested,
- its *contribution*: the sum over all paths from its pixels of path weight times (pixel - reference pixel),
- its *mass share*: its paths' share of the sum of all absolute path weights, the *entropy* of its paths, and
  the *best* path that begins in it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from semiring_widgets.errors import InputError
from semiring_widgets.results.cells.parts import BestPath, CellLayer, CellRoute, Grid, several
from semiring_widgets.results.consistency import check_status, dataset_of, require
from semiring_widgets.results.facts import fields_of
from semiring_widgets.results.frames import frame_of
from semiring_widgets.results.parts import Score, Sentence, Status
from semiring_widgets.results.result import ELSEWHERE, Shown

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CELL_NUMBERS", "CellExplanation"]

CELL_NUMBERS: Final = ("effect", "contribution", "mass_share", "entropy", "best_log_weight", "best_share")
_AXES: Final = {
    **dict.fromkeys(CELL_NUMBERS, ("cell",)),
    "deletion": ("step",),
    "insertion": ("step",),
    "layer_mass_share": ("layer", "place"),
    "layer_contribution": ("layer", "place"),
    "head_mass_share": ("layer", "head"),
    "head_map": ("layer", "head", "place"),
}
R = TypeVar("R", bound="CellExplanation")


@dataclass(frozen=True, eq=False, repr=False)
class CellExplanation(Shown):
    """An answer about one picture or one sound.

    Attributes:
        model: name of the model's class.
        score: the scalar that it is about.
        grid: how the input is cut into cells.
        layers: attentions, or feature maps where there is none, from the input on.
        routes: of the largest contributions; empty where no attention was found.
        best: the path of largest absolute weight.
        sentences: the answer.
        reference: what cells are given when they are tested, in words.
        reference_score: the score when all of them are.
        rules: which number an edge of a path carries.
        granularity: which graph was counted.
        log_mass: log of the sum of the absolute weights of all paths.
        entropy: of the distribution over all paths, in nats.
        cells: what its cells are called, ``"patch"``, ``"cell"`` or ``"frame"``.
        dataset: by cell the numbers above; ``deletion`` and ``insertion`` (step), the score when so many
            cells of largest effect are given the reference, and when all others are; by layer and its own
            place ``layer_mass_share`` and ``layer_contribution``; ``head_mass_share`` (layer, head), and
            ``head_map`` (layer, head, place): the share of all paths that enter the head by its values at
            that place. NaN where a layer has no such place.
        status: whether it is whole.
    """

    model: str
    score: Score
    grid: Grid
    layers: tuple[CellLayer, ...]
    routes: tuple[CellRoute, ...]
    best: BestPath
    sentences: tuple[Sentence, ...]
    reference: str
    reference_score: float
    rules: str
    granularity: str
    log_mass: float
    entropy: float
    cells: str
    dataset: xr.Dataset
    status: Status = field(default_factory=Status)

    @property
    def answer(self) -> str:
        """The answer in sentences."""
        return " ".join(sentence.text for sentence in self.sentences)

    def effects(self) -> pd.DataFrame:
        """One row a cell: where it is, its tested effect and contribution, and what is known of its paths.

        Example:
            >>> frame = picture.effects()  # of a picture cut into 3 x 3 cells
            >>> len(frame), round(float(frame.mass_share.sum()), 3)
            (9, 1.0)
        """
        rows = []
        for cell in range(self.grid.cells):
            numbers = {name: float(self.dataset[name].values[cell]) for name in CELL_NUMBERS}
            rows.append({"kind": self.cells, **self._where(cell), **numbers})
        return frame_of(rows)

    def layer_map(self, layer: int, head: int | None = None) -> NDArray[np.float32]:
        """Where the paths through a layer or head pass, as shares of all paths.

        Args:
            layer: its number, from 0.
            head: of an attention; None for the layer's stream, or for a feature map.

        Returns:
            Shape (rows, columns) of that layer.

        Raises:
            InputError: there is no such layer or head.

        Example:
            >>> layer = picture.layers[0]
            >>> picture.layer_map(0).shape == (layer.rows, layer.columns)
            True
        """
        if not 0 <= layer < len(self.layers):
            known = f"0 to {len(self.layers) - 1}" if self.layers else "none, as none was found"
            raise InputError(f"layer is {layer}; the layers are {known}.")
        found = self.layers[layer]
        if head is not None and not 0 <= head < found.heads:
            known = f"0 to {found.heads - 1}" if found.heads else "none: it is a feature map"
            raise InputError(f"head is {head}; the heads of layer {layer} are {known}.")
        data = self.dataset
        values = (
            data["layer_mass_share"].values[layer] if head is None else data["head_map"].values[layer, head]
        )
        return np.asarray(values[: found.rows * found.columns].reshape(found.rows, found.columns))

    def to_xarray(self) -> xr.Dataset:
        """The numbers with labelled axes.

        Example:
            >>> effects = picture.to_xarray().effect
            >>> effects.dims, effects.row.values[-1], effects.column.values[-1]
            (('cell',), np.int64(2), np.int64(2))
        """
        places = [self.grid.place(cell) for cell in range(self.grid.cells)]
        return self.dataset.assign_coords(
            row=("cell", [row for row, _ in places]),
            column=("cell", [column for _, column in places]),
            layer_name=("layer", [layer.name for layer in self.layers]),
        ).assign_attrs(
            model=self.model,
            score=self.score.label,
            score_value=self.score.value,
            reference=self.reference,
            rules=self.rules,
            granularity=self.granularity,
        )

    def to_pandas(self) -> pd.DataFrame:
        """The same as `effects`.

        Example:
            >>> picture.to_pandas().equals(picture.effects())
            True
        """
        return self.effects()

    def _where(self, cell: int) -> dict[str, Any]:
        raise NotImplementedError

    @classmethod
    def _axes(cls) -> dict[str, tuple[str, ...]]:
        """Further variables of the dataset, and their axes."""
        raise NotImplementedError

    @classmethod
    def _from_file(cls: type[R], header: dict[str, Any], arrays: dict[str, NDArray[np.float32]]) -> R:
        dataset = dataset_of(arrays, _AXES | cls._axes())
        result = cls(**fields_of(cls, header, "it", without=ELSEWHERE), dataset=dataset)
        check_status(result.status)
        sizes = dataset.sizes
        require(len(result.grid.rows) > 1 and len(result.grid.columns) > 1, "its grid has no cell")
        require(sizes["cell"] == result.grid.cells, "its grid has other cells than its numbers")
        require(sizes["step"] == result.grid.cells + 1, "its curves have other steps than its cells")
        require(sizes["layer"] == len(result.layers), "its layers are others than its numbers'")
        for layer in result.layers:
            require(layer.rows * layer.columns <= sizes["place"], f"{layer.name} has too many places")
            require(layer.heads <= sizes["head"], f"{layer.name} has too many heads")
        return result

    def __repr__(self) -> str:
        rows, columns = self.grid.shape
        size = f"{columns} frames" if rows == 1 else f"{rows} x {columns} {several(self.cells)}"
        return (
            f"{type(self).__name__}({self.score.label} = {self.score.value:.4g}, {size}, "
            f"{len(self.layers)} layers, rules {self.rules})"
        )
