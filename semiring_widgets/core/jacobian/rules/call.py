"""What a rule gets: one recorded operator, and the tools to evaluate it again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from semiring_widgets.core.jacobian.blocks.block import Block
from semiring_widgets.core.jacobian.blocks.elementwise import Elementwise
from semiring_widgets.core.jacobian.edge import Edge
from semiring_widgets.core.semirings.edge_weight import Stored, Weight
from semiring_widgets.core.tape import Node, Op, fill, units
from semiring_widgets.errors import UnsupportedOpError

__all__ = ["Call"]


@dataclass(eq=False)
class Call:
    """One operator whose derivatives are wanted.

    Attributes:
        op: the operator.
        sources: the inputs on a path, each once.
        targets: the outputs on a path.
        dtype: what derivatives are computed in (float32 or float64).
        at: numbers that some nodes are taken to have, in the place of those recorded; a rule for
            edge weights (`semiring_widgets.core.rules`) asks for derivatives there.
    """

    op: Op
    sources: tuple[Node, ...]
    targets: tuple[Node, ...]
    dtype: torch.dtype
    at: Mapping[Node, Tensor] = field(default_factory=dict)

    def value(self, node: Node) -> Tensor:
        """The node's content in the computing dtype; half precision is widened."""
        elsewhere = self.at.get(node) if self.at else None
        value = (node.value if elsewhere is None else elsewhere).to(self.dtype)
        # Autograd does not save what was made in inference mode.
        return value.clone() if value.is_inference() else value

    def weight(self, node: Node) -> Weight:
        """The node's content as edge weights; a parameter in half precision is not widened until then."""
        stored = None if self.at else node.held
        if node.op is not None or node.complex or stored is None or stored.dtype == self.dtype:
            return Weight(self.value(node))
        return Stored(stored, self.dtype)

    def run(self, replace: Callable[[Node], Tensor]) -> tuple[Any, ...]:
        """Run the operator with its nodes replaced by tensors; always gives a tuple.

        Both sides are real: where the operator takes or gives complex numbers, the last dimension is their
        real and imaginary part.
        """

        def given(node: Node) -> Tensor:
            real = replace(node)
            return torch.view_as_complex(real.contiguous()) if node.complex else real

        # A dtype that was asked for is dropped to the default, but for the change to complex numbers.
        kwargs = {name: value for name, value in self.op.kwargs.items() if name != "dtype"}
        asked = self.op.kwargs.get("dtype")
        if asked is not None and asked.is_complex:
            kwargs["dtype"] = self.dtype.to_complex()
        result = self.op.func(*fill(self.op.args, given), **fill(kwargs, given))
        results = result if isinstance(result, (tuple, list)) else (result,)
        return tuple([units(r) if isinstance(r, Tensor) else r for r in results])

    def outputs(self) -> Iterator[tuple[int, Node]]:
        """Position and node of the results on a path."""
        for position, node in enumerate(self.op.outputs):
            if node is not None and node in self.targets:
                yield position, node

    def edge(self, source: Node, target: Node, block: Block) -> Edge:
        """A block as an edge of this operator."""
        return Edge(self.op, source, target, block)

    @cached_property
    def named(self) -> dict[str, Any]:
        """The operator's arguments by name, with its defaults."""
        schema = self.op.func._schema.arguments
        defaults = {a.name: a.default_value for a in schema if a.has_default_value()}
        given = dict(zip((a.name for a in schema), self.op.args, strict=False))
        return defaults | given | dict(self.op.kwargs)

    @property
    def complex(self) -> bool:
        """Whether any complex number goes in or comes out."""
        return True in [node.complex for node in (*self.op.inputs(), *self.targets)]

    def elementwise(
        self,
        source: Node,
        target: Node,
        full: Sequence[int],
        kept: Sequence[int],
        derivative: float | Tensor,
    ) -> Edge:
        """The edge of an operator that joins each place of a common shape with one of source and target.

        Args:
            source: a node. Where both are complex, a place has four edges: from the real and the imaginary
                part to the real and the imaginary part.
            target: the other node.
            full: the common shape, to which the shapes of both tensors broadcast.
            kept: the target's shape with the reduced dimensions kept as 1.
            derivative: a number, or a tensor of shape ``full``, followed by 2 if the source is complex and by
                another 2 if the target is.
        """
        if not (source.complex or target.complex):
            block = Elementwise(source.shape, target.shape, full, kept, derivative, self.dtype, target.device)
            return self.edge(source, target, block)
        ahead = (2,) * source.complex
        after = (2,) * target.complex
        block = Elementwise(
            source.shape,
            target.shape,
            (*full, *ahead, *after),
            (*kept, *(1 for _ in ahead), *after),
            derivative,
            self.dtype,
            target.device,
            spread=(*source.outer, *ahead, *(1 for _ in after)),
        )
        return self.edge(source, target, block)

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
            (source, target, derivative or None where there is no dependence). Real and imaginary part of a
            complex output are summed apart: the last dimension of the derivative tells them.
        """
        leaves = {source: expand(source).detach().requires_grad_() for source in self.sources}
        found: list[tuple[Node, Node, Tensor | None]] = []
        with torch.inference_mode(False), torch.enable_grad():
            results = self.run(lambda node: leaves[node] if node in leaves else expand(node))
            for position, target in self.outputs():
                if not results[position].requires_grad:
                    found += [(source, target, None) for source in self.sources]
                    continue
                result = results[position]
                sums = result.sum_to_size(2).unbind() if target.complex else [result.sum()]
                each = [
                    torch.autograd.grad(one, list(leaves.values()), retain_graph=True, allow_unused=True)
                    for one in sums
                ]
                joined = zip(*each, strict=True)
                found += [(s, target, _side_by_side(g)) for s, g in zip(self.sources, joined, strict=True)]
        return found


def _side_by_side(parts: Sequence[Tensor | None]) -> Tensor | None:
    """The derivatives of one output, or of the two parts of a complex one, in a last dimension."""
    like = next((part for part in parts if part is not None), None)
    if like is None or len(parts) == 1:
        return like
    return torch.stack([torch.zeros_like(like) if part is None else part for part in parts], -1)
