"""An answer about one sound."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from semiring_widgets.results.cells.cell_explanation import CellExplanation

__all__ = ["SoundExplanation"]


@dataclass(frozen=True, eq=False, repr=False)
class SoundExplanation(CellExplanation):
    """What made a model of sounds give its answer; see `semiring_widgets.explain_sound`.

    The waveform is that which the model was given, in the dataset as ``waveform(sample)``.

    Attributes:
        rate: samples per second.
    """

    kind: ClassVar[str] = "sound"

    rate: int = 16_000

    @property
    def waveform(self) -> NDArray[np.float32]:
        """The samples, shape (samples,)."""
        return np.asarray(self.dataset["waveform"].values)

    def _where(self, cell: int) -> dict[str, Any]:
        _, start, _, end = self.grid.box(cell)
        return {"frame": cell, "start": start / self.rate, "end": end / self.rate}

    @classmethod
    def _axes(cls) -> dict[str, tuple[str, ...]]:
        return {"waveform": ("sample",)}
