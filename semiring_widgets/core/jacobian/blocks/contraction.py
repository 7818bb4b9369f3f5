"""Matrix products: the other operand is the Jacobian, shared by all rows."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from semiring_widgets.core.jacobian.blocks.block import Block
from semiring_widgets.core.jacobian.blocks.column_pieces import by_columns, by_heads
from semiring_widgets.core.looks import indices_of_few
from semiring_widgets.core.semirings import Semiring, Value, Weight, late_judge

__all__ = ["Contraction"]

# Entries of a shared weight from which on looking for unused rows and terms pays; beyond the second number
# also where the host has to wait for what it sees, as for a GPU.
_WORTH_A_LOOK = 1 << 16
_WORTH_WAITING = 1 << 25
# Rows and columns at which that look begins.
_GLANCE = 8


class Contraction(Block):
    """One operand of a matrix product: ``out[b, i, j] = sum_k own[b, i, k] * other[b, k, j]``.

    Args:
        source, target: shapes (B, I, K) and (B, I, J) up to reshaping.
        other: the weight as (B, K, J) or, shared by the batch, (K, J).
        swapped: True for the right operand: then source is (B, K, J) as stored, and ``other`` is given
            for the transposed product (B, J, K)·(B, K, I).
    """

    def __init__(self, source: torch.Size, target: torch.Size, other: Weight, *, swapped: bool) -> None:
        self.source, self.target = source, target
        self._other, self._swapped = other, swapped

    @property
    def weight(self) -> Weight | None:
        return self._other

    def pull(self, semiring: Semiring, value: Value) -> Value:
        return self._apply(semiring, value, self._other.mT)

    def push(self, semiring: Semiring, value: Value) -> Value:
        return self._apply(semiring, value, self._other)

    def _apply(self, semiring: Semiring, value: Value, other: Weight) -> Value:
        if not self._swapped:
            return _contract_reached(semiring, value, other)
        turned = _contract_reached(semiring, tuple(v.mT for v in value), other)
        return tuple(v.mT for v in turned)

    @property
    def shared(self) -> bool:
        """Whether all rows are multiplied by the same weight, so that `apart` can be asked."""
        return self._other.stored.dim() == 2 and not self._swapped

    def apart(self, semiring: Semiring, value: Value, terms: Tensor, *, up: bool) -> Value:
        """`push` or `pull` for several parts that each have their own few columns of a value.

        Args:
            semiring: the algebra.
            value: (..., K), all parts side by side.
            terms: the columns of each part, int64 (parts, columns).
            up: whether to push.

        Returns:
            (parts, ..., N) each.
        """
        weights = (self._other if up else self._other.mT).value
        flat = tuple(v.reshape(-1, v.shape[-1]).mT for v in value)
        first, last = int(terms[0, 0]), int(terms[-1, -1]) + 1
        if torch.equal(terms.flatten(), torch.arange(first, last, device=terms.device)):
            # Heads mostly lie in their order: nothing is copied.
            taken = [part[first:last].unflatten(0, terms.shape) for part in (*flat, weights)]
        else:
            taken = [part[terms] for part in (*flat, weights)]
        found = semiring.contract(tuple(part.mT for part in taken[:-1]), Weight(taken[-1]))
        return tuple(v.reshape(len(terms), *value[0].shape[:-1], -1) for v in found)

    def out_edges(self, elements: Tensor) -> tuple[Tensor, Tensor]:
        weights = self._other.stored
        place = torch.unravel_index(elements, self.source)
        batch = place[:-2]
        row, k = (place[-1], place[-2]) if self._swapped else (place[-2], place[-1])
        chosen = self._other.part(*batch, k).value if weights.dim() > 2 else self._other.part(k).value
        columns = torch.arange(chosen.shape[-1], device=elements.device).expand(len(elements), -1)
        rows = row[:, None].expand_as(columns)
        tail = (columns, rows) if self._swapped else (rows, columns)
        met = torch.zeros_like(columns)
        for size, part in zip(self.target, [*(b[:, None] for b in batch), *tail], strict=True):
            met = met * size + part
        return met, chosen


def _contract_reached(semiring: Semiring, value: Value, other: Weight) -> Value:
    """`Semiring.contract`, without the rows and the terms that no path reaches.

    A score that reads one position and two entries of the vocabulary leaves little of a large product.
    """
    weights = other.stored
    far = weights.device.type in late_judge.FAR
    if weights.dim() > 2:
        return by_heads(semiring.contract, value, other)
    if weights.numel() < (_WORTH_WAITING if far else _WORTH_A_LOOK):
        return semiring.contract(value, other)
    flat = tuple(v.reshape(-1, v.shape[-1]) for v in value)
    if far:
        return _contract_far(semiring, flat, other, value[0].shape[:-1])
    if _mostly_alive(flat[0], semiring.zero[0]):
        return by_columns(semiring.contract, value, other)
    alive = ~semiring.absent(flat)
    rows, terms = alive.any(1), alive.any(0)
    if 2 * int(terms.sum()) <= len(terms):
        other = other.part(terms)
        flat = tuple(v[:, terms] for v in flat)
    shape = (*value[0].shape[:-1], weights.shape[-1])
    few = 2 * int(rows.sum()) <= len(rows)
    contract = partial(semiring.contract_rows, rows=rows) if few else semiring.contract
    return tuple(v.reshape(shape) for v in by_columns(contract, flat, other))


def _contract_far(semiring: Semiring, flat: Value, other: Weight, shape: torch.Size) -> Value:
    """The same by a single look at what is alive."""
    alive = ~semiring.absent(flat)
    rows, terms = indices_of_few(alive.any(1), alive.any(0))
    if terms is not None:
        other = other.part(terms)
        flat = tuple(v.index_select(1, terms) for v in flat)
    if rows is None:
        found = by_columns(semiring.contract, flat, other)
    else:
        some = by_columns(semiring.contract, tuple(v.index_select(0, rows) for v in flat), other)
        whole = semiring.full(semiring.zero, (len(alive), other.stored.shape[-1]), flat[0])
        found = tuple(part.index_copy_(0, rows, new) for part, new in zip(whole, some, strict=True))
    return tuple(v.reshape((*shape, other.stored.shape[-1])) for v in found)


def _mostly_alive(part: Tensor, none: float) -> bool:
    """Whether a path reaches most of a few elements, and so most rows and terms: quicker than to ask all."""
    rows, terms = part.shape
    if rows == 0 or terms == 0:
        return True
    few = part[:: -(-rows // _GLANCE), :: -(-terms // _GLANCE)]
    return 2 * int((few != none).sum()) > few.numel()
