"""Effects: what becomes of the score when parts of a model are replaced, measured and estimated."""

from semiring_widgets.core.effects.measuring import Effect, test
from semiring_widgets.core.effects.table import Row, effects

__all__ = ["Effect", "Row", "effects", "test"]
