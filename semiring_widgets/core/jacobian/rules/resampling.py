"""Interpolation, pooling to a given size and sampling from grids: linear in the image, plane by plane.

The matrix from plane to plane is found by applying the operator to images with a single 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from semiring_widgets.core.jacobian.blocks.block import Block
from semiring_widgets.core.jacobian.blocks.chain import Chain
from semiring_widgets.core.jacobian.blocks.contraction import Contraction
from semiring_widgets.core.jacobian.blocks.elementwise import Elementwise
from semiring_widgets.core.jacobian.blocks.sparse import sparse_block
from semiring_widgets.core.jacobian.edge import Edge
from semiring_widgets.core.jacobian.rules.call import Call
from semiring_widgets.core.jacobian.rules.pooling import plane_rank
from semiring_widgets.core.semirings import Weight
from semiring_widgets.core.tape import Node

__all__ = ["grid_rule", "linear_rule"]

# Numbers that are computed at once, and in all, to find the matrix of an operator.
_AT_ONCE = 1 << 22
_IN_ALL = 1 << 33


def linear_rule(call: Call) -> Iterator[Edge]:
    """Interpolation and pooling to a given size: a matrix product, or single edges if few are not 0."""
    (source,), (target,) = call.sources, call.targets
    rank = plane_rank(call)
    plane, after = source.shape[-rank:], target.shape[-rank:].numel()

    def show(images: Tensor) -> Tensor:
        batch = images[:, None]
        made: Tensor = call.run(lambda node: batch)[0]
        return made[:, 0]

    own, reached, weight = _matrix_entries(call, show, plane, after)
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


def grid_rule(call: Call) -> Iterator[Edge]:
    """grid_sampler: linear in the image, with weights that the grid says; smooth in the grid."""
    image, grid = call.op.args[:2]
    (target,) = call.targets
    if image in call.sources:
        yield call.edge(image, target, _sampling_block(call, image, grid, target))
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


def _matrix_entries(
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


def _sampling_block(call: Call, image: Node, grid: Node, target: Node) -> Block:
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
