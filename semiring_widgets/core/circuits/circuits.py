"""Circuits: some parts or edges are kept, all else is given its value under the reference."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor

from semiring_widgets.checks import choice, memory_limit, real_number, shown
from semiring_widgets.core.anatomy import Selection
from semiring_widgets.core.circuits.all_edges import edge_values
from semiring_widgets.core.circuits.faithfulness import Circuit, Curve
from semiring_widgets.core.circuits.layout import find_layout
from semiring_widgets.core.circuits.patching import Patching
from semiring_widgets.core.effects.cut_points import Place, place_of
from semiring_widgets.core.effects.effect_table import effect_rows
from semiring_widgets.core.effects.measuring import effects_of, one_score
from semiring_widgets.core.effects.reference_values import Reference, reference_values
from semiring_widgets.core.graph import check_uncut, find_nodes
from semiring_widgets.core.paths import Ground, ground_of
from semiring_widgets.core.precision import in_full_precision
from semiring_widgets.core.replay import Patch, Program
from semiring_widgets.core.tape import Node, Tape
from semiring_widgets.errors import InputError

__all__ = ["FRACTIONS", "circuit", "circuit_curve", "circuit_curves"]

Progress = Callable[[int, int], None]
Rows = Sequence[Mapping[str, Any]]
# Those of the circuit track of the Mechanistic Interpretability Benchmark (Mueller et al. 2025,
# arXiv 2504.13151).
FRACTIONS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
_OF = ("parts", "edges")
_BY = ("contribution", "effect")


@in_full_precision
def circuit(
    tape: Tape,
    score: Tensor,
    wrt: Tensor | Sequence[Tensor],
    reference: Reference,
    *,
    k: float = 0.05,
    of: str = "parts",
    by: str | Sequence[float] = "contribution",
    kind: str | Sequence[str] | None = None,
    steps: int | None = None,
    max_memory: int | None = None,
    progress: Progress | None = None,
) -> Circuit:
    """Keep the first parts or edges of a ranking and give all else its value under the reference.

    Args:
        tape: the finished tape.
        score: a single number, shape () or (1,), computed in the recording.
        wrt: the inputs; a tensor, or a list of them.
        reference: other inputs, shaped as ``wrt``, or another text of any length (`Aligned`), or ``"zero"``
            or ``"mean"``.
        k: which fraction to keep, 0 to 1; rounded down to a number of parts or edges.
        of: ``"parts"`` (a part that is not kept is given its value under the reference, for all that read it)
            or ``"edges"`` (see `semiring_widgets.edges`: every target reads a stream of its own, in which the
            sources of its kept edges say what they say in this run and the others what they say under the
            reference).
        by: largest absolute ``"contribution"`` first, or (parts only) ``"effect"``; or numbers of your own,
            one for each row of `semiring_widgets.effects` or `semiring_widgets.edges`.
        kind: of parts, as in `semiring_widgets.effects`; None for tokens, heads and feed-forward parts.
        steps: of the contributions, as there.
        max_memory: bytes that this may take beside the tape; None for no limit.
        progress: called with (steps done, steps in all); may raise to cancel.

    Raises:
        InputError: an unknown word, a fraction outside of 0 to 1, numbers that do not fit.
        TapeError, UnsupportedOpError: as `semiring_widgets.test`.

    Example:
        >>> x = torch.tensor([[1.0, 2.0], [3.0, 4.0], [0.1, 0.2]])  # three tokens
        >>> with sw.record() as tape:
        ...     score = (x * x).sum()
        >>> found = sw.circuit(tape, score, x, "zero", k=0.67)
        >>> [row["token"] for row in found.kept], round(found.faithfulness, 3)
        ([1, 0], 0.998)
    """
    parts = _runnable(tape, score, wrt, reference, of, [by], kind, steps, max_memory, progress)
    return parts.circuits(by, [_fraction(k)])[0]


@in_full_precision
def circuit_curve(
    tape: Tape,
    score: Tensor,
    wrt: Tensor | Sequence[Tensor],
    reference: Reference,
    *,
    fractions: Sequence[float] = FRACTIONS,
    of: str = "parts",
    by: str | Sequence[float] = "contribution",
    kind: str | Sequence[str] | None = None,
    steps: int | None = None,
    max_memory: int | None = None,
    progress: Progress | None = None,
) -> Curve:
    """How faithful circuits of growing size are; with CMD and CPR, as the circuit track of MIB has them.

    Args:
        tape: the finished tape.
        score: a single number, shape () or (1,), computed in the recording.
        wrt: the inputs; a tensor, or a list of them.
        reference: as in `circuit`, like all that follows but the fractions.
        fractions: of the circuits, ascending; by default 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50 and 100 %.
        of: see there.
        by: see there.
        kind: see there.
        steps: see there.
        max_memory: see there.
        progress: see there.

    Raises:
        InputError, TapeError, UnsupportedOpError: as `circuit`.

    Example:
        >>> x = torch.tensor([[1.0], [3.0]])
        >>> with sw.record() as tape:
        ...     score = x.sum()
        >>> curve = sw.circuit_curve(tape, score, x, "zero", fractions=[0, 0.5, 1])
        >>> curve.points, curve.cpr, curve.cmd
        (((0.0, 0.0), (0.5, 0.75), (1.0, 1.0)), 0.625, 0.375)
    """
    return circuit_curves(
        tape,
        score,
        wrt,
        reference,
        [by],
        fractions=fractions,
        of=of,
        kind=kind,
        steps=steps,
        max_memory=max_memory,
        progress=progress,
    )[0]


@in_full_precision
def circuit_curves(
    tape: Tape,
    score: Tensor,
    wrt: Tensor | Sequence[Tensor],
    reference: Reference,
    rankings: Sequence[str | Sequence[float]],
    *,
    fractions: Sequence[float] = FRACTIONS,
    of: str = "parts",
    kind: str | Sequence[str] | None = None,
    steps: int | None = None,
    max_memory: int | None = None,
    progress: Progress | None = None,
) -> list[Curve]:
    """The curves of several rankings, as `circuit_curve` makes each.

    What they share is done once: finding the parts, running the reference, and running circuits that keep the
    same.

    Args:
        tape: the finished tape.
        score: a single number.
        wrt: the inputs.
        reference: as in `circuit`, like all that follows but the rankings and fractions.
        rankings: each as ``by`` there.
        fractions: of the circuits, ascending.
        of: see there.
        kind: see there.
        steps: see there.
        max_memory: see there.
        progress: see there.
    """
    if not isinstance(fractions, (list, tuple)) or list(fractions) != sorted(fractions):
        raise InputError(f"fractions is {shown(fractions)}; give a list of numbers from 0 to 1, ascending.")
    parts = _runnable(tape, score, wrt, reference, of, rankings, kind, steps, max_memory, progress)
    kept = [_fraction(k) for k in fractions]
    return [Curve(parts.circuits(by, kept)) for by in rankings]


def _fraction(k: Any) -> float:
    number = float(real_number(k, "k", wanted="a number from 0 to 1"))
    if not 0 <= number <= 1:
        raise InputError(f"k is {number}; give a fraction from 0 to 1.")
    return number


class _Runs(Protocol):
    def __call__(self, kept: Sequence[Sequence[int]]) -> tuple[list[float], float]:
        """The scores of what only keeps some rows, and that of the model."""


@dataclass(frozen=True, eq=False)
class _Runnable:
    """Rows, and how to run what keeps some of them.

    Attributes:
        of: what the rows are.
        rows: parts, or edges.
        run: scores of what keeps some rows.
        done: these scores, by what is kept.
    """

    of: str
    rows: Rows
    run: _Runs
    done: dict[frozenset[int], float] = field(default_factory=dict)

    def circuits(self, by: str | Sequence[float], fractions: Sequence[float]) -> tuple[Circuit, ...]:
        """A circuit for each fraction, the first rows of a ranking."""
        numbers = [abs(row[by]) for row in self.rows] if isinstance(by, str) else _own(by, len(self.rows))
        order = sorted(range(len(self.rows)), key=lambda i: -numbers[i])
        # 0.07 * 100 is a little more than 7, 0.29 * 100 a little less than 29.
        sizes = [int(k * len(self.rows) + 1e-9) for k in fractions]
        # The smallest fractions often keep nothing; what keeps the same is run once.
        new = {frozenset(order[:size]): order[:size] for size in (0, *sizes)}
        new = {kept: own for kept, own in new.items() if kept not in self.done}
        scores, model = self.run(list(new.values()))
        self.done.update(zip(new, scores, strict=True))
        return tuple(
            Circuit(
                of=self.of,
                fraction=k,
                kept=tuple(self.rows[i] for i in order[:size]),
                total=len(self.rows),
                score=self.done[frozenset(order[:size])],
                score_nothing=self.done[frozenset()],
                score_model=model,
            )
            for k, size in zip(fractions, sizes, strict=True)
        )


def _runnable(
    tape: Tape,
    score: Tensor,
    wrt: Tensor | Sequence[Tensor],
    reference: Any,
    of: str,
    rankings: Sequence[str | Sequence[float]],
    kind: str | Sequence[str] | None,
    steps: int | None,
    max_memory: int | None,
    progress: Progress | None,
) -> _Runnable:
    of = choice(of, "of", _OF)
    tested = "effect" in [choice(by, "by", _BY) for by in rankings if isinstance(by, str)]
    if of == "edges" and (tested or kind is not None):
        raise InputError(
            "Edges are ranked by contribution, or by numbers of your own, and have no kinds: an effect would "
            "take a forward pass for each edge."
        )
    limit = memory_limit(max_memory)
    find_nodes(tape, score, wrt)
    one_score(score)
    ground = ground_of(tape, score, wrt, "gradient")
    check_uncut(ground.graph)
    ground.graph.check_unchanged()
    if of == "edges":
        found = edge_values(tape, score, wrt, reference, steps=steps, max_memory=limit, progress=progress)
        return _Runnable(of, found.rows(), _EdgeRuns(ground, found.there, reference, progress))
    rows = effect_rows(
        tape,
        score,
        wrt,
        reference,
        kind=kind,
        tested=tested,
        steps=steps,
        max_memory=limit,
        progress=progress,
    )
    return _Runnable(of, rows, _PartRuns(ground, rows, reference, limit, progress))


def _own(by: Any, count: int) -> list[float]:
    numbers = by.tolist() if isinstance(by, Tensor) else list(by) if hasattr(by, "__iter__") else None
    if numbers is None or len(numbers) != count:
        raise InputError(
            f"by is {shown(by)}; give 'contribution', 'effect', or {count} numbers, one for each row."
        )
    return [abs(real_number(number, "by", wanted="a number for each row")) for number in numbers]


class _PartRuns:
    """Circuits of parts: one batch of tests of what is not kept."""

    def __init__(
        self,
        ground: Ground,
        rows: Rows,
        reference: Reference,
        limit: int | None,
        progress: Progress | None,
    ) -> None:
        graph = ground.graph
        self._graph, self._limit, self._progress = graph, limit, progress
        self._program = Program(graph.tape, graph.score)
        self._places: list[Place] = [place_of(graph, ground.anatomy, _selection(row)) for row in rows]
        nodes = {place.node for place in self._places}
        with torch.no_grad():
            self._under = reference_values(ground, self._program, reference, nodes)

    def __call__(self, kept: Sequence[Sequence[int]]) -> tuple[list[float], float]:
        many = [self._replaced(set(own)) for own in kept]
        with torch.no_grad():
            found = effects_of(
                self._graph.tape, self._program, many, limit=self._limit, progress=self._progress
            )
        return [one.after for one in found], float(self._graph.score.value)

    def _replaced(self, kept: set[int]) -> dict[Node, Tensor | Patch]:
        masks: dict[Node, Tensor] = {}
        for number, place in enumerate(self._places):
            if number not in kept:
                own = place.mask()
                masks[place.node] = masks[place.node] | own if place.node in masks else own
        return {node: Patch(mask, self._under[node]) for node, mask in masks.items()}


def _selection(row: Mapping[str, Any]) -> Selection:
    branch = "mlp" if row["kind"] == "mlp" else None
    return Selection(row["layer"], branch, row["head"], row["token"], row["stream"])


class _EdgeRuns:
    """Circuits of edges, one after the other."""

    def __init__(
        self, ground: Ground, there: Tensor, reference: Reference, progress: Progress | None
    ) -> None:
        graph = ground.graph
        layout = find_layout(graph, ground.anatomy)
        program = Program(graph.tape, graph.score)
        with torch.no_grad():
            under = reference_values(ground, program, reference, [group.node for group in layout.sources])
        self._model = float(graph.score.value)
        self._where, self._progress = there.nonzero(), progress
        self._kept = torch.zeros_like(there)
        self._patching = Patching(program, layout, under)

    def __call__(self, kept: Sequence[Sequence[int]]) -> tuple[list[float], float]:
        found: list[float] = []
        for own in kept:
            if self._progress is not None:
                self._progress(len(found), len(kept))
            chosen = self._kept.clone()
            rows, columns = self._where[list(own)].T
            chosen[rows, columns] = True
            found.append(float(self._patching.score(chosen)))
        return found, self._model
