"""Products of one row with a matrix, for each of many: the dense Jacobian of one softmax or norm per row.

Every weight is used once, so this is bound by memory: a program keeps a running result for each place of a
block of terms x columns, whatever way the weights are stored, and folds the block once, at the end.

Limits: as in `triton_tiles`.
"""

from __future__ import annotations

import triton
import triton.language as tl

from semiring_widgets.core.kernels.triton_algebra import MAX, joined

__all__ = ["COLUMNS", "TERMS", "rows"]

TERMS, COLUMNS = 32, 64


@triton.jit
def _larger(a, b):
    return tl.maximum(a, b, propagate_nan=tl.PropagateNan.ALL)


@triton.jit
def _lower(a, b):
    return tl.minimum(a, b, propagate_nan=tl.PropagateNan.ALL)


@triton.jit
def rows(
    p, q, w, first, second,
    inner, columns, parts, depth,
    p_batch, p_inner, w_batch, w_inner, w_column,
    algebra: tl.constexpr, TERMS: tl.constexpr, COLUMNS: tl.constexpr,
):  # fmt: skip
    """Program (block of columns, part of the terms, batch)."""
    column_blocks = tl.cdiv(columns, COLUMNS)
    turn = tl.program_id(0)
    n = turn % column_blocks * COLUMNS + tl.arange(0, COLUMNS)
    turn = turn // column_blocks
    start = turn % parts * depth
    stop = tl.minimum(start + depth, inner)
    batch = (turn // parts).to(tl.int64)
    p += batch * p_batch
    q += batch * p_batch
    w += batch * w_batch + n.to(tl.int64)[None, :] * w_column
    one = tl.zeros((TERMS, COLUMNS), tl.float32)
    two = tl.zeros((TERMS, COLUMNS), tl.float32)
    for block in range(start, stop, TERMS):
        k = block + tl.arange(0, TERMS)
        at = k.to(tl.int64)
        a = tl.load(p + at * p_inner, mask=k < stop, other=0.0).to(tl.float32)[:, None]
        inside = (k < stop)[:, None] & (n < columns)[None, :]
        c = tl.load(w + at[:, None] * w_inner, mask=inside, other=0.0).to(tl.float32)
        if algebra == MAX:
            b = a
        else:
            b = tl.load(q + at * p_inner, mask=k < stop, other=0.0).to(tl.float32)[:, None]
        one, two = joined(one, two, a, b, c, algebra)
    place = turn.to(tl.int64) * columns + n
    tl.store(first + place, tl.reduce(one, 0, _larger), mask=n < columns)
    if algebra != MAX:
        tl.store(second + place, tl.reduce(two, 0, _lower), mask=n < columns)
