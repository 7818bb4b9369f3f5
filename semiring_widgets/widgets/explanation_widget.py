"""The routes of one prediction, to click through: sentence, route grid, heads, head map, chart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from semiring_widgets.contract import messages
from semiring_widgets.contract.answers import answer
from semiring_widgets.errors import InputError
from semiring_widgets.results.explanation import Explanation
from semiring_widgets.widgets.desk import Request
from semiring_widgets.widgets.result_widget import ResultWidget

__all__ = ["ExplanationWidget"]


class ExplanationWidget(ResultWidget[Explanation]):
    """Shows an `Explanation`, or a job that is computing one, live.

    Example:
        >>> widget = ExplanationWidget(e)  # or sw.widgets.explain(model, ...), which fills up layer by layer
        >>> widget.selection = {"layer": 3, "head": 1}  # as a click on that head
        >>> widget.selection
        [{'layer': 3, 'branch': None, 'head': 1, 'token': None, 'stream': 0}]
        >>> widget.result is e
        True
    """

    kind: ClassVar[str] = "explanation"
    shows: ClassVar[type[Any]] = Explanation

    def _answer(self, request: Request, check: Callable[[], None]) -> messages.Message:
        result = self.result
        if result is None:
            raise InputError("Nothing is known yet; ask again when the first layer has arrived.")
        return answer(result, request, check)
