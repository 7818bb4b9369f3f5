"""Pooling over windows: every plane of an image (one channel of one example) is treated alike.

Where an operator takes a maximum, it says itself which element it took.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from semiring_widgets.core.jacobian.blocks.chain import Chain, Turned
from semiring_widgets.core.jacobian.blocks.elementwise import Elementwise
from semiring_widgets.core.jacobian.blocks.gather import Gather
from semiring_widgets.core.jacobian.blocks.windows import Windows, per_dimension
from semiring_widgets.core.jacobian.edge import Edge
from semiring_widgets.core.jacobian.rules.call import Call
from semiring_widgets.core.semirings import Sum

__all__ = ["average_rule", "maximum_rule", "plane_rank", "unpooling_rule"]

_SUM = Sum()


def maximum_rule(call: Call) -> Iterator[Edge]:
    """max_pool and its like, whose second result holds the element taken, counted within its plane."""
    (source,) = call.sources
    taken = call.run(call.value)[1]
    for _, target in call.outputs():
        index = _within_planes(taken, source.shape, plane_rank(call))
        yield call.edge(source, target, Gather(source.shape, target.shape, index))


def unpooling_rule(call: Call) -> Iterator[Edge]:
    """max_unpool: every element goes where its index says, also (as to autograd) where another one lands."""
    (source,), (target,) = call.sources, call.targets
    index = _within_planes(call.op.args[1], target.shape, plane_rank(call))
    yield call.edge(source, target, Turned(Gather(target.shape, source.shape, index)))


def average_rule(call: Call) -> Iterator[Edge]:
    """avg_pool: what each window sees, times one number per window."""
    (source,), (target,) = call.sources, call.targets
    rank, given = plane_rank(call), call.named
    kernel, padding = per_dimension(given["kernel_size"], rank), per_dimension(given["padding"], rank)
    stride = per_dimension(given["stride"], rank) or kernel
    plane, out = source.shape[-rank:], target.shape[-rank:]
    images = torch.Size((1, source.shape[:-rank].numel(), *plane))
    windows = Windows(images, kernel, out, stride, padding, [1] * rank)
    ones = torch.ones((1, 1, *plane), dtype=call.dtype, device=target.device)
    (seen,) = Windows(ones.shape, kernel, out, stride, padding, [1] * rank).push(_SUM, (ones,))
    count = seen.sum(tuple(range(2, 2 + rank)))
    # The divisor may count the padding or be given: ask the operator for the average of ones.
    share = call.run(lambda node: ones)[0] / count.clamp(min=1)
    averaged = torch.Size((1, images[1], *out))
    kept = (1, images[1], *(1 for _ in kernel), *out)
    wide = share.reshape(1, 1, *(1 for _ in kernel), *out)
    joined = Elementwise(windows.target, averaged, windows.target, kept, wide, call.dtype, wide.device)
    yield call.edge(source, target, Chain(source.shape, target.shape, [windows, joined]))


def _within_planes(index: Tensor, shape: torch.Size, rank: int) -> Tensor:
    """Flat index in a whole tensor of ``shape``, from one that counts within each plane."""
    planes = shape[:-rank].numel()
    first = torch.arange(planes, device=index.device) * shape[-rank:].numel()
    return first[:, None] + index.reshape(planes, index.shape[-rank:].numel())


def plane_rank(call: Call) -> int:
    """How many dimensions a plane has; it stands in the operator's name."""
    return next(rank for rank in (1, 2, 3) if f"{rank}d" in call.op.func.overloadpacket.__name__)
