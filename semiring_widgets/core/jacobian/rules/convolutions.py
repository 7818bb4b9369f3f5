"""Convolutions as one contraction: windows of the input times the weight, group by group.

Each output element and each element of the input (or of the weight) are joined by at most one product,
so the edges are those of the scalar sum and nothing between is counted as a step.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from semiring_widgets.core.jacobian.blocks.block import Block
from semiring_widgets.core.jacobian.blocks.chain import Chain, Turned
from semiring_widgets.core.jacobian.blocks.contraction import Contraction
from semiring_widgets.core.jacobian.blocks.elementwise import Elementwise
from semiring_widgets.core.jacobian.blocks.strided import permuted
from semiring_widgets.core.jacobian.blocks.windows import Windows, per_dimension
from semiring_widgets.core.jacobian.edge import Edge
from semiring_widgets.core.jacobian.rules import explicit_jacobian
from semiring_widgets.core.jacobian.rules.call import Call
from semiring_widgets.core.semirings import Sum, Weight
from semiring_widgets.core.tape import Node

__all__ = ["rule"]

_SUM = Sum()


def rule(call: Call) -> Iterator[Edge]:
    """``aten.convolution`` of any rank, transposed or not, with stride, dilation and groups."""
    image, kernel, bias, stride, padding, dilation, transposed, _, groups = call.op.args
    (target,) = call.targets
    if image is kernel or (bias is not None and bias in (image, kernel)):
        yield from explicit_jacobian.rule(call)
        return
    if isinstance(bias, Node) and bias in call.sources:
        wide = torch.Size((*bias.shape, *(1,) * (len(target.shape) - 2)))
        shape = target.shape
        each = Elementwise(wide, shape, shape, shape, 1.0, call.dtype, target.device)
        yield call.edge(bias, target, Chain(bias.shape, target.shape, [each]))
    spreads = [per_dimension(v, len(target.shape) - 2) for v in (stride, padding, dilation)]
    plan_of = _transposed_plan if transposed else _plain_plan
    plan = plan_of(image.shape, kernel.shape, target.shape, int(groups), spreads)
    images = Chain(image.shape, plan.left, plan.images)
    kernels = Chain(kernel.shape, plan.right, plan.kernels)
    if image in call.sources:
        (weight,) = kernels.push(_SUM, (call.value(kernel),))
        product = Contraction(plan.left, plan.product, Weight(weight), swapped=False)
        blocks = [*plan.images, product, *plan.results]
        yield call.edge(image, target, Chain(image.shape, target.shape, blocks))
    if kernel in call.sources:
        (weight,) = images.push(_SUM, (call.value(image),))
        product = Contraction(plan.right, plan.product, Weight(weight.mT), swapped=True)
        blocks = [*plan.kernels, product, *plan.results]
        yield call.edge(kernel, target, Chain(kernel.shape, target.shape, blocks))


@dataclass(frozen=True)
class _Plan:
    """A convolution as ``results(images(image) @ kernels(kernel))``, one product for each group.

    Attributes:
        left, right, product: shapes of the operands and of the result of the product.
        images, kernels, results: what comes before either operand and after the product.
    """

    left: torch.Size
    right: torch.Size
    product: torch.Size
    images: list[Block]
    kernels: list[Block]
    results: list[Block]


def _plain_plan(
    image: torch.Size, kernel: torch.Size, target: torch.Size, groups: int, spreads: Sequence[list[int]]
) -> _Plan:
    """Every element of the result sees a window of the image.

    ``spreads`` are stride, padding and dilation, here and below.
    """
    n, own, made = image[0], kernel[1], target[1] // groups
    taps, places = math.prod(kernel[2:]), math.prod(target[2:])
    return _Plan(
        left=_grouped_shape(groups, n * places, own * taps),
        right=_grouped_shape(groups, own * taps, made),
        product=_grouped_shape(groups, n * places, made),
        images=[
            Windows(image, kernel[2:], target[2:], *spreads),
            # (N, G, C, K, O) -> (G, N, O, C, K): the rows of one matrix per group.
            permuted((n, groups, own, taps, places), (1, 0, 4, 2, 3)),
        ],
        # (G, J, C K) -> (G, C K, J)
        kernels=[permuted((groups, made, own * taps), (0, 2, 1))],
        # (G, N, O, J) -> (N, G, J, O)
        results=[permuted((groups, n, places, made), (1, 0, 3, 2))],
    )


def _transposed_plan(
    image: torch.Size, kernel: torch.Size, target: torch.Size, groups: int, spreads: Sequence[list[int]]
) -> _Plan:
    """Every element of the image is spread over a window of the result."""
    n, own, places = image[0], image[1] // groups, math.prod(image[2:])
    made = math.prod(kernel[1:])
    return _Plan(
        left=_grouped_shape(groups, n * places, own),
        right=_grouped_shape(groups, own, made),
        product=_grouped_shape(groups, n * places, made),
        # (N, G, C, I) -> (G, N, I, C)
        images=[permuted((n, groups, own, places), (1, 0, 3, 2))],
        kernels=[],
        results=[
            # (G, N, I, J K) -> (N, G, J K, I)
            permuted((groups, n, places, made), (1, 0, 3, 2)),
            Turned(Windows(target, kernel[2:], image[2:], *spreads)),
        ],
    )


def _grouped_shape(groups: int, rows: int, columns: int) -> torch.Size:
    """One group is no batch: a shared weight has the faster contraction."""
    return torch.Size((rows, columns) if groups == 1 else (groups, rows, columns))
