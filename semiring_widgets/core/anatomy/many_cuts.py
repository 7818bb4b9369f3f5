"""Paths through many selections at once: what several have in common is swept once, the rest side by side.

Below the uppermost of some cuts, cotangents depend on these alone; above the lowest, tangents do. So sets of
paths that end, or begin, with the same cuts share sweeps; and sweeps that start at the same nodes are made
together, with a batched semiring. Each number is the one that `condition` gives of the set by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from semiring_widgets.core.anatomy.cuts import Conditioned, Cut, crossing_of, pushed_from, seeds_of
from semiring_widgets.core.graph import GradientGraph
from semiring_widgets.core.precision import in_full_precision
from semiring_widgets.core.semirings import Batch, Semiring, Value
from semiring_widgets.core.sweeps import Progress, Span, Values, sweep_backward, sweep_forward
from semiring_widgets.core.tape import Node

__all__ = ["ManyCuts"]

# Cuts by identity, in the order in which paths meet them.
Cuts = tuple[Cut, ...]
Known = Mapping[Node, Value]


class ManyCuts:
    """Sets of paths, each through all of its cuts, in one semiring.

    Args:
        graph: the graph.
        semiring: the algebra of alpha and beta.
        alpha: tangents of all paths, at least at the cuts.
        beta: cotangents of all paths, at least at the cuts and the targets of their edges.
        keep: nodes whose values are wanted; those of the cuts among them, with the ends of their edges.
        most: how many sweeps are made side by side.
        progress: as in `sweep_backward`.
    """

    def __init__(
        self,
        graph: GradientGraph,
        semiring: Semiring,
        alpha: Known,
        beta: Known,
        keep: Collection[Node],
        most: int,
        progress: Progress | None = None,
    ) -> None:
        self._graph, self._semiring, self._keep = graph, semiring, keep
        self._most, self._progress = most, progress
        # By the cuts that paths have still to pass, and by those that they have passed.
        self._ahead: dict[Cuts, Known] = {(): beta}
        self._behind: dict[Cuts, Known] = {(): alpha}

    @in_full_precision
    def conditioned(self, sets: Sequence[Cuts]) -> list[Conditioned]:
        """Both sweeps of each set, as `condition` gives them.

        Args:
            sets: of each set its cuts, the same object where it is the same cut.
        """
        self._sweep_down(cuts[number:] for cuts in sets for number in range(len(cuts)))
        self._sweep_up(cuts[: number + 1] for cuts in sets for number in range(len(cuts)))
        return [self._one(cuts) for cuts in sets]

    @in_full_precision
    def totals(self, sets: Sequence[Cuts]) -> list[Value]:
        """The value of all paths of each set, parts of shape ().

        Args:
            sets: as in `conditioned`; each with a cut at least.
        """
        self._sweep_down(cuts[number:] for cuts in sets for number in range(1, len(cuts)))
        return [self._total(cuts, self._seeds_below(cuts)) for cuts in sets]

    def _one(self, cuts: Cuts) -> Conditioned:
        crossing = {}
        for number, cut in enumerate(cuts):
            alpha, beta = self._behind[cuts[:number]], self._ahead[cuts[number + 1 :]]
            crossing.update(crossing_of(self._semiring, cut, alpha, beta))
        numbers = range(len(cuts) + 1)
        pairs = [(self._behind[cuts[:number]], self._ahead[cuts[number:]]) for number in numbers]
        return Conditioned(pairs, crossing, self._total(cuts, self._seeds_below(cuts)))

    def _total(self, cuts: Cuts, ahead: Known) -> Value:
        """Where the lowest cut is, all paths of a set are met once."""
        semiring, alpha = self._semiring, self._behind[()]
        none = semiring.full(semiring.zero, (), self._graph.score.empty(dtype=self._graph.dtype))
        return semiring.total([none, *(semiring.times(alpha[node], value) for node, value in ahead.items())])

    def _seeds_below(self, cuts: Cuts) -> dict[Node, Value]:
        """What a backward sweep from the lowest cut starts with; no paths reach other nodes."""
        alpha = self._behind[()]
        cut = Cut(
            {node: kept for node, kept in cuts[0].nodes.items() if node in alpha},
            {edge: kept for edge, kept in cuts[0].edges.items() if edge.source in alpha},
        )
        return seeds_of(self._semiring, cut, self._ahead[cuts[1:]])

    def _sweep_down(self, wanted: Iterable[Cuts]) -> None:
        self._sweep(sweep_backward, self._ahead, wanted, self._seeds_below)

    def _sweep_up(self, wanted: Iterable[Cuts]) -> None:
        beta = self._ahead[()]

        def seeds(cuts: Cuts) -> dict[Node, Value]:
            # Also of those that will not meet the next cut: there their cotangents are absent.
            return pushed_from(self._semiring, cuts[-1], self._behind[cuts[:-1]], beta)

        self._sweep(sweep_forward, self._behind, wanted, seeds)

    def _sweep(
        self,
        sweep: Callable[..., Values],
        known: dict[Cuts, Known],
        wanted: Iterable[Cuts],
        seeds_for: Callable[[Cuts], dict[Node, Value]],
    ) -> None:
        """Sweeps from some cuts, where those from all but the last of them are known, or asked for here."""
        new = dict.fromkeys(cuts for cuts in wanted if cuts not in known)
        for length in sorted({len(cuts) for cuts in new}):
            by_start: dict[frozenset[Node], list[tuple[Cuts, dict[Node, Value]]]] = {}
            for cuts in new:
                if len(cuts) == length:
                    seeds = seeds_for(cuts)
                    by_start.setdefault(frozenset(seeds), []).append((cuts, seeds))
            for group in by_start.values():
                for start in range(0, len(group), self._most):
                    few = group[start : start + self._most]
                    found = self._side_by_side(sweep, [seeds for _, seeds in few])
                    known.update(zip((cuts for cuts, _ in few), found, strict=True))

    def _side_by_side(self, sweep: Callable[..., Values], many: Sequence[Known]) -> list[Known]:
        """One sweep for seeds at the same nodes."""
        graph, keep, progress = self._graph, self._keep, self._progress
        if len(many) == 1:
            return [sweep(graph, self._semiring, Span(many[0], keep), progress=progress)]
        batch = Batch(self._semiring, len(many))
        seeds = {node: batch.join([one[node] for one in many]) for node in many[0]}
        values = sweep(graph, batch, Span(seeds, keep), progress=progress)
        split = {node: batch.split(value) for node, value in values.items()}
        return [{node: value[number] for node, value in split.items()} for number in range(len(many))]
