"""From text to facts: tokenizer, target and score in, one `Explanation` out.

This floor is the only one that imports transformers. Its results are frozen dataclasses around an xarray
dataset, which the faces (widgets, export, notebook, command line) show without ever importing torch; so
the names below are imported when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from semiring_widgets.explanation.demo import load_demo
    from semiring_widgets.explanation.explaining import explain, explain_run
    from semiring_widgets.explanation.flowing import flow
    from semiring_widgets.explanation.jobs import ExplanationJob
    from semiring_widgets.explanation.models import load_model
    from semiring_widgets.explanation.rankings import Ranking, Route, Step
    from semiring_widgets.explanation.results import (
        Explanation,
        Layer,
        Score,
        Session,
        Statistic,
        Status,
        Stream,
        Token,
        Totals,
        load,
    )

_HOME = {
    "Explanation": "results",
    "ExplanationJob": "jobs",
    "Layer": "results",
    "Ranking": "rankings",
    "Route": "rankings",
    "Score": "results",
    "Session": "results",
    "Statistic": "results",
    "Status": "results",
    "Step": "rankings",
    "Stream": "results",
    "Token": "results",
    "Totals": "results",
    "explain": "explaining",
    "explain_run": "explaining",
    "flow": "flowing",
    "load": "results",
    "load_demo": "demo",
    "load_model": "models",
}

__all__ = [
    "Explanation",
    "ExplanationJob",
    "Layer",
    "Ranking",
    "Route",
    "Score",
    "Session",
    "Statistic",
    "Status",
    "Step",
    "Stream",
    "Token",
    "Totals",
    "explain",
    "explain_run",
    "flow",
    "load",
    "load_demo",
    "load_model",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
