"""A rule: which number an edge of the gradient graph carries."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from semiring_widgets.core.jacobian import Edge
from semiring_widgets.core.rules.step import Step

__all__ = ["Rule"]


class Rule:
    """Which number the edges of a step carry. Subclass it for a rule of your own.

    Only steps that are not linear are put to a rule; views, sums, averages, matrix products with a weight and
    their like carry their derivatives under every rule. There is one method for each kind of step, and what a
    subclass leaves out is the derivative. A rule may also hold the result of a step constant: then no path
    leads through it, and what is multiplied by it becomes linear.

    Attributes:
        name: how results call it.
        constant: kinds whose results are constants: ``"softmax"`` (attention weights), ``"norm"`` (the
            denominators of norms), ``"quotient"`` (the denominator alone), ``"activation"`` (the gate of an
            activation that the model writes out, as in ``x * sigmoid(x)``), ``"gate"`` (of any product in
            which one factor is an activation and the other is none, that factor).
        needs_reference: whether it compares with the numbers under a reference, `Step.reference_value`.

    Example:
        >>> class Halves(sw.rules.Rule):  # the product of two tensors counts once, not twice
        ...     name = "halves"
        ...     def product(self, step):
        ...         return step.shared(0.5)
        >>> x, y = torch.tensor([2.0]), torch.tensor([3.0])
        >>> with sw.record(rules=Halves()) as tape:
        ...     score = (x * y).sum()
        >>> [r.value.tolist() for r in sw.backprop(tape, score, wrt=[x, y])]
        [[1.5], [1.0]]
    """

    name: str = ""
    constant: Collection[str] = ()
    needs_reference: bool = False

    def softmax(self, step: Step) -> Sequence[Edge]:
        """What makes attention weights: exp and the division by its sum."""
        return step.derivatives()

    def norm(self, step: Step) -> Sequence[Edge]:
        """What makes the denominator of a norm: a root, its inverse, a deviation, a length."""
        return step.derivatives()

    def pointwise(self, step: Step) -> Sequence[Edge]:
        """A function of one tensor, element by element."""
        return step.derivatives()

    def product(self, step: Step) -> Sequence[Edge]:
        """Two tensors on paths, multiplied element by element."""
        return step.derivatives()

    def matmul(self, step: Step) -> Sequence[Edge]:
        """Two tensors on paths in a matrix product, such as queries and keys."""
        return step.derivatives()

    def quotient(self, step: Step) -> Sequence[Edge]:
        """A division by a tensor on paths, where it is neither softmax nor norm."""
        return step.derivatives()

    def maximum(self, step: Step) -> Sequence[Edge]:
        """What takes one of several elements."""
        return step.derivatives()

    def gated_unit(self, step: Step) -> Sequence[Edge]:
        """Half of a tensor times the sigmoid of its other half, as one operator."""
        return step.derivatives()

    def logarithm(self, step: Step) -> Sequence[Edge]:
        """What makes a log-softmax or logsumexp."""
        return step.derivatives()

    def other(self, step: Step) -> Sequence[Edge]:
        """Everything else."""
        return step.derivatives()

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"
