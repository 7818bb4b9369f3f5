"""The algebra: semirings, and how to find one by name."""

from __future__ import annotations

from typing import Any

from semiring_widgets.checks import choice, shown
from semiring_widgets.core.semirings.base import Semiring, Value
from semiring_widgets.core.semirings.batch import Batch
from semiring_widgets.core.semirings.best import Max, SignedMax
from semiring_widgets.core.semirings.boolean import Boolean
from semiring_widgets.core.semirings.hops import Hops
from semiring_widgets.core.semirings.kbest import KBest
from semiring_widgets.core.semirings.laws import check_form, check_laws
from semiring_widgets.core.semirings.leaving import Leaving
from semiring_widgets.core.semirings.linear import BranchMax, Sum
from semiring_widgets.core.semirings.mass import Abs, Count, Entropy
from semiring_widgets.core.semirings.moments import Variance
from semiring_widgets.core.semirings.passing import Passing, gated
from semiring_widgets.core.semirings.product import Product, factored, factors_of
from semiring_widgets.core.semirings.weights import Weight
from semiring_widgets.errors import InputError
from semiring_widgets.vocabulary import LEVELS

__all__ = [
    "FUSED",
    "Abs",
    "Batch",
    "Boolean",
    "BranchMax",
    "Count",
    "Entropy",
    "Hops",
    "KBest",
    "Leaving",
    "Max",
    "Passing",
    "Product",
    "Semiring",
    "SignedMax",
    "Sum",
    "Value",
    "Variance",
    "Weight",
    "check_laws",
    "factored",
    "factors_of",
    "find_semiring",
    "gated",
]

# The usual questions in one sweep; ``"fused"`` by name.
FUSED = Product(Sum(), Abs(), Entropy(), Max())
FUSED.name = "fused"
_NAMED = (Sum, Abs, Max, SignedMax, Entropy, Count, Boolean, Variance)
_BY_NAME: dict[str, type[Semiring]] = {**{s.name: s for s in _NAMED}, "kbest": KBest}


def find_semiring(semiring: str | Semiring | type[Semiring], level: str = "unit") -> Semiring:
    """A semiring from its name or object, at the level asked for.

    Args:
        semiring: ``"sum"``, ``"abs"``, ``"max"``, ``"signed_max"``, ``"entropy"``, ``"count"``,
            ``"boolean"``, ``"variance"``, ``"kbest"`` (the five best paths), ``"fused"`` (sum, abs, entropy
            and max in one sweep), or an object such as ``KBest(8)`` or one of your own.
        level: of a maximum: ``"unit"`` (over scalar paths) or ``"branch"`` (as in the published figures).

    Raises:
        InputError: for an unknown name or level, an object whose values have not the form they should, or a
            semiring that has no branch level.
    """
    level = choice(level, "level", LEVELS)
    given: Any = semiring
    if isinstance(semiring, type) and issubclass(semiring, Semiring):
        raise InputError(f"{semiring.__name__} is a class; pass an object of it: {semiring.__name__}(...).")
    if isinstance(semiring, Semiring):
        check_form(semiring)
    elif isinstance(given, str) and given == FUSED.name:
        semiring = FUSED
    elif isinstance(given, str) and given == Hops.name:
        raise InputError(
            "The semiring 'hops' counts layers, which this function knows nothing of; use sw.path_lengths, "
            "or 'hops' in sw.explain and sw.compare."
        )
    elif not isinstance(given, str) or given not in _BY_NAME:
        raise InputError(
            f"semiring is {shown(given)}; choose one of {', '.join(_BY_NAME)}, {FUSED.name}, or pass an "
            f"object of a class derived from sw.Semiring."
        )
    else:
        semiring = _BY_NAME[given]()
    return semiring if level == "unit" else _branched(semiring)


def _branched(semiring: Semiring) -> Semiring:
    """The same with its maxima at branch level; sums and counts have no level."""
    if type(semiring) in (Max, SignedMax):
        return BranchMax(semiring.name)
    if isinstance(semiring, Product):
        product = Product(*map(_branched, semiring.factors))
        product.name = semiring.name
        return product
    if isinstance(semiring, KBest):
        raise InputError(
            "The k best paths are scalar paths: level='branch' is a rule for max and signed_max only. Use "
            "level='unit'."
        )
    return semiring
