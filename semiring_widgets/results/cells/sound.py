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

    Example:
        >>> import semiring_widgets as sw
        >>> halves = torch.nn.Unflatten(1, (2, 32)), torch.nn.AvgPool1d(32), torch.nn.Flatten()
        >>> mean = torch.nn.Sequential(*halves)
        >>> found = sw.explain_sound(mean.eval(), None, torch.ones(64), target=0, frames=2, rate=32)
        >>> found
        SoundExplanation(logit(class 0) = 1, 2 frames, 0 layers, rules secant)
        >>> found.effects()[["start", "end", "effect"]].values.tolist()
        [[0.0, 1.0, 1.0], [1.0, 2.0, 0.0]]
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
