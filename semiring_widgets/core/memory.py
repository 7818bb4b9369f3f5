"""How much memory sweeps will take, known before they are started.

The sweep is played through without a number being computed: which values are alive after each operator is
known from the graph alone. Derivatives of an operator count while it is visited, in as many copies as the
semirings make (the derivative, its magnitude or logarithm, and the terms of a product).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import torch
from torch import Tensor

from semiring_widgets.checks import memory_limit
from semiring_widgets.core.graph import GradientGraph, find_nodes
from semiring_widgets.core.precision import in_full_precision
from semiring_widgets.core.semirings import Semiring, find_semiring
from semiring_widgets.core.tape import Node, Op, Tape
from semiring_widgets.errors import MemoryLimitError

__all__ = ["estimate_memory", "fit", "living_size", "sweep_size"]

# Copies of an operator's inputs while it is visited: derivative, magnitude, logarithm.
_DERIVATIVES = 3
# How many operators keep their derivatives where those of all would be too much.
_ROOM = 4
# Copies of a value while it is scaled, made relative and summed.
_TERMS = 3


@in_full_precision
def estimate_memory(
    tape: Tape,
    score: Tensor,
    wrt: Tensor | Sequence[Tensor],
    semiring: str | Semiring = "sum",
    level: str = "unit",
) -> int:
    """Bytes that `semiring_widgets.backprop` with the same arguments will take at its peak, beside the tape.

    An estimate that errs upwards, several times too high where the score reads little of a large output.
    A sweep that has to be done again in float64 takes twice as much.
    What the tape itself holds is ``tape.nbytes``.

    Args:
        tape: the finished tape.
        score: as in `semiring_widgets.backprop`, like the next three.
        wrt: see there.
        semiring: see there.
        level: see there.

    Raises:
        InputError, TapeError: as `semiring_widgets.backprop`.

    Example:
        >>> x = torch.ones(1000)
        >>> with sw.record(values=False) as tape:  # sizes only: nothing is kept
        ...     score = (x * x).sum()
        >>> tape.nbytes, estimate_memory(tape, score, x)
        (4004, 32000)
    """
    algebra = find_semiring(semiring, level)
    node, starts = find_nodes(tape, score, wrt)
    return sweep_size(GradientGraph(tape, node, starts), algebra)


def fit(
    graph: GradientGraph,
    limit: int | None,
    what: str,
    *,
    sweeps: Sequence[Semiring],
    kept: Sequence[tuple[Semiring, Collection[Node]]] = (),
    beside: int = 0,
) -> int | None:
    """Plan for a memory limit: set ``graph.room`` if keeping all derivatives would exceed it.

    Args:
        graph: its ``room`` is set where the derivatives of all operators would be too much. With room for
            one it is swept once, and none are kept.
        limit: bytes beside the tape, or None for no limit.
        what: what asks.
        sweeps: the semirings of its sweeps, one after the other.
        kept: whose values stay after the sweeps: semirings, each with its nodes.
        beside: bytes of whatever else is kept, neither value nor derivative.

    Returns:
        Bytes that are left for sweeps beside all that is kept; None without a limit.

    Raises:
        MemoryLimitError: even that does not fit; says how much is needed and what to do.
    """
    limit = memory_limit(limit)
    if limit is None:
        return None
    item = torch.finfo(graph.dtype).bits // 8
    sweep = max(sweep_size(graph, semiring) for semiring in sweeps)
    stays = beside
    for semiring, nodes in kept:
        stays += len(semiring.zero) * item * sum(node.shape.numel() for node in nodes if node in graph.nodes)
    ops = () if graph.room == 1 else graph.ops
    derivatives = [_derivatives(op, graph, lambda node: node.shape.numel() * item) for op in ops]
    if derivatives and stays + sum(derivatives) + sweep > limit:
        graph.room = _ROOM
        derivatives = sorted(derivatives)[-_ROOM:]
    stays += sum(derivatives)
    if stays + sweep > limit:
        raise MemoryLimitError(
            f"{what} needs about {_mb(stays + sweep)} beside the {_mb(graph.tape.nbytes)} of the tape, more "
            f"than the {_mb(max(0, limit))} that max_memory leaves for it. Give a shorter text or a smaller "
            f"batch, or raise max_memory."
        )
    return limit - stays


def sweep_size(graph: GradientGraph, semiring: Semiring) -> int:
    """Peak bytes of a backward sweep that keeps nothing but the inputs' values."""
    return _sizes(graph, semiring)[0]


def living_size(graph: GradientGraph, semiring: Semiring) -> int:
    """Most bytes that the values at all living nodes take between two operators of a backward sweep."""
    return _sizes(graph, semiring)[1]


def _sizes(graph: GradientGraph, semiring: Semiring) -> tuple[int, int]:
    item = torch.finfo(graph.dtype).bits // 8
    parts = len(semiring.zero)

    def size(node: Node) -> int:
        return node.shape.numel() * item

    alive: dict[Node, int] = {graph.score: size(graph.score) * parts}
    held = peak = living = sum(alive.values())
    for op in reversed(graph.ops):
        arrived = [out for out in op.outputs if out is not None and out in alive]
        if not arrived:
            continue
        sources = dict.fromkeys(node for node in op.inputs() if node in graph.nodes)
        for source in sources:
            if source not in alive:
                alive[source] = size(source) * parts
                held += alive[source]
        largest = max(map(size, (*sources, *arrived)), default=0)
        peak = max(peak, held + _derivatives(op, graph, size) + _TERMS * parts * largest)
        for out in arrived:
            if out not in graph.wrt:
                held -= alive.pop(out)
        living = max(living, held)
    return peak, living


def _derivatives(op: Op, graph: GradientGraph, size: Callable[[Node], int]) -> int:
    """Bytes of one operator's derivatives, and of what is computed again for them.

    Parameters serve as they are, unless they have to be widened.
    """
    if op.func.is_view:
        return 0
    on_path = max((size(node) for node in op.inputs() if node in graph.nodes), default=0)
    others = (node for node in op.inputs() if node not in graph.nodes)
    widened = (size(node) for node in others if node.dtype != graph.dtype)
    released = (node for node in op.inputs() if node.held is None and graph.tape.values)
    again = map(size, released)
    return _DERIVATIVES * on_path + max(widened, default=0) + max(again, default=0)


def _mb(count: int) -> str:
    return f"{count / 1e6:,.1f} MB"
