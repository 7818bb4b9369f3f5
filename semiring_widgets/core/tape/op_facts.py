"""What the recorder asks about an ATen operator, whatever it is called with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

import torch
from torch._ops import OpOverload

from semiring_widgets.core.tape.arguments import is_tracked
from semiring_widgets.core.tape.recomputation import is_repeatable

__all__ = ["OpFacts", "facts_of", "functional_of", "returns_more", "written_by"]

aten = torch.ops.aten

# Copies of a tensor, which stay the same node: a path does not pass a step there.
_SAME = {aten.alias, aten.clone, aten.contiguous, aten._to_copy, aten.lift_fresh, aten.positive}
_SAME_IF_SHAPE_STAYS = {aten.view, aten._unsafe_view, aten.expand, aten.squeeze, aten.slice}
_CUT = {aten.detach}
# They take a tensor for its shape only.
_SHAPED = {
    *(aten.zeros_like, aten.ones_like, aten.empty_like, aten.full_like, aten.rand_like, aten.randn_like),
    *(aten.new_zeros, aten.new_ones, aten.new_empty, aten.new_full, aten.new_empty_strided),
}
# Operators whose derivative in autograd is not that of what they compute, as a reviewer of this one said:
# https://github.com/pytorch/pytorch/pull/77128
_MISTAKEN = {aten.as_strided_scatter}


class OpFacts(NamedTuple):
    """What the recorder asks about an operator; looked up a thousand times in one forward pass.

    ``expansion`` writes it as others, ``is_one_step`` tells from its arguments, with nodes in the place of
    tensors, whether it stays what it is although PyTorch would decompose it. ``shapes``: it takes a tensor
    for its shape only. ``repeats``: it can be run again, bit for bit.
    """

    func: OpOverload
    packet: Any
    expansion: Callable[..., Any] | None
    is_one_step: Callable[..., bool] | None
    decomposes: bool
    views: bool
    writes: bool
    cuts: bool
    shapes: bool
    casts: bool
    same: bool
    same_if_shape_stays: bool
    mistaken: bool
    repeats: bool


def facts_of(func: OpOverload, table: dict[Any, Any], uncut: dict[Any, Any], *, exact: bool) -> OpFacts:
    """The facts about an operator.

    Args:
        func: the operator.
        table: how a granularity writes operators as others, see `expansion.granularity.expansions`.
        uncut: which it keeps as one step, see `expansion.granularity.uncut`.
        exact: whether float32 products are made from all digits.
    """
    packet = func.overloadpacket
    return OpFacts(
        func,
        packet,
        table.get(packet, table.get(func._schema.name)),
        uncut.get(packet),
        func._can_decompose(),
        func.is_view,
        func._schema.is_mutable,
        packet in _CUT or packet in _SHAPED,
        packet in _SHAPED,
        packet is aten._to_copy,
        packet in _SAME,
        packet in _SAME_IF_SHAPE_STAYS,
        packet in _MISTAKEN,
        is_repeatable(func, exact=exact),
    )


def written_by(func: OpOverload, args: Sequence[Any], kwargs: dict[str, Any]) -> list[Any]:
    """The arguments that an operator writes; also lists of tensors, and None where one is left out."""
    return [
        args[i] if i < len(args) else kwargs.get(a.name)
        for i, a in enumerate(func._schema.arguments)
        if a.alias_info is not None and a.alias_info.is_write
    ]


@cache
def functional_of(func: OpOverload) -> OpOverload:
    """``aten.add_.Tensor`` -> ``aten.add.Tensor``; the op itself where there is no such twin."""
    name = func._schema.name.split("::")[1]
    packet = getattr(aten, name.rstrip("_"), None)
    if packet is None:
        return func
    # A few twins bear another overload's name, as transpose_.default and transpose.int.
    names = sorted(packet.overloads(), key=lambda other: other != func._overloadname)
    kinds = [str(argument.type) for argument in func._schema.arguments]
    twins = (getattr(packet, other) for other in names)
    return next((t for t in twins if [str(a.type) for a in t._schema.arguments] == kinds), func)


def returns_more(func: OpOverload, result: Any) -> bool:
    """Whether a writing operator also returns floating-point tensors that it did not write."""
    results = result if isinstance(result, (tuple, list)) else [result]
    returns = func._schema.returns
    return any(r.alias_info is None and is_tracked(t) for r, t in zip(returns, results, strict=False))
