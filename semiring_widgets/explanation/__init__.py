"""From text to facts: tokenizer, target and score in, one `Explanation` out.

This floor is the only one that imports transformers. Its results are of the floor `results`, and the faces
(widgets, export, notebook, command line) show them without ever importing torch; so the names below are
imported when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from semiring_widgets.explanation.demo import load_demo
    from semiring_widgets.explanation.explaining import explain, explain_run
    from semiring_widgets.explanation.flowing import flow
    from semiring_widgets.explanation.models import load_model

_HOME = {
    "explain": "explaining",
    "explain_run": "explaining",
    "flow": "flowing",
    "load_demo": "demo",
    "load_model": "models",
}

__all__ = [
    "explain",
    "explain_run",
    "flow",
    "load_demo",
    "load_model",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
