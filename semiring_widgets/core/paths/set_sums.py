"""Sums over a set of paths: sweeps restarted at its cuts, and no longer than what restricts it asks for."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import torch

from semiring_widgets.core.anatomy import Cut, seeds_of
from semiring_widgets.core.memory import fit, in_turn, living_size
from semiring_widgets.core.paths.shared_sweeps import Ground, Sweeps
from semiring_widgets.core.restriction import EVERY_PATH, Gate, Restriction
from semiring_widgets.core.semirings import Semiring, Value
from semiring_widgets.core.sweeps import Span, sweep_backward
from semiring_widgets.core.tape import Node

__all__ = ["SetSums", "ends_of"]


@dataclass(frozen=True, eq=False)
class SetSums:
    """Sums over the paths of a set.

    Attributes:
        ground: the graph, and what is known of all its paths.
        cuts: what the paths of the set pass, in the order in which they meet it.
        paths: where they may pass, and what they must use.
        limit: bytes that a question may take beside the tape; None for no limit.
        asked_by: who is named where that is not enough.
    """

    ground: Ground
    cuts: tuple[Cut, ...]
    paths: Restriction
    limit: int | None = None
    asked_by: str = "paths"

    def at_inputs(self, semiring: Semiring, counted: Gate | None = None) -> dict[Node, Value]:
        """The value of the paths from each input; inputs without any are absent.

        In float64 where float32 would leave entropies few digits.

        Args:
            semiring: the algebra.
            counted: edges at which the semiring itself counts marks, as `Hops` does.
        """
        if counted is None and in_turn(self.ground.graph, semiring):
            return _joined([self.at_inputs(factor) for factor in semiring.carried])
        sweeps, graph = self._sweeps(semiring, counted), self.ground.graph
        ahead = self._ahead(sweeps, 0)
        found = {node: sweeps.counted(ahead[node]) for node in graph.wrt if node in ahead}
        if graph.dtype == torch.float32 and any(map(semiring.coarse, found.values())):
            return self._wide.at_inputs(semiring, counted)
        return found

    def total(self, semiring: Semiring) -> Value:
        """The value of all paths of the set, parts of shape (); precise as `at_inputs`."""
        sweeps, position = self._sweeps(semiring), self._unrestricted_below
        found = sweeps.total(position, self._ahead(sweeps, position))
        coarse = self.ground.graph.dtype == torch.float32 and semiring.coarse(found)
        return self._wide.total(semiring) if coarse else found

    def fit(
        self,
        *sweeps: Semiring,
        kept: Sequence[tuple[Semiring, Collection[Node]]] = (),
        beside: int = 0,
    ) -> int | None:
        """Refuse a question that would take too much memory; gives what is left of the limit.

        Args:
            sweeps: the semirings of its sweeps.
            kept: the values that are kept, by semiring and nodes.
            beside: bytes of what is neither value nor derivative.
        """
        graph = self.ground.graph
        asked_by = f"This {sweeps[0].name} sweep" if graph.room == 1 else self.asked_by
        if self.limit is not None and (self.cuts or self.paths != EVERY_PATH):
            # Values at the ends of a cut, at the positions they come from, and where two sweeps meet.
            states = 2 + max((len(ends_of(cut)) for cut in self.cuts), default=0)
            beside += states * living_size(graph, sweeps[0])
        return fit(graph, self.limit, asked_by, sweeps=sweeps, kept=kept, beside=beside)

    def _sweeps(self, semiring: Semiring, counted: Gate | None = None) -> Sweeps:
        ground = self.ground
        if counted is None:
            found = ground.sweeps(semiring, leaving=bool(self.paths.gates))
        else:
            gates = (counted, *self.paths.gates)
            found = Sweeps(ground.graph, ground.order, semiring, gates, keeps=False)
        self.fit(found.algebra)
        return found

    @property
    def _wide(self) -> SetSums:
        """The same in float64; cuts and masks know nodes and edges by the tape, not by the graph."""
        return replace(self, ground=Ground(self.ground.graph.in_float64(), keeps=False))

    @cached_property
    def _unrestricted_below(self) -> int:
        """The highest position below which nothing restricts the paths."""
        order = self.ground.order
        parts: list[Cut | Restriction] = [*self.cuts, self.paths]
        nodes = [order.after(node) for part in parts for node in part.nodes]
        return min(nodes + [order.before(edge.op) for part in parts for edge in part.edges], default=0)

    @cached_property
    def _unrestricted_above(self) -> int:
        """The lowest position above which nothing is avoided."""
        users = [op for node in self.paths.nodes for op in self.ground.graph.consumers(node)]
        users += [edge.op for edge in self.paths.edges]
        return max((self.ground.order.before(op) + 1 for op in users), default=0)

    def _ahead(self, sweeps: Sweeps, position: int) -> dict[Node, Value]:
        """Cotangents of the set's paths at a position that is not above `_unrestricted_below`."""
        if not self.cuts:
            return self._around(sweeps, (), position)
        order, cuts = self.ground.order, self.cuts[::-1]
        values = self._around(sweeps, ends_of(cuts[0]), 0)
        for cut, following in zip(cuts, [*cuts[1:], None], strict=True):
            seeds = seeds_of(sweeps.algebra, cut, values, self._among(sweeps))
            ends = set() if following is None else ends_of(following)
            stop = position if following is None else min(map(order.after, ends), default=0)
            values = self._swept(sweeps, seeds, ends, (stop, len(self.ground.graph.ops)))
        return values

    def _around(self, sweeps: Sweeps, ends: Collection[Node], position: int) -> dict[Node, Value]:
        """Cotangents of the paths that avoid what they must: at some nodes, or else at a position."""
        order = self.ground.order
        # Above everything that is avoided they are those of all paths.
        above = {node: at for node in ends if (at := order.after(node)) >= self._unrestricted_above}
        states = {
            node: sweeps.cotangents(at) for node, at in sorted(above.items(), key=lambda each: -each[1])
        }
        values = {node: state[node] for node, state in states.items() if node in state}
        if ends and len(above) == len(ends):
            return values
        stop = min(map(order.after, ends), default=position)
        start = max(stop, self._unrestricted_above)
        return {**self._swept(sweeps, sweeps.cotangents(start), ends, (stop, start)), **values}

    def _swept(
        self, sweeps: Sweeps, seeds: Mapping[Node, Value], ends: Collection[Node], within: tuple[int, int]
    ) -> dict[Node, Value]:
        if within[0] == within[1] and not self.paths.nodes:
            return dict(seeds)
        span = Span(seeds, ends, within)
        return sweep_backward(self.ground.graph, sweeps.algebra, span, self._among(sweeps))

    def _among(self, sweeps: Sweeps) -> Restriction:
        return replace(self.paths, gates=sweeps.paths.gates)


def _joined(found: Sequence[Mapping[Node, Value]]) -> dict[Node, Value]:
    """Values of several semirings as those of their product."""
    return {node: tuple(part for one in found for part in one[node]) for node in found[0]}


def ends_of(cut: Cut) -> set[Node]:
    """Where cotangents must be known for the paths through a cut."""
    return {*cut.nodes, *(edge.target for edge in cut.edges)}
