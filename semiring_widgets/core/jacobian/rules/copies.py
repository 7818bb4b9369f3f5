"""Copies to another device, with fewer digits, or from real to complex numbers and back."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from semiring_widgets.core.jacobian.blocks.block import Block
from semiring_widgets.core.jacobian.blocks.chain import Chain
from semiring_widgets.core.jacobian.blocks.identity import Identity
from semiring_widgets.core.jacobian.edge import Edge
from semiring_widgets.core.jacobian.rules.call import Call

__all__ = ["rule"]


def rule(call: Call) -> Iterator[Edge]:
    """`Tensor.to` another device, fewer digits, or from real to complex; any other copy is the same node."""
    (source,), (target,) = call.sources, call.targets
    here, there = source.device, target.device
    blocks: list[Block] = []
    if here != there or source.complex == target.complex:
        blocks.append(Identity(source.shape, here, there))
    if source.complex != target.complex:
        # The imaginary part becomes, or was, nothing.
        real_part = torch.tensor([1.0, 0.0], dtype=call.dtype, device=there)
        blocks.append(call.elementwise(source, target, target.outer, target.outer, real_part).block)
    yield call.edge(source, target, Chain(source.shape, target.shape, blocks))
