"""Statistics in a semiring of the reader's choice, beside mass, entropy and best path.

The same two sweeps and the same product alpha times beta as for the usual ones, so every token, layer, branch
and head has its number: the `readout` of the semiring sum over all paths that pass it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from torch import Tensor

from semiring_widgets.core.anatomy import (
    Anatomy,
    Cut,
    LayerFlow,
    by_token,
    condition,
    hop_edges,
    layer_flow,
    summed,
)
from semiring_widgets.core.graph import GradientGraph
from semiring_widgets.core.restriction import Restriction
from semiring_widgets.core.semirings import (
    Semiring,
    Value,
    find_semiring,
)
from semiring_widgets.core.sweeps import Span, sweep_backward, sweep_forward, zeros
from semiring_widgets.core.tape import Node
from semiring_widgets.errors import NonFiniteError
from semiring_widgets.results.parts import Statistic
from semiring_widgets.results.schema import empty_statistics
from semiring_widgets.vocabulary import BRANCHES, KINDS

__all__ = ["Asked", "check_asked", "question"]

Progress = Callable[[int, int], None]


def check_asked(semiring: str | Semiring | None, level: str) -> None:
    """Refuse what `question` will not understand, before anything is computed.

    Raises:
        InputError: an unknown name, or an object that is no semiring.
    """
    if semiring is not None:
        find_semiring(semiring, level, marks=0)


@dataclass(eq=False)
class Asked:
    """One semiring in one graph.

    Attributes:
        graph: the graph.
        anatomy: its parts.
        semiring: the algebra; a `Product` asks for one statistic per factor.
        paths: marks the edges that it may count: those by which attentions join the stream.
        beta: cotangents at the anatomy's nodes and the inputs; empty until `sweep` has run.
        alpha: tangents there; empty until `flows` has run, and at branch level, where sums over paths through
            a part have no meaning.
    """

    graph: GradientGraph
    anatomy: Anatomy
    semiring: Semiring
    paths: Restriction
    beta: Mapping[Node, Value] = field(default_factory=dict)
    alpha: Mapping[Node, Value] = field(default_factory=dict)

    @property
    def factors(self) -> tuple[Semiring, ...]:
        """The semirings that have one number each."""
        return self.semiring.factors

    @property
    def statistics(self) -> tuple[Statistic, ...]:
        """What is asked for; names are made distinct."""
        names: list[str] = []
        for factor in self.factors:
            name, number = factor.name, 2
            while name in names:
                name, number = f"{factor.name} ({number})", number + 1
            names.append(name)
        return tuple(Statistic(n, f.unit) for n, f in zip(names, self.factors, strict=True))

    def sweep(self, progress: Progress) -> None:
        """The backward sweep.

        Args:
            progress: called with (operators done, operators in all); may raise to cancel.
        """
        span = Span(keep=self.anatomy.nodes())
        self.beta = sweep_backward(self.graph, self.semiring, span, self.paths, progress)

    def table(self, layers: int, heads: int, tokens: int) -> xr.Dataset:
        """The variables of these statistics; of the tokens what is known so far."""
        dataset = empty_statistics([s.name for s in self.statistics], layers, heads, tokens)
        self.fill_tokens(dataset, self.beta)
        return dataset

    def fill_tokens(self, dataset: xr.Dataset, beta: Mapping[Node, Value]) -> None:
        """All paths from each token of the first stream."""
        start = self.graph.wrt[0]
        value = beta.get(start) or zeros(self.graph, self.semiring, start)
        self._write(dataset, "token", (slice(start.shape[-2]),), by_token(self.semiring, value))

    def flows(self, dataset: xr.Dataset, progress: Progress) -> None:
        """All paths through every part; takes one more sweep."""
        if not self.semiring.distributive:
            return
        graph, semiring = self.graph, self.semiring
        span = Span(keep=self.anatomy.nodes() | set(graph.wrt))
        self.alpha = sweep_forward(graph, semiring, span, self.paths, progress)
        pairs = [(self.alpha, self.beta)]
        self._fill_layers(dataset, lambda layer: layer_flow(graph, semiring, layer, pairs))

    def conditioned(self, dataset: xr.Dataset, cuts: Sequence[Cut], progress: Progress) -> None:
        """The same for the paths through some cuts; nothing is known at branch level."""
        if not self.alpha:
            return
        graph, semiring, keep = self.graph, self.semiring, self.anatomy.nodes()
        found = condition(
            graph, semiring, cuts, self.alpha, self.beta, keep=keep, paths=self.paths, progress=progress
        )
        self.fill_tokens(dataset, found.below)
        self._fill_layers(
            dataset, lambda layer: layer_flow(graph, semiring, layer, found.pairs, found.crossing)
        )

    def _fill_layers(self, dataset: xr.Dataset, flow_of: Callable[..., LayerFlow]) -> None:
        for attention in self.anatomy.attentions:
            layer, found = attention.index, flow_of(attention)
            if found.stream is not None:
                self._write(dataset, "node", (layer, slice(len(found.stream[0]))), found.stream)
            for branch, value in found.branches.items():
                place = (layer, BRANCHES.index(branch))
                self._write(dataset, "branch", place, summed(self.semiring, value, 0))
            together = None
            for number, kind in enumerate(KINDS):
                heads = summed(self.semiring, found.heads[kind], 1)
                together = heads if together is None else self.semiring.plus(together, heads)
                self._write(dataset, "head", (layer, slice(len(heads[0])), number + 1), heads)
            if together is not None:
                self._write(dataset, "head", (layer, slice(len(together[0])), 0), together)

    def _write(self, dataset: xr.Dataset, part: str, place: tuple[int | slice, ...], value: Value) -> None:
        for number, (factor, own) in enumerate(self.semiring.factored(value)):
            dataset[f"{part}_statistic"].values[(number, *place)] = _numbers(factor, own)


def question(graph: GradientGraph, anatomy: Anatomy, semiring: str | Semiring, level: str) -> Asked:
    """What a reader asks for, before anything is computed.

    Args:
        graph: the graph.
        anatomy: its parts.
        semiring: an object, or a name; ``"hops"`` counts the attentions that a path takes.
        level: of its maxima.
    """
    marked, places = hop_edges(graph, anatomy, "attention")
    algebra = find_semiring(semiring, level, marks=places)
    return Asked(graph, anatomy, algebra, Restriction(marked=dict.fromkeys(marked)))


def _numbers(semiring: Semiring, value: Value) -> NDArray[np.float64]:
    """The readout as numbers; NaN only where there is no path."""
    found: Tensor = semiring.readout(value)
    numbers: NDArray[np.float64] = found.double().cpu().numpy()
    if bool((found.isnan() & ~semiring.absent(value)).any()):
        raise NonFiniteError(
            f"The readout of the semiring {semiring.name} is NaN for some paths. sw.semirings.check_laws "
            f"tells whether a law is broken; else look for differences of infinite values in its methods."
        )
    return numbers
