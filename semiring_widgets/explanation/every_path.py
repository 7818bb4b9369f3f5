"""What an explanation tells of all paths: two backward sweeps and a forward one, each told as it goes."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from semiring_widgets.core.anatomy import Anatomy, Attention, layer_flow, sweep_layers
from semiring_widgets.core.graph import GradientGraph
from semiring_widgets.core.paths import Guide, Paths, walk
from semiring_widgets.core.semirings import Abs, Max, Value, find_semiring
from semiring_widgets.core.sweeps import INPUTS_ONLY, Span, sweep_backward
from semiring_widgets.core.tape import Node
from semiring_widgets.explanation.draft import Draft
from semiring_widgets.explanation.flow_cells import FLOW, fill_layer
from semiring_widgets.explanation.token_numbers import SUMS, Bests, tell_best, tell_sums

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
    read = _signed_best if draft.options.level == "unit" else _branch_best
    tell_best(graph, {node: read(graph, best, node) for node in graph.wrt}, draft)
    return best


def _signed_best(graph: GradientGraph, best: Mapping[Node, Tensor], node: Node) -> Bests:
    """Log |weight| and sign of each token's best path; the sign is read off by walking it."""
    if node not in best:
        return None, None
    units = best[node].reshape(-1, *node.shape[-2:]).permute(1, 0, 2).flatten(1)
    weight, place = units.max(-1)
    example, unit = place // node.shape[-1], place % node.shape[-1]
    numbers = (example * node.shape[-2] + torch.arange(len(unit), device=unit.device)) * node.shape[-1] + unit
    walks = walk(Guide(graph, [best]), [(node, number) for number in numbers.tolist()])
    signs = [math.prod((hop.derivative > 0) - (hop.derivative < 0) for hop in hops) for hops in walks]
    exists = weight > float("-inf")
    return weight, torch.tensor(signs, dtype=weight.dtype, device=weight.device) * exists


def _branch_best(graph: GradientGraph, best: Mapping[Node, Tensor], node: Node) -> Bests:
    """The same by the rule of the published figures: the larger of highest and lowest, over units."""
    values = sweep_backward(graph, find_semiring("signed_max", "branch"), INPUTS_ONLY)
    if node not in values:
        return None, None
    high, low = (v.reshape(-1, *v.shape[-2:]) for v in values[node])
    top, bottom = high.amax((0, 2)), low.amin((0, 2))
    larger = torch.where(top.abs() >= bottom.abs(), top, bottom)
    return larger.abs().log(), larger.sign()


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
