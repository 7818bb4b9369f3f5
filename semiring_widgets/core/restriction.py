"""Which paths count: the one way in which sweeps, searches and sets of paths are confined to some paths.

A path counts if it passes only what is left open. Of the paths that count, a semiring of pairs
(`semiring_widgets.core.semirings.Leaving`) can tell those that use a *marked* edge from those that never do.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from semiring_widgets.core.jacobian import Edge
from semiring_widgets.core.semirings import Semiring, Value
from semiring_widgets.core.tape import Node

__all__ = ["EVERY_PATH", "Marks", "Restriction", "restrict"]

Marks = Mapping[Edge, Tensor | None]


@dataclass(frozen=True)
class Restriction:
    """Which paths count, and where they are marked.

    Attributes:
        nodes: for some nodes, boolean of their shape: True where paths may pass.
        edges: for some edges, boolean of their source's shape: True where paths may use them.
        closed: edges that no path may use.
        marked: edges that `Semiring.mark` is told of: where in their source (boolean), or how many times, or
            None for once everywhere.
    """

    nodes: Mapping[Node, Tensor] = field(default_factory=dict)
    edges: Mapping[Edge, Tensor] = field(default_factory=dict)
    closed: Collection[Edge] = frozenset()
    marked: Marks = field(default_factory=dict)

    def at(self, semiring: Semiring, node: Node, value: Value) -> Value:
        """The value at a node, of the paths that may pass there."""
        kept = self.nodes.get(node)
        return value if kept is None else restrict(semiring, value, kept)

    def along(self, semiring: Semiring, edge: Edge, value: Value) -> Value:
        """The value at an edge's source, of the paths that may use it, marked where it marks them."""
        if self.edges and edge in self.edges:
            value = restrict(semiring, value, self.edges[edge])
        if not self.marked or edge not in self.marked:
            return value
        kept = self.marked[edge]
        if kept is None:
            return semiring.mark(value)
        for times in range(1 if kept.dtype == torch.bool else int(kept.max())):
            marked = semiring.mark(value)
            value = tuple(torch.where(kept > times, new, old) for new, old in zip(marked, value, strict=True))
        return value

    def pulled(self, semiring: Semiring, edge: Edge, value: Value) -> Value:
        """A cotangent carried along an edge, from its target to its source."""
        pulled = semiring.settle(edge.pull(semiring, value))
        return self.at(semiring, edge.source, self.along(semiring, edge, pulled))

    def pushed(self, semiring: Semiring, edge: Edge, value: Value) -> Value:
        """A tangent carried along an edge, from its source to its target."""
        return self.at(semiring, edge.target, edge.push(semiring, self.along(semiring, edge, value)))


EVERY_PATH = Restriction()


def restrict(semiring: Semiring, value: Value, kept: Tensor) -> Value:
    """``value`` where ``kept`` is True, *no path* elsewhere."""
    return tuple(v.masked_fill(~kept, none) for v, none in zip(value, semiring.zero, strict=True))
