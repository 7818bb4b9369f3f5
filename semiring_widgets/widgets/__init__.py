"""Live widgets for notebooks: `explain` and `compare` return at once and fill up while they compute.

They are the same computations as `semiring_widgets.explain` and `semiring_widgets.compare`, run by a worker
thread. Widgets see results and the message contract (`messages`), never torch.

Public: `semiring_widgets.widgets`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from semiring_widgets.widgets.comparison_widget import ComparisonWidget
    from semiring_widgets.widgets.explanation_widget import ExplanationWidget
    from semiring_widgets.widgets.live import compare, explain

_HOME = {
    "ComparisonWidget": "comparison_widget",
    "ExplanationWidget": "explanation_widget",
    "compare": "live",
    "explain": "live",
}

__all__ = ["ComparisonWidget", "ExplanationWidget", "compare", "explain"]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
