"""Layer-wise relevance propagation for transformers, as slopes: relevance is slope times input."""

from __future__ import annotations

from collections.abc import Sequence

from semiring_widgets.core.jacobian import Edge
from semiring_widgets.core.rules.gated_units import edges_of_halves, halves
from semiring_widgets.core.rules.rule import Rule
from semiring_widgets.core.rules.step import Step

__all__ = ["LRP"]


class LRP(Rule):
    """AttnLRP (Achtibat et al. 2024, https://arxiv.org/abs/2402.05602).

    Identity rule for norms and activations (denominators constant, f(x)/x), uniform rule for products (half
    to each factor), Taylor rule for softmax (its derivative). As the authors' package ``lxt`` computes it.
    """

    name = "lrp"
    constant = ("norm", "quotient", "activation")

    def pointwise(self, step: Step) -> Sequence[Edge]:
        return step.quotients()

    def product(self, step: Step) -> Sequence[Edge]:
        return step.shared(0.5)

    def matmul(self, step: Step) -> Sequence[Edge]:
        return step.shared(0.5)

    def gated_unit(self, step: Step) -> Sequence[Edge]:
        _, gate = halves(step, step.value(step.inputs[0]))
        return edges_of_halves(step, gate.sigmoid())

    def other(self, step: Step) -> Sequence[Edge]:
        raise step.refuse("it is neither linear nor a function of single elements")
