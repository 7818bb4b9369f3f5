"""Local derivatives as edge weights, with the logarithms that several semirings share."""

from __future__ import annotations

from torch import Tensor

__all__ = ["Weight"]


_LOWEST = -1e30


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
            other = self._transposed
            self._abs = self.value.abs() if other is None or other._abs is None else other._abs.mT
        return self._abs

    @property
    def log(self) -> Tensor:
        """``log|w|``; -inf where there is no edge."""
        if self._log is None:
            other = self._transposed
            self._log = self.magnitude.log() if other is None or other._log is None else other._log.mT
        return self._log

    @property
    def xlogx(self) -> Tensor:
        """``|w| log|w|``; 0 where w is 0."""
        if self._xlogx is None:
            other = self._transposed
            if other is not None and other._xlogx is not None:
                self._xlogx = other._xlogx.mT
            else:
                # The clamp makes 0 * log 0 a 0.
                self._xlogx = self.log.clamp(min=_LOWEST).mul_(self.magnitude)
        return self._xlogx

    @property
    def mT(self) -> Weight:
        """The same edges with the last two dimensions swapped; what either has computed serves both."""
        if self._transposed is None:
            self._transposed = Weight(self.value.mT)
            self._transposed._transposed = self
        return self._transposed
