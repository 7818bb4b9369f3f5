"""Whether an explanation fits into memory, found out before its sweeps begin.

The recording is there by then, or its sizes are: what every sweep over it takes is known from these. Where
they come nowhere near to what is free, nothing is planned. Else the tape lets go of what it can compute
again, sweeps keep few derivatives, and where even that is too much, the question is refused.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from math import inf

import torch
from torch import nn

from semiring_widgets.core.graph import GradientGraph
from semiring_widgets.core.memory import fit, planned
from semiring_widgets.core.paths import MEASURED
from semiring_widgets.core.replay.batching import room_on
from semiring_widgets.core.semirings import Max, Semiring, Sum
from semiring_widgets.core.tape import Node
from semiring_widgets.core.tape.free_memory import free_memory
from semiring_widgets.errors import MemoryLimitError
from semiring_widgets.explanation.flow_cells import FLOW
from semiring_widgets.explanation.token_numbers import SUMS

__all__ = ["SHARE", "Kept", "check_brought", "fitted", "size_of", "sweeps_of"]

Kept = Sequence[tuple[Semiring, Collection[Node]]]
# Of what is free: some is left to others, and to what is no tensor.
SHARE = 0.9
# More than an explanation takes for each number that is on a path, in numbers, and besides.
_AT_MOST = 40
_BESIDES = 1 << 30
_LIMITED = (
    "max_memory leaves for it. Give a shorter text, explain fewer layers by sw.record and sw.backprop, or "
    "raise max_memory."
)
_FREE = (
    "are free on {}. Give a shorter text, ask for one number at a time by sw.record and sw.backprop, or move "
    "the model to a device with more memory; max_memory= says what may be taken in its place."
)


def check_brought(model: nn.Module, max_memory: int | None) -> None:
    """Whether the weights that accelerate brings for each call fit, as a recording holds all of them.

    Derivatives are made of them, and a tape has no way to have them brought again.

    Args:
        model: any; of one whose weights are all there, nothing is asked.
        max_memory: bytes beside the model; None for as many as are free.

    Raises:
        MemoryLimitError: they do not fit; says how many bytes they are.
    """
    held = (*model.parameters(), *model.buffers())
    brought = sum(weight.nbytes for weight in held if weight.is_meta)
    if not brought:
        return
    device = next((weight.device for weight in held if not weight.is_meta), torch.device("cpu"))
    room = free_memory(device) if max_memory is None else max_memory
    if brought > room:
        said = f"are free on {device}" if max_memory is None else "max_memory leaves"
        half = sum(
            weight.numel() * (2 if weight.is_floating_point() else weight.itemsize)
            for weight in held
            if weight.is_meta
        )
        less = f"with dtype=torch.bfloat16, of which {half / 1e6:,.1f} MB are brought, or "
        raise MemoryLimitError(
            f"explain holds all weights that accelerate brings for a call, {brought / 1e6:,.1f} MB, and "
            f"{room / 1e6:,.1f} MB {said}. Load the model {less if half < brought else ''}with a device_map "
            f"of devices that hold all of it."
        )


def fitted(
    graph: GradientGraph, max_memory: int | None, sweeps: Sequence[Semiring], kept: Kept
) -> tuple[int | None, int | None]:
    """Plan an explanation: what its sweeps may take beside the tape, and what is left of that.

    Args:
        graph: of the question; its tape and its ``room`` are made smaller where that is needed.
        max_memory: bytes beside the model; None for as many as are free.
        sweeps: the semirings of its sweeps.
        kept: whose values stay: semirings, each with its nodes.

    Returns:
        Bytes; None where there is plenty.

    Raises:
        MemoryLimitError: even the least does not fit; says how much is needed and what to do.
    """
    tape = graph.tape
    if max_memory is None and _is_small(graph):
        return None, None
    advice = _LIMITED if max_memory is not None else _FREE.format(graph.device)

    def planned_now() -> tuple[int, int | None]:
        if max_memory is not None:
            limit = max_memory - tape.nbytes
        else:
            limit = int(SHARE * free_memory(graph.device))
        return limit, fit(graph, limit, "explain", sweeps=sweeps, kept=kept, advice=advice)

    try:
        return planned_now()
    except MemoryLimitError:
        tape.shrink()  # the recording may have taken all there was
        return planned_now()


def sweeps_of(
    graph: GradientGraph, parts: Collection[Node], also: Sequence[Semiring] = ()
) -> tuple[Sequence[Semiring], Kept]:
    """The semirings of an explanation's sweeps, and whose values stay.

    Args:
        graph: of the question.
        parts: nodes of the anatomy.
        also: semirings that were asked for besides.
    """
    nodes = {*parts, *graph.wrt}
    kept = [(SUMS, nodes), (Max(), graph.nodes), (FLOW, nodes), *((s, nodes) for s in (*also, *also))]
    return [SUMS, Max(), FLOW, MEASURED, *also], kept


def size_of(graph: GradientGraph, sweeps: Sequence[Semiring], kept: Kept, tests: int, again: int = 0) -> int:
    """Bytes that an explanation takes beside the model where there is plenty, its tape included.

    Args:
        graph: as for `fitted`, like the others.
        sweeps: see there.
        kept: see there.
        tests: how many parts are tested.
        again: bytes of a second recording, of what is told piece by piece when all else is there.
    """
    room = graph.room
    try:
        beside = sum(planned(graph, inf, sweeps=sweeps, kept=kept))
        if again:
            beside = max(beside, again + sum(planned(graph, inf, sweeps=[Sum()], kept=kept)))
    finally:
        graph.room = room
    return graph.tape.nbytes + max(beside, _tested(graph, tests))


def _tested(graph: GradientGraph, tests: int) -> int:
    """Bytes that tests take, as many of them as are run at a time."""
    last = {node: op for op in graph.ops for node in op.inputs()}
    alive: dict[Node, int] = {}
    largest = peak = 0
    for op in graph.ops:
        for out in op.outputs:
            # Of what is only looked into, as the logits, no more is computed than that.
            if out is None or op.func.is_view or all(o.func.is_view for o in graph.consumers(out)):
                continue
            alive[out] = out.shape.numel() * out.dtype.itemsize
            largest = max(largest, alive[out])
        peak = max(peak, sum(alive.values()))
        for node in op.inputs():
            if last[node] is op:
                alive.pop(node, None)
    return peak * max(1, min(tests, room_on(graph.device) // max(1, largest)))


def _is_small(graph: GradientGraph) -> bool:
    """Whether it is sure to fit, so that nobody has to look closer."""
    if graph.tape.segments.cuts:
        return False
    numbers = sum([node.shape.numel() for node in graph.nodes])
    return _AT_MOST * graph.dtype.itemsize * numbers + _BESIDES < free_memory(graph.device) // 2
