"""Colours of static pictures: those of the widget in its light theme, told apart by everybody."""

from __future__ import annotations

import math
from typing import Final

__all__ = ["INK", "LINE", "MARK", "MUTED", "NEGATIVE", "POSITIVE", "ROUTE", "UNKNOWN", "shade"]

# `js/src/styles/ground.css` declares the same ones.
POSITIVE: Final = "#4059ad"
NEGATIVE: Final = "#c1440e"
ROUTE: Final = "#0b7a5b"
MARK: Final = "#d6336c"
INK: Final = "#1b1f24"
MUTED: Final = "#5c6670"
LINE: Final = "#d5dae0"
UNKNOWN: Final = "#e9ebee"
# Tint behind text: no more than leaves it readable.
_STRONGEST: Final = 0.65


def shade(strength: float) -> str:
    """The colour behind a number.

    Args:
        strength: -1 to 1; zero is white, NaN (not known) grey.

    >>> shade(0.0), shade(1.0), shade(-1.0), shade(float("nan"))
    ('#ffffff', '#8393ca', '#d78562', '#e9ebee')
    """
    if math.isnan(strength):
        return UNKNOWN
    colour = POSITIVE if strength >= 0 else NEGATIVE
    part = min(abs(strength), 1.0) * _STRONGEST
    channels = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return "#" + "".join(f"{round(255 + (channel - 255) * part):02x}" for channel in channels)
