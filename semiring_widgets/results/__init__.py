"""What was found out, as plain facts: frozen dataclasses around one table of numbers, and their files.

The lowest floor but for errors: no torch, no picture, no widget, and nothing of how the numbers were
computed. Whatever computes gives results, whatever shows takes them. The names below are imported when
they are first used.

Internal: use `semiring_widgets.Explanation` and `semiring_widgets.load`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from semiring_widgets._lazy import lazily

if TYPE_CHECKING:
    from semiring_widgets.results.comparison import Comparison, MethodResult
    from semiring_widgets.results.explanation import Explanation, load
    from semiring_widgets.results.groups import Group, GroupBook
    from semiring_widgets.results.log_of_tests import Test, TestLog
    from semiring_widgets.results.parts import (
        Correlation,
        Layer,
        Part,
        Reference,
        Score,
        Sentence,
        Statistic,
        Status,
        Stream,
        Token,
        Totals,
    )
    from semiring_widgets.results.rankings import Family, ListedRoute, ListedStep, Ranking
    from semiring_widgets.results.result import Result
    from semiring_widgets.results.session import Session
    from semiring_widgets.results.two_sides import SideBySide

_HOME = {
    "Comparison": "comparison",
    "Explanation": "explanation",
    "Layer": "parts",
    "ListedRoute": "rankings",
    "ListedStep": "rankings",
    "MethodResult": "comparison",
    "Ranking": "rankings",
    "Result": "result",
    "Score": "parts",
    "Session": "session",
    "SideBySide": "two_sides",
    "Statistic": "parts",
    "Status": "parts",
    "Stream": "parts",
    "Token": "parts",
    "Totals": "parts",
    "Correlation": "parts",
    "Family": "rankings",
    "Group": "groups",
    "GroupBook": "groups",
    "Part": "parts",
    "Reference": "parts",
    "Sentence": "parts",
    "Test": "log_of_tests",
    "TestLog": "log_of_tests",
    "load": "explanation",
}

__all__ = [
    "Comparison",
    "Correlation",
    "Explanation",
    "Family",
    "Group",
    "GroupBook",
    "Layer",
    "ListedRoute",
    "ListedStep",
    "MethodResult",
    "Part",
    "Ranking",
    "Reference",
    "Result",
    "Score",
    "Sentence",
    "Session",
    "SideBySide",
    "Statistic",
    "Status",
    "Stream",
    "Test",
    "TestLog",
    "Token",
    "Totals",
    "load",
]

__getattr__, __dir__ = lazily(__name__, _HOME)
