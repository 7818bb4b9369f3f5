"""Which results a tape with a memory limit need not keep: those of cheap, repeatable operators.

Between two matrix products a forward pass leaves behind a dozen pointwise results of the same size. A tape
with a limit lets them go and computes them again when a sweep visits them, bit for bit, as gradient
checkpointing does (https://arxiv.org/abs/1604.06174). Products, random
draws and what was written in place are kept, and so is every result at the end of a long chain: no more than
a dozen operators in a row are ever run to get one value.
"""

from __future__ import annotations

from functools import cache

import torch
from torch._ops import OpOverload

from semiring_widgets.core.tape.nodes import Op

__all__ = ["steps_to"]

aten = torch.ops.aten
_MOST_STEPS = 12
_REDUCTIONS = {aten.sum, aten.mean, aten.amax, aten.amin, aten._softmax, aten._log_softmax}


def steps_to(op: Op) -> int:
    """How many operators compute the results of this one from what is kept; 0 where they must be kept."""
    if not _is_repeatable(op.func):
        return 0
    before = max((node.steps for node in op.inputs()), default=0)
    if op.func.is_view:
        return before
    return before + 1 if before < _MOST_STEPS else 0


@cache
def _is_repeatable(func: OpOverload) -> bool:
    if torch.Tag.nondeterministic_seeded in func.tags or func._schema.is_mutable:
        return False
    return func.is_view or torch.Tag.pointwise in func.tags or func.overloadpacket in _REDUCTIONS
