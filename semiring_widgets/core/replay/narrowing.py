"""Only the rows that the score reads: a score of one token needs one row of the last layer and of the logits.

From the score backwards, a node is *narrowed* where all that is taken of it are some rows along one
dimension, and the operator that makes it treats these rows one by one. An operator that is not known to do so
is run as it is. With a vocabulary of 30,000 words most of a forward pass may be logits that nobody asks for.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor

from semiring_widgets.core.replay.operators import stabiliser
from semiring_widgets.core.replay.program import Step
from semiring_widgets.core.tape import Node, Op

__all__ = ["Narrow", "Narrowing", "Rows", "rows_of"]

aten = torch.ops.aten


class Rows(NamedTuple):
    """Some places along one dimension, which is counted from the front."""

    dim: int
    places: tuple[int, ...]


@dataclass(frozen=True)
class Narrow:
    """How one operator is run on some rows.

    Attributes:
        made: the rows that it gives; None where it gives the whole result.
        needs: the rows that it takes of its inputs.
        args: its arguments for these.
        broadcast: whether tensors that are no nodes are narrowed as the result is.
    """

    made: Rows | None
    needs: Mapping[Node, Rows]
    args: tuple[Any, ...]
    broadcast: bool = False


@dataclass
class Narrowing:
    """Which nodes are narrowed.

    Attributes:
        stored: the rows of a node that are computed.
        steps: by position, how operators are run that take or give only some rows.
    """

    stored: dict[Node, Rows] = field(default_factory=dict)
    steps: dict[int, Narrow] = field(default_factory=dict)

    @classmethod
    def of(cls, steps: Sequence[Step], positions: Sequence[int], whole: Collection[Node]) -> Narrowing:
        """Find out what is not needed.

        Args:
            steps: all of a program.
            positions: of those that are run.
            whole: nodes that are needed as they are.
        """
        found = cls()
        # None where all of a node is needed.
        wanted: dict[Any, Rows | None] = dict.fromkeys(whole)
        for position in reversed(positions):
            step = steps[position]
            made = step.op.outputs[0] if len(step.op.outputs) == 1 else None
            rows = wanted.get(made) if made is not None else None
            run = None if step.only_reads or step.read or made is None else _rule(step.op, made, rows)
            if run is not None and made is not None:
                found.steps[position] = run
                if run.made is not None:
                    found.stored[made] = run.made
            for slot in step.takes:
                new = run.needs.get(slot) if run is not None and isinstance(slot, Node) else None
                wanted[slot] = _both(slot, wanted[slot], new) if slot in wanted else new
        return found


def rows_of(tensor: Tensor, stored: Rows | None, rows: Rows | None) -> Tensor:
    """Some rows of what is held.

    Args:
        tensor: what is held.
        stored: which rows that are; None for all.
        rows: which are wanted; None for all that are held.
    """
    if rows is None or rows == stored:
        return tensor
    places = rows.places if stored is None else tuple(stored.places.index(place) for place in rows.places)
    first, count = places[0], len(places)
    if places == tuple(range(first, first + count)):
        return tensor.narrow(rows.dim, first, count)
    return tensor.index_select(rows.dim, torch.tensor(places, device=tensor.device))


def _both(slot: Any, one: Rows | None, other: Rows | None) -> Rows | None:
    if one is None or other is None or one.dim != other.dim:
        return None
    places = tuple(sorted({*one.places, *other.places}))
    return Rows(one.dim, places) if len(places) < slot.shape[one.dim] else None


def _rule(op: Op, made: Node, rows: Rows | None) -> Narrow | None:
    """How an operator is run for some rows of its result; None where it is run as it is."""
    if any(node.complex for node in (*op.inputs(), made)):
        return None
    if isinstance(op.func, partial) and op.func.func is stabiliser:
        return None if rows is None else _reduced(op, made, rows, op.func.keywords["dims"], keeps=True)
    packet = getattr(op.func, "overloadpacket", None)
    if packet in _PICKING:
        return _PICKING[packet](op, made, rows)
    if rows is None:
        return None
    if packet in _RULES:
        return _RULES[packet](op, made, rows)
    tags = getattr(op.func, "tags", ())
    if torch.Tag.pointwise in tags and not op.func._schema.is_mutable:
        return _pointwise(op, made, rows)
    return None


def _pointwise(op: Op, made: Node, rows: Rows) -> Narrow | None:
    needs = {}
    for node in op.inputs():
        dim = rows.dim - (len(made.shape) - len(node.shape))
        if dim >= 0 and node.shape[dim] != 1:
            needs[node] = Rows(dim, rows.places)
    return Narrow(rows, needs, op.args, broadcast=True)


def _linear(op: Op, made: Node, rows: Rows) -> Narrow | None:
    x = op.args[0]
    if rows.dim == len(made.shape) - 1 or op.inputs().count(x) > 1:
        return None
    return Narrow(rows, {x: rows}, op.args)


def _product(op: Op, made: Node, rows: Rows) -> Narrow | None:
    """mm, addmm, bmm: rows of the left operand, columns of the right one, or whole problems."""
    left, right = op.args[-2:] if len(op.args) > 1 else (None, None)
    if not (isinstance(left, Node) and isinstance(right, Node)) or left is right:
        return None
    at = rows.dim - (len(made.shape) - 2)
    if at == 0:
        needs = {left: rows}
    elif at == 1:
        needs = {right: rows}
    else:
        needs = {left: rows, right: rows}
    if len(op.args) == 3:
        bias = op.args[0]
        if not isinstance(bias, Node) or bias in (left, right):
            return None
        dim = rows.dim - (len(made.shape) - len(bias.shape))
        if dim >= 0 and bias.shape[dim] != 1:
            needs[bias] = Rows(dim, rows.places)
    return Narrow(rows, needs, op.args)


def _reduction(op: Op, made: Node, rows: Rows) -> Narrow | None:
    if len(op.args) < 2 or op.args[1] is None:
        return None
    given = op.args[1]
    keeps = len(op.args) > 2 and op.args[2] is True
    return _reduced(op, made, rows, [given] if isinstance(given, int) else list(given), keeps=keeps)


def _reduced(op: Op, made: Node, rows: Rows, given: Sequence[int], *, keeps: bool) -> Narrow | None:
    x = op.args[0]
    dims = {d % len(x.shape) for d in given} if x.shape and given else set(range(len(x.shape)))
    left = [d for d in range(len(x.shape)) if d not in dims]
    dim = rows.dim if keeps else left[rows.dim]
    if dim in dims and x.shape[dim] != 1:
        return None
    return Narrow(rows, {x: Rows(dim, rows.places)}, op.args)


def _softmax(op: Op, made: Node, rows: Rows) -> Narrow | None:
    along = op.args[1] % len(made.shape)
    return None if rows.dim == along else Narrow(rows, {op.args[0]: rows}, op.args)


def _norm(op: Op, made: Node, rows: Rows) -> Narrow | None:
    among = len(made.shape) - len(op.args[1])
    return Narrow(rows, {op.args[0]: rows}, op.args) if rows.dim < among else None


def _view(op: Op, made: Node, rows: Rows) -> Narrow | None:
    x, shape = op.args[0], op.args[1]
    if isinstance(shape, torch.dtype):
        return None
    dim = _same_dim(x.shape, made.shape, rows.dim)
    if dim is None:
        return None
    sizes = [len(rows.places) if d == rows.dim else size for d, size in enumerate(made.shape)]
    return Narrow(rows, {x: Rows(dim, rows.places)}, (x, sizes))


def _same_dim(source: Sequence[int], target: Sequence[int], dim: int) -> int | None:
    """The dimension of a tensor that is one of its view in another shape."""
    ahead = torch.Size(target[:dim]).numel()
    for d, size in enumerate(source):
        if size == target[dim] and torch.Size(source[:d]).numel() == ahead:
            return d
    return None


def _expand(op: Op, made: Node, rows: Rows) -> Narrow | None:
    x = op.args[0]
    sizes = [len(rows.places) if d == rows.dim else size for d, size in enumerate(made.shape)]
    dim = rows.dim - (len(made.shape) - len(x.shape))
    needs = {x: Rows(dim, rows.places)} if dim >= 0 and x.shape[dim] != 1 else {}
    return Narrow(rows, needs, (x, sizes))


def _permute(op: Op, made: Node, rows: Rows) -> Narrow | None:
    x = op.args[0]
    order = list(range(len(x.shape)))
    packet = op.func.overloadpacket
    if packet is aten.permute:
        order = [d % len(order) for d in op.args[1]]
    else:
        one, other = (-2, -1) if packet is aten.t else op.args[1:3]
        if len(order) < 2:
            return None
        one, other = one % len(order), other % len(order)
        order[one], order[other] = order[other], order[one]
    return Narrow(rows, {x: Rows(order[rows.dim], rows.places)}, op.args)


def _unsqueeze(op: Op, made: Node, rows: Rows) -> Narrow | None:
    x, new = op.args[0], op.args[1] % len(made.shape)
    if rows.dim == new:
        return None
    return Narrow(rows, {x: Rows(rows.dim - (rows.dim > new), rows.places)}, op.args)


def _select(op: Op, made: Node, rows: Rows | None) -> Narrow | None:
    x, dim, place = op.args[:3]
    dim, place = dim % len(x.shape), place % max(1, x.shape[dim])
    # One dimension is narrowed: that of which less is needed, but of units a linear layer needs all.
    units = rows is not None and rows.dim == len(made.shape) - 1 and dim < len(x.shape) - 1
    less = rows is not None and len(rows.places) * x.shape[dim] < made.shape[rows.dim]
    if rows is not None and less and not (units and x.shape[dim] > 1):
        return Narrow(rows, {x: Rows(rows.dim + (rows.dim >= dim), rows.places)}, op.args)
    if x.shape[dim] == 1:
        return None
    return Narrow(None, {x: Rows(dim, (place,))}, (x, dim, 0))


def _slice(op: Op, made: Node, rows: Rows | None) -> Narrow | None:
    x, dim, *bounds = (*op.args, *(None,) * 4)[:5] if len(op.args) > 1 else (op.args[0], 0, None, None, None)
    dim %= len(x.shape)
    start, end, step = bounds
    places = tuple(range(x.shape[dim])[slice(start, end, step if step is not None else 1)])
    if not places:
        return None
    return Narrow(None, {x: Rows(dim, places)}, (x, dim))


_Rule = Callable[[Op, Node, Rows], Narrow | None]
_RULES: dict[Any, _Rule] = {
    aten.linear: _linear,
    **dict.fromkeys((aten.mm, aten.bmm, aten.addmm, aten.baddbmm), _product),
    **dict.fromkeys((aten.sum, aten.mean, aten.amax, aten.amin), _reduction),
    **dict.fromkeys((aten._softmax, aten._log_softmax, aten._safe_softmax), _softmax),
    **dict.fromkeys((aten.view, aten._unsafe_view), _view),
    aten.layer_norm: _norm,
    aten.expand: _expand,
    **dict.fromkeys((aten.permute, aten.transpose, aten.t), _permute),
    aten.unsqueeze: _unsqueeze,
}
# They take some rows whatever is wanted of their result.
_PICKING: dict[Any, Callable[[Op, Node, Rows | None], Narrow | None]] = {
    aten.select: _select,
    aten.slice: _slice,
}
