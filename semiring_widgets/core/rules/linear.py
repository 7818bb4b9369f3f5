"""The linear graph: what the model multiplies by is held constant, and what is left is linear.

As in the "frozen" forward passes of mechanistic work, with attention patterns and norm denominators constant
(Elhage et al. 2021, "A Mathematical Framework for Transformer Circuits",
https://transformer-circuits.pub/2021/framework), and in conservative propagation (Ali et al. 2022,
https://arxiv.org/abs/2202.07304).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from semiring_widgets.core.jacobian import Edge
from semiring_widgets.core.rules.gated_units import edges_of_halves, halves
from semiring_widgets.core.rules.rule import Rule
from semiring_widgets.core.rules.step import Step

__all__ = ["Linear"]


class Linear(Rule):
    """Softmax weights, norm denominators and f(x)/x are constants: slopes x inputs + biases = the score.

    Of a product in which one factor is an activation and the other is none (``silu(gate) * up``), the
    activation is a gate, and constant; of any other product, each factor gets half. Both keep the sum. The
    biases are all constants that are added: the model's, f(0) where it is not 0, and the entropy of a
    log-softmax.
    """

    name = "linear"
    constant: Collection[str] = ("softmax", "norm", "quotient", "activation", "gate")

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
