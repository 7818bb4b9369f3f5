"""What circuits are, and how faithful: of the change from nothing to the whole model, which share they make.

Definitions of the circuit track of the Mechanistic Interpretability Benchmark (Mueller et al. 2025, arXiv
2504.13151).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

__all__ = ["Circuit", "Curve"]


@dataclass(frozen=True)
class Circuit:
    """Some parts or edges of a model, and the score with these alone.

    Attributes:
        of: ``"parts"`` or ``"edges"``.
        fraction: how many were to be kept, 0 to 1.
        kept: what is kept, first those ranked first, a dict each: of parts with the keys of
            `semiring_widgets.effects`, of edges ``source``, ``target`` and what they were ranked by.
        total: how many there are.
        score: with all else replaced.
        score_nothing: with everything replaced.
        score_model: of the model.

    Example:
        >>> from semiring_widgets import Circuit
        >>> Circuit("parts", 0.5, ({"kind": "mlp", "layer": 0},), 2, 3.0, -1.0, 4.0).faithfulness
        0.8
    """

    of: str
    fraction: float
    kept: tuple[Mapping[str, Any], ...]
    total: int
    score: float
    score_nothing: float
    score_model: float

    @property
    def faithfulness(self) -> float:
        """``(score - score_nothing) / (score_model - score_nothing)``: 1 is the model; NaN if these agree."""
        whole = self.score_model - self.score_nothing
        return (self.score - self.score_nothing) / whole if whole else float("nan")


@dataclass(frozen=True)
class Curve:
    """Circuits of one ranking, from the smallest to the largest.

    Attributes:
        circuits: one for each fraction.

    Example:
        >>> from semiring_widgets import Circuit, Curve
        >>> half = Circuit("parts", 0.5, (), 2, 3.0, 0.0, 4.0)
        >>> Curve((half, Circuit("parts", 1.0, (), 2, 4.0, 0.0, 4.0))).points
        ((0.5, 0.75), (1.0, 1.0))
    """

    circuits: tuple[Circuit, ...]

    @property
    def points(self) -> tuple[tuple[float, float], ...]:
        """(fraction kept, faithfulness) of each."""
        return tuple((one.fraction, one.faithfulness) for one in self.circuits)

    @property
    def cpr(self) -> float:
        """Area under the faithfulness (circuit performance ratio). It has no upper bound: see `cmd`, too."""
        return _area(self.points)

    @property
    def cmd(self) -> float:
        """Area between the faithfulness and 1 (circuit-model distance): 0 is best."""
        return _area([(k, abs(1 - f)) for k, f in self.points])


def _area(points: Sequence[tuple[float, float]]) -> float:
    """By trapezoids."""
    return sum((b - a) * (f + g) / 2 for (a, f), (b, g) in pairwise(points))
