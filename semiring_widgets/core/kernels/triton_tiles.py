"""Matrix products with many rows: a tile of results stays in registers while the terms go by.

One term is the outer product of a column of p and a row of w, so there is nothing for tensor cores to do:
per entry it takes one multiplication and one maximum, of which an SM issues 64 a clock. p is passed
transposed, with its rows filled up to a multiple of 16, so that they load as whole vectors. The terms are cut
into ``parts`` where tiles alone would not fill the card; each part writes results of its own, and the caller
joins them.

Limits: p and q (B, K, M filled up) of the same strides, w (B, K, N) of any; float32, float16 or bfloat16;
results (B, parts, M, N), contiguous, float32.
"""

from __future__ import annotations

import triton
import triton.language as tl

from semiring_widgets.core.kernels.triton_algebra import MAX, joined

__all__ = ["SIZES", "fitting", "tiles"]

# Rows, columns and warps. By their machine code for an H100, where 64 to 88 % of what a loop issues are the
# multiplications and maxima themselves, more warps for these tiles load every operand several times over.
SIZES = ((16, 128, 2), (64, 64, 2), (128, 64, 4))


def fitting(rows: int) -> tuple[int, int, int]:
    """The largest tile that is not mostly absent rows, as (rows, columns, warps)."""
    return next((size for size in SIZES if rows <= size[0]), SIZES[-1])


@triton.jit
def tiles(
    p, q, w, first, second,
    rows, inner, columns, parts, depth,
    p_batch, p_inner, w_batch, w_inner, w_column,
    algebra: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr,
):  # fmt: skip
    """Program (tile of rows, tile of columns, part of the terms, batch), rows fastest: they share w."""
    row_tiles = tl.cdiv(rows, ROWS)
    column_tiles = tl.cdiv(columns, COLUMNS)
    turn = tl.program_id(0)
    m = turn % row_tiles * ROWS + tl.arange(0, ROWS)
    turn = turn // row_tiles
    n = turn % column_tiles * COLUMNS + tl.arange(0, COLUMNS)
    turn = turn // column_tiles
    start = turn % parts * depth
    stop = tl.minimum(start + depth, inner)
    batch = (turn // parts).to(tl.int64)
    # Offsets are of 64 bits: tensors of more than 2^31 numbers exist.
    left = batch * p_batch + start.to(tl.int64) * p_inner + m
    right = w + batch * w_batch + start.to(tl.int64) * w_inner + n.to(tl.int64) * w_column
    p += left
    q += left
    one = tl.zeros((ROWS, COLUMNS), tl.float32)
    two = tl.zeros((ROWS, COLUMNS), tl.float32)
    for _ in tl.range(start, stop, loop_unroll_factor=4):
        # From one term to the next it is as far as there are rows, filled up.
        a = tl.load(p, mask=m < p_inner, other=0.0).to(tl.float32)[:, None]
        c = tl.load(right, mask=n < columns, other=0.0).to(tl.float32)[None, :]
        if algebra == MAX:
            b = a
        else:
            b = tl.load(q, mask=m < p_inner, other=0.0).to(tl.float32)[:, None]
        one, two = joined(one, two, a, b, c, algebra)
        p += p_inner
        q += p_inner
        right += w_inner
    place = (turn.to(tl.int64) * rows + m.to(tl.int64)[:, None]) * columns + n[None, :]
    inside = (m < rows)[:, None] & (n < columns)[None, :]
    tl.store(first + place, one, mask=inside)
    if algebra != MAX:
        tl.store(second + place, two, mask=inside)
