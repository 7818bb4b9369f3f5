"""Numbers in words, the same on every face; ``js/src/layout/numbers.ts`` says them alike.

``tests/fixtures/wording.json`` holds cases that both are tested with.
"""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Context, Decimal

__all__ = ["brief", "nats", "number", "percent", "power", "signed"]

_UNKNOWN = "–"
# Beyond this power of ten, and below its inverse, a number is written with an exponent.
_PLAIN = 4


def number(value: float | None, digits: int = 4) -> str:
    """A number with some digits that count, without zeros at its end.

    Args:
        value: any number; None and NaN are not known.
        digits: how many; with an exponent one less.

    >>> number(12.3456), number(-0.5), number(3.14159e-9), number(None)
    ('12.35', '−0.5', '3.14e-9', '–')
    """
    if value is None or math.isnan(value):
        return _UNKNOWN
    size, sign = abs(value), "−" if value < 0 else ""
    if math.isinf(size):
        return f"{sign}∞"
    if size == 0:
        return "0"
    rounded = _rounded(size, digits)
    if 10**-_PLAIN <= size < 10**_PLAIN:
        return sign + f"{rounded.normalize():f}"
    return sign + _exponential(size, digits - 1)


def power(log: float | None) -> str:
    """A natural logarithm as the number itself, with three digits, also where no float holds it.

    >>> power(math.log(0.25)), power(-100.0), power(-math.inf)
    ('0.25', '3.7e-44', '0')
    """
    if log is None or math.isnan(log):
        return _UNKNOWN
    exponents = float(log) / math.log(10)
    if abs(exponents) < _PLAIN or math.isinf(log):
        return number(math.exp(log), 3)
    exponent = math.floor(exponents)
    mantissa = f"{_rounded(10 ** (exponents - exponent), 2):.1f}"
    return f"1.0e{exponent + 1}" if mantissa == "10.0" else f"{mantissa}e{exponent}"


def signed(value: float | None) -> str:
    """A number with its sign and three digits.

    >>> signed(0.2841), signed(-3.14e-9)
    ('+0.284', '−3.1e-9')
    """
    if value is None or math.isnan(value):
        return _UNKNOWN
    return ("−" if value < 0 else "+") + number(abs(value), 3)


def brief(value: float | None) -> str:
    """A signed number where there is little room, with two digits or whole.

    >>> brief(0.4412), brief(-8.04), brief(12.3), brief(0.001)
    ('+0.44', '−8.0', '+12', '0')
    """
    if value is None or math.isnan(value):
        return _UNKNOWN
    size = abs(value)
    if size >= 10**_PLAIN:
        return signed(value)
    # What would be written as 10.0 has a digit too many.
    text = f"{size:.{0 if size >= 9.95 else 1 if size >= 0.995 else 2}f}"
    return "0" if float(text) == 0 else ("−" if value < 0 else "+") + text


def percent(share: float | None) -> str:
    """A share as a percentage with two digits; of a small one, one digit is kept.

    >>> percent(0.5), percent(0.05), percent(1e-5)
    ('50 %', '5 %', '1e-3 %')
    """
    if share is None or math.isnan(share):
        return "not known"
    value = 100 * float(share)
    if value == 0:
        return "0 %"
    if value < 0.01:
        return f"{_exponential(value, 1)} %"
    if value < 10:
        return f"{number(value, 2)} %"
    return f"{Decimal(value).quantize(Decimal(1), ROUND_HALF_UP):f} %"


def nats(value: float | None) -> str:
    """A number of nats, or that it is not known."""
    return "not known" if value is None or not math.isfinite(value) else f"{number(value)} nats"


def _rounded(size: float, digits: int) -> Decimal:
    """To some digits, halves up, as JavaScript does."""
    return Context(prec=digits, rounding=ROUND_HALF_UP).create_decimal(float(size))


def _exponential(size: float, digits: int) -> str:
    mantissa, exponent = f"{_rounded(size, digits):.{digits - 1}e}".split("e")
    return f"{mantissa}e{int(exponent)}"
