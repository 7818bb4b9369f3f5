"""Replay: a recorded forward pass is run again, with some of its tensors replaced.

A tape holds the operators and what they were called with, so nothing but the tape is needed: no module names,
no hooks, no change of the model. Only what lies behind the replaced tensors is run.

Internal: use `semiring_widgets.test`.
"""

from semiring_widgets.core.replay.batching import mapped, run_batched
from semiring_widgets.core.replay.carrying import Door, carry
from semiring_widgets.core.replay.program import Program
from semiring_widgets.core.replay.running import Patch, Replaced, run, run_step

__all__ = [
    "Door",
    "Patch",
    "Program",
    "Replaced",
    "carry",
    "mapped",
    "run",
    "run_batched",
    "run_step",
]
