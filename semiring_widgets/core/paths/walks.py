"""Walking along paths without ever having stored which edge was best.

The cotangent beta of a sweep is an exact heuristic: from an element the best path goes on by an edge with
the highest ``log|derivative| + beta[target]``, and a random path of p(path) ~ |weight| takes an edge with
the probability proportional to ``|derivative| * exp(beta[target])``. All walkers at one node step together,
so that a thousand walks cost little more than one.

Of a set of paths, what is ahead of a walker depends on what it has passed: its *state*. A `Guide` knows the
cotangents for each of them, so a walk never comes to where no path of the set goes on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

from semiring_widgets.core.anatomy import Cut, seeds_of
from semiring_widgets.core.graph import GradientGraph
from semiring_widgets.core.jacobian import Edge
from semiring_widgets.core.restriction import EVERY_PATH, Restriction
from semiring_widgets.core.semirings import Leaving, Semiring
from semiring_widgets.core.sweeps import Span, sweep_backward
from semiring_widgets.core.tape import Node

__all__ = [
    "Choice",
    "Guide",
    "Hop",
    "Logs",
    "Start",
    "State",
    "guide_through",
    "start_of",
    "walk",
    "walks_size",
]

Start = tuple[Node, int]
Logs = Mapping[Node, Tensor]
# Ways on that are looked at together at most: bounds the memory of a thousand walkers before a vocabulary.
_WAYS = 1 << 18


# Bytes of one way while it is looked at, and of one hop as an object.
_WAY, _HOP = 120, 320
_NONE = float("-inf")


def walks_size(graph: GradientGraph, walkers: int) -> int:
    """Bytes that so many walks through a graph take at most."""
    return _WAYS * _WAY + walkers * len(graph.ops) * _HOP


@dataclass(frozen=True)
class Hop:
    """One scalar edge: which block, from which element to which, and its derivative."""

    edge: Edge
    source: int
    target: int
    derivative: float


class State(NamedTuple):
    """What a path has passed: how many cuts, and whether an edge of the gate, if there is one."""

    cuts: int = 0
    marked: bool = False


@dataclass(frozen=True)
class Choice:
    """All ways on from some elements of one node.

    Attributes:
        ways: the edges, each with the state beyond it; `which` indexes them.
        which: int64 (C,), the edge of every way.
        elements: int64 (E, C), flat index reached.
        derivatives: (E, C).
        values: float64 (E, C), log value of all that the way stands for; -inf where it leads nowhere.
    """

    ways: list[tuple[Edge, State]]
    which: Tensor
    elements: Tensor
    derivatives: Tensor
    values: Tensor

    def hops(
        self, elements: Sequence[int], rows: Tensor, taken: Tensor
    ) -> Iterator[tuple[float, Hop, State]]:
        """Some ways, one after the other: log value, hop, and state beyond it.

        Args:
            elements: of the node, one for each way.
            rows: int64 (N,), which of the E elements each of them is.
            taken: int64 (N,), which of the C ways.
        """
        columns = zip(
            elements,
            self.values[rows, taken].tolist(),
            self.which[taken].tolist(),
            self.elements[rows, taken].tolist(),
            self.derivatives[rows, taken].tolist(),
            strict=True,
        )
        for element, value, which, reached, derivative in columns:
            edge, beyond = self.ways[which]
            yield value, Hop(edge, element, reached, derivative), beyond


@dataclass(frozen=True, eq=False)
class Guide:
    """What is ahead of the paths of a set, as natural logarithms.

    Attributes:
        graph: the graph.
        ahead: by number of cuts passed, cotangents of a `Max` sweep (to find best paths) or of an `Abs` sweep
            (to draw random ones).
        cuts: what paths must pass, in the order in which they meet it.
        paths: where they may pass; a gate is one of at most one mark. Edges closed to them may be used where
            they belong to the next cut.
        marked: the same as ``ahead`` once a path was marked; None without a gate.
        starts: where paths begin, with the value of all that begin there; None for all inputs.
    """

    graph: GradientGraph
    ahead: Sequence[Logs]
    cuts: Sequence[Cut] = ()
    paths: Restriction = EVERY_PATH
    marked: Sequence[Logs] | None = None
    starts: Logs | None = None

    @cached_property
    def inputs(self) -> Logs:
        """Where paths begin: the values of all that do."""
        if self.starts is not None:
            return self.starts
        return {node: self.ahead[0][node] for node in self.graph.wrt if node in self.ahead[0]}

    @cached_property
    def _marking(self) -> frozenset[Edge]:
        return frozenset(edge for gate in self.paths.gates for edge in gate.edges)

    def arrived(self, state: State, node: Node, element: int) -> State:
        """The state of a path that has come to an element."""
        passed = state.cuts
        while passed < len(self.cuts) and _open(self.cuts[passed].nodes.get(node), element):
            passed += 1
        return state if passed == state.cuts else State(passed, state.marked)

    def onward(self, node: Node, state: State, elements: Tensor) -> Choice | None:
        """The ways on from elements of a node, (E,), for paths in a state; None at the end."""
        ways: list[tuple[Edge, State]] = []
        parts: list[tuple[Tensor, Tensor, Tensor]] = []
        for edge in self.graph.out_edges(node):
            for beyond, kept in self._across(edge, state, elements):
                ahead = (self.marked if self.marked and beyond.marked else self.ahead)[beyond.cuts]
                # A tensor may be read into one without elements: CANINE's rest after whole windows.
                if edge.target not in ahead or not ahead[edge.target].numel():
                    continue
                reached, derivatives = edge.block.out_edges(elements)
                values = derivatives.double().abs().log() + ahead[edge.target].reshape(-1)[reached].double()
                if kept is not None:
                    values = values.masked_fill(~kept[:, None], _NONE)
                ways.append((edge, beyond))
                parts.append((reached, derivatives.double(), values))
        if not parts:
            return None
        which = [torch.full((part[0].shape[1],), i, device=elements.device) for i, part in enumerate(parts)]
        reached, derivatives, values = (torch.cat(column, 1) for column in zip(*parts, strict=True))
        return Choice(ways, torch.cat(which), reached, derivatives, values)

    def _across(self, edge: Edge, state: State, elements: Tensor) -> Iterator[tuple[State, Tensor | None]]:
        """The states in which an edge may be left, and from which of the elements; None for all."""
        marked = state.marked or edge in self._marking
        cut = self.cuts[state.cuts].edges if state.cuts < len(self.cuts) else {}
        usable = self.paths.edges.get(edge)
        kept = None if usable is None else usable.reshape(-1)[elements]
        if edge in cut:
            passing = cut[edge].reshape(-1)[elements]
            through, kept = (p if kept is None else p & kept for p in (passing, ~passing))
            if bool(through.any()):
                yield State(state.cuts + 1, marked), through
        if not self.paths.closes(edge) and (kept is None or bool(kept.any())):
            yield State(state.cuts, marked), kept


def guide_through(
    graph: GradientGraph,
    semiring: Semiring,
    cuts: Sequence[Cut] = (),
    paths: Restriction = EVERY_PATH,
) -> Guide:
    """The guide to a set of paths: one backward sweep for each cut, and one more.

    Args:
        graph: the graph.
        semiring: `Max` or `Abs`.
        cuts: what paths must pass, in the order in which they meet it.
        paths: where they may pass; at most one gate, which needs one mark.
    """
    algebra = paths.algebra(semiring)
    stages = [sweep_backward(graph, algebra, paths=paths)]
    for cut in reversed(cuts):
        seeds = seeds_of(algebra, cut, stages[0], paths)
        stages.insert(0, sweep_backward(graph, algebra, Span(seeds), paths))
    ahead = [{node: value[-1] for node, value in stage.items()} for stage in stages]
    if not isinstance(algebra, Leaving):
        return Guide(graph, ahead, cuts, paths)
    # Whoever was marked may go by either kind of way.
    either = [
        {node: semiring.plus(*algebra.split(value))[0] for node, value in stage.items()} for stage in stages
    ]
    return Guide(graph, ahead, cuts, paths, either)


def walk(guide: Guide, starts: Sequence[Start], noise: torch.Generator | None = None) -> list[list[Hop]]:
    """One path to the score from each start: the best one, or with ``noise`` a random one.

    Args:
        guide: to the paths, in `Max` (best paths) or `Abs` (random paths).
        starts: (node, flat element).
        noise: draws the paths from p(path) ~ |weight|.

    Returns:
        The hops of each path, from its start on.
    """
    walked: list[list[Hop]] = [[] for _ in starts]
    at: dict[tuple[Node, State], list[tuple[int, int]]] = {}

    def arrive(walker: int, state: State, node: Node, element: int) -> None:
        at.setdefault((node, guide.arrived(state, node, element)), []).append((walker, element))

    for walker, (node, element) in enumerate(starts):
        arrive(walker, State(), node, element)
    while at:
        # Node numbers are a topological order: nobody can still arrive at the first one.
        node, state = min(at, key=lambda key: (key[0].index, key[1]))
        group = at.pop((node, state))
        if node is guide.graph.score:
            continue
        for walker, hop, beyond in _steps(guide, node, state, group, noise):
            walked[walker].append(hop)
            arrive(walker, beyond, hop.edge.target, hop.target)
    return walked


def _steps(
    guide: Guide,
    node: Node,
    state: State,
    group: Sequence[tuple[int, int]],
    noise: torch.Generator | None,
) -> Iterator[tuple[int, Hop, State]]:
    """For all walkers at a node that can go on: number, hop, and state beyond it."""
    elements = torch.tensor([element for _, element in group], device=node.device)
    begin, count = 0, 1  # the first walker shows how many ways there are
    while begin < len(group):
        choice = guide.onward(node, state, elements[begin : begin + count])
        if choice is None:
            return
        values = choice.values
        if noise is not None:
            uniform = torch.rand(values.shape, generator=noise, dtype=torch.float64).to(values.device)
            values = values - torch.log(-torch.log(uniform.clamp(min=1e-300)))
        walkers, places = zip(*group[begin : begin + count], strict=True)
        rows = torch.arange(len(values), device=elements.device)
        hops = choice.hops(places, rows, values.max(1).indices)
        for walker, (value, hop, beyond) in zip(walkers, hops, strict=True):
            if value > _NONE:
                yield walker, hop, beyond
        begin, count = begin + count, max(1, _WAYS // values.shape[1])


def start_of(inputs: Sequence[Node], flat: int) -> Start:
    """The input, and its element, at a place of all inputs joined."""
    for node in inputs:
        size = node.shape.numel()
        if flat < size:
            return node, flat
        flat -= size
    raise AssertionError("flat index beyond the inputs")


def _open(kept: Tensor | None, element: int) -> bool:
    return kept is not None and bool(kept.reshape(-1)[element])
