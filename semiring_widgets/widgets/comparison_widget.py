"""Attribution methods side by side on one text: scores per token, rank correlation, overlap of the top."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Final

from semiring_widgets.contract import messages
from semiring_widgets.contract.table import Cancel, Pull
from semiring_widgets.errors import InputError
from semiring_widgets.results.comparison import Comparison
from semiring_widgets.widgets.desk import Request
from semiring_widgets.widgets.result_widget import ResultWidget

__all__ = ["ComparisonWidget"]

_AT_ONCE: Final = (Pull.type, Cancel.type)


class ComparisonWidget(ResultWidget[Comparison]):
    """Shows a `Comparison`, or a job that is computing one, method by method.

    Example:
        >>> widget = ComparisonWidget(c)  # or sw.widgets.compare(model, ...), which fills up as it computes
        >>> widget.result is c
        True
    """

    kind: ClassVar[str] = "comparison"
    shows: ClassVar[type[Any]] = Comparison

    def _answer(self, request: Request, check: Callable[[], None]) -> messages.Message:
        raise InputError(
            f"A comparison answers {' and '.join(_AT_ONCE)} only, not {request.get('type')!r}: its summary "
            "holds all its numbers."
        )
