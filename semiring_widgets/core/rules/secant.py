"""The secant graph: finite differences between a text and a reference, in the place of derivatives."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from semiring_widgets.core.jacobian import Edge
from semiring_widgets.core.rules.differences import (
    at_midpoint,
    between_halves,
    between_maxima,
    by_element,
    of_deviation,
    of_share,
)
from semiring_widgets.core.rules.rule import Rule
from semiring_widgets.core.rules.step import Step

__all__ = ["Secant"]

aten = torch.ops.aten


class Secant(Rule):
    """All paths x (input - reference) sum to score - score of the reference, exactly.

    Of a pointwise f the slope is (f(a) - f(b)) / (a - b), and f'(a) where a = b; of a product, the mean of
    the other factor; of a maximum, a mean of the elements taken in the two. Softmax and norms are taken as
    the arithmetic that they consist of. For activations this is the "rescale" rule of DeepLIFT (Shrikumar et
    al. 2017, https://arxiv.org/abs/1704.02685), for steps of several inputs Shapley's value, as in DeepSHAP
    (Lundberg and Lee 2017, https://arxiv.org/abs/1705.07874). The division of a softmax is taken for the
    product that it undoes: weight times denominator is the numerator.
    """

    name = "secant"
    needs_reference = True

    def softmax(self, step: Step) -> Sequence[Edge]:
        return of_share(step) if len(step.inputs) > 1 else by_element(step)

    def norm(self, step: Step) -> Sequence[Edge]:
        packet = step.op.func.overloadpacket
        if packet in (aten.var, aten.var_mean):
            return at_midpoint(step, step.inputs)
        if packet in (aten.std, aten.linalg_vector_norm, aten.norm):
            return of_deviation(step)
        return self.other(step) if packet is aten.std_mean else by_element(step)

    def pointwise(self, step: Step) -> Sequence[Edge]:
        return by_element(step)

    def product(self, step: Step) -> Sequence[Edge]:
        return at_midpoint(step, step.factors)

    def matmul(self, step: Step) -> Sequence[Edge]:
        return at_midpoint(step, step.factors)

    def quotient(self, step: Step) -> Sequence[Edge]:
        return by_element(step)

    def maximum(self, step: Step) -> Sequence[Edge]:
        return between_maxima(step)

    def gated_unit(self, step: Step) -> Sequence[Edge]:
        return between_halves(step)

    def logarithm(self, step: Step) -> Sequence[Edge]:
        return by_element(step)

    def other(self, step: Step) -> Sequence[Edge]:
        if torch.Tag.pointwise in step.op.func.tags:
            return by_element(step)
        raise step.refuse("its finite differences are not known")
