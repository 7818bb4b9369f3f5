"""What an explanation tells of all paths: two backward sweeps and a forward one, each told as it goes."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from torch import Tensor

from semiring_widgets.core.anatomy import Anatomy, Attention, layer_flow, sweep_layers
from semiring_widgets.core.graph import GradientGraph
from semiring_widgets.core.paths import Paths
from semiring_widgets.core.semirings import Abs, Max, Value
from semiring_widgets.core.sweeps import Span, sweep_backward
from semiring_widgets.core.tape import Node
from semiring_widgets.explanation.best_of_tokens import branch_best, signed_best
from semiring_widgets.explanation.draft import Draft
from semiring_widgets.explanation.flow_cells import FLOW, fill_layer
from semiring_widgets.explanation.token_numbers import SUMS, tell_best, tell_sums

__all__ = ["every_path"]


def every_path(paths: Paths, draft: Draft) -> float:
    """Numbers of tokens and layers; gives log |weight| of the best path."""
    graph, anatomy = paths.graph, paths.anatomy
    draft.publish("mass and entropy")
    mass = _masses(graph, anatomy, draft)
    draft.publish("best paths")
    best = _best(graph, draft)
    draft.publish("flow")
    beta = {n: FLOW.join({Abs: (mass[n],), Max: (best[n],)}) for n in mass if n in best}
    paths.ground.learn(FLOW, _flows(graph, anatomy, beta, draft), beta)
    return max((float(best[node].max()) for node in graph.wrt if node in best), default=-math.inf)


def _masses(graph: GradientGraph, anatomy: Anatomy, draft: Draft) -> dict[Node, Tensor]:
    """Gradient, mass and entropy; gives log-mass cotangents at the anatomy and the inputs."""
    semiring = SUMS
    values = sweep_backward(
        graph, semiring, Span(keep=anatomy.nodes()), progress=lambda done, _: draft.progress(done)
    )
    tell_sums(graph, values, draft)
    return {node: semiring.part(value, Abs)[0] for node, value in values.items()}


def _best(graph: GradientGraph, draft: Draft) -> dict[Node, Tensor]:
    """Best path per token with its sign; gives `Max` cotangents at all nodes."""
    offset = len(graph.ops)
    values = sweep_backward(graph, Max(), progress=lambda done, _: draft.progress(offset + done))
    best = {node: value[0] for node, value in values.items()}
    read = signed_best if draft.options.level == "unit" else branch_best
    tell_best(graph, {node: read(graph, best, node) for node in graph.wrt}, draft)
    return best


def _flows(
    graph: GradientGraph, anatomy: Anatomy, beta: Mapping[Node, Value], draft: Draft
) -> dict[Node, Value]:
    """Tangents, and with them the flow through each layer as soon as all of it is known."""
    offset = 2 * len(graph.ops)
    log_mass = draft.totals.log_mass if draft.totals.log_mass is not None else float("-inf")

    def fill(attention: Attention, alpha: Mapping[Node, Value]) -> None:
        fill_layer(draft.dataset, attention, layer_flow(graph, FLOW, attention, [(alpha, beta)]), log_mass)
        if draft.options.level == "branch":
            for what in ("node", "branch", "head"):
                draft.dataset[f"{what}_best_log_weight"].values[attention.index] = np.nan
        draft.publish(f"layer {attention.index + 1} of {len(anatomy.attentions)}")

    return sweep_layers(
        graph,
        FLOW,
        anatomy,
        fill,
        keep=anatomy.nodes() | set(graph.wrt),
        progress=lambda done, _: draft.progress(offset + done),
    )
