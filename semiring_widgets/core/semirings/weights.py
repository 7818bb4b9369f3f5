"""Local derivatives as edge weights, with the facts about them that several semirings share."""

from __future__ import annotations

import math

import torch
from torch import Tensor

__all__ = ["Weight"]

# Weights whose largest magnitude lies outside are brought to 1 before they are multiplied.
_MODERATE = 1e15


class Weight:
    """A tensor of local derivatives; what is derived from it is computed once, when asked for.

    Attributes:
        value: the derivatives, in the dtype that the sweep computes in.
    """

    __slots__ = ("_log", "_peak", "_transposed", "value")

    def __init__(self, value: Tensor) -> None:
        self.value = value
        self._log: Tensor | None = None
        self._peak: Tensor | None = None
        self._transposed: Weight | None = None

    @property
    def log(self) -> Tensor:
        """``log|w|``; -inf where there is no edge."""
        if self._log is None:
            other = self._transposed
            self._log = self.value.abs().log_() if other is None or other._log is None else other._log.mT
        return self._log

    @property
    def peak(self) -> Tensor:
        """The largest ``|w|``, shape (); NaN or infinite if any derivative is."""
        if self._peak is None:
            if self._transposed is not None and self._transposed._peak is not None:
                self._peak = self._transposed._peak
            elif self.value.numel() == 0:
                self._peak = self.value.new_zeros(())
            else:
                # A transposed view would be copied.
                turned = self.value.dim() > 1 and not self.value.is_contiguous()
                lowest, highest = torch.aminmax(self.value.mT if turned else self.value)
                self._peak = torch.maximum(lowest.abs(), highest.abs())
        return self._peak

    @property
    def mT(self) -> Weight:
        """The same edges with the last two dimensions swapped; what either has computed serves both."""
        if self._transposed is None:
            self._transposed = Weight(self.value.mT)
            self._transposed._transposed = self
        return self._transposed

    def moderate(self) -> tuple[Tensor, float, float]:
        """The derivatives without an extreme scale, for algorithms that multiply.

        Returns:
            Numbers w' with ``w = w' exp(shift)`` up to underflow, the shift (0 for usual weights), and the
            largest ``|w'|``.
        """
        peak = float(self.peak)
        if 1 / _MODERATE < peak < _MODERATE or peak == 0 or not math.isfinite(peak):
            return self.value, 0.0, peak
        return self.value / peak, math.log(peak), 1.0
