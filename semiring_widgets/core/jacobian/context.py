"""What a rule gets: one recorded operator, and the tools to evaluate it again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from semiring_widgets.core.jacobian.blocks import Block
from semiring_widgets.core.semirings import Semiring, Value, Weight
from semiring_widgets.core.tape import Node, Op, fill
from semiring_widgets.errors import UnsupportedOpError

__all__ = ["Call", "Edge"]


@dataclass(eq=False)
class Edge:
    """A block between two nodes, made by one operator."""

    op: Op
    source: Node
    target: Node
    block: Block

    def pull(self, semiring: Semiring, value: Value) -> Value:
        """Cotangent: from the target's shape to the source's."""
        return self._lifted(semiring, self.block.pull(semiring, value))

    def push(self, semiring: Semiring, value: Value) -> Value:
        """Tangent: from the source's shape to the target's."""
        return self._lifted(semiring, self.block.push(semiring, value))

    def _lifted(self, semiring: Semiring, value: Value) -> Value:
        # Views, copies and additions: blocks pass values on, as nearly every semiring wants it.
        if self.block.weight is not None or semiring.unital:
            return value
        return semiring.scale(value, Weight(value[0].new_ones(())))


@dataclass(eq=False)
class Call:
    """One operator whose derivatives are wanted.

    Attributes:
        op: the operator.
        sources: the inputs on a path, each once.
        targets: the outputs on a path.
        dtype: what derivatives are computed in (float32 or float64).
    """

    op: Op
    sources: tuple[Node, ...]
    targets: tuple[Node, ...]
    dtype: torch.dtype

    def value(self, node: Node) -> Tensor:
        """The node's content in the computing dtype; half precision is widened."""
        value = node.value.to(self.dtype)
        # Autograd does not save what was made in inference mode.
        return value.clone() if value.is_inference() else value

    def run(self, replace: Callable[[Node], Tensor]) -> tuple[Any, ...]:
        """Run the operator with its nodes replaced by tensors; always gives a tuple."""
        # A dtype that was asked for is dropped to the default.
        kwargs = {name: value for name, value in self.op.kwargs.items() if name != "dtype"}
        result = self.op.func(*fill(self.op.args, replace), **fill(kwargs, replace))
        return tuple(result) if isinstance(result, (tuple, list)) else (result,)

    def outputs(self) -> Iterator[tuple[int, Node]]:
        """Position and node of the results on a path."""
        for position, node in enumerate(self.op.outputs):
            if node is not None and node in self.targets:
                yield position, node

    def edge(self, source: Node, target: Node, block: Block) -> Edge:
        """A block as an edge of this operator."""
        return Edge(self.op, source, target, block)

    def refuse(self, why: str) -> UnsupportedOpError:
        """The error that says which operator has no rule, where it is, and what can be done."""
        shapes = ", ".join(str(list(node.shape)) for node in self.sources)
        return UnsupportedOpError(
            f"{self.op.where} with input of shape {shapes} has no rule: {why}. Register one with "
            f"`semiring_widgets.core.jacobian.register(torch.ops.{self.op.func.overloadpacket})`, or explain "
            f"a part of the model that does not use it."
        )

    def gradients(self, expand: Callable[[Node], Tensor]) -> list[tuple[Node, Node, Tensor | None]]:
        """For every output, the derivative of its *sum* by every source.

        Args:
            expand: gives the tensor to use for a node; sources become leaves.

        Returns:
            (source, target, derivative or None where there is no dependence).
        """
        leaves = {source: expand(source).detach().requires_grad_() for source in self.sources}
        found: list[tuple[Node, Node, Tensor | None]] = []
        with torch.inference_mode(False), torch.enable_grad():
            results = self.run(lambda node: leaves[node] if node in leaves else expand(node))
            for position, target in self.outputs():
                if not results[position].requires_grad:
                    found += [(source, target, None) for source in self.sources]
                    continue
                grads = torch.autograd.grad(
                    results[position].sum(), list(leaves.values()), retain_graph=True, allow_unused=True
                )
                found += [(s, target, g) for s, g in zip(self.sources, grads, strict=True)]
        return found
