"""Rules: which number an edge of the gradient graph carries.

What the derivatives of operators are is said in `core/jacobian`. A rule says what to do with them: leave
them as they are, hold a part of the model constant, or take finite differences instead.

Public: `semiring_widgets.rules`.
"""

from semiring_widgets.core.rules.gim import GIM
from semiring_widgets.core.rules.gradient_rule import Gradient
from semiring_widgets.core.rules.linear import Linear
from semiring_widgets.core.rules.lrp import LRP
from semiring_widgets.core.rules.named_rules import RULES, find_rule
from semiring_widgets.core.rules.rule import Rule
from semiring_widgets.core.rules.secant import Secant
from semiring_widgets.core.rules.step import Step
from semiring_widgets.core.rules.weighing import Weighing

__all__ = ["GIM", "LRP", "RULES", "Gradient", "Linear", "Rule", "Secant", "Step", "Weighing", "find_rule"]
