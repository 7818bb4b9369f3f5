"""Live widgets for notebooks: `explain` and `compare` return at once and fill up while they compute.

They are the same computations as `semiring_widgets.explain` and `semiring_widgets.compare`, run by a worker
thread. Widgets see results and the message contract (`messages`), never torch.

Public: `semiring_widgets.widgets`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from semiring_widgets._lazy import lazily

if TYPE_CHECKING:
    from semiring_widgets.widgets.beside_widget import BesideWidget
    from semiring_widgets.widgets.comparison_widget import ComparisonWidget
    from semiring_widgets.widgets.explanation_widget import ExplanationWidget
    from semiring_widgets.widgets.live import compare, explain
    from semiring_widgets.widgets.overlay_widget import ImageComparisonWidget, OverlayWidget

_HOME = {
    "BesideWidget": "beside_widget",
    "ComparisonWidget": "comparison_widget",
    "ExplanationWidget": "explanation_widget",
    "ImageComparisonWidget": "overlay_widget",
    "OverlayWidget": "overlay_widget",
    "compare": "live",
    "explain": "live",
}

__all__ = [
    "BesideWidget",
    "ComparisonWidget",
    "ExplanationWidget",
    "ImageComparisonWidget",
    "OverlayWidget",
    "compare",
    "explain",
]

__getattr__, __dir__ = lazily(__name__, _HOME)
