"""Attribution in Captum's form: semiring methods as Captum classes, and a comparison of methods.

This floor is the only one that imports captum. The table that `compare` returns, `Comparison`, is plain
facts of the floor `results`; the names below are imported when they are first used, so that showing or
loading a comparison needs neither torch nor captum.

Public: `semiring_widgets.attr`; the table comes from `semiring_widgets.compare`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from semiring_widgets._lazy import lazily

if TYPE_CHECKING:
    from semiring_widgets.attr.comparing import compare, compare_run
    from semiring_widgets.attr.comparing_images import compare_image
    from semiring_widgets.attr.gradient import SemiringGradient
    from semiring_widgets.attr.layer_gradient import LayerSemiringGradient
    from semiring_widgets.results.comparison import Comparison, MethodResult

_HOME = {
    "Comparison": ".results.comparison",
    "LayerSemiringGradient": "layer_gradient",
    "MethodResult": ".results.comparison",
    "SemiringGradient": "gradient",
    "compare": "comparing",
    "compare_image": "comparing_images",
    "compare_run": "comparing",
}

__all__ = [
    "Comparison",
    "LayerSemiringGradient",
    "MethodResult",
    "SemiringGradient",
    "compare",
    "compare_image",
    "compare_run",
]

__getattr__, __dir__ = lazily(__name__, _HOME)
