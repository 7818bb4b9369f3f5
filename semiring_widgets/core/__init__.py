"""The method itself, on torch alone: tape, gradient graph, semirings, sweeps, paths and flow."""

from semiring_widgets.core.backprop import Result, backprop
from semiring_widgets.core.paths import Path, Step, sample_paths, top_paths
from semiring_widgets.core.semirings import Semiring
from semiring_widgets.core.tape import Tape, record

__all__ = ["Path", "Result", "Semiring", "Step", "Tape", "backprop", "record", "sample_paths", "top_paths"]
