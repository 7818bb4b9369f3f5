"""Backward and forward sweeps over a gradient graph, in any semiring.

Backward gives every node its *cotangent* beta, the value of all paths from it to the score; forward gives
its *tangent* alpha, the value of all paths from the inputs to it; alpha times beta is the value of all
paths through it. A sweep can start anywhere: seeded with the masked value of some node, it follows only
the paths through what the mask leaves. Nothing here knows an operator.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter, methodcaller
from weakref import WeakKeyDictionary

from semiring_widgets.core import looks
from semiring_widgets.core.composites import Step, steps_of
from semiring_widgets.core.graph import GradientGraph
from semiring_widgets.core.precision import in_full_precision
from semiring_widgets.core.restriction import EVERY_PATH, Restriction
from semiring_widgets.core.semirings import Semiring, Value
from semiring_widgets.core.semirings.late_judge import judging
from semiring_widgets.core.tape import Node, Op, Tape, uncollected
from semiring_widgets.errors import NonFiniteError

__all__ = ["INPUTS_ONLY", "Span", "ones", "sweep_backward", "sweep_forward", "was_doubted", "zeros"]

Values = dict[Node, Value]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Span:
    """From where to where a sweep goes, and what it leaves.

    Attributes:
        seeds: values to start from; None for *one* at the score (backward) or at the inputs (forward).
        keep: nodes whose value is returned besides the inputs (backward); None keeps all. Forward, operators
            that none of them depends on are left out, unless all nodes are visited.
        within: (start, stop) among the operators of the graph; None for all. Values that operators beyond
            need are returned, too. The caller must have called `graph.check_unchanged`.
        visit: forward only: called with every node as soon as its value is complete.
        seen: the nodes that ``visit`` has to be called with; None for all.
    """

    seeds: Mapping[Node, Value] | None = None
    keep: Collection[Node] | None = None
    within: tuple[int, int] | None = None
    visit: Callable[[Node, Value], None] | None = None
    seen: Collection[Node] | None = None


_WHOLE = Span()
INPUTS_ONLY = Span(keep=())


def ones(graph: GradientGraph, semiring: Semiring, node: Node) -> Value:
    """The empty path, at every element of a node."""
    return semiring.full(semiring.one, node.shape, node.empty(dtype=graph.dtype))


def zeros(graph: GradientGraph, semiring: Semiring, node: Node) -> Value:
    """No path, at every element of a node."""
    return semiring.full(semiring.zero, node.shape, node.empty(dtype=graph.dtype))


@in_full_precision
@uncollected()
def sweep_backward(
    graph: GradientGraph,
    semiring: Semiring,
    span: Span = _WHOLE,
    paths: Restriction = EVERY_PATH,
    progress: Progress | None = None,
) -> Values:
    """Cotangents, from the score (or the seeds) down to the inputs.

    Args:
        graph: what to sweep over.
        semiring: the algebra.
        span: where it starts and ends, and what it leaves.
        paths: which paths count.
        progress: called with (operators done, operators in all); may raise to cancel.

    Returns:
        Node -> value. Nodes that no path reaches are absent.

    Raises:
        NonFiniteError: a local derivative is NaN or infinite, and the semiring is `judged`.
    """
    return _judged(_backward, graph, semiring, span, paths, progress)


def _backward(
    graph: GradientGraph,
    semiring: Semiring,
    span: Span,
    paths: Restriction,
    progress: Progress | None,
    steps: Sequence[Step],
) -> Values:
    seeds, keep = span.seeds, span.keep
    judged, masked, lean = semiring.judged, bool(paths.edges), bool(graph.tape.segments.cuts)
    start = {graph.score: ones(graph, semiring, graph.score)} if seeds is None else seeds
    values = {node: paths.at(semiring, node, value) for node, value in start.items()}
    for op in _met(values, steps[::-1], attrgetter("outputs"), progress):
        for edge in graph.edges(op, checked=judged):
            if edge.target in values and not (masked and paths.closes(edge)):
                _join(semiring, values, edge.source, paths.pulled(semiring, edge, values[edge.target]))
        if keep is not None:
            for out in op.outputs:
                if out in values and out not in keep and out not in graph.wrt:
                    del values[out]
        if lean:
            for out in op.outputs:
                if out is not None:
                    out.pass_by()
    return values


@in_full_precision
@uncollected()
def sweep_forward(
    graph: GradientGraph,
    semiring: Semiring,
    span: Span = _WHOLE,
    paths: Restriction = EVERY_PATH,
    progress: Progress | None = None,
) -> Values:
    """Tangents, from the inputs (or the seeds) up to the score.

    Arguments, result and errors are those of `sweep_backward`.
    """
    return _judged(_forward, graph, semiring, span, paths, progress)


def _forward(
    graph: GradientGraph,
    semiring: Semiring,
    span: Span,
    paths: Restriction,
    progress: Progress | None,
    steps: Sequence[Step],
) -> Values:
    seeds, keep = span.seeds, span.keep
    judged, masked = semiring.judged, bool(paths.edges)
    visit = span.visit or _ignore
    if seeds is None:
        seeds = {node: ones(graph, semiring, node) for node in graph.wrt if node in graph.nodes}
    values = {node: paths.at(semiring, node, value) for node, value in seeds.items()}
    for node, value in values.items():
        visit(node, value)
    steps, last_use = _schedule(graph, span, steps)
    for op in _met(values, steps, methodcaller("inputs"), progress):
        for edge in graph.edges(op, checked=judged):
            if edge.source in values and not (masked and paths.closes(edge)):
                _join(semiring, values, edge.target, paths.pushed(semiring, edge, values[edge.source]))
        for out in op.outputs:
            if out is not None and out in values:
                visit(out, values[out])
        if keep is not None:
            for node in op.inputs():
                if node in values and last_use[node] is op and node not in keep:
                    del values[node]
    return values


def _judged(
    sweep: Callable[..., Values],
    graph: GradientGraph,
    semiring: Semiring,
    span: Span,
    paths: Restriction,
    progress: Progress | None,
) -> Values:
    """A sweep that counts: as quick as it may be, and once more with care where that was not good enough."""
    if span.within is None:
        graph.check_unchanged()
    steps = _steps(graph, semiring, span, paths)
    try:
        return _checked(sweep, graph, semiring, span, paths, progress, steps)
    finally:
        graph.tape.segments.leave()


def _checked(
    sweep: Callable[..., Values],
    graph: GradientGraph,
    semiring: Semiring,
    span: Span,
    paths: Restriction,
    progress: Progress | None,
    steps: Sequence[Step],
) -> Values:
    doubted = _DOUBTED.setdefault(graph.tape, set())
    # What a visitor has seen nobody can make it forget.
    once = span.visit is not None
    late = semiring.judged and not once and type(semiring) not in doubted
    assumptions = looks.assumed_now()
    try:
        with judging(graph.device, late=late) as judge:
            values = sweep(graph, semiring, span, paths, progress, steps)
            doubtful = False
            if judge is not None:
                taken = graph.take_extremes()
                extremes = [extreme for _, extreme in taken]
                if assumptions is not None:
                    assumptions.doubts.append(judge.doubt(extremes))
                    return values
                numbers, doubtful = judge.verdict(extremes)
                graph.refuse(taken, numbers)
            elif semiring.judged:
                graph.check_finite()
        if not doubtful:
            return values
        doubted.add(type(semiring))
    except NonFiniteError:
        if once:
            raise
        # It is one of the operators of a composite that has to be named.
        graph.forget_composites()
        steps = _ops(graph, span)
    with judging(graph.device, late=False):
        values = sweep(graph, semiring, span, paths, progress, steps)
        graph.check_finite()
    return values


# Semirings whose contractions had to be made again, by tape: the next sweep over it takes care at once.
_DOUBTED: WeakKeyDictionary[Tape, set[type[Semiring]]] = WeakKeyDictionary()


def was_doubted(tape: Tape) -> bool:
    """Whether some sweep over a tape had to be made again with care."""
    return bool(_DOUBTED.get(tape))


def _ops(graph: GradientGraph, span: Span) -> Sequence[Op]:
    return graph.ops if span.within is None else graph.ops[slice(*span.within)]


def _steps(graph: GradientGraph, semiring: Semiring, span: Span, paths: Restriction) -> Sequence[Step]:
    """The operators of a sweep, with composites as one step where nobody asks for what is inside."""
    ops = _ops(graph, span)
    seen = span.seen if span.visit is not None else ()
    if not semiring.multiplicative or span.keep is None or seen is None or not graph.composites:
        return ops
    nodes = {graph.score, *graph.wrt, *(span.seeds or ()), *span.keep, *seen, *paths.nodes}
    touched = {edge.op for edges in (paths.edges, *(gate.edges for gate in paths.gates)) for edge in edges}
    return steps_of(graph.composites, ops, nodes, touched, whole=span.within is None)


def _met(
    values: Values,
    ops: Sequence[Step],
    ends: Callable[[Step], Iterable[Node | None]],
    progress: Progress | None,
) -> Iterator[Step]:
    """Those operators at whose ends, the results or the inputs, there is a value once it is their turn."""
    for number, op in enumerate(ops):
        if not values.keys().isdisjoint(ends(op)):
            if progress is not None:
                progress(number, len(ops))
            yield op


def _schedule(
    graph: GradientGraph, span: Span, steps: Sequence[Step]
) -> tuple[Sequence[Step], dict[Node, Step]]:
    """The steps that a forward sweep visits, and by which each node is used last."""
    used_by: Sequence[Step] = steps
    if span.within is not None:
        stop = span.within[1]
        used_by = [*steps, *graph.ops[stop:]]
    elif span.keep is not None and span.visit is None:
        steps = used_by = _leading_to(steps, span.keep)
    return steps, {source: step for step in used_by for source in step.inputs()}


def _leading_to(steps: Sequence[Step], wanted: Collection[Node]) -> list[Step]:
    """The steps that the values of some nodes depend on."""
    needed, found = set(wanted), []
    for step in reversed(steps):
        if not needed.isdisjoint(step.outputs):
            needed.update(step.inputs())
            found.append(step)
    return found[::-1]


def _ignore(node: Node, value: Value) -> None:
    """Nobody looks at the nodes one by one."""


def _join(semiring: Semiring, values: Values, node: Node, new: Value) -> None:
    old = values.get(node)
    values[node] = new if old is None else semiring.merge(old, new)
