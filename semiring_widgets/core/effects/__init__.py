"""Effects: what becomes of the score when parts of a model are replaced, measured and estimated.

Internal: use `semiring_widgets.test` and `semiring_widgets.effects`.
"""

from semiring_widgets.core.effects.effect_table import Row, effects
from semiring_widgets.core.effects.measuring import Effect, test

__all__ = ["Effect", "Row", "effects", "test"]
