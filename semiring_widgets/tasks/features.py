"""FFOOM: four features, only one matters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from semiring_widgets.tasks.drawing import Integers, integers
from semiring_widgets.tasks.sequences import Task

__all__ = ["FFOOM"]


@dataclass(frozen=True)
class FFOOM(Task):
    """Label 1: the first of four features, each uniform between 0 and 1, is above one half.

    The features are real numbers, so the model is an MLP; labels have equal chances and are not balanced.
    """

    name = "FFOOM"
    definition = "1 if the first of four real features is above 0.5; the others do not matter."
    difficulty = "Easy; published entropies are about the logarithm of the width, for all four features."

    def draw(self, generator: np.random.Generator, labels: Integers) -> NDArray[np.float64]:
        """One input for each label, shape (n, 4)."""
        inputs = generator.random((len(labels), 4))
        half = inputs[:, 0] / 2
        inputs[:, 0] = np.where(labels == 1, np.nextafter(0.5, 1) + half, half)
        return inputs

    def _label(self, inputs: NDArray[Any]) -> Integers:
        """Whether the first feature is above one half."""
        return integers(inputs[:, 0] > 0.5)

    def _labels(self, generator: np.random.Generator, n: int) -> Integers:
        return generator.integers(0, 2, n, dtype=np.int64)
