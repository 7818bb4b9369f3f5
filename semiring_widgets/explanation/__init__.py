"""From text to facts: tokenizer, target and score in, one `Explanation` out.

This floor is the only one that imports transformers. Its results are of the floor `results`, and the faces
(widgets, export, notebook, command line) show them without ever importing torch; so the names below are
imported when they are first used.

Internal: use `semiring_widgets.explain`, `semiring_widgets.explain_image`, `semiring_widgets.flow`,
`semiring_widgets.edges` and `semiring_widgets.load_model`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from semiring_widgets._lazy import lazily

if TYPE_CHECKING:
    from semiring_widgets.explanation.alongside import beside
    from semiring_widgets.explanation.cells.images import explain_image
    from semiring_widgets.explanation.cells.sounds import explain_sound
    from semiring_widgets.explanation.component_edges import edges, write_circuit
    from semiring_widgets.explanation.demo import load_demo
    from semiring_widgets.explanation.demo_images import load_demo_image
    from semiring_widgets.explanation.effect_frames import contributions, effects
    from semiring_widgets.explanation.explaining import explain, explain_run
    from semiring_widgets.explanation.flowing import flow
    from semiring_widgets.explanation.models import load_model

_HOME = {
    "beside": "alongside",
    "contributions": "effect_frames",
    "edges": "component_edges",
    "effects": "effect_frames",
    "explain": "explaining",
    "explain_image": "cells.images",
    "explain_sound": "cells.sounds",
    "explain_run": "explaining",
    "flow": "flowing",
    "load_demo": "demo",
    "load_demo_image": "demo_images",
    "load_model": "models",
    "write_circuit": "component_edges",
}

__all__ = [
    "beside",
    "contributions",
    "edges",
    "effects",
    "explain",
    "explain_image",
    "explain_run",
    "explain_sound",
    "flow",
    "load_demo",
    "load_demo_image",
    "load_model",
    "write_circuit",
]

__getattr__, __dir__ = lazily(__name__, _HOME)
