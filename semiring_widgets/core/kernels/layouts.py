"""How the operands of a batched product lie in memory, with as few dimensions as that needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

__all__ = ["Layout", "layout"]

# Dimensions of the batch that a kernel tells apart, and numbers that it loads at once.
_DIMENSIONS, _FOUR = 3, 4


@dataclass(frozen=True, slots=True)
class Layout:
    """Operands p (batch, rows, inner) and w (batch, inner, columns), each a set of lines of neighbours.

    Attributes:
        shape: of the result, as the caller sees it; it is contiguous.
        sizes: of three dimensions of the batch, slowest first.
        rows, inner, columns: sizes of the product.
        p_batch, w_batch: strides for each dimension of the batch; 0 where an operand is broadcast.
        p_along_terms: whether neighbours in p are terms of one row; else rows of one term.
        w_along_terms: whether neighbours in w are terms of one column; else columns of one term.
        p_line, w_line: from one line to the next.
        p_even, w_even: whether four neighbours never straddle a line, from an aligned address on.
    """

    shape: tuple[int, ...]
    sizes: tuple[int, ...]
    rows: int
    inner: int
    columns: int
    p_batch: tuple[int, ...]
    w_batch: tuple[int, ...]
    p_along_terms: bool
    w_along_terms: bool
    p_line: int
    w_line: int
    p_even: bool
    w_even: bool

    @property
    def batch(self) -> int:
        """How many products there are."""
        return self.sizes[0] * self.sizes[1] * self.sizes[2]


def layout(
    p_shape: Sequence[int], p_stride: Sequence[int], w_shape: Sequence[int], w_stride: Sequence[int]
) -> Layout | None:
    """How ``p @ w`` is one batch of products; None where an operand has to be copied first.

    Args:
        p_shape: of the left operand, (..., M, K).
        p_stride: likewise.
        w_shape: of the weights, (..., K, N). Where batch dimensions share one weight and their rows follow
            each other, they become rows of one product.
        w_stride: likewise.
    """
    batch = tuple(torch.broadcast_shapes(tuple(p_shape[:-2]), tuple(w_shape[:-2])))
    rows, inner, columns = p_shape[-2], p_shape[-1], w_shape[-1]
    p_row, p_inner = p_stride[-2:]
    shape = (*batch, rows, columns)
    strides = zip(
        batch, _batch_strides(p_shape, p_stride, batch), _batch_strides(w_shape, w_stride, batch), strict=True
    )
    dims = [dim for dim in strides if dim[0] != 1]
    while dims and dims[-1][2] == 0 and (rows == 1 or dims[-1][1] == rows * p_row):
        size, step, _ = dims.pop()
        p_row = step if rows == 1 else p_row
        rows *= size
    merged: list[tuple[int, int, int]] = []
    for size, p_step, w_step in reversed(dims):
        if merged and (p_step, w_step) == tuple(merged[0][0] * step for step in merged[0][1:]):
            merged[0] = (size * merged[0][0], *merged[0][1:])
        else:
            merged.insert(0, (size, p_step, w_step))
    if len(merged) > _DIMENSIONS:
        return None
    merged = [(1, 0, 0)] * (_DIMENSIONS - len(merged)) + merged
    sizes, p_batch, w_batch = zip(*merged, strict=True)
    # A single row has no other way to lie than along the terms.
    p_lines = _lines((inner, p_inner), (rows, p_row), only=rows == 1)
    w_lines = _lines((columns, w_stride[-1]), (inner, w_stride[-2]))
    if p_lines is None or w_lines is None:
        return None
    return Layout(
        shape, sizes, rows, inner, columns, p_batch, w_batch,
        p_lines[0], not w_lines[0], p_lines[1], w_lines[1],
        _even(inner if p_lines[0] else rows, (p_lines[1], *p_batch)),
        _even(columns if w_lines[0] else inner, (w_lines[1], *w_batch)),
    )  # fmt: skip


def _batch_strides(shape: Sequence[int], stride: Sequence[int], batch: tuple[int, ...]) -> list[int]:
    own = [0 if size == 1 else step for size, step in zip(shape[:-2], stride[:-2], strict=True)]
    return [0] * (len(batch) - len(own)) + own


def _lines(first: tuple[int, int], second: tuple[int, int], *, only: bool = False) -> tuple[bool, int] | None:
    """Whether neighbours are along the first of two dimensions (size, stride), and the other one's stride.

    A dimension of size 1 has neighbours only where the other one has none.
    """
    for choice in (lambda dim: dim[1] == 1 and dim[0] > 1, lambda dim: dim[1] == 1 or dim[0] == 1):
        if choice(first):
            return True, 0 if second[0] == 1 else second[1]
        if choice(second) and not only:
            return False, 0 if first[0] == 1 else first[1]
    return None


def _even(size: int, steps: tuple[int, ...]) -> bool:
    return size % _FOUR == 0 and all(step % _FOUR == 0 for step in steps)
