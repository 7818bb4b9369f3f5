"""How much memory sweeps will take, known before they are started.

The sweep is played through without a number being computed: which values are alive after each operator is
known from the graph alone. How many copies a semiring makes at a step is measured on small tensors
(`memory_costs`); where the tape has let go of values, those of the step's segment are there as well.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from itertools import pairwise

import torch
from torch import Tensor
from torch._ops import OpOverload

from semiring_widgets.checks import memory_limit
from semiring_widgets.core.composites import Composite, Step, steps_of
from semiring_widgets.core.graph import WIDENED, GradientGraph, find_nodes
from semiring_widgets.core.jacobian.blocks.column_pieces import VAST, share_of
from semiring_widgets.core.memory_costs import Costs, costs_of
from semiring_widgets.core.precision import in_full_precision
from semiring_widgets.core.semirings import Semiring, find_semiring
from semiring_widgets.core.tape import Node, Op, Tape
from semiring_widgets.core.tape.recomputation import is_product
from semiring_widgets.errors import MemoryLimitError

__all__ = ["estimate_memory", "fit", "in_turn", "living_size", "planned", "sweep_size"]

aten = torch.ops.aten
# Copies of an operator's inputs while autograd takes its derivative.
_DERIVATIVES = 3
# Their derivatives are numbers, or what other operators gave.
_PLAIN = {aten.add, aten.sub, aten.neg, aten.mul, aten._to_copy, aten.sum, aten.mean, aten.cat}
_PRODUCTS = {aten.mm, aten.bmm, aten.addmm, aten.baddbmm, aten.linear, aten.mv, aten.addmv, aten.dot}
# Their derivatives are 1, or another number.
_NUMBERS = _PLAIN - {aten.mul}
# Copies of an operator's input that its derivatives are while they are kept: themselves, and logarithms.
_KEPT = 2
_ADVICE = "max_memory leaves for it. Give a shorter text or a smaller batch, or raise max_memory."
# How many operators keep their derivatives where those of all would be too much.
_ROOM = 4
# Tensors of the largest size that a softmax has at once while it is computed again.
_AGAIN = 3


@in_full_precision
def estimate_memory(
    tape: Tape,
    score: Tensor,
    wrt: Tensor | Sequence[Tensor],
    semiring: str | Semiring = "sum",
    level: str = "unit",
) -> int:
    """Bytes that `semiring_widgets.backprop` with the same arguments will take at its peak, beside the tape.

    Within a quarter of what is measured where attention or another large product takes most of it; a sweep
    that has to be done again in float64 takes twice as much.
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
        (4004, 8000)
    """
    algebra = find_semiring(semiring, level)
    node, starts = find_nodes(tape, score, wrt)
    graph = GradientGraph(tape, node, starts)
    return max(sweep_size(graph, one) for one in (algebra.carried if in_turn(graph, algebra) else (algebra,)))


def in_turn(graph: GradientGraph, semiring: Semiring) -> bool:
    """Whether the factors of a product are swept one after the other: where memory is short."""
    return len(semiring.carried) > 1 and bool(graph.tape.segments.cuts)


def fit(
    graph: GradientGraph,
    limit: int | None,
    what: str,
    *,
    sweeps: Sequence[Semiring],
    kept: Sequence[tuple[Semiring, Collection[Node]]] = (),
    beside: int = 0,
    advice: str = _ADVICE,
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
        advice: what the limit is, and what to do where that is too little.

    Returns:
        Bytes that are left for sweeps beside all that is kept; None without a limit.

    Raises:
        MemoryLimitError: even that does not fit; says how much is needed and what to do.
    """
    limit = memory_limit(limit)
    if limit is None:
        return None
    stays, sweep = planned(graph, limit, sweeps=sweeps, kept=kept, beside=beside)
    if stays + sweep > limit:
        raise MemoryLimitError(
            f"{what} needs about {_mb(stays + sweep)} beside the {_mb(graph.tape.nbytes)} of the tape, more "
            f"than the {_mb(max(0, limit))} that {advice}"
        )
    return limit - stays


def planned(
    graph: GradientGraph,
    limit: float,
    *,
    sweeps: Sequence[Semiring],
    kept: Sequence[tuple[Semiring, Collection[Node]]] = (),
    beside: int = 0,
) -> tuple[int, int]:
    """What stays, and what the largest sweep takes beside it, in bytes; sets ``graph.room`` as `fit` does.

    Args:
        graph: see `fit`, like the others.
        limit: see there.
        sweeps: see there.
        kept: see there.
        beside: see there.
    """
    item = torch.finfo(graph.dtype).bits // 8
    sweep = max(sweep_size(graph, semiring) for semiring in sweeps)
    stays = beside
    for semiring, nodes in kept:
        stays += len(semiring.zero) * item * sum(node.shape.numel() for node in nodes if node in graph.nodes)
    ops = () if graph.room == 1 else graph.ops
    derivatives = [_derivatives(op, graph, lambda node: node.shape.numel() * item) for op in ops]
    widened = min(WIDENED, sum(map(graph.widened, ops)))
    if derivatives and stays + sum(derivatives) + widened + sweep > limit:
        graph.room = _ROOM
        derivatives = sorted(derivatives)[-_ROOM:]
    return stays + sum(derivatives) + widened, sweep


def sweep_size(graph: GradientGraph, semiring: Semiring) -> int:
    """Peak bytes of a backward sweep that keeps nothing but the inputs' values."""
    return _sizes(graph, semiring)[0]


def living_size(graph: GradientGraph, semiring: Semiring) -> int:
    """Most bytes that the values at all living nodes take between two operators of a backward sweep."""
    return _sizes(graph, semiring)[1]


def _sizes(graph: GradientGraph, semiring: Semiring) -> tuple[int, int]:
    item = graph.dtype.itemsize
    parts = len(semiring.zero)
    costs = costs_of(semiring, graph.dtype, graph.device)
    again = _computed_again(graph.tape)

    def size(node: Node) -> int:
        return node.shape.numel() * item

    alive: dict[Node, int] = {graph.score: size(graph.score) * parts}
    held = living = sum(alive.values())
    peak, left = float(held), 0
    steps: Sequence[Step] = graph.ops
    if semiring.multiplicative and graph.composites:
        steps = steps_of(graph.composites, graph.ops, {graph.score, *graph.wrt}, (), whole=True)
    for step in reversed(steps):
        arrived = [out for out in step.outputs if out is not None and out in alive]
        if not arrived:
            continue
        sources = dict.fromkeys(node for node in step.inputs() if node in graph.nodes)
        before = held
        for source in sources:
            if source not in alive:
                alive[source] = size(source) * parts
                held += alive[source]
        last = step.ops[-1] if isinstance(step, Composite) else step
        largest = max(map(size, (*sources, *arrived)), default=0)
        works = _works(step, graph, costs, parts, sources, arrived)
        stays, most = again.get(last.index, (0, 0))
        peak = max(peak, held + left + works + stays + most, before + stays + _AGAIN * most)
        # The weights of one step, or their logarithms, are there until the next has its own.
        whole = not isinstance(step, Composite) or largest <= VAST
        left = largest if whole and costs.scale > 1 and not last.func.is_view else 0
        for out in arrived:
            if out not in graph.wrt:
                held -= alive.pop(out)
        living = max(living, held)
    return int(peak), living


def _works(
    step: Step,
    graph: GradientGraph,
    costs: Costs,
    parts: int,
    sources: Collection[Node],
    arrived: Collection[Node],
) -> float:
    """Bytes of what a step makes beside the values that stay."""
    item = graph.dtype.itemsize

    def largest(nodes: Collection[Node]) -> int:
        return max((node.shape.numel() * item for node in nodes), default=0)

    if isinstance(step, Composite):
        return max(0.0, costs.softmax - parts) * largest(sources) * share_of(largest(sources))
    if step.func.is_view:
        return 0
    packet = step.func.overloadpacket if isinstance(step.func, OpOverload) else None
    if packet in _PRODUCTS:
        others = largest([node for node in step.inputs() if node not in sources])
        made = (
            costs.rows * largest(arrived),
            max(0.0, costs.results - parts) * largest(sources),
            costs.weights * others,
        )
        vast = share_of(max(others, largest(arrived), largest(sources)))
        return graph.widened(step) * share_of(graph.widened(step)) + max(made) * vast
    both = largest([*sources, *arrived])
    by_number = packet is aten.div and not isinstance(step.args[1], Node)
    derivative = 0 if by_number or packet in _PLAIN else _DERIVATIVES
    return max(derivative, min(1, derivative) + max(0.0, costs.scale - parts)) * both


def _computed_again(tape: Tape) -> dict[int, tuple[int, int]]:
    """Bytes of products, and of the largest tensor, of each operator's segment; none where all is kept."""
    segments = tape.segments
    bounds = [0, *segments.cuts, len(tape.ops)]
    found: dict[int, tuple[int, int]] = {}
    for start, stop in pairwise(bounds) if segments.cuts else ():
        kept = most = 0
        for op in tape.ops[start:stop]:
            sizes = [
                node.shape.numel() * node.dtype.itemsize
                for node in op.outputs
                if node is not None and segments.is_free(node) and not op.func.is_view
            ]
            most = max([most, *sizes])
            kept += sum(sizes) if is_product(op.func) else 0
        found.update(dict.fromkeys(range(start, stop), (kept, most)))
    return found


def _derivatives(op: Op, graph: GradientGraph, size: Callable[[Node], int]) -> int:
    """Bytes of one operator's derivatives. Parameters serve as they are, or are widened."""
    packet = op.func.overloadpacket if isinstance(op.func, OpOverload) else None
    if op.func.is_view or packet in _NUMBERS:
        return 0
    on_path = [size(node) for node in op.inputs() if node in graph.nodes]
    if packet in _PRODUCTS:
        return sum(on_path) if len(on_path) > 1 else 0
    return _KEPT * max(on_path, default=0)


def _mb(count: int) -> str:
    return f"{count / 1e6:,.1f} MB"
