"""Reductions: every input element feeds exactly one output element."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from semiring_widgets.core.jacobian.edge import Edge
from semiring_widgets.core.jacobian.rules.call import Call
from semiring_widgets.core.tape import Node

__all__ = ["kept_shape", "rule"]

aten = torch.ops.aten


def rule(call: Call) -> Iterator[Edge]:
    """The gradient of the sum of the outputs holds one derivative per input element."""
    (source,) = call.sources
    packet = call.op.func.overloadpacket
    if packet in (aten.sum, aten.mean):
        for _, target in call.outputs():
            share: float | Tensor = 1.0
            if packet is aten.mean:
                share = math.prod(target.outer) / max(1, math.prod(source.outer))
            if target.complex:
                # The real part goes to the real part, the imaginary one (if there is one) to the other.
                pairs = torch.eye(2, dtype=call.dtype, device=target.device)
                share = share * (pairs if source.complex else pairs[0])
            yield _edge(call, source, target, share)
        return
    for own, target, derivative in call.gradients(call.value):
        if derivative is not None:
            yield _edge(call, own, target, derivative)


def _edge(call: Call, source: Node, target: Node, derivative: float | Tensor) -> Edge:
    return call.elementwise(source, target, source.outer, kept_shape(call, source, target), derivative)


def kept_shape(call: Call, source: Node, target: Node) -> list[int]:
    """The target's shape with the reduced dimensions as 1."""
    shape = source.outer
    if len(target.outer) == len(shape):
        return list(target.outer)
    dims = call.named.get("dim")
    if dims is None or (isinstance(dims, list) and not dims):
        return [1] * len(shape)
    chosen = {d % len(shape) for d in (dims if isinstance(dims, (list, tuple)) else [dims])}
    return [1 if d in chosen else n for d, n in enumerate(shape)]
