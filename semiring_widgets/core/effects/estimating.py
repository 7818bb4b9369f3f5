"""Contributions at a cut: all paths from the output of a part to the score, times output minus reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from semiring_widgets.core.effects.cut_points import Place
from semiring_widgets.core.graph import GradientGraph
from semiring_widgets.core.replay import Program, run
from semiring_widgets.core.semirings import Sum
from semiring_widgets.core.sweeps import Span, sweep_backward
from semiring_widgets.core.tape import Node

__all__ = ["contributions_of"]


def contributions_of(
    graph: GradientGraph,
    program: Program,
    places: Sequence[Place],
    given: Mapping[Node, Tensor],
    inputs: Mapping[Node, Tensor],
    *,
    steps: int | None = None,
) -> Tensor:
    """One number for each part and example, in the unit of the score: shape (parts, examples), float64.

    Args:
        graph: from the inputs to the score.
        program: all that leads to the score.
        places: the parts.
        given: what the node of each part is given instead.
        inputs: those of the reference.
        steps: see `semiring_widgets.effects`.
    """
    nodes = {place.node for place in places}
    slopes = _slopes(graph, nodes) if steps is None else _mean_slopes(program, nodes, inputs, steps)
    products = {
        node: slopes[node] * (node.value.to(graph.dtype) - given[node].to(graph.dtype))
        for node in nodes
        if node in slopes
    }
    examples = graph.score.shape.numel()
    none = graph.score.value.new_zeros(examples, dtype=graph.dtype)
    found = [
        place.totals(products[place.node], examples) if place.node in products else none for place in places
    ]
    return (torch.stack(found) if found else none.new_zeros(0, examples)).double().cpu()


def _slopes(graph: GradientGraph, nodes: set[Node]) -> dict[Node, Tensor]:
    """The sum of all paths from each node to the score."""
    return {node: value[0] for node, value in sweep_backward(graph, Sum(), Span(keep=nodes)).items()}


def _mean_slopes(
    program: Program, nodes: set[Node], inputs: Mapping[Node, Tensor], steps: int
) -> dict[Node, Tensor]:
    """The same, averaged over points between the reference and the inputs: the middles of equal steps."""
    total: dict[Node, Tensor] = {}
    for step in range(steps):
        share = (step + 0.5) / steps
        with torch.inference_mode(False), torch.enable_grad():
            between = {
                node: (start + share * (node.value - start)).detach().clone().requires_grad_()
                for node, start in inputs.items()
            }
            values = run(program, between, keep=nodes)
            reached = [node for node in nodes if node in values and values[node].requires_grad]
            score = values.get(program.score)
            if score is None or not score.requires_grad:
                continue
            found = torch.autograd.grad(
                score.sum(), [values[node] for node in reached], allow_unused=True, materialize_grads=True
            )
        for node, slope in zip(reached, found, strict=True):
            total[node] = total[node] + slope / steps if node in total else slope / steps
    return total
