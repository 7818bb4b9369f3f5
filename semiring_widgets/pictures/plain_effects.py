"""What matters most, in lines: words, heads and feed-forward parts by what they really do."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from semiring_widgets.results.decimals import Decimals
from semiring_widgets.results.explanation import Explanation

__all__ = ["KINDS", "Row", "form_of", "rows_of"]

# What the kinds of parts are called, and how many of each are told; all words are.
KINDS = {"token": ("words", None), "head": ("heads", 6), "mlp": ("feed-forward parts (MLPs)", 4)}


@dataclass(frozen=True)
class Row:
    """One part.

    Attributes:
        kind: ``"token"``, ``"head"`` or ``"mlp"``.
        name: in words.
        effect: what the score loses without it; NaN where that was not tested.
        contribution: the estimate; NaN where it is not known.
    """

    kind: str
    name: str
    effect: float
    contribution: float

    @property
    def size(self) -> float:
        """How much it matters, as far as that is known."""
        return abs(self.contribution if math.isnan(self.effect) else self.effect)


def form_of(result: Explanation) -> Decimals:
    """How numbers in the unit of the score are written, all alike.

    Args:
        result: an explanation.
    """
    known = [abs(row.effect) for kind in KINDS for row in rows_of(result, kind) if math.isfinite(row.effect)]
    return Decimals.of(max([abs(result.score.value), *known]))


def rows_of(result: Explanation, kind: str) -> list[Row]:
    """The parts of one kind: words in their order, of all others those that matter most.

    Args:
        result: an explanation.
        kind: ``"token"``, ``"head"`` or ``"mlp"``.
    """
    rows = [row for row in _rows(result) if row.kind == kind and not math.isnan(row.size)]
    most = KINDS[kind][1]
    return rows if most is None else sorted(rows, key=lambda row: -row.size)[:most]


def _rows(result: Explanation) -> Iterator[Row]:
    for part in result.effects().to_dict("records"):
        kind = str(part["kind"])
        if kind == "token":
            stream = part.get("stream")
            several = len(result.streams) > 1
            name = f"{part['text']} ({stream})" if several else str(part["text"])
        elif kind in KINDS:
            name = f"head {part['layer']}·{part['head']}" if kind == "head" else f"MLP {part['layer']}"
        else:
            continue
        yield Row(kind, name, float(part["effect"]), float(part["contribution"]))
