"""What was found out, as plain facts: frozen dataclasses around one table of numbers, and their files.

The lowest floor but for errors: no torch, no picture, no widget, and nothing of how the numbers were
computed. Whatever computes gives results, whatever shows takes them. The names below are imported when
they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from semiring_widgets.results.comparison import Comparison, MethodResult
    from semiring_widgets.results.explanation import Explanation, load
    from semiring_widgets.results.parts import Layer, Score, Statistic, Status, Stream, Token, Totals
    from semiring_widgets.results.rankings import Ranking, Route, Step
    from semiring_widgets.results.result import Result
    from semiring_widgets.results.session import Session

_HOME = {
    "Comparison": "comparison",
    "Explanation": "explanation",
    "Layer": "parts",
    "MethodResult": "comparison",
    "Ranking": "rankings",
    "Result": "result",
    "Route": "rankings",
    "Score": "parts",
    "Session": "session",
    "Statistic": "parts",
    "Status": "parts",
    "Step": "rankings",
    "Stream": "parts",
    "Token": "parts",
    "Totals": "parts",
    "load": "explanation",
}

__all__ = [
    "Comparison",
    "Explanation",
    "Layer",
    "MethodResult",
    "Ranking",
    "Result",
    "Route",
    "Score",
    "Session",
    "Statistic",
    "Status",
    "Step",
    "Stream",
    "Token",
    "Totals",
    "load",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
