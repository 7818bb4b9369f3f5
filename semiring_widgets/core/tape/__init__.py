"""The tape: the ATen operators of an ordinary eager forward pass, with the values they saw.

The model runs unmodified under a `TorchDispatchMode`. Composite operators are expanded to the chosen
granularity while they are recorded, in-place writes become functional, and nothing here knows a derivative.

Internal: use `semiring_widgets.record`; how it works is told in this folder's README.
"""

from semiring_widgets.core.tape.autograd_functions.custom import CustomFunction, is_close, probes
from semiring_widgets.core.tape.gc_pause import uncollected
from semiring_widgets.core.tape.nodes import Node, Op, Scope, fill, units
from semiring_widgets.core.tape.recorder import record
from semiring_widgets.core.tape.tape import Tape

__all__ = [
    "CustomFunction",
    "Node",
    "Op",
    "Scope",
    "Tape",
    "fill",
    "is_close",
    "probes",
    "record",
    "uncollected",
    "units",
]
