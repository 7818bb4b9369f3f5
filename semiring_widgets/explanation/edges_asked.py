"""The edges of a question: how much each component of the model gives to each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import torch

from semiring_widgets.core import record
from semiring_widgets.explanation.batches import BatchOptions
from semiring_widgets.explanation.component_edges import edges
from semiring_widgets.explanation.prepared import Prepared

__all__ = ["edges_of"]


def edges_of(
    question: Prepared, reference: Any, options: BatchOptions, check: Callable[[], None] = lambda: None
) -> pd.DataFrame:
    """Every edge of one question, by `semiring_widgets.edges`.

    Args:
        question: prepared.
        reference: what `references.check_reference` has passed.
        options: granularity and rule.
        check: called often; may raise to stop.

    Returns:
        A row an edge: ``kind`` "edge", ``source``, ``target``, the ``branch``, ``layer`` and ``head`` of the
        target, and the ``contribution``.

    Raises:
        SemiringWidgetsError: as `semiring_widgets.edges`.
    """
    with torch.no_grad():
        other = list(question.refer(reference).inputs)
        with record(options.granularity, rules=options.rules, reference=other) as tape:
            score = question.run(*question.inputs)
        question.check(score)
        found = edges(tape, score, list(question.inputs), other, progress=lambda *_: check())
    found = found.rename(columns={"target_layer": "layer", "target_head": "head"})
    columns = ["source", "target", "layer", "head", "branch", "contribution"]
    return found[columns].assign(kind="edge")
