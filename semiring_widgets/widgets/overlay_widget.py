"""A picture or a sound, with all that is known of its cells laid over it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from semiring_widgets.contract import messages
from semiring_widgets.contract.overlay_messages import OfCells, overlay_summary
from semiring_widgets.errors import InputError
from semiring_widgets.results.cells import CellExplanation, ImageComparison
from semiring_widgets.results.parts import Status
from semiring_widgets.widgets.desk import Request
from semiring_widgets.widgets.result_widget import ResultWidget

__all__ = ["ImageComparisonWidget", "OverlayWidget"]


class OverlayWidget(ResultWidget[OfCells]):
    """Shows an `ImageExplanation` or a `SoundExplanation`.

    A part of its ``selection`` is a cell, ``{"token": 3}``, a layer, or a head, ``{"layer": 1, "head": 2}``.

    Example:
        >>> widget = sw.widgets.OverlayWidget(picture)
        >>> widget.selection = [{"token": 4}]
        >>> widget.result is picture
        True
    """

    kind: ClassVar[str] = "overlay"
    shows: ClassVar[type[Any]] = CellExplanation

    def _encode(self, status: Status, revision: int) -> messages.Message:
        return overlay_summary(self.wait())

    def _answer(self, request: Request, check: Callable[[], None]) -> messages.Message:
        raise InputError(
            f"This view asks for nothing, not for {request.get('type')!r} either: its summary holds all."
        )


class ImageComparisonWidget(OverlayWidget):
    """Shows an `ImageComparison`: one method after the other over the same picture.

    Example:
        >>> sw.widgets.ImageComparisonWidget(table).result is table
        True
    """

    shows: ClassVar[type[Any]] = ImageComparison
