"""Directions: what the sum over paths is multiplied by at the inputs, so that it becomes one number.

The sum of all path weights from a tensor is its gradient, one number per element. Along a direction (the
input itself: gradient times input) it is a contribution to the score, to first order.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from semiring_widgets.core.graph import GradientGraph, listed
from semiring_widgets.core.semirings import Abs, Product, Sum
from semiring_widgets.core.tape import Node
from semiring_widgets.errors import InputError

__all__ = ["SIGNED", "cancellation", "directions_of"]

# Contributions, each with the mass that it is compared with.
SIGNED = Product(Sum(), Abs())


def directions_of(graph: GradientGraph, given: Tensor | Sequence[Tensor] | None) -> dict[Node, Tensor]:
    """One direction for each input, in the dtype of the graph.

    None for the inputs themselves, or what they differ by from the reference that the graph's rule compares
    with: along it, all paths of a secant graph sum to the difference of the scores.

    Raises:
        InputError: other shapes than those of the inputs.
    """
    if given is None:
        return {node: _from_reference(graph, node) for node in graph.wrt}
    many = listed(given, "direction")
    shapes, wanted = [list(one.shape) for one in many], [list(node.shape) for node in graph.wrt]
    if shapes != wanted:
        raise InputError(
            f"direction has the shapes {shapes}; wrt has {wanted}: give one direction of the same shape "
            f"for each."
        )
    return {
        node: one.detach().to(node.device, graph.dtype) for node, one in zip(graph.wrt, many, strict=True)
    }


def _from_reference(graph: GradientGraph, node: Node) -> Tensor:
    value, reference = node.value.to(graph.dtype), graph.reference_values.get(node)
    return value if reference is None else value - reference.to(graph.dtype)


def cancellation(contribution: Tensor, log_mass: Tensor) -> Tensor:
    """``|sum| / sum of |.|``, 0-1: 1 where nothing cancels, 0 where everything does or there is no path.

    Args:
        contribution: the signed sums.
        log_mass: log of the sums of absolute values along the same direction.
    """
    ratio = torch.exp((contribution.double().abs().log() - log_mass.double()).clamp(max=0.0))
    return torch.where(contribution == 0, 0.0, ratio)
