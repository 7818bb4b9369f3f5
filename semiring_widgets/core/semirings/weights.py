"""Local derivatives as edge weights, with the logarithms that several semirings share."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["Weight"]


class Weight:
    """A tensor of local derivatives; what is derived from it is computed once, when asked for.

    Attributes:
        value: the derivatives, in the dtype that the sweep computes in.
    """

    __slots__ = ("_abs", "_log", "_transposed", "_xlogx", "value")

    def __init__(self, value: Tensor) -> None:
        self.value = value
        self._abs: Tensor | None = None
        self._log: Tensor | None = None
        self._xlogx: Tensor | None = None
        self._transposed: Weight | None = None

    @property
    def magnitude(self) -> Tensor:
        """``|w|``."""
        if self._abs is None:
            self._abs = self.value.abs()
        return self._abs

    @property
    def log(self) -> Tensor:
        """``log|w|``; -inf where there is no edge."""
        if self._log is None:
            self._log = torch.log(self.magnitude)
        return self._log

    @property
    def xlogx(self) -> Tensor:
        """``|w| log|w|``; 0 where w is 0."""
        if self._xlogx is None:
            self._xlogx = torch.xlogy(self.magnitude, self.magnitude)
        return self._xlogx

    @property
    def mT(self) -> Weight:
        """The same edges with the last two dimensions swapped; shares everything already computed."""
        if self._transposed is None:
            other = Weight(self.value.mT)
            other._abs = self.magnitude.mT
            other._log = self.log.mT
            other._xlogx = self.xlogx.mT
            other._transposed = self
            self._transposed = other
        return self._transposed
