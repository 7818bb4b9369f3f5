"""Flow and sums of many sets of paths at once: what each of them is told by itself, in a third of the time.

A page answers hundreds of clicks ahead. Most of what each asks is what another asks too; see
`semiring_widgets.core.anatomy.many_cuts`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import torch
from torch import Tensor

from semiring_widgets.core.anatomy import Cut, ManyCuts, Selection, as_met, cut_of
from semiring_widgets.core.graph import GradientGraph
from semiring_widgets.core.memory import sweep_size
from semiring_widgets.core.paths.flows import Flow
from semiring_widgets.core.paths.path_sets import Paths
from semiring_widgets.core.paths.shared_sweeps import Values
from semiring_widgets.core.precision import in_full_precision
from semiring_widgets.core.restriction import EVERY_PATH
from semiring_widgets.core.semirings import Entropy, Product, Semiring, Sum, Value, Weight
from semiring_widgets.core.sweeps import Progress, Span, ones, sweep_backward, sweep_forward
from semiring_widgets.core.tape import Node

__all__ = ["ManySets", "can_be_together"]

_ENTROPY, _SUM = Entropy(), Sum()
_SPREAD = Product(_ENTROPY, _SUM)
# Sweeps side by side at most, and scalar values that such a batch holds per tensor: bounds its memory.
_MOST, _BATCH_VALUES = 32, 1 << 22
# Bytes of the values that are kept of sets which are asked together.
_KEPT = 256_000_000


def can_be_together(paths: Paths, semiring: Semiring) -> bool:
    """Whether `ManySets` knows the flow of sets within these paths.

    Args:
        paths: all of them, or some; a limit of their own refuses each set by itself.
        semiring: of the flow, in which the ground has to know both sides of all paths.
    """
    known = paths.restriction == EVERY_PATH and paths.limit is None
    return known and paths.ground.sides(semiring) is not None


@dataclass(frozen=True, eq=False)
class _Together:
    """Some of the sets, and what their sweeps share."""

    sets: list[tuple[Cut, ...]]
    keep: set[Node]


class ManySets:
    """Sets of paths through one part or several, of one ground; see `can_be_together`.

    Args:
        sets: which paths; each passes a part at least.
        progress: as in `sweep_backward`.
        memory: bytes that may be taken; None for no limit.
    """

    def __init__(
        self, sets: Sequence[Paths], progress: Progress | None = None, memory: float | None = None
    ) -> None:
        self._ground, self._progress = sets[0].ground, progress
        self._limit = None if memory is None else int(memory)
        # A part that several sets pass is the same cut for all, so that they share its sweeps.
        parts = dict.fromkeys(part for one in sets for part in one.passed)
        cuts: dict[Selection, Cut] = {
            part: cut_of(self._ground.graph, self._ground.anatomy, part) for part in parts
        }
        self._sets = [as_met(cuts[part] for part in one.passed) for one in sets]

    @in_full_precision
    def flows(self, semiring: Semiring) -> Iterator[Flow]:
        """The flow of each set, as `Paths.flow` gives it.

        Args:
            semiring: in which the ground knows both sides of all paths.
        """
        known = self._ground.sides(semiring)
        if known is None:
            raise ValueError("Neither side of all paths is known in this semiring.")
        for some in self._groups(semiring, states=4):
            for found in self._cuts(semiring, known, some.keep).conditioned(some.sets):
                yield Flow(self._graph, semiring, EVERY_PATH, found)

    @in_full_precision
    def sums(self, directions: Mapping[Node, Tensor]) -> Iterator[tuple[Value | None, float]]:
        """Of each set its value in `Entropy`, and its contribution.

        Args:
            directions: what contributions are along, by input.

        Yields:
            Mass and entropy, None where float32 is too coarse for them; and the signed sum.
        """
        graph = self._graph
        for number, some in enumerate(self._groups(_SPREAD, states=2)):
            if number == 0:
                everything = some.keep.union(*(_ends(cuts) for cuts in self._sets))
                known = self._sides(everything, directions)
            for value in self._cuts(_SPREAD, known, some.keep).totals(some.sets):
                spread, (signed,) = (_SPREAD.part(value, factor) for factor in (Entropy, Sum))
                coarse = graph.dtype == torch.float32 and _ENTROPY.coarse(spread)
                yield None if coarse else spread, float(signed)

    @property
    def _graph(self) -> GradientGraph:
        return self._ground.graph

    def _sides(self, keep: set[Node], directions: Mapping[Node, Tensor]) -> tuple[Values, Values]:
        """Both sides of all paths, of which the signed ones begin with their direction."""
        graph = self._graph
        seeds = {}
        for node in graph.wrt:
            if node in graph.nodes:
                signed = _SUM.scale(ones(graph, _SUM, node), Weight(directions[node]))
                seeds[node] = _SPREAD.join({Entropy: ones(graph, _ENTROPY, node), Sum: signed})
        alpha = sweep_forward(graph, _SPREAD, Span(seeds, keep), progress=self._progress)
        return alpha, sweep_backward(graph, _SPREAD, Span(keep=keep), progress=self._progress)

    def _cuts(self, semiring: Semiring, known: tuple[Values, Values], keep: set[Node]) -> ManyCuts:
        largest = max((node.shape.numel() for node in self._graph.nodes), default=1)
        most = min(_MOST, _BATCH_VALUES // max(1, largest))
        if self._limit is not None:
            most = min(most, self._limit // (2 * sweep_size(self._graph, semiring)))
        return ManyCuts(self._graph, semiring, *known, keep, max(1, most), self._progress)

    def _groups(self, semiring: Semiring, states: int) -> Iterator[_Together]:
        """As many sets at a time as there is room for, each with so many values at all measured nodes."""
        graph, measured = self._graph, self._ground.end_to_end.nodes() | set(self._graph.wrt)
        size = sum(node.shape.numel() for node in measured if node in graph.nodes)
        size *= states * len(semiring.zero) * graph.dtype.itemsize
        room = _KEPT if self._limit is None else min(_KEPT, self._limit // 2)
        left = iter(self._sets)
        while some := list(islice(left, max(1, room // max(1, size)))):
            yield _Together(some, measured.union(*map(_ends, some)))


def _ends(cuts: Sequence[Cut]) -> set[Node]:
    """Where values must be known for the paths through some cuts."""
    at = {node for cut in cuts for node in cut.nodes}
    return at | {node for cut in cuts for edge in cut.edges for node in (edge.source, edge.target)}
