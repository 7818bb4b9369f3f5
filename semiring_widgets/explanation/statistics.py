"""Statistics in a semiring of the reader's choice, beside mass, entropy and best path.

The same two sweeps and the same product alpha times beta as for the usual ones, so every token, layer, branch
and head has its number: the `readout` of the semiring sum over all paths that pass it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from torch import Tensor

from semiring_widgets.core.anatomy import Attention, LayerFlow, by_token, hop_edges, summed
from semiring_widgets.core.paths import Paths
from semiring_widgets.core.restriction import EVERY_PATH, Gate, Restriction
from semiring_widgets.core.semirings import (
    Semiring,
    Value,
    find_semiring,
)
from semiring_widgets.core.sweeps import Span, sweep_backward, sweep_forward, zeros
from semiring_widgets.core.tape import Node
from semiring_widgets.errors import NonFiniteError
from semiring_widgets.explanation.flow_cells import cells
from semiring_widgets.results.parts import Statistic
from semiring_widgets.results.schema import empty_statistics

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
    """One semiring, asked of the paths of a score.

    Attributes:
        paths: all of them, or those that the explanation is about.
        semiring: the algebra; a `Product` asks for one statistic per factor.
        counted: the edges that it may count: those by which attentions join the stream.
        beta: cotangents at the anatomy's nodes and the inputs; empty until `sweep` has run.
    """

    paths: Paths
    semiring: Semiring
    counted: Gate
    beta: Mapping[Node, Value] = field(default_factory=dict)

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
        if self.paths.restriction != EVERY_PATH:
            return  # the flow is then found anew for every question
        span = Span(keep=self.paths.anatomy.nodes())
        self.beta = sweep_backward(self.paths.graph, self.semiring, span, self._marking, progress)

    def table(self, layers: int, heads: int, tokens: int) -> xr.Dataset:
        """The variables of these statistics; of the tokens what is known so far."""
        dataset = empty_statistics([s.name for s in self.statistics], layers, heads, tokens)
        if self.paths.narrowed:
            return dataset
        start = self.paths.graph.wrt[0]
        value = self.beta.get(start) or zeros(self.paths.graph, self.semiring, start)
        self._fill_tokens(dataset, by_token(self.semiring, value))
        return dataset

    def flows(self, dataset: xr.Dataset, progress: Progress) -> None:
        """All paths through every part; takes one more sweep. Nothing is known of them at branch level."""
        if not self.semiring.distributive:
            return
        if self.paths.restriction == EVERY_PATH:
            span = Span(keep=self.paths.anatomy.nodes() | set(self.paths.graph.wrt))
            alpha = sweep_forward(self.paths.graph, self.semiring, span, self._marking, progress)
            self.paths.ground.learn(self.semiring, alpha, self.beta)
        self.narrowed(dataset, self.paths, progress)

    def narrowed(self, dataset: xr.Dataset, few: Paths, progress: Progress) -> None:
        """The same for some of the paths, once `flows` has run."""
        if not self.semiring.distributive:
            return
        found = few.flow(self.semiring, counted=self.counted, progress=progress)
        self._fill_tokens(dataset, found.start(self.paths.graph.wrt[0]))
        for attention in self.paths.anatomy.attentions:
            self._fill_layer(dataset, attention, found.layer(attention))

    @property
    def _marking(self) -> Restriction:
        return Restriction(gates=(self.counted,))

    def _fill_tokens(self, dataset: xr.Dataset, started: Value) -> None:
        self._write(dataset, "token", (slice(len(started[0])),), started)

    def _fill_layer(self, dataset: xr.Dataset, attention: Attention, found: LayerFlow) -> None:
        # The first of the operands are all together.
        together: Value | None = None
        number = 0
        for part, place, value in cells(self.semiring, attention, found):
            if part == "node":
                self._write(dataset, part, place, value)
            elif part == "branch":
                self._write(dataset, part, place[:2], summed(self.semiring, value, 0))
            else:
                number += 1
                together = value if together is None else self.semiring.plus(together, value)
                self._write(dataset, part, (*place[:2], number), value)
        if together is not None:
            self._write(dataset, "head", (attention.index, slice(len(together[0])), 0), together)

    def _write(self, dataset: xr.Dataset, part: str, place: tuple[int | slice, ...], value: Value) -> None:
        for number, (factor, own) in enumerate(self.semiring.factored(value)):
            dataset[f"{part}_statistic"].values[(number, *place)] = _numbers(factor, own)


def question(paths: Paths, semiring: str | Semiring, level: str) -> Asked:
    """What a reader asks for, before anything is computed.

    Args:
        paths: those asked about.
        semiring: an object, or a name; ``"hops"`` counts the attentions that a path takes.
        level: of its maxima.
    """
    marked, places = hop_edges(paths.graph, paths.anatomy, "attention")
    algebra = paths.algebra(find_semiring(semiring, level, marks=places))
    return Asked(paths, algebra, Gate(dict.fromkeys(marked)))


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
