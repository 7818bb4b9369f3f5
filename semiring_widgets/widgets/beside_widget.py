"""Two explanations side by side; a selection is asked of both."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from semiring_widgets.contract import messages
from semiring_widgets.contract.both import both
from semiring_widgets.results.two_sides import SideBySide
from semiring_widgets.widgets.desk import Request
from semiring_widgets.widgets.result_widget import ResultWidget

__all__ = ["BesideWidget"]


class BesideWidget(ResultWidget[SideBySide]):
    """Shows a `SideBySide`; tokens of its selection are places.

    Example:
        >>> sides = sw.beside(e, e)
        >>> widget = sw.widgets.BesideWidget(sides)
        >>> widget.selection = [{"layer": 3, "head": 3}]
        >>> widget.result is sides
        True
    """

    kind: ClassVar[str] = "beside"
    shows: ClassVar[type[Any]] = SideBySide

    def _answer(self, request: Request, check: Callable[[], None]) -> messages.Message:
        return both(self.wait(), request, check)
