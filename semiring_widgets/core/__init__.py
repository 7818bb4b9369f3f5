"""The method itself, on torch alone: tape, gradient graph, semirings, sweeps, paths and flow.

Internal: what is public here is public as `semiring_widgets.record`, `semiring_widgets.backprop` and their
like.
"""

from semiring_widgets.core.anatomy import Selection
from semiring_widgets.core.backpropagation import backprop
from semiring_widgets.core.capture import Repeated, repeated
from semiring_widgets.core.circuits import Circuit, Curve, circuit, circuit_curve
from semiring_widgets.core.effects import Aligned, Effect, RouteSteps, test
from semiring_widgets.core.memory import estimate_memory
from semiring_widgets.core.paths import (
    Path,
    Paths,
    Route,
    Routes,
    Step,
    path_lengths,
    sample_paths,
    select_paths,
    top_paths,
    top_routes,
)
from semiring_widgets.core.result import Result
from semiring_widgets.core.semirings import Semiring
from semiring_widgets.core.tape import Tape, record

# The name of `Paths` in earlier versions.
PathSet = Paths

__all__ = [
    "Aligned",
    "Circuit",
    "Curve",
    "Effect",
    "Path",
    "PathSet",
    "Paths",
    "Repeated",
    "Result",
    "Route",
    "RouteSteps",
    "Routes",
    "Selection",
    "Semiring",
    "Step",
    "Tape",
    "backprop",
    "circuit",
    "circuit_curve",
    "estimate_memory",
    "path_lengths",
    "record",
    "repeated",
    "sample_paths",
    "select_paths",
    "test",
    "top_paths",
    "top_routes",
]
