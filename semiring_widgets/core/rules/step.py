"""What a rule is given: one step that is not linear, its numbers, and ways to say what its edges carry."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from semiring_widgets.core.jacobian import Call, Edge, edges_of
from semiring_widgets.core.looks import maybe_true
from semiring_widgets.core.rules.kinds import factors_of
from semiring_widgets.core.tape import Node, Op
from semiring_widgets.errors import InputError, UnsupportedOpError

__all__ = ["Step", "checked_edges"]

Values = Mapping[Node, Tensor]


@dataclass(eq=False)
class Step:
    """One operator on paths that is not linear in what is on paths.

    Attributes:
        kind: which method of `Rule` is asked, a key of `semiring_widgets.core.rules.kinds.KINDS`.
        name: of the rule, for messages.
        call: the operator with its derivatives, for what the methods here do not offer.
        reference_values: numbers of its inputs under the reference; empty for rules that need none.
    """

    kind: str
    name: str
    call: Call
    reference_values: Values = field(default_factory=dict)

    @property
    def op(self) -> Op:
        """The operator, with its module and the composite it is a part of in ``op.scope``."""
        return self.call.op

    @property
    def inputs(self) -> tuple[Node, ...]:
        """The inputs that are on paths, each once."""
        return self.call.sources

    @property
    def output(self) -> Node:
        """The result that is on paths; the first of several."""
        return self.call.targets[0]

    @cached_property
    def factors(self) -> tuple[Node, ...]:
        """The two factors of a product; none of any other step."""
        return factors_of(self.op)

    def value(self, node: Node) -> Tensor:
        """Numbers of a node in this forward pass, in the computing dtype."""
        return self.call.value(node)

    def reference_value(self, node: Node) -> Tensor:
        """Numbers of a node under the reference; those of this forward pass where they are the same."""
        known = self.reference_values.get(node)
        return self.value(node) if known is None else known.to(self.call.dtype)

    def derivatives(self, at: Values | None = None) -> list[Edge]:
        """Edges that carry the local derivatives.

        Args:
            at: other numbers that some nodes are taken to have; None for those of this forward pass.
        """
        return edges_of(self.call if at is None else replace(self.call, at=at))

    def shared(self, share: float) -> list[Edge]:
        """Edges of a product that carry a part of the other factor.

        Args:
            share: which part; with 1/2, both edges times their factors are the product, not twice that.
        """
        return self.derivatives({factor: self.value(factor) * share for factor in self.factors})

    def slopes(self, slopes: Mapping[Node, Tensor]) -> list[Edge]:
        """Edges of a step that goes element by element.

        Args:
            slopes: what each input's edges carry, a tensor of the shape of `output` or broadcasting to it.
        """
        full = self.output.outer
        return [
            self.call.elementwise(node, target, full, full, slope.to(self.call.dtype))
            for node, slope in slopes.items()
            for target in self.call.targets
        ]

    def quotients(self) -> list[Edge]:
        """Edges of a pointwise step f that carry (f(x) - f(0)) / x, and f'(0) where x is 0.

        So slope times input is the result, up to the constant f(0). Where f(0) is not finite, f(x) / x.
        """
        (node,) = self.inputs
        (x,) = self.spread([self.value])
        at_zero = self.evaluated({node: torch.zeros_like(x[node])})
        start = at_zero.where(at_zero.isfinite(), 0.0)
        slope = (self.evaluated(x) - start) / x[node]
        flat = x[node] == 0
        if maybe_true(flat):
            slope = torch.where(flat, self.partial(node, x), slope)
        return self.slopes({node: slope})

    def spread(self, sides: Sequence[Callable[[Node], Tensor]]) -> list[dict[Node, Tensor]]:
        """Numbers of all inputs on paths at the shape of the result, in float64 where there is one.

        Differences of numbers that are close need more digits than the numbers have.

        Args:
            sides: what gives the numbers of a node; a dict is made of each.
        """
        if self.call.complex:
            raise self.refuse("it computes with complex numbers")
        shape = self.output.shape
        return [{node: self._wide(side(node)).expand(shape) for node in self.inputs} for side in sides]

    def evaluated(self, at: Values) -> Tensor:
        """Result of the operator with other numbers of its inputs, as `spread` gives them."""
        target = next(position for position, node in enumerate(self.op.outputs) if node is self.output)
        results = self.call.run(lambda node: at[node] if node in at else self._wide(self.value(node)))
        return self._wide(results[target])

    def partial(self, node: Node, at: Values) -> Tensor:
        """Derivative of a step that goes element by element by one of its inputs, elsewhere."""
        with torch.inference_mode(False), torch.enable_grad():
            leaf = at[node].detach().clone().requires_grad_()
            out = self.evaluated({**at, node: leaf})
            if not out.requires_grad:
                return torch.zeros_like(leaf)
            (found,) = torch.autograd.grad(out.sum(), leaf, materialize_grads=True)
        return found

    def refuse(self, why: str) -> UnsupportedOpError:
        """The error for a step that a rule has no answer for.

        Args:
            why: what it does, as in "it computes with complex numbers".
        """
        shapes = ", ".join(str(list(node.shape)) for node in self.inputs)
        return UnsupportedOpError(
            f"{self.op.where} with input of shape {shapes} has no slope by rules={self.name!r}: {why}. Use "
            f'rules="gradient", explain a part of the model that does not use it, or give a rule of your own '
            f"that says what its edges carry (`semiring_widgets.rules.Rule`)."
        )

    def _wide(self, value: Tensor) -> Tensor:
        return value if value.device.type == "mps" else value.double()


def checked_edges(step: Step, edges: Collection[Any]) -> list[Edge]:
    """The edges that a rule gave, if they are edges of this step.

    Raises:
        InputError: they are not, or one of two nodes is there twice.
    """
    listed = isinstance(edges, Collection)
    ends = [(edge.source, edge.target) for edge in edges if isinstance(edge, Edge)] if listed else []
    if not listed or len(ends) != len(edges) or len(set(ends)) < len(ends):
        raise InputError(
            f"The rule {step.name!r} gave {edges!r} for {step.op.where}; give a list of what "
            f"step.derivatives(), step.shared() or step.slopes() give, at most one edge for each input."
        )
    return list(edges)
