"""Writes to places given by indices, also those that add up, where several elements go to one of the result.

The indices that tell where an element is written, looked up in the numbers of the result's elements, tell
where its edge leads. Weights are those of autograd, so that products, means and extremes are covered as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from semiring_widgets.core.jacobian.blocks.block import Block
from semiring_widgets.core.jacobian.blocks.chain import Turned
from semiring_widgets.core.jacobian.blocks.gather import Gather
from semiring_widgets.core.jacobian.blocks.sparse import sparse_block
from semiring_widgets.core.jacobian.edge import Edge
from semiring_widgets.core.jacobian.rules import explicit_jacobian, movement
from semiring_widgets.core.jacobian.rules.call import Call
from semiring_widgets.core.tape import Node

__all__ = ["folding_rule", "rule"]

aten = torch.ops.aten


def rule(call: Call) -> Iterator[Edge]:
    """index_put, put, index_copy and scatter; index_add, index_reduce, scatter_add and scatter_reduce."""
    given = call.named
    own, added = given["self"], given.get(_WRITTEN[call.op.func.overloadpacket][0])
    if not _adds_up(call, given):
        # Autograd would count both, though one is overwritten.
        if isinstance(added, Node) and added in call.sources and _writes_twice(call, given, added):
            raise call.refuse("it writes two values to one place, and which of them stays is undefined")
        yield from movement.rule(call)
        return
    if own is added or call.complex:
        yield from explicit_jacobian.rule(call)
        return
    for source, target, derivative in call.gradients(call.value):
        if derivative is None:
            continue
        if source is own:
            yield call.elementwise(source, target, target.shape, target.shape, derivative)
        else:
            yield call.edge(source, target, _written_block(call, given, source, target, derivative))


def folding_rule(call: Call) -> Iterator[Edge]:
    """``aten.col2im``: windows are laid over each other and added."""
    (source,), (target,) = call.sources, call.targets
    _, _, *window = call.op.args
    numbers = torch.arange(1, target.shape.numel() + 1, device=target.device)
    shown = aten.im2col(numbers.reshape(target.shape).to(torch.float64), *window)
    places = shown.to(torch.int64) - 1
    yield call.edge(source, target, Turned(Gather(target.shape, source.shape, places)))


def _written_block(
    call: Call, given: dict[str, Any], source: Node, target: Node, derivative: Tensor
) -> Block:
    written, reached = _written_places(call, given, source, target)
    weight = derivative.reshape(-1)[written]
    if len(written) > source.shape.numel():
        # One element is written to several places, and perhaps to one of them twice.
        pairs, count = (written * target.shape.numel() + reached).unique(return_counts=True)
        written, reached = pairs // target.shape.numel(), pairs % target.shape.numel()
        weight = count.to(call.dtype)
    return sparse_block(source.shape, target.shape, written, reached, weight)


def _adds_up(call: Call, given: dict[str, Any]) -> bool:
    packet = call.op.func.overloadpacket
    if packet is aten.scatter:
        return "reduce" in given
    return packet is not aten.index_copy and bool(given.get("accumulate", True))


def _writes_twice(call: Call, given: dict[str, Any], added: Node) -> bool:
    _, reached = _written_places(call, given, added, call.targets[0])
    return len(reached.unique()) < len(reached)


def _written_places(call: Call, given: dict[str, Any], source: Node, target: Node) -> tuple[Tensor, Tensor]:
    """Flat index of every element that is written, and of the element of the result that it goes to."""
    device = target.device
    elements = torch.arange(source.outer.numel(), device=device).reshape(source.outer)
    numbers = torch.arange(target.outer.numel(), device=device).reshape(target.outer)
    packet = call.op.func.overloadpacket
    reached = _WRITTEN[packet][1](numbers, given)
    if packet in (aten.scatter, aten.scatter_add, aten.scatter_reduce):
        # Of a larger source only the first elements are read.
        elements = elements[tuple(slice(n) for n in reached.shape)]
    if packet is aten.put:
        return elements.reshape(-1), reached.reshape(-1)
    return elements.expand(reached.shape).reshape(-1), reached.reshape(-1)


def _by_indices(numbers: Tensor, given: dict[str, Any]) -> Tensor:
    found: Tensor = aten.index(numbers, given["indices"])
    return found


def _by_slices(numbers: Tensor, given: dict[str, Any]) -> Tensor:
    return numbers.index_select(given["dim"], given["index"])


def _by_elements(numbers: Tensor, given: dict[str, Any]) -> Tensor:
    return numbers.gather(given["dim"], given["index"])


def _by_numbers(numbers: Tensor, given: dict[str, Any]) -> Tensor:
    return numbers.take(given["index"])


# What each operator calls the tensor that it writes, and how it looks the places up.
_WRITTEN: dict[Any, tuple[str, Callable[[Tensor, dict[str, Any]], Tensor]]] = {
    aten.index_put: ("values", _by_indices),
    aten._unsafe_index_put: ("values", _by_indices),
    aten.put: ("source", _by_numbers),
    aten.index_copy: ("source", _by_slices),
    aten.index_add: ("source", _by_slices),
    aten.index_reduce: ("source", _by_slices),
    aten.scatter: ("src", _by_elements),
    aten.scatter_add: ("src", _by_elements),
    aten.scatter_reduce: ("src", _by_elements),
}
