"""Finite differences between two forward passes, as slopes.

Each of them is exact: over the inputs on paths, slopes times differences of the inputs sum to the difference
of the result, whatever the step does between the two.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import factorial

import torch
from torch import Tensor

from semiring_widgets.core.jacobian import Edge
from semiring_widgets.core.jacobian.blocks.sparse import sparse_block
from semiring_widgets.core.jacobian.rules import reductions
from semiring_widgets.core.looks import maybe_true
from semiring_widgets.core.rules.gated_units import edges_of_halves, halves
from semiring_widgets.core.rules.step import Step
from semiring_widgets.core.semirings import Sum
from semiring_widgets.core.tape import Node

__all__ = ["at_midpoint", "between_halves", "between_maxima", "by_element", "of_deviation", "of_share"]

aten = torch.ops.aten
_SMALLEST = {aten.amin, aten.min}
_EXTREMES = {aten.amax, aten.max, *_SMALLEST}
_LARGEST = {
    *(*_EXTREMES, aten.max_pool2d_with_indices, aten.max_pool3d_with_indices),
    *(aten.adaptive_max_pool2d, aten.adaptive_max_pool3d),
}
# Inputs of one step beyond which the orders in which they may change are too many.
_INPUTS = 3


def by_element(step: Step) -> list[Edge]:
    """(f(a) - f(b)) / (a - b), and f'(a) where a = b, of a step that goes element by element.

    With several inputs, the difference that one makes is its mean over the orders in which they may change
    from b to a (Shapley's value): of a product, the mean of the other factor.
    """
    if len(step.inputs) > _INPUTS:
        raise step.refuse(f"it has {len(step.inputs)} inputs on paths")
    here, there = step.spread([step.value, step.reference_value])
    return step.slopes({node: _mean_slope(step, node, here, there) for node in step.inputs})


def _mean_slope(step: Step, node: Node, here: dict[Node, Tensor], there: dict[Node, Tensor]) -> Tensor:
    others = [other for other in step.inputs if other is not node]
    same = here[node] == there[node]
    total = torch.zeros_like(here[node])
    for sides in product((here, there), repeat=len(others)):
        rest = {other: side[other] for other, side in zip(others, sides, strict=True)}
        first = sum(side is here for side in sides)
        weight = factorial(first) * factorial(len(others) - first) / factorial(len(others) + 1)
        made = [step.evaluated({**rest, node: side[node]}) for side in (here, there)]
        slope = (made[0] - made[1]) / (here[node] - there[node])
        if maybe_true(same):
            slope = torch.where(same, step.partial(node, {**rest, node: here[node]}), slope)
        total = total + weight * slope
    return total


def at_midpoint(step: Step, nodes: Sequence[Node]) -> list[Edge]:
    """The derivatives half way, which are exact for what is of second degree: products, variances.

    Args:
        step: the step.
        nodes: what is half way.
    """
    return step.derivatives({node: (step.value(node) + step.reference_value(node)) / 2 for node in nodes})


def of_share(step: Step) -> list[Edge]:
    """A part e divided by a positive total S, as in a softmax, taken for the product y S = e that it undoes.

    e_a - e_b = (y_a + y_b) / 2 (S_a - S_b) + (S_a + S_b) / 2 (y_a - y_b), which tells y_a - y_b.

    Exact as Shapley's value is, which divides by the smaller of the two totals. They are exponentials: where
    logits lie 40 apart, its slopes are e^40, and nothing is left of what they sum to.
    """
    here, there = step.spread([step.value, step.reference_value])
    part, total = step.op.args[:2]
    middle = (here[total] + there[total]) / 2
    share = (step.evaluated(here) + step.evaluated(there)) / 2
    return step.slopes({part: 1 / middle, total: -share / middle})


def of_deviation(step: Step) -> list[Edge]:
    """A standard deviation or Euclidean length f: its square is of second degree.

    f(a) - f(b) = (f(a)² - f(b)²) / (f(a) + f(b)), and the square's slope is its derivative half way.
    """
    if len(step.inputs) != 1 or step.call.named.get("ord", step.call.named.get("p", 2)) not in (None, 2):
        raise step.refuse("it is a length of another kind than the Euclidean one")
    (node,), target = step.inputs, step.output
    here, there = (side(node).double() for side in (step.value, step.reference_value))
    with torch.inference_mode(False), torch.enable_grad():
        middle = ((here + there) / 2).requires_grad_()
        length = step.evaluated({node: middle})
        scale = 2 * length.detach() / (step.evaluated({node: here}) + step.evaluated({node: there}))
        (slope,) = torch.autograd.grad(length, middle, scale.nan_to_num(1.0))
    kept = reductions.kept_shape(step.call, node, target)
    return [step.call.elementwise(node, target, node.outer, kept, slope.to(step.call.dtype))]


def between_halves(step: Step) -> list[Edge]:
    """A gated unit: a product of one half, and a function of the other half alone."""
    (node,) = step.inputs
    sides = [halves(step, side(node).double()) for side in (step.value, step.reference_value)]
    (signal, gate), (other_signal, other_gate) = sides
    opened, other_opened = gate.sigmoid(), other_gate.sigmoid()
    slope = (opened - other_opened) / (gate - other_gate)
    slope = torch.where(gate == other_gate, opened * (1 - opened), slope)
    return edges_of_halves(step, (opened + other_opened) / 2, slope * (signal + other_signal) / 2)


def between_maxima(step: Step) -> list[Edge]:
    """What takes one element in the text and perhaps another one under the reference: a mean of the two.

    With i the largest element of a and j that of b, a_j - b_j <= a_i - b_j <= a_i - b_i: what the result
    changes by lies between what these two elements change by, so it is a weighed mean of both.
    """
    if len(step.inputs) != 1:
        return by_element(step)
    (node,), target = step.inputs, step.output
    here, there = (side(node).double() for side in (step.value, step.reference_value))
    first, second = _taken(step, here), _taken(step, there)
    if torch.equal(first, second):
        return step.derivatives()
    if step.op.func.overloadpacket not in _LARGEST:
        raise step.refuse("under the reference it takes other elements")
    here, there = here.reshape(-1), there.reshape(-1)
    low, high = (here - there)[second], (here - there)[first]
    share = ((here[first] - there[second] - low) / (high - low)).nan_to_num(0.5)
    share = torch.where(first == second, 1.0, share)
    apart = (first != second).nonzero().squeeze(-1)
    places = torch.arange(len(first), device=first.device)
    weight = torch.cat([share, 1 - share[apart]]).to(step.call.dtype)
    own, reached = torch.cat([first, second[apart]]), torch.cat([places, places[apart]])
    return [step.call.edge(node, target, sparse_block(node.shape, target.shape, own, reached, weight))]


def _taken(step: Step, value: Tensor) -> Tensor:
    """The flat element of the input that each element of the result is, (elements of the result,)."""
    (node,) = step.inputs
    numbers = torch.arange(value.numel(), device=value.device).reshape(value.shape)
    if step.op.func.overloadpacket in _EXTREMES and len(step.op.func._schema.returns) == 1:
        kept = reductions.kept_shape(step.call, node, step.output)
        own = [d for d, size in enumerate(kept) if size == value.shape[d]]
        order = own + [d for d in range(value.dim()) if d not in own]
        rows = step.output.shape.numel(), -1
        several = value.permute(order).reshape(rows)
        best = several.argmin(1) if step.op.func.overloadpacket in _SMALLEST else several.argmax(1)
        return numbers.permute(order).reshape(rows).gather(1, best[:, None]).squeeze(1)
    (edge,) = step.derivatives({node: value})
    # The edges have the weight 1: they carry the number of the element that they come from.
    return edge.block.push(Sum(), (numbers.double(),))[0].reshape(-1).long()
