"""Numbers in words, the same on every face."""

from __future__ import annotations

import math

__all__ = ["nats", "power"]


def power(log: float) -> str:
    """A natural logarithm as a plain number with two digits, also where no float holds it.

    >>> power(math.log(0.25)), power(-100.0), power(-math.inf)
    ('0.25', '3.7e-44', '0')
    """
    if log == -math.inf:
        return "0"
    exponent = math.floor(log / math.log(10))
    if -4 < exponent < 4:
        return f"{math.exp(log):.2g}"
    return f"{math.exp(log - exponent * math.log(10)):.1f}e{exponent}"


def nats(value: float | None) -> str:
    """A number of nats, or that it is not known."""
    return "not known" if value is None or not math.isfinite(value) else f"{value:.4g} nats"
