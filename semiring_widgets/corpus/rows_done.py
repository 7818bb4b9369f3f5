"""How many rows are done: told to whoever waits, who may stop the run by an error."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["RowsDone"]


class RowsDone:
    """Counts rows.

    Args:
        told: called with (rows done, rows in all); None for nobody.
        total: rows in all.

    Attributes:
        stopped: whether ``told`` raised. What a row raises is that row's, and this is not.
    """

    def __init__(self, told: Callable[[int, int], None] | None = None, total: int = 0) -> None:
        self._told, self._total, self._done = told, total, 0
        self.stopped = False

    def __call__(self, more: int = 0) -> None:
        """Tell, also where nothing is new: a run is to be stopped soon.

        Args:
            more: rows done since.
        """
        self._done += more
        if self._told is None:
            return
        try:
            self._told(self._done, self._total)
        except BaseException:
            self.stopped = True
            raise
