"""What a picture of an explanation is tinted by: effects where they were tested, contributions elsewhere.

All places have one unit and one scale, so that a word, a head and a cell can be compared at sight. Files from
before effects were measured have the share of mass in their place; shares add up within each kind of places,
so there each kind has a scale of its own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from semiring_widgets.results.decimals import Decimals
from semiring_widgets.results.explanation import Explanation
from semiring_widgets.results.wording import brief, percent

__all__ = ["PRINTED", "Tints", "tints_of"]

# Paler places have a number that does not matter.
PRINTED: Final = 0.3
# Scores of which two decimals say too little.
_BRIEF: Final = 0.1
_UNKNOWN: Final = "not known"
_EFFECT, _ESTIMATE = "effect, tested", "contribution: estimated, not tested"
_MIXED, _MASS = (
    "effect where tested, else estimated",
    "share of all paths that run here; effects are not known",
)


@dataclass(frozen=True)
class Tints:
    """Numbers of one kind of places, and how they are shown.

    Attributes:
        values: of any shape; NaN where nothing is known.
        peak: the end of the scale; 0 where nothing is known.
        caption: what they are, in words.
        signed: whether they are signed numbers in the unit of the score, or shares.
    """

    values: NDArray[Any]
    peak: float
    caption: str
    signed: bool = True

    @property
    def unknown(self) -> Tints:
        """The same places, of which nothing is known."""
        return Tints(np.full(self.values.shape, np.nan), 0.0, _UNKNOWN)

    def strength(self, *place: int) -> float:
        """-1 to 1, how strong the tint is; the square root keeps small numbers visible."""
        value = float(self.values[place])
        if math.isnan(value) or self.peak == 0:
            return value if math.isnan(value) else 0.0
        return math.copysign(math.sqrt(min(1.0, abs(value) / self.peak)), value)

    def written(self, *place: int) -> str:
        """The number, where there is little room; empty where it is not known."""
        value = float(self.values[place])
        if math.isnan(value):
            return ""
        if not self.signed:
            return percent(value).replace(" ", "")
        if self.peak >= _BRIEF:
            return brief(value)
        return Decimals.of(self.peak).signed(value)


def tints_of(result: Explanation) -> dict[str, Tints]:
    """The numbers of ``"token"``, ``"decoder"`` (a second stream), ``"node"``, ``"head"`` and ``"mlp"``.

    Args:
        result: an explanation, however much of it is known.
    """
    data = result.dataset
    places = ("token", "decoder", "node", "head", "mlp")
    known = {place: _either(data, place) for place in places if f"{place}_effect" in data}
    peak = max((_most(values) for values, _ in known.values()), default=0.0)
    if any(np.isfinite(values).any() for values, _ in known.values()) or result.status.state == "running":
        return {place: Tints(values, peak, caption) for place, (values, caption) in known.items()}
    shares = {
        "token": data["token_mass_share"].values,
        "decoder": np.full(data.sizes["token"], np.nan),
        "node": data["node_mass_share"].values,
        "head": data["head_mass_share"].sum("kind", skipna=False).values,
        "mlp": data["branch_mass_share"].sel(branch="mlp").sum("token", min_count=1).values,
    }
    peaks = {place: _most(values) for place, values in shares.items()}
    return {
        place: Tints(values, peaks[place], _MASS if peaks[place] else _UNKNOWN, False)
        for place, values in shares.items()
    }


def _most(values: NDArray[Any]) -> float:
    return float(np.abs(values[np.isfinite(values)]).max(initial=0.0))


def _either(data: Any, place: str) -> tuple[NDArray[Any], str]:
    """What was measured, else what was estimated; and which of them it is."""
    effect, contribution = (data[f"{place}_{what}"].values for what in ("effect", "contribution"))
    measured = np.isfinite(effect)
    if not measured.any():
        return contribution, _ESTIMATE if np.isfinite(contribution).any() else _UNKNOWN
    whole = not np.isfinite(contribution[~measured]).any()
    return np.where(measured, effect, contribution), _EFFECT if whole else _MIXED
