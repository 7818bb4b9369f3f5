"""How many copies a semiring makes while it works: measured on small tensors, as kernels and devices differ.

A contraction of size 64 makes as many copies as one of size 4096, so this costs a millisecond and holds for
every semiring, a user's own as well.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from semiring_widgets.core.live_memory import LiveMemory
from semiring_widgets.core.precision import full_precision
from semiring_widgets.core.semirings import Semiring, Value, Weight

__all__ = ["Costs", "costs_of"]

# The long and the short side of what is measured.
_LONG, _SHORT = 256, 8


@dataclass(frozen=True)
class Costs:
    """Most that is alive at once beside the arguments, the result included.

    Attributes:
        rows, results, weights: in a contraction of (M, K) and (K, N), in tensors of shape (M, K), (M, N) and
            (K, N); only the largest of the three counts.
        softmax: passing one, in tensors of its shape.
        scale: multiplying by an edge of each element, in tensors of that shape.
    """

    rows: float
    results: float
    weights: float
    softmax: float
    scale: float


def costs_of(semiring: Semiring, dtype: torch.dtype, device: torch.device) -> Costs:
    """Measure a semiring on a device.

    Args:
        semiring: the algebra.
        dtype: what it computes in.
        device: where.

    Example:
        >>> costs_of(sw.semirings.Sum(), torch.float32, torch.device("cpu")).results
        1.0
    """

    def numbers(*shape: int) -> Tensor:
        count = torch.arange(1, 1 + torch.Size(shape).numel(), dtype=dtype, device=device)
        return (count * torch.where(count % 3 == 0, -1, 1) / count.numel()).reshape(shape)

    def contraction(m: int, k: int, n: int) -> float:
        value, weight = _value(semiring, numbers(1, m, k)), Weight(numbers(k, n))
        return _peak(lambda: semiring.contract(value, weight)) / (_LONG * _LONG * dtype.itemsize)

    with full_precision(), torch.no_grad():
        square = numbers(1, _LONG, _LONG)
        value, shares = _value(semiring, square), square.abs() / square.abs().sum(-1, keepdim=True)
        scaled = _peak(lambda: semiring.scale(value, Weight(shares))) / square.nbytes
        passed = scaled
        if semiring.multiplicative:
            passed = _peak(lambda: semiring.through_softmax(value, Weight(shares), (2,))) / square.nbytes
        return Costs(
            contraction(_LONG, _LONG, _SHORT),
            contraction(_LONG, _SHORT, _LONG),
            contraction(_SHORT, _LONG, _LONG),
            passed,
            scaled,
        )


def _value(semiring: Semiring, numbers: Tensor) -> Value:
    # Paths of both signs, as a semiring that has none of one looks for it in vain.
    both = semiring.plus(semiring.lift(numbers), semiring.lift(-numbers / 2))
    return tuple(part.clone() for part in both)


def _peak(act: Callable[[], object]) -> int:
    with LiveMemory() as memory:
        act()
    return int(memory.peak)
