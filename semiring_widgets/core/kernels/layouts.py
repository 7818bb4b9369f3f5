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

    Neighbours in p are terms of one row.

    Attributes:
        shape: of the result, as the caller sees it; it is contiguous.
        sizes: of three dimensions of the batch, slowest first.
        rows, inner, columns: sizes of the product.
        p_batch, w_batch: strides for each dimension of the batch; 0 where an operand is broadcast.
        w_along_terms: whether neighbours in w are terms of one column; else columns of one term.
        p_line, w_line: from one line to the next.
        even: whether four neighbours never straddle a line, from an aligned address on.
    """

    shape: tuple[int, ...]
    sizes: tuple[int, ...]
    rows: int
    inner: int
    columns: int
    p_batch: tuple[int, ...]
    w_batch: tuple[int, ...]
    w_along_terms: bool
    p_line: int
    w_line: int
    even: bool

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
    w_lines = _lines((columns, w_stride[-1]), (inner, w_stride[-2]))
    if w_lines is None or (p_inner != 1 and inner != 1):
        return None
    w_along_terms, w_line = w_lines
    p_line = 0 if rows == 1 else p_row
    even = _even(inner, p_line, *p_batch) and _even(inner if w_along_terms else columns, w_line, *w_batch)
    return Layout(
        shape, sizes, rows, inner, columns, p_batch, w_batch, w_along_terms, p_line, w_line, even
    )  # fmt: skip


def _batch_strides(shape: Sequence[int], stride: Sequence[int], batch: tuple[int, ...]) -> list[int]:
    own = [0 if size == 1 else step for size, step in zip(shape[:-2], stride[:-2], strict=True)]
    return [0] * (len(batch) - len(own)) + own


def _lines(columns: tuple[int, int], terms: tuple[int, int]) -> tuple[bool, int] | None:
    """Whether neighbours are along the terms, and how far it is from one line of them to the next.

    Each dimension is a size and a stride. One of size 1 has neighbours only where the other one has none.
    """
    for alone in (False, True):
        for along_terms, along, across in ((False, columns, terms), (True, terms, columns)):
            size, stride = along
            if (stride == 1 and size > 1) or (alone and (stride == 1 or size == 1)):
                return along_terms, 0 if across[0] == 1 else across[1]
    return None


def _even(*sizes: int) -> bool:
    return all(size % _FOUR == 0 for size in sizes)
