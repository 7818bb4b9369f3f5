"""Which paths make a prediction? Semiring backpropagation for PyTorch models, with notebook widgets.

The public names are imported lazily: ``import semiring_widgets`` costs milliseconds and pulls in
neither torch nor transformers nor captum until a name that needs them is used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from semiring_widgets import attr, semirings, widgets
    from semiring_widgets.attr import compare
    from semiring_widgets.core import (
        Effect,
        Path,
        PathSet,
        Route,
        Routes,
        Selection,
        Semiring,
        Tape,
        backprop,
        estimate_memory,
        path_lengths,
        record,
        sample_paths,
        select_paths,
        test,
        top_paths,
        top_routes,
    )
    from semiring_widgets.core.effects import effects
    from semiring_widgets.errors import SemiringWidgetsError
    from semiring_widgets.explanation import Explanation, explain, flow, load, load_demo, load_model
    from semiring_widgets.notebook import load_ipython_extension, unload_ipython_extension

__version__ = "0.1.0"

_HOME = {
    "Effect": "core",
    "Path": "core",
    "PathSet": "core",
    "Route": "core",
    "Routes": "core",
    "Selection": "core",
    "Semiring": "core",
    "Tape": "core",
    "backprop": "core",
    # The room of this name hides it in core itself.
    "effects": "core.effects",
    "estimate_memory": "core",
    "path_lengths": "core",
    "select_paths": "core",
    "test": "core",
    "flow": "explanation",
    "record": "core",
    "sample_paths": "core",
    "top_paths": "core",
    "top_routes": "core",
    "SemiringWidgetsError": "errors",
    "Explanation": "explanation",
    "explain": "explanation",
    "load": "explanation",
    "load_demo": "explanation",
    "load_model": "explanation",
    "compare": "attr",
    "load_ipython_extension": "notebook",
    "unload_ipython_extension": "notebook",
}
_MODULES = ("attr", "semirings", "widgets")

__all__ = [
    "Effect",
    "Explanation",
    "Path",
    "PathSet",
    "Route",
    "Routes",
    "Selection",
    "Semiring",
    "SemiringWidgetsError",
    "Tape",
    "attr",
    "backprop",
    "compare",
    "effects",
    "estimate_memory",
    "explain",
    "flow",
    "load",
    "load_demo",
    "load_ipython_extension",
    "load_model",
    "path_lengths",
    "record",
    "sample_paths",
    "select_paths",
    "semirings",
    "test",
    "top_paths",
    "top_routes",
    "unload_ipython_extension",
    "widgets",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
