"""The semirings, and what is needed to write one.

    >>> from semiring_widgets.semirings import KBest, Max, Product, Sum
    >>> Product(Sum(), Max(), KBest(3)).name
    'sum x max x 3-best'

A class derived from `Semiring` with `zero`, `one`, `lift`, `times` and `plus` works wherever one of these
does; `check_laws` tells whether it is a semiring. Each of the classes here says what it computes, in which
unit, what ties mean, what it costs and where it comes from. `FUSED` answers the usual questions in one sweep:
gradient, mass, entropy and best path. Facts are read off a result by name (``r.entropy``), and apart for each
factor as ``r.factors``.
"""

from semiring_widgets.core.semirings import FUSED, Product, Semiring, Value, Weight, built_in, check_laws
from semiring_widgets.core.semirings.built_in import *

__all__ = [
    "FUSED",
    "Product",
    "Semiring",
    "Value",
    "Weight",
    "check_laws",
    *(name for name in vars(built_in) if not name.startswith("_")),
]
