"""The best path of each token: its weight, and its sign, by one of two rules."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from semiring_widgets.core.graph import GradientGraph
from semiring_widgets.core.paths import Guide, walk
from semiring_widgets.core.semirings import find_semiring
from semiring_widgets.core.sweeps import INPUTS_ONLY, sweep_backward
from semiring_widgets.core.tape import Node
from semiring_widgets.explanation.token_numbers import Bests

__all__ = ["branch_best", "signed_best"]


def signed_best(graph: GradientGraph, best: Mapping[Node, Tensor], node: Node) -> Bests:
    """Log |weight| and sign of each token's best path; the sign is read off by walking it.

    Args:
        graph: the graph.
        best: `Max` cotangents of its nodes.
        node: an input.
    """
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


def branch_best(graph: GradientGraph, best: Mapping[Node, Tensor], node: Node) -> Bests:
    """The same by the rule of the published figures: the larger of highest and lowest, over units.

    Args:
        graph: the graph.
        best: not needed for it.
        node: an input.
    """
    values = sweep_backward(graph, find_semiring("signed_max", "branch"), INPUTS_ONLY)
    if node not in values:
        return None, None
    high, low = (v.reshape(-1, *v.shape[-2:]) for v in values[node])
    top, bottom = high.amax((0, 2)), low.amin((0, 2))
    larger = torch.where(top.abs() >= bottom.abs(), top, bottom)
    return larger.abs().log(), larger.sign()
