"""Pooling and resizing: every plane of an image (one channel of one example) is treated alike.

Where the operator is linear, its matrix from plane to plane is found by applying it to images with a single
1; where it takes a maximum, it says itself which element it took.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from semiring_widgets.core.jacobian.blocks.block import Block
from semiring_widgets.core.jacobian.blocks.chain import Chain, Turned
from semiring_widgets.core.jacobian.blocks.contraction import Contraction
from semiring_widgets.core.jacobian.blocks.elementwise import Elementwise
from semiring_widgets.core.jacobian.blocks.gather import Gather
from semiring_widgets.core.jacobian.blocks.sparse import sparse_block
from semiring_widgets.core.jacobian.blocks.windows import Windows, spread
from semiring_widgets.core.jacobian.edge import Edge
from semiring_widgets.core.jacobian.rules.call import Call
from semiring_widgets.core.semirings import Sum, Weight
from semiring_widgets.core.tape import Node

__all__ = ["average_rule", "grid_rule", "linear_rule", "maximum_rule"]

# Numbers that are computed at once, and in all, to find the matrix of an operator.
_AT_ONCE = 1 << 22
_IN_ALL = 1 << 33
_SUM = Sum()


def maximum_rule(call: Call) -> Iterator[Edge]:
    """max_pool and its like, whose second result holds the element taken, counted within its plane."""
    (source,) = call.sources
    taken = call.run(lambda node: node.value)[1]
    for _, target in call.outputs():
        index = _within_planes(taken, source.shape, _rank(call))
        yield call.edge(source, target, Gather(source.shape, target.shape, index))


def unpooling_rule(call: Call) -> Iterator[Edge]:
    """max_unpool: every element goes where its index says, also (as to autograd) where another one lands."""
    (source,), (target,) = call.sources, call.targets
    index = _within_planes(call.op.args[1], target.shape, _rank(call))
    yield call.edge(source, target, Turned(Gather(target.shape, source.shape, index)))


def linear_rule(call: Call) -> Iterator[Edge]:
    """Interpolation and pooling to a given size: a matrix product, or single edges if few are not 0."""
    (source,), (target,) = call.sources, call.targets
    rank = _rank(call)
    plane, after = source.shape[-rank:], target.shape[-rank:].numel()

    def show(images: Tensor) -> Tensor:
        batch = images[:, None]
        made: Tensor = call.run(lambda node: batch)[0]
        return made[:, 0]

    own, reached, weight = _entries(call, show, plane, after)
    planes = source.shape[:-rank].numel()
    left, right = torch.Size((planes, plane.numel())), torch.Size((planes, after))
    block: Block
    if 4 * len(own) > plane.numel() * after:
        matrix = weight.new_zeros(plane.numel(), after)
        matrix[own, reached] = weight
        block = Contraction(left, right, Weight(matrix.to(call.dtype)), swapped=False)
    else:
        first = torch.arange(planes, device=own.device)[:, None]
        pairs = (first * plane.numel() + own).reshape(-1), (first * after + reached).reshape(-1)
        block = sparse_block(left, right, *pairs, weight.to(call.dtype).repeat(planes))
    yield call.edge(source, target, Chain(source.shape, target.shape, [block]))


def average_rule(call: Call) -> Iterator[Edge]:
    """avg_pool: what each window sees, times one number per window."""
    (source,), (target,) = call.sources, call.targets
    rank, given = _rank(call), call.named
    kernel, padding = spread(given["kernel_size"], rank), spread(given["padding"], rank)
    stride = spread(given["stride"], rank) or kernel
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


def grid_rule(call: Call) -> Iterator[Edge]:
    """grid_sampler: linear in the image, with weights that the grid says; smooth in the grid."""
    image, grid = call.op.args[:2]
    (target,) = call.targets
    if image in call.sources:
        yield call.edge(image, target, _sampled(call, image, grid, target))
    if grid in call.sources:
        leaf = call.value(grid).detach().requires_grad_()
        with torch.inference_mode(False), torch.enable_grad():
            (made,) = call.run(lambda node: leaf if node is grid else call.value(node))
            sums = made.transpose(0, 1).flatten(1).sum(1)
            slopes = [torch.autograd.grad(one, leaf, retain_graph=True)[0] for one in sums]
        block = Elementwise(
            grid.shape,
            target.shape,
            (*target.shape, grid.shape[-1]),
            (*target.shape, 1),
            torch.stack(slopes, 1) if slopes else leaf.new_zeros((*target.shape, grid.shape[-1])),
            call.dtype,
            target.device,
            spread=(grid.shape[0], 1, *grid.shape[1:]),
        )
        yield call.edge(grid, target, block)


def _within_planes(index: Tensor, shape: torch.Size, rank: int) -> Tensor:
    """Flat index in a whole tensor of ``shape``, from one that counts within each plane."""
    planes = shape[:-rank].numel()
    first = torch.arange(planes, device=index.device) * shape[-rank:].numel()
    return first[:, None] + index.reshape(planes, index.shape[-rank:].numel())


def _rank(call: Call) -> int:
    """How many dimensions a plane has; it stands in the operator's name."""
    return next(rank for rank in (1, 2, 3) if f"{rank}d" in call.op.func.overloadpacket.__name__)


def _entries(
    call: Call, show: Callable[[Tensor], Tensor], plane: Sequence[int], out: int
) -> tuple[Tensor, Tensor, Tensor]:
    """The matrix of a linear operator: flat index in the one plane, in the other, and the entry.

    Args:
        call: what is asked.
        show: the operator on a batch of planes (B, *plane).
        plane: shape of a plane.
        out: numbers in a plane of the result.
    """
    count = math.prod(plane)
    if count * (count + out) > _IN_ALL:
        raise call.refuse(f"a plane of {count:,} elements is too large to find the weights")
    step = max(1, _AT_ONCE // max(1, count + out))
    found = []
    for start in range(0, count, step):
        size = min(step, count - start)
        images = torch.zeros(size, count, dtype=torch.float64, device=call.targets[0].device)
        images[torch.arange(size), torch.arange(start, start + size)] = 1.0
        made = show(images.reshape(size, *plane)).reshape(size, out)
        rows, columns = made.nonzero(as_tuple=True)
        found.append((rows + start, columns, made[rows, columns]))
    own, reached, weight = (torch.cat(parts) for parts in zip(*found, strict=True))
    return own, reached, weight


def _sampled(call: Call, image: Node, grid: Node, target: Node) -> Block:
    """Every example has weights of its own, which its channels share.

    A place looks at neighbours only: 4 along each dimension of a picture (bicubic), 2 of a volume. So of
    elements whose positions are the same modulo 4 or 2 it sees one. An image that is 1 on such a family shows
    its weight; images that are so only where a binary digit of the element's number is 1 show which it is.
    """
    examples, channels, *plane = image.shape
    before, after = math.prod(plane), target.shape[2:].numel()
    period = 4 if len(plane) == 2 else 2
    places = torch.meshgrid(*(torch.arange(n) % period for n in plane), indexing="ij")
    family = sum(place * period**d for d, place in enumerate(places))
    digits = max(1, (before - 1).bit_length())
    masks = [torch.ones(plane), *(torch.arange(before).reshape(plane) >> d & 1 for d in range(digits))]
    shown = torch.stack([mask * (family == f) for f in range(period ** len(plane)) for mask in masks])
    batch = shown.to(target.device, torch.float64).expand(examples, *shown.shape)
    where = call.value(grid).to(torch.float64)
    made = call.run(lambda node: where if node is grid else batch)[0].reshape(examples, -1, digits + 1, after)
    example, group, reached = made[:, :, 0].nonzero(as_tuple=True)
    seen = made[example, group, :, reached]
    powers = 2 ** torch.arange(digits, device=seen.device)
    own = ((seen[:, 1:] != 0) * powers).sum(1).clamp(max=before - 1)
    first = (example * channels + torch.arange(channels, device=seen.device)[:, None]).reshape(-1)
    return sparse_block(
        image.shape,
        target.shape,
        first * before + own.repeat(channels),
        first * after + reached.repeat(channels),
        seen[:, 0].to(call.dtype).repeat(channels),
    )
