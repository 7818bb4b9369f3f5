"""`select_paths`: all paths through some parts of the model and around others, exactly.

Parts to avoid are masks on the sweep. Parts to pass are cuts: the sweep is restarted at each of them, from
the one nearest to the score down, so that what arrives at the inputs went through all.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property

import torch
from torch import Tensor

from semiring_widgets.checks import memory_limit, truth, whole_number
from semiring_widgets.core.anatomy import (
    Cut,
    Parts,
    as_met,
    branch_edges,
    checked,
    cut_of,
    extent_of,
    seeds_of,
)
from semiring_widgets.core.backprop import Result, signs_of
from semiring_widgets.core.graph import told_cut
from semiring_widgets.core.jacobian import Edge
from semiring_widgets.core.memory import fit, living_size
from semiring_widgets.core.paths.directions import cancellation, directions_of
from semiring_widgets.core.paths.finding import described, graph_of, ranked
from semiring_widgets.core.paths.path import Path
from semiring_widgets.core.paths.reusing import SIGNED, Ground, Sweeps, ground_of
from semiring_widgets.core.paths.searching import Stage, best_first
from semiring_widgets.core.precision import in_full_precision
from semiring_widgets.core.restriction import Restriction
from semiring_widgets.core.semirings import (
    Entropy,
    Leaving,
    Max,
    Semiring,
    Value,
    Weight,
    find_semiring,
)
from semiring_widgets.core.sweeps import Span, sweep_backward, zeros
from semiring_widgets.core.tape import Node, Tape
from semiring_widgets.errors import InputError

__all__ = ["PathSet", "select_paths"]

_ENTROPY, _MAX = Entropy(), Max()
_UNMARKED = frozenset[Edge]()


@in_full_precision
def select_paths(
    tape: Tape,
    score: Tensor,
    wrt: Tensor | Sequence[Tensor],
    through: Parts = (),
    avoiding: Parts = (),
    *,
    leaving_skip: bool = False,
    max_memory: int | None = None,
) -> PathSet:
    """All paths that pass every part of ``through`` and no part of ``avoiding``.

    A part is a `Selection` or a dict of its fields: ``{"layer": 3, "head": 2, "branch": "value"}``,
    ``{"layer": 4, "branch": "skip"}``, ``{"layer": 2, "token": 5}`` (the residual stream there) or
    ``{"token": 5}`` (the input). ``{"layer": 3}`` is the layer's attention.

    Args:
        tape: the finished tape.
        score: a single number, shape () or (1,).
        wrt: a tensor used inside the recording, or a list of them.
        through: parts that every path must pass.
        avoiding: parts that no path may pass.
        leaving_skip: only paths that go through some attention or feed-forward part, at least once: all but
            those that stay on the skip connections from end to end.
        max_memory: bytes that each question about the set may take beside the tape; None for no limit. With
            one, nothing is kept from one question to the next.

    Returns:
        A `PathSet`; empty (log mass -inf) where no path is like that.

    Raises:
        InputError: the model has no such part (for ``leaving_skip``: no residual stream was found), or the
            score has several numbers.
        MemoryLimitError: when the set is asked: it would take more than ``max_memory``.
        TapeError, UnsupportedOpError, NonFiniteError: as `backprop`.
    """
    leaving_skip, max_memory = truth(leaving_skip, "leaving_skip"), memory_limit(max_memory)
    if max_memory is None:
        ground = ground_of(tape, score, wrt)
    else:
        ground = Ground(graph_of(tape, score, wrt), keeps=False)
    graph, anatomy = ground.graph, ground.anatomy
    extent = extent_of(graph, anatomy)
    cuts = [cut_of(graph, anatomy, part) for part in checked(through, extent)]
    around = [cut_of(graph, anatomy, part) for part in checked(avoiding, extent)]
    marked = branch_edges(graph, anatomy) if leaving_skip else _UNMARKED
    if leaving_skip and not marked:
        raise InputError(
            f"{told_cut(graph)}No residual stream was found between these inputs and the score, so no skip "
            "to leave."
        )
    return PathSet(ground, cuts, around, marked, max_memory)


class PathSet:
    """A set of paths, and exact statements about it.

    Sets of one tape, score and ``wrt`` share what they computed, for as long as one of them is held: after
    the first question, the mass through one part is alpha times beta there, without a sweep.

    Args:
        ground: the graph, its parts and what is known of all its paths.
        through: cuts that paths must pass; their order does not matter.
        avoiding: cuts that paths may not touch.
        marked: edges of which paths must use at least one, if any are given.
        max_memory: bytes that each question may take beside the tape; None for no limit.
    """

    def __init__(
        self,
        ground: Ground,
        through: Sequence[Cut],
        avoiding: Sequence[Cut],
        marked: frozenset[Edge] = frozenset(),
        max_memory: int | None = None,
    ) -> None:
        self._ground, self._graph, self._marked = ground, ground.graph, marked
        self._cuts = as_met(through)
        self._paths = _around(avoiding, marked)
        self._memory = max_memory

    @in_full_precision
    def backprop(self, semiring: str | Semiring = "sum") -> list[Result]:
        """As `semiring_widgets.backprop`, over these paths only: one `Result` per tensor of ``wrt``."""
        graph, algebra = self._graph, find_semiring(semiring)
        sweeps = self._sweeps(algebra)
        values = self._ahead(sweeps, 0)
        sign_of = signs_of(algebra, self.backprop)
        found = []
        for position, node in enumerate(graph.wrt):
            value = sweeps.counted(values[node]) if node in values else zeros(graph, algebra, node)
            granularity, signs = graph.tape.granularity, sign_of(position)
            found.append(Result(algebra, value, granularity, "unit", node.dtype, signs))
        return found

    @cached_property
    @in_full_precision
    def log_mass(self) -> float:
        """Log of the sum of |weight|; -inf where the set is empty."""
        return float(self._spread[0])

    @property
    @in_full_precision
    def entropy(self) -> float:
        """Entropy in nats of p(path) ~ |weight| within the set."""
        return float(_ENTROPY.facts(self._spread)["entropy"])

    @property
    @in_full_precision
    def log_weight(self) -> float:
        """Log |weight| of the best path of the set."""
        return float(self._whole(_MAX)[0])

    @property
    @in_full_precision
    def log_share(self) -> float:
        """Log of the set's share of the mass of all paths, 0 or less."""
        everything = self._sweeps(_ENTROPY, _UNMARKED).total(self._low)
        return min(0.0, self.log_mass - float(everything[0]))

    @in_full_precision
    def contribution(self, direction: Tensor | Sequence[Tensor] | None = None) -> float:
        """Signed sum over the paths of weight times the direction's entry where the path begins.

        Args:
            direction: shaped as ``wrt``; None for the inputs themselves (gradient times input).
        """
        return float(self._signed(direction)[0])

    @in_full_precision
    def cancellation(self, direction: Tensor | Sequence[Tensor] | None = None) -> float:
        """|contribution| relative to the sum of the absolute values, 0-1."""
        return float(cancellation(*self._signed(direction)))

    @in_full_precision
    def _signed(self, direction: Tensor | Sequence[Tensor] | None) -> Value:
        directions = directions_of(self._graph, direction)
        parts = [
            SIGNED.scale(result.parts, Weight(directions[node]))
            for node, result in zip(self._graph.wrt, self.backprop(SIGNED), strict=True)
        ]
        return SIGNED.total(parts)

    @in_full_precision
    def top_paths(self, k: int = 5) -> list[Path]:
        """The k best paths of the set, best first; probabilities are within the set.

        Raises:
            InputError: k is not positive.
        """
        k = whole_number(k, "k")
        gates = [*self._cuts, None]
        stages = []
        log_mass = self.log_mass
        algebra = Leaving(_MAX) if self._marked else _MAX
        self._fit(algebra, kept=[(algebra, self._graph.nodes)] * len(gates))
        for values, gate in zip(self._stages(algebra), gates, strict=True):
            ahead = {node: value[-1] for node, value in values.items()}
            left = None
            if self._marked:
                left = {node: torch.maximum(*value) for node, value in values.items()}
            stages.append(Stage(ahead, gate, left=left))
        found = list(best_first(self._graph, stages, k, self._paths))
        return ranked(described(self._graph, found, log_mass))

    def _sweeps(self, semiring: Semiring, marked: frozenset[Edge] | None = None) -> Sweeps:
        sweeps = self._ground.sweeps(semiring, self._marked if marked is None else marked)
        self._fit(sweeps.algebra)
        return sweeps

    def _fit(self, algebra: Semiring, kept: Sequence[tuple[Semiring, Collection[Node]]] = ()) -> None:
        """Refuse a question that would take too much memory."""
        if self._memory is not None:
            # Values at the ends of a cut, at the positions they come from, and where two sweeps meet.
            states = 2 + max((len(_ends(cut)) for cut in self._cuts), default=0)
            beside = states * living_size(self._graph, algebra)
            fit(self._graph, self._memory, "select_paths", sweeps=[algebra], kept=kept, beside=beside)

    def _stages(self, algebra: Semiring) -> list[Mapping[Node, Value]]:
        """Cotangents at all nodes by stage, the first at the inputs."""
        graph, paths = self._graph, self._paths
        found: list[Mapping[Node, Value]] = [sweep_backward(graph, algebra, paths=paths)]
        for cut in reversed(self._cuts):
            seeds = seeds_of(algebra, cut, found[-1], paths)
            found.append(sweep_backward(graph, algebra, Span(seeds), paths))
        return found[::-1]

    @cached_property
    def _spread(self) -> Value:
        return self._whole(_ENTROPY)

    @in_full_precision
    def _whole(self, semiring: Semiring) -> Value:
        """The value of all paths of the set, parts of shape ()."""
        sweeps = self._sweeps(semiring)
        return sweeps.total(self._low, self._ahead(sweeps, self._low))

    @cached_property
    def _low(self) -> int:
        """The highest position below which nothing restricts the paths."""
        order = self._ground.order
        parts: list[Cut | Restriction] = [*self._cuts, self._paths]
        nodes = [order.after(node) for part in parts for node in part.nodes]
        return min(nodes + [order.before(edge.op) for part in parts for edge in part.edges], default=0)

    @cached_property
    def _top(self) -> int:
        """The lowest position above which nothing is avoided."""
        users = [op for node in self._paths.nodes for op in self._graph.consumers(node)]
        users += [edge.op for edge in self._paths.edges]
        return max((self._ground.order.before(op) + 1 for op in users), default=0)

    def _ahead(self, sweeps: Sweeps, position: int) -> dict[Node, Value]:
        """Cotangents of the set's paths at a position that is not above `_low`."""
        if not self._cuts:
            return self._around(sweeps, (), position)
        cuts = self._cuts[::-1]
        values = self._around(sweeps, _ends(cuts[0]), 0)
        for cut, following in zip(cuts, [*cuts[1:], None], strict=True):
            seeds = seeds_of(sweeps.algebra, cut, values, self._paths)
            ends = set() if following is None else _ends(following)
            stop = position if following is None else min(map(self._ground.order.after, ends), default=0)
            values = self._swept(sweeps, seeds, ends, (stop, len(self._graph.ops)))
        return values

    def _around(self, sweeps: Sweeps, ends: Collection[Node], position: int) -> dict[Node, Value]:
        """Cotangents of the paths that avoid what they must: at some nodes, or else at a position."""
        order = self._ground.order
        # Above everything that is avoided they are those of all paths.
        above = {node: at for node in ends if (at := order.after(node)) >= self._top}
        states = {
            node: sweeps.cotangents(at) for node, at in sorted(above.items(), key=lambda each: -each[1])
        }
        values = {node: state[node] for node, state in states.items() if node in state}
        if ends and len(above) == len(ends):
            return values
        stop = min(map(order.after, ends), default=position)
        start = max(stop, self._top)
        return {**self._swept(sweeps, sweeps.cotangents(start), ends, (stop, start)), **values}

    def _swept(
        self, sweeps: Sweeps, seeds: dict[Node, Value], ends: Collection[Node], within: tuple[int, int]
    ) -> dict[Node, Value]:
        return sweep_backward(self._graph, sweeps.algebra, Span(seeds, ends, within), self._paths)

    def __repr__(self) -> str:
        return f"PathSet(log_mass={self.log_mass:.4g}, through {len(self._cuts)} cuts)"


def _ends(cut: Cut) -> set[Node]:
    """Where cotangents must be known for the paths through a cut."""
    return {*cut.nodes, *(edge.target for edge in cut.edges)}


def _around(cuts: Iterable[Cut], marked: Iterable[Edge]) -> Restriction:
    """The paths that touch none of some cuts."""
    nodes: dict[Node, Tensor] = {}
    edges: dict[Edge, Tensor] = {}
    for cut in cuts:
        for node, kept in cut.nodes.items():
            nodes[node] = nodes[node] & ~kept if node in nodes else ~kept
        for edge, kept in cut.edges.items():
            edges[edge] = edges[edge] & ~kept if edge in edges else ~kept
    return Restriction(nodes, edges, marked=dict.fromkeys(marked))
