"""Large steps taken a piece at a time, so that what a step makes by the way is never as large as its result.

A contraction makes copies of its weights (their magnitudes, say) and of its values (their exponentials). Of a
vocabulary, or of the attention of all heads of a long text, each would be felt; of some columns, or some
heads, it is not. Pieces are put beside each other without a number being changed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import torch

from semiring_widgets.core.semirings import Value, Weight

__all__ = ["VAST", "by_columns", "by_heads", "pieces_of", "share_of"]

# Bytes of a tensor from which on it is taken in pieces, and of one piece.
VAST = 1 << 28
_PIECE = 1 << 26
Step = Callable[[Value, Weight], Value]


def by_columns(contract: Step, value: Value, weight: Weight) -> Value:
    """A contraction with a matrix (K, N), perhaps some of its columns at a time.

    Args:
        contract: does it.
        value: parts of shape (..., M, K).
        weight: the matrix.
    """
    stored = weight.stored
    found = [
        contract(value, weight.part(slice(None), piece))
        for piece in pieces_of(stored.shape[-1], stored.numel() * weight.dtype.itemsize)
    ]
    return _beside(found) if found else contract(value, weight)


def by_heads(act: Step, value: Value, weight: Weight, among: Collection[int] = ()) -> Value:
    """What is done with the matrices of a batch one by one, perhaps with some of them at a time.

    Args:
        act: does it.
        value: parts of shape (..., M, K).
        weight: of as many dimensions; else all is done at once.
        among: dimensions that may not be cut, because it joins their entries.
    """
    stored, own = weight.stored, value[0]
    outer = (d for d, size in enumerate(stored.shape[:-2]) if size > 1 and d not in among)
    dim = next(outer, None)
    if dim is None or any(v.dim() != stored.dim() or v.shape[dim] != stored.shape[dim] for v in value):
        return act(value, weight)
    made = stored.shape[:-2].numel() * own.shape[-2] * stored.shape[-1]
    size = max(made, own.numel(), stored.numel()) * weight.dtype.itemsize
    whole: list[torch.Tensor] = []
    for piece in pieces_of(stored.shape[dim], size):
        place = (*(slice(None) for _ in range(dim)), piece)
        found = act(tuple(part[place] for part in value), weight.part(*place))
        whole = whole or [
            new.new_empty((*new.shape[:dim], stored.shape[dim], *new.shape[dim + 1 :])) for new in found
        ]
        for part, new in zip(whole, found, strict=True):
            part[place] = new
    return tuple(whole) if whole else act(value, weight)


def pieces_of(count: int, size: int) -> list[slice]:
    """How a dimension is cut; not at all where what is made is of a usual size.

    Args:
        count: its entries.
        size: bytes of all of them.
    """
    if size <= VAST or count < 2:
        return []
    step = max(1, count * _PIECE // size)
    return [slice(start, start + step) for start in range(0, count, step)]


def share_of(size: int) -> float:
    """How much of what a step makes by the way is there at once.

    Args:
        size: bytes of its largest tensor.
    """
    return 1.0 if size <= VAST else _PIECE / size


def _beside(found: Sequence[Value]) -> Value:
    return tuple(torch.cat(parts, -1) for parts in zip(*found, strict=True))
