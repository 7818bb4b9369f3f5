"""An edge of the gradient graph: a block between two nodes."""

from __future__ import annotations

from dataclasses import dataclass, field

from semiring_widgets.core.jacobian.blocks.block import Block
from semiring_widgets.core.semirings import Semiring, Value, Weight
from semiring_widgets.core.tape import Node, Op

__all__ = ["Edge"]


@dataclass(unsafe_hash=True)  # nobody changes an edge
class Edge:
    """A block between two nodes, made by one operator.

    An operator makes at most one edge from one node to another, so edges are equal whose ends and operator
    are, also when the derivatives were taken twice.
    """

    op: Op
    source: Node
    target: Node
    block: Block = field(compare=False)
    _many: tuple[int, Edge] | None = field(default=None, compare=False, repr=False)

    def pull(self, semiring: Semiring, value: Value) -> Value:
        """Cotangent: from the target's shape to the source's."""
        return self._lifted(semiring, self.block.pull(semiring, value))

    def push(self, semiring: Semiring, value: Value) -> Value:
        """Tangent: from the source's shape to the target's."""
        return self._lifted(semiring, self.block.push(semiring, value))

    def repeated(self, count: int) -> Edge:
        """The same edges ``count`` times, as `Block.repeated`; the last one asked for is kept."""
        if self._many is None or self._many[0] != count:
            self._many = count, Edge(self.op, self.source, self.target, self.block.repeated(count))
        return self._many[1]

    def _lifted(self, semiring: Semiring, value: Value) -> Value:
        # Views, copies and additions: blocks pass values on, as nearly every semiring wants it.
        if self.block.weight is not None or semiring.unital:
            return value
        return semiring.scale(value, Weight(value[0].new_ones(())))
