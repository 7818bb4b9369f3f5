"""Numbers in the unit of a score, written alike, so that they can be compared at sight."""

from __future__ import annotations

import math
from dataclasses import dataclass

from semiring_widgets.results.wording import number

__all__ = ["Decimals"]

# Beyond this power of ten, and below its inverse, a number is written with an exponent.
_LARGEST = 4


@dataclass(frozen=True)
class Decimals:
    """Numbers of one size, written alike: those of an answer, so that they can be compared at sight.

    Attributes:
        places: digits after the point; None for numbers that need an exponent.

    >>> form = Decimals.of(8.04)
    >>> form.signed(8.04), form.signed(-0.99), form.signed(-0.01), form.at_most(0.14)
    ('+8.0', '−1.0', '0.0', '0.2')
    >>> Decimals.of(0.03).signed(0.0251), Decimals.of(3e-9).signed(3.14e-9), Decimals.of(0.0).signed(0.0)
    ('+0.025', '+3.1e-9', '0.0')
    """

    places: int | None

    @classmethod
    def of(cls, largest: float) -> Decimals:
        """How to write numbers.

        Args:
            largest: of their absolute values.
        """
        if largest == 0 or not math.isfinite(largest):
            return cls(1)
        size = math.floor(math.log10(largest))
        return cls(None if abs(size) > _LARGEST else max(1, 1 - size))

    def signed(self, value: float) -> str:
        """A number with its sign; none where it rounds to zero."""
        if math.isnan(value):
            return "–"
        if self.is_zero(value):
            return f"{0:.{self.places or 0}f}"
        written = number(abs(value), 3) if self.places is None else f"{abs(value):.{self.places}f}"
        return ("−" if value < 0 else "+") + written

    def at_most(self, value: float) -> str:
        """A bound for an absolute value: rounded up."""
        if self.places is None:
            return number(abs(value), 3)
        scale = 10**self.places
        return f"{math.ceil(abs(value) * scale - 1e-3) / scale:.{self.places}f}"

    def is_zero(self, value: float) -> bool:
        """Whether a number rounds to zero."""
        return value == 0 if self.places is None else round(abs(value), self.places) == 0
