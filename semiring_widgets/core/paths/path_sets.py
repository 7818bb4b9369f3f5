"""The set of paths, and what it is asked: sums, single paths, routes, flow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from semiring_widgets.checks import choice, seed_number, whole_number
from semiring_widgets.core.anatomy import hop_edges
from semiring_widgets.core.graph import told_cut
from semiring_widgets.core.paths.best_first import best_first
from semiring_widgets.core.paths.chosen_paths import Chosen
from semiring_widgets.core.paths.directions import SIGNED, cancellation, directions_of
from semiring_widgets.core.paths.flows import Flow, flow_of
from semiring_widgets.core.paths.path import Path
from semiring_widgets.core.paths.route import Routes
from semiring_widgets.core.paths.route_search import MEASURED, Known, RouteSearch
from semiring_widgets.core.paths.set_sums import SetSums
from semiring_widgets.core.paths.single_paths import described, drawn, ranked
from semiring_widgets.core.paths.walks import guide_through, walks_size
from semiring_widgets.core.precision import in_full_precision
from semiring_widgets.core.restriction import Gate
from semiring_widgets.core.result import Result, Signs, signs_of
from semiring_widgets.core.semirings import (
    Abs,
    Entropy,
    Hops,
    Max,
    Semiring,
    Value,
    Weight,
    find_semiring,
)
from semiring_widgets.core.sweeps import zeros
from semiring_widgets.errors import InputError
from semiring_widgets.vocabulary import RANKINGS

__all__ = ["Paths"]

_ENTROPY, _MAX, _ABS = Entropy(), Max(), Abs()
_HOPS = ("attention", "mlp", "skip")


@dataclass(frozen=True, eq=False, repr=False)
class Paths(Chosen):
    """A set of paths of a recorded score, and exact statements about it; made by `semiring_widgets.paths`.

    Immutable: `through`, `avoiding` and `leaving_skip` give narrower sets, in any order with the same result.
    Masses and weights are natural logarithms, -inf where there is no path.

    Example:
        >>> few = whole.through({"layer": 3, "head": 3}).leaving_skip()
        >>> few
        Paths(through 1 part, leaving the skip)
        >>> round(few.log_share, 3), round(few.entropy, 1), round(few.log_weight, 3)
        (-1.142, 151.0, -3.659)
    """

    @in_full_precision
    def backprop(self, semiring: str | Semiring = "sum", level: str = "unit") -> Result | list[Result]:
        """One fact about the paths from each input element to the score: `semiring_widgets.backprop`.

        Args:
            semiring: a name, or an object of `semiring_widgets.semirings`.
            level: of the maxima, ``"unit"`` or ``"branch"``; the latter only of all paths.

        Returns:
            A `Result` of the input's shape, or a list of them where ``wrt`` is a list.

        Raises:
            InputError: an unknown semiring or level, or ``"branch"`` of a part.
            MemoryLimitError: it would take more than ``max_memory``.
            NonFiniteError: a local derivative is NaN or infinite.

        Example:
            >>> whole.backprop("count").count.shape, round(float(whole.backprop().value.norm()), 3)
            (torch.Size([1, 12, 128]), 3.436)
        """
        results = self.at_inputs(semiring, level)
        return results if self.listed else results[0]

    @in_full_precision
    def at_inputs(self, semiring: str | Semiring = "sum", level: str = "unit") -> list[Result]:
        """`backprop`, as a list whatever ``wrt`` is: one `Result` for each tensor.

        Args:
            semiring: a name, or an object of `semiring_widgets.semirings`.
            level: of the maxima.

        Raises:
            InputError, MemoryLimitError, NonFiniteError: as `backprop`.

        Example:
            >>> len(whole.at_inputs("abs"))
            1
        """
        return self._results(self.algebra(semiring, level), level)

    @in_full_precision
    def total(self, semiring: str | Semiring = "sum") -> Result:
        """The semiring sum of all paths together, a `Result` of shape ().

        Once the semiring was asked for, of this set or of another, it takes a part of a sweep or none.

        Args:
            semiring: a name, or an object of `semiring_widgets.semirings`.

        Raises:
            InputError, MemoryLimitError, NonFiniteError: as `backprop`.

        Example:
            >>> round(float(whole.through({"layer": 3, "head": 3}).total("abs").log_mass), 2)
            49.01
        """
        algebra = find_semiring(semiring)
        value = self._sums.total(algebra)
        sign_of = signs_of(algebra, lambda told: [self.total(told)])
        return self._result(algebra, value, "unit", self.graph.score.dtype, sign_of(0))

    @in_full_precision
    def flow(self, semiring: str | Semiring = "abs", **more: Any) -> Flow:
        """What passes each part of the model: tangents times cotangents, in one more sweep than `backprop`.

        `semiring_widgets.flow` makes a table of it.

        Args:
            semiring: a name, or an object of `semiring_widgets.semirings`.
            more: see `semiring_widgets.core.paths.flows.flow_of`.

        Returns:
            A `Flow`, to be asked for ``.total``, ``.start(node)``, ``.layer(attention)`` and
            ``.head_map(attention, head)``.

        Raises:
            InputError, MemoryLimitError, NonFiniteError: as `backprop`.

        Example:
            >>> layer = whole.flow("abs").layer(whole.anatomy.attentions[3])
            >>> layer.heads["value"][0].shape  # heads, tokens
            torch.Size([4, 12])
        """
        return flow_of(self._sums, find_semiring(semiring), **more)

    @in_full_precision
    def lengths(self, of: str = "attention") -> Result | list[Result]:
        """How many hops the paths from each element have: `semiring_widgets.path_lengths`.

        Args:
            of: ``"attention"``, ``"mlp"`` or ``"skip"``.

        Returns:
            A `Result`, or a list of them where ``wrt`` is a list.

        Raises:
            InputError: an unknown kind, or a model in which no residual stream was found.
            MemoryLimitError: it would take more than ``max_memory``.

        Example:
            >>> whole.lengths().reduce(-1).length.round(decimals=2)[0, :3]
            tensor([3.9900, 3.9800, 3.9900])
        """
        of = choice(of, "of", _HOPS)
        marked, places = hop_edges(self.graph, self.anatomy, of)
        if not places:
            raise InputError(
                f"{told_cut(self.graph)}No residual stream was found between these inputs and the score, so "
                "no hops."
            )
        results = self._results(Hops(places), "unit", Gate(dict.fromkeys(marked)))
        return results if self.listed else results[0]

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
        return float(self._sums.total(_MAX)[0])

    @property
    @in_full_precision
    def log_share(self) -> float:
        """Log of the set's share of the mass of all paths, 0 or less."""
        everything = replace(self, passed=(), avoided=(), leaves=False)
        return min(0.0, self.log_mass - everything.log_mass)

    @in_full_precision
    def contribution(self, direction: Tensor | Sequence[Tensor] | None = None) -> float:
        """Signed sum over the paths of weight times the direction's entry where the path begins.

        Args:
            direction: shaped as ``wrt``; None for the inputs themselves (gradient times input).

        Example:
            >>> round(whole.through({"layer": 3, "head": 3}).contribution(), 3)
            0.515
        """
        return float(self._signed(direction)[0])

    @in_full_precision
    def cancellation(self, direction: Tensor | Sequence[Tensor] | None = None) -> float:
        """|contribution| relative to the sum of the absolute values, 0-1.

        Args:
            direction: shaped as ``wrt``; None for the inputs themselves.

        Example:
            >>> whole.cancellation() < 1e-15  # next to nothing is left of the sum of the absolute values
            True
        """
        return float(cancellation(*self._signed(direction)))

    @in_full_precision
    def best(self, k: int = 5) -> list[Path]:
        """The k paths of highest |weight|, best first; their probabilities are within the set.

        Equal weights come in any fixed order; paths of weight 0 are no paths.

        Args:
            k: how many; fewer are returned where there are fewer.

        Raises:
            InputError: k is not positive.
            MemoryLimitError, NonFiniteError: as `backprop`.

        Example:
            >>> best = whole.best(2)
            >>> [path.start[:2] for path in best], best[0].steps[-1].route
            ([(0, 6), (0, 6)], 'output')
        """
        k = whole_number(k, "k")
        algebra = self.restriction.algebra(_MAX)
        kept = [(algebra, self.graph.nodes)] * (len(self.cuts) + 1)
        self._sums.fit(algebra, _ABS, kept=kept)
        found = list(best_first(guide_through(self.graph, _MAX, self.cuts, self.restriction), k))
        if not found:
            return []
        log_mass = self.log_mass if "_spread" in self.__dict__ else float(self._sums.total(_ABS)[0])
        return ranked(described(self.anatomy, self.graph.wrt, found, log_mass))

    top_paths = best

    @in_full_precision
    def sample(self, n: int = 1000, seed: int = 0) -> list[Path]:
        """N independent paths drawn from p(path) ~ |weight| within the set.

        Ancestral sampling: start and every step are drawn from the exact probabilities of what is ahead, so
        that a set is sampled as exactly as all paths are.

        Args:
            n: how many.
            seed: of the random numbers; the global generator is left alone.

        Returns:
            List of n `Path`, their probabilities within the set; empty where the set is.

        Raises:
            InputError: n is not positive.
            MemoryLimitError, NonFiniteError: as `backprop`.

        Example:
            >>> drawn = whole.through({"token": 2}).sample(3, seed=0)
            >>> [path.start[1] for path in drawn]
            [2, 2, 2]
        """
        n, seed = whole_number(n, "n"), seed_number(seed)
        algebra = self.restriction.algebra(_ABS)
        kept = [(algebra, self.graph.nodes)] * (len(self.cuts) + 1)
        self._sums.fit(algebra, kept=kept, beside=walks_size(self.graph, n))
        found = drawn(guide_through(self.graph, _ABS, self.cuts, self.restriction), n, seed)
        return described(self.anatomy, self.graph.wrt, *found)

    def routes(
        self,
        by: str = "best",
        k: int = 10,
        *,
        direction: Tensor | Sequence[Tensor] | None = None,
        width: int = 64,
        samples: int = 1000,
        seed: int = 0,
    ) -> Routes:
        """The k first routes of a ranking, as `semiring_widgets.top_routes`; every number is of this set.

        Args:
            by: ``"best"``, ``"mass"`` or ``"contribution"``.
            k: how many; fewer are returned where there are fewer.
            direction: shaped as ``wrt``; None for the inputs themselves.
            width: of the beam. Wider takes longer and misses less; ``best`` needs no more than k.
            samples: paths drawn for ``mass``.
            seed: of the random numbers.

        Raises:
            InputError: an unknown ranking, a direction of another shape, or a graph without attention.
            MemoryLimitError, NonFiniteError: as `backprop`.

        Example:
            >>> route = whole.leaving_skip().routes(k=1)[0]
            >>> [(leg.layer, leg.branch, leg.head) for leg in route.legs if "skip" not in leg.branch]
            [(3, 'key', 3)]
        """
        by = choice(by, "by", RANKINGS)
        k, width = whole_number(k, "k"), whole_number(width, "width")
        samples, seed = whole_number(samples, "samples"), seed_number(seed)
        drawing = by == "mass"
        kept, beside = [(_ABS, self.graph.nodes)] * drawing, drawing and walks_size(self.graph, samples)
        left = self._sums.fit(MEASURED, kept=kept, beside=beside)
        search = self.route_search(direction, left)
        return search.ranked(by, k, width=width, samples=samples, seed=seed)

    def route_search(
        self,
        direction: Tensor | Sequence[Tensor] | None = None,
        memory: float | None = None,
        check: Callable[[], None] = lambda: None,
    ) -> RouteSearch:
        """What finds the routes of the set.

        Args:
            direction: of the contributions; None for the inputs themselves.
            memory: bytes that the routes followed at a time may take; None for no limit.
            check: called often; may raise to stop.

        Raises:
            InputError: a graph without attention, or a direction of another shape.

        Example:
            >>> whole.route_search().ranked("best", 1, width=8)[0].token
            6
        """
        if not self.anatomy.attentions:
            raise InputError(
                f"{told_cut(self.graph)}There is no attention between these inputs and the score, so paths "
                "have no routes to be told apart by. Use sw.top_paths or sw.sample_paths."
            )
        directions = directions_of(self.graph, direction)
        known = self._known if direction is None else Known()
        stations, cuts, where = self.ground.stations, self.cuts, self.restriction
        return RouteSearch(stations, directions, cuts, where, check, memory, known)

    @cached_property
    def _known(self) -> Known:
        """What was measured of routes along the inputs themselves."""
        return Known()

    @cached_property
    def _sums(self) -> SetSums:
        return SetSums(self.ground, self.cuts, self.restriction, self.limit, self.asked_by)

    def _results(self, algebra: Semiring, level: str, counted: Gate | None = None) -> list[Result]:
        """One result for each input; ``counted`` are edges at which the semiring itself counts marks."""
        values = self._sums.at_inputs(algebra, counted)
        sign_of = signs_of(algebra, lambda told: self._results(told, level))
        found = []
        for position, node in enumerate(self.graph.wrt):
            value = values.get(node) or zeros(self.graph, algebra, node)
            dtype = node.dtype.to_complex() if node.complex else node.dtype
            found.append(self._result(algebra, value, level, dtype, sign_of(position)))
        return found

    def _result(
        self, algebra: Semiring, value: Value, level: str, dtype: torch.dtype, signs: Signs | None
    ) -> Result:
        graph = self.graph
        return Result(algebra, value, graph.tape.granularity, level, dtype, signs, graph.rule.name)

    @cached_property
    def _spread(self) -> Value:
        return self._sums.total(_ENTROPY)

    @in_full_precision
    def _signed(self, direction: Tensor | Sequence[Tensor] | None) -> Value:
        directions = directions_of(self.graph, direction)
        # By node: an input that is given twice has its paths once.
        results = dict(zip(self.graph.wrt, self._results(SIGNED, "unit"), strict=True))
        parts = [SIGNED.scale(result.parts, Weight(directions[node])) for node, result in results.items()]
        return SIGNED.total(parts)
