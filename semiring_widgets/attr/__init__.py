"""Attribution in Captum's form: semiring methods as Captum classes, and a comparison of methods.

This floor is the only one that imports captum. The table that `compare` returns, `Comparison`, is plain
facts; the names below are imported when they are first used, so that showing or loading a comparison
needs neither torch nor captum.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from semiring_widgets.attr.comparing import compare, compare_run
    from semiring_widgets.attr.gradient import SemiringGradient
    from semiring_widgets.attr.layer_gradient import LayerSemiringGradient
    from semiring_widgets.attr.results import Comparison, MethodResult

_HOME = {
    "Comparison": "results",
    "LayerSemiringGradient": "layer_gradient",
    "MethodResult": "results",
    "SemiringGradient": "gradient",
    "compare": "comparing",
    "compare_run": "comparing",
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
        return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
