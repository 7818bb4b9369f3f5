"""Local derivatives as edge weights, with the facts about them that several semirings share."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from semiring_widgets.core import kernels

__all__ = ["MODERATE", "Number", "Stored", "Weight", "is_moderate", "measure"]

# Weights whose largest magnitude lies outside are brought to 1 before they are multiplied: what then counts
# as too small (1e-32 of the largest, and more) is still a normal float32 number.
MODERATE = (1e-5, 1e15)


class Weight:
    """A tensor of local derivatives; what is derived from it is computed once, when asked for.

    What `Semiring.scale` and `Semiring.contract` are given.

        >>> import torch
        >>> Weight(torch.tensor([1.0, 0.0])).log
        tensor([0., -inf])

    Attributes:
        value: the derivatives, in the dtype that the sweep computes in.
        sparse: whether some may well be 0, as the probabilities of a masked attention are.
    """

    __slots__ = ("_base", "_log", "_peak", "sparse", "value")

    def __init__(self, value: Tensor, _base: Weight | None = None, *, sparse: bool = False) -> None:
        self.value, self.sparse = value, sparse
        self._base = _base
        self._log: Tensor | None = None
        self._peak: Tensor | float | None = None

    @property
    def stored(self) -> Tensor:
        """The same numbers in the digits that the model has them in: their shape and extremes, say."""
        return self.value

    def part(self, *index: Any) -> Weight:
        """Some of the derivatives, of which alone a copy is made if one is needed.

        Args:
            *index: as for a tensor.
        """
        return Weight(self.stored[index].to(self.dtype), sparse=self.sparse)

    @property
    def dtype(self) -> torch.dtype:
        """What the sweep computes in."""
        return self.value.dtype

    @property
    def factor(self) -> Tensor | float:
        """The derivatives as something to multiply by: a Python number where one is known for all edges."""
        return self.value

    @property
    def summand(self) -> Tensor | float:
        """``log|w|`` as something to add: a Python number where one is known for all edges."""
        return self.log

    @property
    def negated(self) -> Weight:
        """The same magnitudes with other signs; what either has computed of them serves both."""
        return _Negated(self)

    @property
    def log(self) -> Tensor:
        """``log|w|``; -inf where there is no edge."""
        if self._base is not None:
            return self._base.log.mT
        if self._log is None:
            log = kernels.log_magnitude(self.value)
            self._log = self.value.abs().log_() if log is None else log
        return self._log

    @property
    def peak(self) -> Tensor | float:
        """The largest ``|w|``, a number or of shape (); NaN or infinite if any derivative is."""
        if self._base is not None:
            return self._base.peak
        if self._peak is None:
            stored = self.stored
            if stored.numel() == 0:
                self._peak = stored.new_zeros(())
            else:
                # A transposed view would be copied.
                turned = stored.dim() > 1 and not stored.is_contiguous()
                lowest, highest = torch.aminmax(stored.mT if turned else stored)
                self._peak = torch.maximum(lowest.abs(), highest.abs())
        return self._peak

    @property
    def extreme(self) -> Tensor | float:
        """NaN or infinite (not -inf) where some derivative is; a number or of shape ()."""
        if self._base is not None:
            return self._base.extreme
        known = self._peak is None and self._log is not None and self._log.numel() > 0
        return self._log.amax() if known and self._log is not None else self.peak

    @property
    def mT(self) -> Weight:
        """The same edges with the last two dimensions swapped; what either has computed serves both."""
        return self._base if self._base is not None else Weight(self.value.mT, self, sparse=self.sparse)

    @property
    def base(self) -> Weight:
        """The one of several that knows what they have in common."""
        return self if self._base is None else self._base

    def moderate(self) -> tuple[Tensor, float, float]:
        """The derivatives without an extreme scale, for algorithms that multiply.

        Returns:
            Numbers w' with ``w = w' exp(shift)`` up to underflow, the shift (0 for usual weights), and the
            largest ``|w'|``.
        """
        peak = float(self.peak)
        if _is_moderate(peak) or peak == 0 or not math.isfinite(peak):
            return self.value, 0.0, peak
        return self.value / peak, math.log(peak), 1.0

    @property
    def may_be_moderate(self) -> bool:
        """Whether the derivatives are known to have a usual scale, or are yet to be looked at."""
        if self._base is not None:
            return self._base.may_be_moderate
        return self._peak is None or _is_moderate(float(self._peak))

    def note_peak(self, peak: float) -> bool:
        """Keep the largest ``|w|``, found by the way; whether it is of a usual scale."""
        if self._base is not None:
            return self._base.note_peak(peak)
        self._peak = peak
        return _is_moderate(peak)


class Number(Weight):
    """One derivative for all edges of a block, which no tensor is made for unless somebody asks.

    Args:
        number: the derivative.
        dtype: what it is rounded to.
        device: where its tensor is made.
    """

    __slots__ = ("_device", "_dtype", "_made", "_number")

    def __init__(self, number: float, dtype: torch.dtype, device: torch.device) -> None:
        self._base, self._log, self.sparse = None, None, False
        self._number, self._dtype, self._device = _rounded(number, dtype), dtype, device
        self._peak = abs(self._number)
        self._made: Tensor | None = None

    @property
    def value(self) -> Tensor:  # type: ignore[override]
        """The derivative, of shape ()."""
        if self._made is None:
            self._made = torch.full((), self._number, dtype=self._dtype, device=self._device)
        return self._made

    @property
    def factor(self) -> float:
        return self._number

    @property
    def summand(self) -> float:
        return math.log(abs(self._number)) if self._number != 0 else -math.inf

    @property
    def extreme(self) -> float:
        return abs(self._number)

    @property
    def negated(self) -> Number:
        return Number(-self._number, self._dtype, self._device)


class Stored(Weight):
    """Derivatives that the model has in fewer digits: they are widened when somebody asks for all of them.

    Where few are asked for (`part`), as of the rows of a vocabulary, no more than these are.

    Args:
        stored: the derivatives as the model has them.
        dtype: what the sweep computes in.
        _base: those of which these are the transpose.
    """

    __slots__ = ("_dtype", "_stored", "_widened")

    def __init__(self, stored: Tensor, dtype: torch.dtype, _base: Stored | None = None) -> None:
        self._base, self.sparse = _base, False
        self._log, self._peak = None, None
        self._stored, self._dtype = stored, dtype
        self._widened: Tensor | None = None

    @property
    def value(self) -> Tensor:  # type: ignore[override]
        """The derivatives, widened once."""
        if self._base is not None:
            return self._base.value.mT
        if self._widened is None:
            self._widened = self._stored.to(self._dtype)
        return self._widened

    @property
    def stored(self) -> Tensor:
        return self._stored

    @property
    def dtype(self) -> torch.dtype:
        return self._dtype

    @property
    def mT(self) -> Weight:
        return self._base if self._base is not None else Stored(self._stored.mT, self._dtype, self)


class _Negated(Weight):
    """See `Weight.negated`."""

    __slots__ = ("_made", "_other")

    def __init__(self, other: Weight) -> None:
        self._base, self._other, self.sparse = None, other, other.sparse
        self._made: Tensor | None = None

    @property
    def value(self) -> Tensor:  # type: ignore[override]
        if self._made is None:
            self._made = -self._other.value
        return self._made

    @property
    def log(self) -> Tensor:
        return self._other.log

    @property
    def base(self) -> Weight:
        return self._other.base

    @property
    def peak(self) -> Tensor | float:
        return self._other.peak

    @property
    def extreme(self) -> Tensor | float:
        return self._other.extreme

    @property
    def negated(self) -> Weight:
        return self._other


def measure(weights: Iterable[Weight]) -> None:
    """Find the largest magnitudes of many weights by a few operators, and leave them where they are."""
    places: dict[tuple[torch.device, torch.dtype], list[Weight]] = {}
    for weight in dict.fromkeys(weight.base for weight in weights):
        stored = weight.stored
        if weight._peak is None and stored.numel():
            places.setdefault((stored.device, stored.dtype), []).append(weight)
    for own in places.values():
        peaks = torch._foreach_norm([_in_memory(weight.stored) for weight in own], math.inf)
        for weight, peak in zip(own, peaks, strict=True):
            weight._peak = peak


def _in_memory(tensor: Tensor) -> Tensor:
    """The numbers of a tensor in the order in which they lie, without a copy if nothing lies between."""
    step = 1
    for stride, size in sorted(zip(tensor.stride(), tensor.shape, strict=True)):
        if size > 1 and stride != step:
            return tensor.contiguous()
        step *= size
    return tensor.as_strided((tensor.numel(),), (1,))


def _rounded(number: float, dtype: torch.dtype) -> float:
    """A number as a tensor of some dtype has it."""
    if dtype != torch.float32:
        return number
    try:
        (found,) = struct.unpack("f", struct.pack("f", number))
    except OverflowError:
        return math.copysign(math.inf, number)
    return float(found)


def is_moderate(peak: float) -> bool:
    """Whether weights whose largest magnitude this is have a usual scale, or all are 0."""
    return peak == 0 or _is_moderate(peak)


def _is_moderate(peak: float) -> bool:
    return MODERATE[0] < peak < MODERATE[1]
