"""The core: record a forward pass, sweep over its gradient graph in any semiring. Imports only torch."""

from __future__ import annotations

from semiring_widgets.core.backprop import Result, backprop
from semiring_widgets.core.semirings import Semiring
from semiring_widgets.core.tape import Tape, record

__all__ = ["Result", "Semiring", "Tape", "backprop", "record"]
