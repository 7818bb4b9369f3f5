"""``aten.glu``: the first half of a tensor times the sigmoid of the second, in one step."""

from __future__ import annotations

import torch
from torch import Tensor

from semiring_widgets.core.jacobian import Edge
from semiring_widgets.core.jacobian.blocks.sparse import sparse_block
from semiring_widgets.core.rules.step import Step

__all__ = ["edges_of_halves", "halves"]


def halves(step: Step, value: Tensor) -> tuple[Tensor, Tensor]:
    """The signal and the gate's input.

    Args:
        step: the step.
        value: of the tensor that holds both.
    """
    signal, gate = value.chunk(2, step.call.named["dim"])
    return signal, gate


def edges_of_halves(step: Step, signal: Tensor, gate: Tensor | None = None) -> list[Edge]:
    """Edges from both halves of the input.

    Args:
        step: the step.
        signal: what those from the first half carry, shaped as the result.
        gate: what those from the second carry; None where there are none.
    """
    (node,), target = step.inputs, step.output
    numbers = torch.arange(node.shape.numel(), device=node.device).reshape(node.shape)
    reached = torch.arange(signal.numel(), device=node.device)
    carried = [signal] if gate is None else [signal, gate]
    own = [half.reshape(-1) for half in halves(step, numbers)][: len(carried)]
    weight = torch.cat([each.reshape(-1) for each in carried]).to(step.call.dtype)
    block = sparse_block(node.shape, target.shape, torch.cat(own), reached.repeat(len(carried)), weight)
    return [step.call.edge(node, target, block)]
