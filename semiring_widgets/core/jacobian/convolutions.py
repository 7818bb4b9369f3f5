"""Convolutions as one contraction: windows of the input times the weight, group by group.

Each output element and each element of the input (or of the weight) are joined by at most one product,
so the edges are those of the scalar sum and nothing between is counted as a step.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import torch

from semiring_widgets.core.jacobian import dense
from semiring_widgets.core.jacobian.blocks import Block, Contraction, Elementwise
from semiring_widgets.core.jacobian.chains import Chain, Turned
from semiring_widgets.core.jacobian.context import Call, Edge
from semiring_widgets.core.jacobian.selection import Strided
from semiring_widgets.core.jacobian.windows import Windows
from semiring_widgets.core.semirings import Semiring, Sum, Weight
from semiring_widgets.core.tape import Node

__all__ = ["rule"]

_PLAIN: Semiring = Sum()


def rule(call: Call) -> Iterator[Edge]:
    """``aten.convolution`` of any rank, transposed or not, with stride, dilation and groups."""
    image, kernel, bias, stride, padding, dilation, transposed, _, groups = call.op.args
    (target,) = call.targets
    if image is kernel or (bias is not None and bias in (image, kernel)):
        yield from dense.rule(call)
        return
    if isinstance(bias, Node) and bias in call.sources:
        wide = torch.Size((*bias.shape, *(1,) * (len(target.shape) - 2)))
        shape = target.shape
        each = Elementwise(wide, shape, shape, shape, 1.0, call.dtype, target.value.device)
        yield call.edge(bias, target, Chain(bias.shape, target.shape, [each]))
    make = _backward if transposed else _forward
    spread = [_spread(v, len(target.shape) - 2) for v in (stride, padding, dilation)]
    yield from make(call, image, kernel, target, int(groups), *spread)


def _forward(
    call: Call,
    image: Node,
    kernel: Node,
    target: Node,
    groups: int,
    stride: list[int],
    padding: list[int],
    dilation: list[int],
) -> Iterator[Edge]:
    n, channels = image.shape[:2]
    out, size = target.shape[2:], kernel.shape[2:]
    taps, places, made = math.prod(size), math.prod(out), target.shape[1] // groups
    windows = Windows(image.shape, size, out, stride, padding, dilation)
    # (N, G, C, K, O) -> (G, N, O, C, K): the rows of one matrix per group.
    rows = _permuted((n, groups, channels // groups, taps, places), (1, 0, 4, 2, 3))
    # (G, N, O, J) -> (N, G, J, O)
    back = _permuted((groups, n, places, made), (1, 0, 3, 2))
    # (G, J, C K) -> (G, C K, J)
    turned = _permuted((groups, made, kernel.shape[1] * taps), (0, 2, 1))
    left = _batch(groups, n * places, kernel.shape[1] * taps)
    right = _batch(groups, kernel.shape[1] * taps, made)
    out_shape = _batch(groups, n * places, made)
    if image in call.sources:
        weight = turned.push(_PLAIN, (call.value(kernel).reshape(turned.source),))[0].reshape(right)
        product: Block = Contraction(left, out_shape, Weight(weight), swapped=False)
        yield call.edge(image, target, Chain(image.shape, target.shape, [windows, rows, product, back]))
    if kernel in call.sources:
        (shown,) = windows.push(_PLAIN, (call.value(image),))
        (shown,) = rows.push(_PLAIN, (shown.reshape(rows.source),))
        product = Contraction(right, out_shape, Weight(shown.reshape(left).mT), swapped=True)
        yield call.edge(kernel, target, Chain(kernel.shape, target.shape, [turned, product, back]))


def _backward(
    call: Call,
    image: Node,
    kernel: Node,
    target: Node,
    groups: int,
    stride: list[int],
    padding: list[int],
    dilation: list[int],
) -> Iterator[Edge]:
    """Transposed: every element of the image is spread over a window of the output."""
    n, channels = image.shape[:2]
    seen, size = image.shape[2:], kernel.shape[2:]
    taps, places, own = math.prod(size), math.prod(seen), channels // groups
    made = kernel.shape[1] * taps
    spread = Turned(Windows(target.shape, size, seen, stride, padding, dilation))
    # (N, G, C, I) -> (G, N, I, C)
    rows = _permuted((n, groups, own, places), (1, 0, 3, 2))
    # (G, N, I, J K) -> (N, G, J K, I)
    back = _permuted((groups, n, places, made), (1, 0, 3, 2))
    left, right = _batch(groups, n * places, own), _batch(groups, own, made)
    out_shape = _batch(groups, n * places, made)
    if image in call.sources:
        weight = Weight(call.value(kernel).reshape(right))
        product: Block = Contraction(left, out_shape, weight, swapped=False)
        yield call.edge(image, target, Chain(image.shape, target.shape, [rows, product, back, spread]))
    if kernel in call.sources:
        (shown,) = rows.push(_PLAIN, (call.value(image).reshape(rows.source),))
        product = Contraction(right, out_shape, Weight(shown.reshape(left).mT), swapped=True)
        yield call.edge(kernel, target, Chain(kernel.shape, target.shape, [product, back, spread]))


def _batch(groups: int, rows: int, columns: int) -> torch.Size:
    """One group is no batch: a shared weight has the faster contraction."""
    return torch.Size((rows, columns) if groups == 1 else (groups, rows, columns))


def _permuted(shape: Sequence[int], order: Sequence[int]) -> Strided:
    strides = [math.prod(shape[d + 1 :]) for d in range(len(shape))]
    source, target = torch.Size(shape), torch.Size([shape[d] for d in order])
    return Strided(source, target, [strides[d] for d in order], 0)


def _spread(given: Any, rank: int) -> list[int]:
    """One number stands for all dimensions."""
    numbers = list(given) if isinstance(given, (list, tuple)) else [given]
    return numbers * rank if len(numbers) == 1 else numbers
