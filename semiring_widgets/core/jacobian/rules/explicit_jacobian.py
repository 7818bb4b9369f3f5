"""Jacobians written out: for small operators, and for composites that stay one step."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from semiring_widgets.core.jacobian.blocks.dense import Dense
from semiring_widgets.core.jacobian.edge import Edge
from semiring_widgets.core.jacobian.rules.call import Call
from semiring_widgets.core.tape import Node, is_close

__all__ = ["ANOTHER_RESULT", "channel_rule", "is_same_result", "norm_rule", "row_rule", "rule"]

# Why an operator has no local derivatives.
ANOTHER_RESULT = "running it again gives another result, so it is random or keeps a state"

# Largest Jacobian that an operator without a rule may have (128 MB in float32).
_LIMIT = 1 << 25


def rule(call: Call) -> Iterator[Edge]:
    """Any differentiable, repeatable operator that is small enough: one autograd call per output element."""
    for position, target in call.outputs():
        for source in call.sources:
            size = source.shape.numel() * target.shape.numel()
            if size > _LIMIT:
                raise call.refuse(f"a dense Jacobian would have {size:,} entries, more than {_LIMIT:,}")
            jacobian = _jacobian_by_autograd(call, source, target, position)
            if jacobian is not None:
                yield call.edge(source, target, Dense(source.shape, target.shape, jacobian[None]))


def row_rule(call: Call) -> Iterator[Edge]:
    """Operators that treat every row along ``dim`` (their second argument) alone, such as softmax."""
    (source,) = call.sources
    rank = len(source.shape)
    yield from _row_edges(call, source, [int(call.op.args[1]) % rank] if rank else [])


def norm_rule(call: Call) -> Iterator[Edge]:
    """Norms over the last dimensions, kept as one step; scale and bias fall back to a dense Jacobian."""
    count = len(call.op.args[1])
    yield from _norm_edges(call, lambda rank: range(rank - count, rank))


def channel_rule(call: Call) -> Iterator[Edge]:
    """Norms of every channel (dimension 1) alone, kept as one step; else as `norm_rule`."""
    yield from _norm_edges(call, lambda rank: [d for d in range(rank) if d != 1])


def _norm_edges(call: Call, dims_of: Callable[[int], Sequence[int]]) -> Iterator[Edge]:
    source = call.op.args[0]
    if call.sources != (source,) or len(call.targets) != 1 or call.targets[0].shape != source.shape:
        yield from rule(call)
        return
    yield from _row_edges(call, source, dims_of(len(source.shape)))


def _row_edges(call: Call, source: Node, dims: Sequence[int]) -> Iterator[Edge]:
    ((position, target),) = call.outputs()
    rank = len(source.shape)
    order = [d for d in range(rank) if d not in dims] + list(dims)
    size = math.prod(source.shape[d] for d in dims)
    rows = math.prod(source.shape) // max(1, size)
    if rows * size * size > 4 * _LIMIT:
        raise call.refuse(f"its row-wise Jacobians would have {rows * size * size:,} entries")
    leaf = call.value(source).detach().requires_grad_()
    columns = []
    with torch.inference_mode(False), torch.enable_grad():
        out = call.run(lambda node: leaf if node is source else call.value(node))[position]
        moved = out.permute(order).reshape(rows, size)
        for column in range(size):
            (grad,) = torch.autograd.grad(moved[:, column].sum(), leaf, retain_graph=True)
            columns.append(grad.permute(order).reshape(rows, size))
    jacobian = torch.stack(columns, -1) if columns else leaf.new_zeros((rows, size, size))
    yield call.edge(source, target, Dense(source.shape, target.shape, jacobian, order, order))


def _jacobian_by_autograd(call: Call, source: Node, target: Node, position: int) -> Tensor | None:
    """(n_source, n_target), or None where autograd sees no dependence."""
    leaf = call.value(source).detach().requires_grad_()
    with torch.inference_mode(False), torch.enable_grad():
        try:
            out = call.run(lambda node: leaf if node is source else call.value(node))[position]
        except NotImplementedError as error:
            raise call.refuse(f"it cannot be differentiated ({error})") from error
        if not is_same_result(out.detach(), call.value(target), target.dtype):
            raise call.refuse(ANOTHER_RESULT)
        if not out.requires_grad:
            return None
        flat = out.reshape(-1)
        rows = []
        for element in range(flat.numel()):
            (grad,) = torch.autograd.grad(flat[element], leaf, retain_graph=True, allow_unused=True)
            rows.append(_flat_gradient(grad, leaf))
    return torch.stack(rows, -1) if rows else leaf.new_zeros((leaf.numel(), 0))


def _flat_gradient(grad: Tensor | None, like: Tensor) -> Tensor:
    return like.new_zeros(like.numel()) if grad is None else grad.reshape(-1)


def is_same_result(out: Tensor, recorded: Tensor, dtype: torch.dtype) -> bool:
    """Whether two results are the same; sums in half precision are so by their largest number only."""
    if torch.allclose(out, recorded, rtol=1e-2, atol=1e-4, equal_nan=True):
        return True
    return torch.finfo(dtype).bits < 32 and is_close(out, recorded, dtype)
