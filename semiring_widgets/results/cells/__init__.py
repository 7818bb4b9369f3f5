"""Answers about pictures and sounds, whose parts are cells: patches of a picture, frames of a sound.

`explanation` holds what both have in common, `image` and `sound` what is their own.

Public: `semiring_widgets.ImageExplanation` and `semiring_widgets.SoundExplanation`.
"""

from semiring_widgets.results.cells.cell_explanation import CellExplanation
from semiring_widgets.results.cells.image import ImageExplanation
from semiring_widgets.results.cells.image_comparison import ImageComparison, ImageMethod
from semiring_widgets.results.cells.parts import BestPath, CellLayer, CellRoute, Grid, several
from semiring_widgets.results.cells.sound import SoundExplanation

__all__ = [
    "BestPath",
    "CellExplanation",
    "CellLayer",
    "CellRoute",
    "Grid",
    "ImageComparison",
    "ImageExplanation",
    "ImageMethod",
    "SoundExplanation",
    "several",
]
