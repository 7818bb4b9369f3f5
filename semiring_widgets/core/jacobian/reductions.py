"""Reductions: every input element feeds exactly one output element."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch

from semiring_widgets.core.jacobian.blocks import Elementwise
from semiring_widgets.core.jacobian.context import Call, Edge
from semiring_widgets.core.tape import Node

__all__ = ["rule"]

aten = torch.ops.aten


def rule(call: Call) -> Iterator[Edge]:
    """The gradient of the sum of the outputs holds one derivative per input element."""
    (source,) = call.sources
    packet = call.op.func.overloadpacket
    if packet in (aten.sum, aten.mean):
        for _, target in call.outputs():
            share = 1.0
            if packet is aten.mean:
                share = math.prod(target.shape) / max(1, math.prod(source.shape))
            yield _edge(call, source, target, share)
        return
    for own, target, derivative in call.gradients(call.value):
        if derivative is not None:
            yield _edge(call, own, target, derivative)


def _edge(call: Call, source: Node, target: Node, derivative: object) -> Edge:
    block = Elementwise(
        source.shape,
        target.shape,
        source.shape,
        _kept(call, source, target),
        derivative,  # type: ignore[arg-type]
        call.dtype,
        target.value.device,
    )
    return call.edge(source, target, block)


def _kept(call: Call, source: Node, target: Node) -> list[int]:
    """The target's shape with the reduced dimensions as 1."""
    if len(target.shape) == len(source.shape):
        return list(target.shape)
    names = [argument.name for argument in call.op.func._schema.arguments]
    given = dict(zip(names, call.op.args, strict=False)) | dict(call.op.kwargs)
    dims = given.get("dim")
    if dims is None or (isinstance(dims, list) and not dims):
        return [1] * len(source.shape)
    chosen = {d % len(source.shape) for d in (dims if isinstance(dims, (list, tuple)) else [dims])}
    return [1 if d in chosen else n for d, n in enumerate(source.shape)]
