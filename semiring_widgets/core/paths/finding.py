"""`top_paths` and `sample_paths`: single paths of a graph, ranked or drawn at random."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import count

import torch
from torch import Tensor

from semiring_widgets.core.anatomy import find_anatomy
from semiring_widgets.core.graph import GradientGraph, find_nodes
from semiring_widgets.core.jacobian import Edge
from semiring_widgets.core.paths.path import Path
from semiring_widgets.core.paths.walking import Hop, Start, onward, walk_on
from semiring_widgets.core.semirings import Abs, Max
from semiring_widgets.core.sweeps import sweep_backward
from semiring_widgets.core.tape import Node, Tape
from semiring_widgets.errors import InputError

__all__ = ["best_first", "sample_paths", "top_paths"]

_NONE = float("-inf")


def top_paths(tape: Tape, score: Tensor, wrt: Tensor | Sequence[Tensor], k: int = 5) -> list[Path]:
    """The k paths of highest |weight|, best first, over all elements of the inputs.

    Best-first search in which the cotangents of one max sweep are the exact heuristic: no path is looked
    at that is not among the answers. Equal weights come in any fixed order; paths of weight 0 are no paths.

    Args:
        tape: the finished tape.
        score: a single number, shape () or (1,).
        wrt: a tensor used inside the recording, or a list of them.
        k: how many; fewer are returned where there are fewer.

    Returns:
        List of `Path`.

    Raises:
        InputError: k is not positive, or the score has several numbers.
        TapeError, UnsupportedOpError, NonFiniteError: as `backprop`.
    """
    if k < 1:
        raise InputError(f"k is {k}; ask for at least one path.")
    graph = _graph(tape, score, wrt)
    values = {node: value[0] for node, value in sweep_backward(graph, Max()).items()}
    found = list(best_first(graph, values, k))
    return _paths(graph, found)


def sample_paths(
    tape: Tape, score: Tensor, wrt: Tensor | Sequence[Tensor], n: int = 1000, seed: int = 0
) -> list[Path]:
    """N independent paths drawn from p(path) ~ |weight|, by ancestral sampling with the cotangents.

    Args:
        tape: the finished tape.
        score: a single number, shape () or (1,).
        wrt: a tensor used inside the recording, or a list of them.
        n: how many.
        seed: of the random numbers; the global generator is left alone.

    Returns:
        List of n `Path`, empty where no path has a weight other than 0.

    Raises:
        InputError: n is not positive, or the score has several numbers.
        TapeError, UnsupportedOpError, NonFiniteError: as `backprop`.
    """
    if n < 1:
        raise InputError(f"n is {n}; ask for at least one path.")
    graph = _graph(tape, score, wrt)
    values = {node: value[0] for node, value in sweep_backward(graph, Abs()).items()}
    noise = torch.Generator().manual_seed(seed)
    inputs = [node for node in graph.wrt if node in values]
    mass = torch.cat([values[node].reshape(-1).double().cpu() for node in inputs] or [torch.zeros(0)])
    if not len(mass) or float(mass.amax()) == _NONE:
        return []
    drawn = torch.multinomial((mass - mass.amax()).exp(), n, replacement=True, generator=noise)
    starts = [_start(inputs, int(flat)) for flat in drawn]
    hops = walk_on(graph, values, starts, noise=noise)
    return _paths(graph, list(zip(starts, hops, strict=True)), float(torch.logsumexp(mass, 0)))


def best_first(
    graph: GradientGraph,
    log_values: Mapping[Node, Tensor],
    k: int,
    without: Collection[Edge] = frozenset(),
) -> Iterator[tuple[Start, list[Hop]]]:
    """The k best paths, lazily.

    Every heap entry is a prefix, followed by its r-th best way on and from there by best ways only. Taking
    an entry off completes one path and pushes, for every element on it, the next best way out.

    Args:
        graph: the graph.
        log_values: cotangents of a `Max` sweep at all nodes.
        k: how many at most.
        without: edges that may not be used.
    """
    ways: dict[Start, list[tuple[float, Edge, int, float]]] = {}

    def ways_of(at: Start) -> list[tuple[float, Edge, int, float]]:
        if at not in ways:
            ways[at] = _sorted_ways(graph, at, log_values, without, k)
        return ways[at]

    # The r-th best start is not yet on the heap until the one before it was taken.
    starts = _sorted_starts(graph, log_values, k)
    ticket = count()
    heap: list[tuple[float, int, int, Start | None, tuple[object, ...] | None, float, int]] = []
    if starts:
        heapq.heappush(heap, (-starts[0][0], next(ticket), 0, None, None, 0.0, 0))
    given = 0
    while heap and given < k:
        _, _, rank, at, prefix, so_far, _ = heapq.heappop(heap)
        if at is None:
            if rank + 1 < len(starts):
                heapq.heappush(heap, (-starts[rank + 1][0], next(ticket), rank + 1, None, None, 0.0, 0))
            at, prefix, rank = starts[rank][1], None, 0
            chain: tuple[object, ...] | None = (None, at)
        else:
            chain = prefix
        while at[0] is not graph.score:
            options = ways_of(at)
            if rank + 1 < len(options):
                bound = so_far + options[rank + 1][0]
                heapq.heappush(heap, (-bound, next(ticket), rank + 1, at, chain, so_far, 0))
            if rank >= len(options):
                break
            _, edge, reached, derivative = options[rank]
            chain = (chain, Hop(edge, at[1], reached, derivative))
            so_far += float(torch.tensor(abs(derivative), dtype=torch.float64).log())
            at, rank = (edge.target, reached), 0
        yield _unrolled(chain)
        given += 1


def _unrolled(chain: tuple[object, ...] | None) -> tuple[Start, list[Hop]]:
    hops: list[Hop] = []
    while chain is not None:
        rest, item = chain
        if isinstance(item, Hop):
            hops.append(item)
        else:
            start: Start = item  # type: ignore[assignment]
        chain = rest  # type: ignore[assignment]
    return start, hops[::-1]


def _sorted_ways(
    graph: GradientGraph, at: Start, log_values: Mapping[Node, Tensor], without: Collection[Edge], k: int
) -> list[tuple[float, Edge, int, float]]:
    choice = onward(graph, at[0], torch.tensor([at[1]], device=at[0].value.device), log_values, without)
    if choice is None:
        return []
    values, order = choice.values[0].topk(min(k, choice.values.shape[1]))
    columns = zip(
        values.tolist(),
        choice.which[order].tolist(),
        choice.elements[0, order].tolist(),
        choice.derivatives[0, order].tolist(),
        strict=True,
    )
    return [(value, choice.edges[w], e, d) for value, w, e, d in columns if value > _NONE]


def _sorted_starts(
    graph: GradientGraph, log_values: Mapping[Node, Tensor], k: int
) -> list[tuple[float, Start]]:
    inputs = [node for node in graph.wrt if node in log_values]
    if not inputs:
        return []
    values = torch.cat([log_values[node].reshape(-1).double() for node in inputs])
    top, order = values.topk(min(k, len(values)))
    return [
        (value, _start(inputs, flat))
        for value, flat in zip(top.tolist(), order.tolist(), strict=True)
        if value > _NONE
    ]


def _start(inputs: Sequence[Node], flat: int) -> Start:
    for node in inputs:
        size = node.value.numel()
        if flat < size:
            return node, flat
        flat -= size
    raise AssertionError("flat index beyond the inputs")


def _graph(tape: Tape, score: Tensor, wrt: Tensor | Sequence[Tensor]) -> GradientGraph:
    node, starts = find_nodes(tape, score, [wrt] if isinstance(wrt, Tensor) else list(wrt))
    if node.value.numel() != 1:
        raise InputError(
            f"score has shape {list(score.shape)}, one number per example; single paths are found for one "
            f"example at a time: compute score[i] inside the recording and pass that."
        )
    return GradientGraph(tape, node, starts)


def _paths(
    graph: GradientGraph, found: Sequence[tuple[Start, list[Hop]]], log_mass: float | None = None
) -> list[Path]:
    if not found:
        return []
    if log_mass is None:
        masses = sweep_backward(graph, Abs(), keep=())
        log_mass = float(
            torch.logsumexp(
                torch.cat([masses[n][0].reshape(-1).double() for n in graph.wrt if n in masses]), 0
            )
        )
    anatomy = find_anatomy(graph)
    return [Path(hops, graph.wrt, start, log_mass, anatomy) for start, hops in found]
