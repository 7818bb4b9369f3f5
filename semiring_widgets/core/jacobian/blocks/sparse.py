"""Sparse Jacobians, as a list of their entries."""

from __future__ import annotations

import torch
from torch import Tensor

from semiring_widgets.core.jacobian.blocks.chain import Chain, Turned
from semiring_widgets.core.jacobian.blocks.elementwise import Elementwise
from semiring_widgets.core.jacobian.blocks.gather import Gather

__all__ = ["sparse_block"]


def sparse_block(
    source: torch.Size, target: torch.Size, own: Tensor, reached: Tensor, weight: Tensor
) -> Chain:
    """A block of single edges: pick their sources, weigh them, and add them up at their targets.

    Args:
        source: shape of the one end.
        target: shape of the other.
        own: flat source index of every edge, int64 (E,).
        reached: flat target index of every edge, (E,). No pair may occur twice.
        weight: derivatives, (E,).
    """
    edges = torch.Size((len(own),))
    weighed = Elementwise(edges, edges, edges, edges, weight, weight.dtype, weight.device)
    picked = Gather(source, edges, own)
    return Chain(source, target, [picked, weighed, Turned(Gather(target, edges, reached))])
