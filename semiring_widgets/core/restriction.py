"""Which paths count: the one way in which sweeps, searches and sets of paths are confined to some paths.

A path counts if it passes only what is left open, and uses the edges of each *gate* as often as it must.
The first is a mask on values. The second takes a semiring that tells paths apart by how often they were
marked (`semiring_widgets.core.semirings.gated`): `Restriction.algebra` makes it, `Restriction.counted` reads
off the value of the paths that count.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from semiring_widgets.core.jacobian import Edge
from semiring_widgets.core.semirings import Batch, Leaving, Passing, Semiring, Value, gated
from semiring_widgets.core.tape import Node

__all__ = ["EVERY_PATH", "Gate", "Marks", "Restriction", "restrict"]

Marks = Mapping[Edge, Tensor | None]


@dataclass(frozen=True)
class Gate:
    """Edges at which paths are marked.

    Attributes:
        edges: with where in their source (boolean), or how many times, or None for once everywhere.
        needed: how many times a path must be marked to count: once, at least once; more often, exactly so
            often. 0 where the semiring itself counts marks, as `Hops` does.
    """

    edges: Marks
    needed: int = 0


@dataclass(frozen=True)
class Restriction:
    """Which paths count.

    Attributes:
        nodes: for some nodes, boolean of their shape: True where paths may pass.
        edges: for some edges, boolean of their source's shape: True where paths may use them; None where
            nowhere.
        gates: what paths are marked by. The first is the innermost of the algebra.
    """

    nodes: Mapping[Node, Tensor] = field(default_factory=dict)
    edges: Mapping[Edge, Tensor | None] = field(default_factory=dict)
    gates: tuple[Gate, ...] = ()

    def algebra(self, semiring: Semiring) -> Semiring:
        """The semiring that tells the paths which pass all gates from the others."""
        for gate in self.gates:
            semiring = gated(semiring, gate.needed) if gate.needed else semiring
        return semiring

    def counted(self, semiring: Semiring, value: Value) -> Value:
        """Of a value of `algebra`, that of the paths which pass all gates.

        Args:
            semiring: what `algebra` gave.
            value: of it.
        """
        for gate in self.gates:
            if gate.needed and isinstance(semiring, (Leaving, Passing)):
                value = semiring.counted(value)
                semiring = semiring.inner
        return value

    def closes(self, edge: Edge) -> bool:
        """Whether no path may use an edge."""
        return edge in self.edges and self.edges[edge] is None

    def at(self, semiring: Semiring, node: Node, value: Value) -> Value:
        """The value at a node, of the paths that may pass there."""
        kept = self.nodes.get(node)
        return value if kept is None else restrict(semiring, value, kept)

    def along(self, semiring: Semiring, edge: Edge, value: Value) -> Value:
        """The value at an edge's source, of the paths that may use it, marked by its gates."""
        kept = self.edges.get(edge)
        if kept is not None:
            value = restrict(semiring, value, kept)
        depth = 0
        for gate in reversed(self.gates):
            if edge in gate.edges:
                value = _marked(semiring, value, gate.edges[edge], depth)
            depth += gate.needed > 0
        return value

    def pulled(self, semiring: Semiring, edge: Edge, value: Value) -> Value:
        """A cotangent carried along an edge, from its target to its source."""
        pulled = semiring.settle(edge.pull(semiring, value))
        if self.edges or self.gates:
            pulled = self.along(semiring, edge, pulled)
        return self.at(semiring, edge.source, pulled) if self.nodes else pulled

    def pushed(self, semiring: Semiring, edge: Edge, value: Value) -> Value:
        """A tangent carried along an edge, from its source to its target."""
        if self.edges or self.gates:
            value = self.along(semiring, edge, value)
        pushed = edge.push(semiring, value)
        return self.at(semiring, edge.target, pushed) if self.nodes else pushed


EVERY_PATH = Restriction()


def restrict(semiring: Semiring, value: Value, kept: Tensor) -> Value:
    """``value`` where ``kept`` is True, *no path* elsewhere."""
    return tuple(v.masked_fill(~kept, none) for v, none in zip(value, semiring.zero, strict=True))


def _marked(semiring: Semiring, value: Value, kept: Tensor | None, depth: int) -> Value:
    if kept is None:
        return _mark(semiring, value, depth)
    for times in range(1 if kept.dtype == torch.bool else int(kept.max())):
        marked = _mark(semiring, value, depth)
        value = tuple(torch.where(kept > times, new, old) for new, old in zip(marked, value, strict=True))
    return value


def _mark(semiring: Semiring, value: Value, depth: int) -> Value:
    """Mark by a gate that so many others lie around."""
    if depth == 0 or not isinstance(semiring, (Batch, Leaving, Passing)):
        return semiring.mark(value)
    deeper = depth if isinstance(semiring, Batch) else depth - 1
    return tuple(part for one in semiring.split(value) for part in _mark(semiring.inner, one, deeper))
