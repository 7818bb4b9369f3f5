"""Which texts are meant: those of some groups whose two numbers lie in a box."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from semiring_widgets.checks import choice
from semiring_widgets.errors import InputError
from semiring_widgets.overview.numbers import CorpusNumbers

__all__ = ["Brush"]


@dataclass(frozen=True)
class Brush:
    """A choice of texts.

    Attributes:
        x: the number to the right.
        y: the number upwards.
        box: the lowest and highest x, the lowest and highest y, ends included; empty for all.
        groups: places of the groups; empty for all.
    """

    x: str = "score"
    y: str = "entropy"
    box: tuple[float, ...] = ()
    groups: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.box or self.groups)

    def mask(self, numbers: CorpusNumbers) -> NDArray[np.bool_]:
        """Whether each text is meant, (texts,).

        Args:
            numbers: of the corpus.

        Raises:
            InputError: no such number or group, or a box that is none.
        """
        meant = np.ones(len(numbers), bool)
        if self.groups:
            if not all(0 <= place < len(numbers.groups) for place in self.groups):
                raise InputError(f"There are {len(numbers.groups)} groups, counted from 0.")
            meant = np.isin(numbers.group, self.groups)
        x, y = (numbers.number(choice(name, "axis", numbers.numbers)) for name in (self.x, self.y))
        if self.box:
            if len(self.box) != 4 or not all(np.isfinite(self.box)):
                raise InputError("A box is four numbers: the lowest and highest x, the lowest and highest y.")
            left, right, low, high = self.box
            meant &= (x >= left) & (x <= right) & (y >= low) & (y <= high)
        return meant
