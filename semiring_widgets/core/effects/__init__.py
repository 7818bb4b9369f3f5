"""Effects: what becomes of the score when parts of a model are replaced, measured and estimated.

Internal: use `semiring_widgets.test` and `semiring_widgets.effects`.
"""

from semiring_widgets.core.effects.effect_table import Row, effect_rows
from semiring_widgets.core.effects.measuring import Effect, test
from semiring_widgets.core.effects.routes import RouteStep, RouteSteps
from semiring_widgets.core.effects.saturation import saturated
from semiring_widgets.core.replay.alignment import Aligned

__all__ = ["Aligned", "Effect", "RouteStep", "RouteSteps", "Row", "effect_rows", "saturated", "test"]
