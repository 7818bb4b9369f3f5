"""The rules that have a name."""

from __future__ import annotations

from typing import Any

from semiring_widgets.checks import choice, shown
from semiring_widgets.core.rules.gim import GIM
from semiring_widgets.core.rules.gradient_rule import Gradient
from semiring_widgets.core.rules.linear import Linear
from semiring_widgets.core.rules.lrp import LRP
from semiring_widgets.core.rules.rule import Rule
from semiring_widgets.core.rules.secant import Secant
from semiring_widgets.errors import InputError

__all__ = ["RULES", "find_rule"]

RULES: dict[str, Rule] = {rule.name: rule for rule in (Gradient(), Linear(), Secant(), LRP(), GIM())}


def find_rule(given: Any) -> Rule:
    """A rule by its name, or an object as it is.

    Raises:
        InputError: neither, or an object without a name.
    """
    if isinstance(given, Rule):
        if not given.name:
            raise InputError(
                f"The rule {shown(given)} has no name; set `name` in its class: results carry it."
            )
        return given
    if isinstance(given, type) and issubclass(given, Rule):
        raise InputError(f"rules is the class {given.__name__}; give an object of it, {given.__name__}().")
    return RULES[choice(given, "rules", tuple(RULES))]
