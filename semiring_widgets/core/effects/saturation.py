"""Where the estimate of a part says something else than its test."""

from __future__ import annotations

from collections.abc import Sequence

from semiring_widgets.core.effects.effect_table import Row

__all__ = ["MATTERS", "PARTED", "saturated"]

# A part matters whose effect or contribution is at least this share of the largest effect of its kind.
MATTERS = 0.1
# Estimate and test have parted if they differ by more than this share of the larger of the two.
PARTED = 0.5


def saturated(rows: Sequence[Row]) -> list[bool]:
    """Which parts an estimate misleads about, though they matter.

    An estimate is the slope at the text; it misses what saturates between there and the reference (a softmax
    that is nearly one, a gelu that is nearly zero). A part is flagged where ``contribution`` has the other
    sign than ``effect``, or where the two differ by more than half of the larger, and where the larger is at
    least a tenth of the largest ``|effect|`` of its kind: of what hardly matters, neither sign nor size does.

    Args:
        rows: those of `effect_rows`; rows that were not tested are never flagged.

    Returns:
        One truth a row.

    Example:
        >>> from semiring_widgets.core.effects import effect_rows
        >>> x = torch.tensor([[3.0], [0.1]])
        >>> with sw.record() as tape:
        ...     score = torch.tanh(x).sum()
        >>> saturated(effect_rows(tape, score, wrt=x, reference="zero"))
        [True, False]
    """
    largest: dict[tuple[str, int], float] = {}
    for row in rows:
        if row["effect"] is not None:
            own = row["kind"], row["example"]
            largest[own] = max(largest.get(own, 0.0), abs(row["effect"]))
    return [_is_saturated(row, largest.get((row["kind"], row["example"]), 0.0)) for row in rows]


def _is_saturated(row: Row, largest: float) -> bool:
    effect, contribution = row["effect"], row["contribution"]
    if effect is None:
        return False
    larger = max(abs(effect), abs(contribution))
    if larger == 0.0 or larger < MATTERS * largest:
        return False
    # Of another sign, they differ by more than the larger.
    return abs(effect - contribution) > PARTED * larger
