"""What one term adds to a result, in the two algebras that have Triton kernels.

Kernels run over the terms k of ``out[m, n]`` and keep one or two results, which start from 0: no edge, no
path. The torch versions in ``kernels/__init__.py`` define the numbers:

    MAX      max of p |w|
    SIGNED   the largest and the lowest of p w and q w, for p >= 0 >= q

NaN wins every comparison, as in torch; the hardware's plain maximum would drop it.
"""

from __future__ import annotations

import triton
import triton.language as tl

__all__ = ["MAX", "NUMBER", "SIGNED", "joined"]

MAX = tl.constexpr(0)
SIGNED = tl.constexpr(1)
# By the names that `kernels` uses.
NUMBER = {"max": MAX.value, "signed": SIGNED.value}


@triton.jit
def joined(one, two, p, q, w, algebra: tl.constexpr):
    """Both results after one more term; shapes broadcast."""
    if algebra == MAX:
        one = tl.maximum(one, p * tl.abs(w), propagate_nan=tl.PropagateNan.ALL)
    else:
        x = p * w
        y = q * w
        one = tl.maximum(one, x, propagate_nan=tl.PropagateNan.ALL)
        one = tl.maximum(one, y, propagate_nan=tl.PropagateNan.ALL)
        two = tl.minimum(two, x, propagate_nan=tl.PropagateNan.ALL)
        two = tl.minimum(two, y, propagate_nan=tl.PropagateNan.ALL)
    return one, two
