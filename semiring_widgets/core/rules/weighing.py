"""A rule at work on one graph: which edges there are, and what they carry.

What a rule holds constant is known from the operators alone, before any number is looked at. So it is known
which steps lie on paths at all, and no rule is asked about one that does not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from semiring_widgets.core.jacobian import Call, Edge, edges_of
from semiring_widgets.core.rules.gated_products import Gates
from semiring_widgets.core.rules.kinds import kind_of
from semiring_widgets.core.rules.rounding import with_rounding
from semiring_widgets.core.rules.rule import Rule
from semiring_widgets.core.rules.step import Step, checked_edges
from semiring_widgets.core.tape import Node, Op

__all__ = ["Weighing"]


class Weighing:
    """What the edges between some inputs and a score carry, by one rule.

    Args:
        rule: the rule.
        ops: the operators between them, in order.
        wrt: the inputs.
        score: the score.
        reference_values: numbers of nodes under the reference, where the rule needs them.
    """

    def __init__(
        self,
        rule: Rule,
        ops: Sequence[Op],
        wrt: Sequence[Node],
        score: Node,
        reference_values: Mapping[Node, Tensor],
    ) -> None:
        self.rule, self.reference_values = rule, reference_values
        self._kinds: dict[Op, str] = {}
        self._sources: dict[Op, tuple[Node, ...]] = {}
        live, gates = set(wrt), Gates()
        for op in ops:
            reached = tuple(dict.fromkeys(node for node in op.inputs() if node in live))
            if not reached:
                continue
            kind, entered = self._entered(op, reached, gates)
            gates.see(op, kind, reached)
            if entered:
                self._kinds[op], self._sources[op] = kind, entered
                live.update(out for out in op.outputs if out is not None)
        self._reached = live
        needed = {score}
        for op in reversed(ops):
            if op in self._sources and needed.isdisjoint(op.outputs):
                del self._sources[op], self._kinds[op]
            needed.update(self._sources.get(op, ()))
        self._needed = needed

    def _entered(self, op: Op, reached: tuple[Node, ...], gates: Gates) -> tuple[str, tuple[Node, ...]]:
        """The kind of an operator, and by which of its inputs paths enter it."""
        constant, kind = self.rule.constant, kind_of(op, reached)
        if kind in ("product", "matmul"):
            told, gate = gates.of(op)
            if told in constant:
                entered = tuple(node for node in reached if node is not gate)
                return kind_of(op, entered), entered
        if kind not in constant:
            return kind, reached
        if kind == "quotient":
            entered = tuple(node for node in reached if node is op.args[0] and node is not op.args[1])
            return "linear", entered
        return kind, ()

    @property
    def asked(self) -> list[Op]:
        """The operators on paths whose edges the rule is asked for."""
        return [op for op, kind in self._kinds.items() if kind != "linear"]

    @property
    def on_paths(self) -> list[Op]:
        """All operators that some path leads through."""
        return list(self._sources)

    def edges(self, op: Op, nodes: set[Node], dtype: torch.dtype) -> list[Edge]:
        """The edges that an operator makes.

        Args:
            op: the operator.
            nodes: those of the graph.
            dtype: what numbers are computed in.
        """
        sources = self._sources.get(op, ())
        targets = tuple(out for out in op.outputs if out is not None and out in nodes and out in self._needed)
        if not sources or not targets:
            return []
        call = Call(op, sources, targets, dtype)
        kind = self._kinds[op]
        if kind == "linear":
            found = edges_of(call)
        else:
            step = Step(kind, self.rule.name, call, self.reference_values)
            found = checked_edges(step, getattr(self.rule, kind)(step))
        return with_rounding(call, found, self.reference_values) if self.reference_values else found
