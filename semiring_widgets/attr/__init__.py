"""Attribution in Captum's form: semiring methods as Captum classes, and a comparison of methods.

This floor is the only one that imports captum. The table that `compare` returns, `Comparison`, is plain
facts of the floor `results`; the names below are imported when they are first used, so that showing or
loading a comparison needs neither torch nor captum.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from semiring_widgets.attr.comparing import compare, compare_run
    from semiring_widgets.attr.gradient import SemiringGradient
    from semiring_widgets.attr.layer_gradient import LayerSemiringGradient
    from semiring_widgets.results.comparison import Comparison, MethodResult

_HOME = {
    "Comparison": "semiring_widgets.results.comparison",
    "LayerSemiringGradient": "semiring_widgets.attr.layer_gradient",
    "MethodResult": "semiring_widgets.results.comparison",
    "SemiringGradient": "semiring_widgets.attr.gradient",
    "compare": "semiring_widgets.attr.comparing",
    "compare_run": "semiring_widgets.attr.comparing",
}

__all__ = [
    "Comparison",
    "LayerSemiringGradient",
    "MethodResult",
    "SemiringGradient",
    "compare",
    "compare_run",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
