"""Operators that only move elements: the Jacobian is found by applying the operator to the elements' numbers.

An operator that copies element 5 of its input to place 3 of its output also copies the *index* 5 there, so
running it once on a tensor of indices tells its whole Jacobian. Indices count from 1: a 0 that appears in
the result (padding, a triangular mask) is no element.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from semiring_widgets.core.jacobian.blocks.chain import Turned
from semiring_widgets.core.jacobian.blocks.elementwise import Elementwise
from semiring_widgets.core.jacobian.blocks.gather import Gather
from semiring_widgets.core.jacobian.blocks.strided import Strided, reshaped, window
from semiring_widgets.core.jacobian.edge import Edge
from semiring_widgets.core.jacobian.rules import pointwise, reductions
from semiring_widgets.core.jacobian.rules.call import Call
from semiring_widgets.core.tape import Node

__all__ = ["cat_rule", "ordering_rule", "rule", "view_rule"]

aten = torch.ops.aten


def view_rule(call: Call) -> Iterator[Edge]:
    """Views: the index tensor's own size, stride and offset are the Jacobian."""
    (source,) = call.sources
    if call.op.func.overloadpacket is aten.as_strided and not source.value.is_contiguous():
        (target,), places = call.targets, _replayed_strides(call, source)
        yield call.edge(source, target, Gather(source.shape, target.shape, places))
        return
    if (shared := _strides_of_view(call, source)) is not None:
        yield shared
        return
    if not call.complex and call.op.func.overloadpacket is not aten.as_strided:
        yield from _strides_of_views(call, source)
        return
    # Complex numbers are of floating point; up to 2^53 those count as well.
    kind = torch.float64 if call.complex else torch.int64
    shown = call.run(lambda node: _element_numbers(source.shape, source.device).to(kind))
    for position, target in call.outputs():
        index = shown[position]
        yield _edge_of_view(call, source, target, index, partial(index.to, torch.int64))


def rule(call: Call) -> Iterator[Edge]:
    """Copies of any kind, from one or several inputs."""
    offsets: dict[Node, int] = {}
    start = 1

    def numbered(node: Node) -> Tensor:
        nonlocal start
        if node not in call.sources:
            return torch.zeros(node.shape, dtype=torch.float64, device=node.device)
        if node not in offsets:
            offsets[node] = start
            start += node.shape.numel()
        count = _element_numbers(node.shape, node.device)
        return (count + offsets[node]).to(torch.float64)

    args, kwargs = _without_filling(call)
    plain = replace(call, op=call.op.taking(args, kwargs))
    results = plain.run(numbered)
    for position, target in call.outputs():
        labels = results[position].to(torch.int64)
        for source in call.sources:
            index = labels - offsets[source]
            inside = (index >= 0) & (index < source.shape.numel())
            block = Gather(source.shape, target.shape, torch.where(inside, index, -1))
            yield call.edge(source, target, block)


def cat_rule(call: Call) -> Iterator[Edge]:
    """Tensors side by side: each is a window of the result."""
    tensors = call.op.args[0]
    (target,) = call.targets
    nodes = [node for node in tensors if node in call.sources]
    windows: list[tuple[Node, Strided | None]] = []
    dim = int(call.named.get("dim", 0))
    stride = reshaped(target.shape, target.shape).stride
    start = 0
    for node in tensors:
        # Empty tensors of one dimension may stand beside any others.
        size = node.shape[dim] if len(node.shape) == len(target.shape) else 0
        if node in call.sources:
            step = stride[dim % len(target.shape)]
            windows.append((node, window(target.shape, node.shape, stride, start * step)))
        start += size
    if call.complex or len(set(nodes)) < len(nodes) or any(block is None for _, block in windows):
        yield from rule(call)
        return
    for node, block in windows:
        if block is not None:
            yield call.edge(node, target, Turned(block))


def ordering_rule(call: Call) -> Iterator[Edge]:
    """max, sort, topk and their like: the operator says which elements it took."""
    schema = call.op.func._schema
    if len(schema.returns) == 1:
        # max() over everything is a reduction; max(a, b) is pointwise.
        yield from (reductions.rule(call) if len(call.op.args) == 1 else pointwise.rule(call))
        return
    (source,) = call.sources
    taken = call.run(call.value)[1]
    rank = len(source.shape)
    dim = int(call.named.get("dim", -1)) % max(1, rank)
    for _, target in call.outputs():
        if rank == 0:
            yield call.edge(source, target, Gather(source.shape, target.shape, torch.zeros_like(taken)))
            continue
        wide = taken if taken.dim() == rank else taken.unsqueeze(dim)
        numbers = _element_numbers(source.shape, source.device)
        yield call.edge(source, target, Gather(source.shape, target.shape, numbers.gather(dim, wide)))


def _element_numbers(shape: torch.Size, device: torch.device) -> Tensor:
    return torch.arange(shape.numel(), device=device).reshape(shape)


def _strides_of_view(call: Call, source: Node) -> Edge | None:
    """The edge of a recorded view into a contiguous tensor: its own strides say all."""
    target = call.targets[0]
    shown, whole = target.value, source.value
    if len(call.targets) > 1 or not whole.is_contiguous() or shown.dtype != whole.dtype:
        return None
    size = shown.numel()
    if shown.is_contiguous() and whole.numel() == size > 0 and shown.data_ptr() == whole.data_ptr():
        return call.edge(source, target, reshaped(source.shape, target.shape))
    if shown.untyped_storage().data_ptr() != whole.untyped_storage().data_ptr():
        return None
    offset = int(shown.storage_offset() - whole.storage_offset())
    block = window(source.shape, target.shape, shown.stride(), offset)
    if block is None:
        return None
    last = offset + sum([(n - 1) * step for n, step in zip(shown.shape, shown.stride(), strict=True)])
    if offset < 0 or last >= whole.numel():
        raise call.refuse("it looks at memory outside of its input")
    return call.edge(source, target, block)


def _strides_of_views(call: Call, source: Node) -> Iterator[Edge]:
    """The edges of views of a tensor of any layout: of a contiguous one, without any numbers, to see how."""
    numbers: tuple[Tensor, ...] | None = None
    shown = call.run(lambda node: torch.empty(source.shape, device="meta"))

    def elements(position: int) -> Tensor:
        nonlocal numbers
        if numbers is None:
            numbers = call.run(lambda node: _element_numbers(source.shape, source.device))
        return numbers[position]

    for position, target in call.outputs():
        yield _edge_of_view(call, source, target, shown[position], partial(elements, position))


def _edge_of_view(
    call: Call, source: Node, target: Node, seen: Tensor, elements: Callable[[], Tensor]
) -> Edge:
    """The edge of one view: by its strides, and where these do not tell it, by the elements that it shows."""
    size, stride, offset = seen.shape, seen.stride(), int(seen.storage_offset())
    spread = [d for d, n in enumerate(size) if n > 1 and stride[d] == 0]
    if spread and call.op.func.overloadpacket is aten.expand:
        block = Elementwise(source.shape, target.shape, size, size, 1.0, call.dtype, target.device)
        return call.edge(source, target, block)
    if (strided := window(source.shape, target.shape, stride, offset)) is not None:
        return call.edge(source, target, strided)
    return call.edge(source, target, Gather(source.shape, target.shape, elements()))


def _replayed_strides(call: Call, source: Node) -> Tensor:
    """`as_strided` sees the storage, so lay the indices out exactly as the tensor was."""
    value = source.value
    storage = torch.full((value.untyped_storage().nbytes() // value.element_size(),), -1, device=value.device)
    window = storage.as_strided(value.shape, value.stride(), value.storage_offset())
    window.copy_(_element_numbers(source.shape, value.device))
    shown: Tensor = call.run(lambda node: window)[0]
    return shown


def _without_filling(call: Call) -> tuple[tuple[object, ...], dict[str, object]]:
    """Numbers that an operator writes are constants: 0, so that they look like no element."""
    packet, args, kwargs = call.op.func.overloadpacket, call.op.args, dict(call.op.kwargs)
    if packet is aten.constant_pad_nd:
        return args[:2], {}
    if packet is aten.scatter and not isinstance(args[3], Node):
        return (*args[:3], 0.0), kwargs
    return args, kwargs
