"""`top_paths` and `sample_paths`: single paths of a graph, ranked or drawn at random."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from semiring_widgets.checks import seed_number, whole_number
from semiring_widgets.core.anatomy import find_anatomy
from semiring_widgets.core.graph import GradientGraph, check_uncut, find_nodes
from semiring_widgets.core.memory import fit
from semiring_widgets.core.paths.path import Path
from semiring_widgets.core.paths.searching import Stage, best_first, start_of
from semiring_widgets.core.paths.walking import Hop, Start, walk_on, walks_size
from semiring_widgets.core.precision import in_full_precision
from semiring_widgets.core.semirings import Abs, Max
from semiring_widgets.core.sweeps import INPUTS_ONLY, sweep_backward
from semiring_widgets.core.tape import Tape
from semiring_widgets.errors import InputError

__all__ = ["described", "drawn", "graph_of", "ranked", "sample_paths", "top_paths"]

_NONE = float("-inf")


@in_full_precision
def top_paths(
    tape: Tape,
    score: Tensor,
    wrt: Tensor | Sequence[Tensor],
    k: int = 5,
    *,
    max_memory: int | None = None,
) -> list[Path]:
    """The k paths of highest |weight|, best first, over all elements of the inputs.

    Equal weights come in any fixed order; paths of weight 0 are no paths.

    Args:
        tape: the finished tape.
        score: a single number, shape () or (1,).
        wrt: a tensor used inside the recording, or a list of them.
        k: how many; fewer are returned where there are fewer.
        max_memory: bytes that this may take beside the tape; None for no limit.

    Returns:
        List of `Path`.

    Raises:
        InputError: k is not positive, or the score has several numbers.
        MemoryLimitError: it would take more than ``max_memory``.
        TapeError, UnsupportedOpError, NonFiniteError: as `backprop`.
    """
    k = whole_number(k, "k")
    graph = graph_of(tape, score, wrt)
    check_uncut(graph)
    fit(graph, max_memory, "top_paths", sweeps=[Max(), Abs()], kept=[(Max(), graph.nodes)])
    values = {node: value[0] for node, value in sweep_backward(graph, Max()).items()}
    found = list(best_first(graph, [Stage(values)], k))
    return ranked(described(graph, found))


@in_full_precision
def sample_paths(
    tape: Tape,
    score: Tensor,
    wrt: Tensor | Sequence[Tensor],
    n: int = 1000,
    seed: int = 0,
    *,
    max_memory: int | None = None,
) -> list[Path]:
    """N independent paths drawn from p(path) ~ |weight|, by ancestral sampling with the cotangents.

    Args:
        tape: the finished tape.
        score: a single number, shape () or (1,).
        wrt: a tensor used inside the recording, or a list of them.
        n: how many.
        seed: of the random numbers; the global generator is left alone.
        max_memory: bytes that this may take beside the tape; None for no limit.

    Returns:
        List of n `Path`, empty where no path has a weight other than 0.

    Raises:
        InputError: n is not positive, or the score has several numbers.
        MemoryLimitError: it would take more than ``max_memory``.
        TapeError, UnsupportedOpError, NonFiniteError: as `backprop`.
    """
    n, seed = whole_number(n, "n"), seed_number(seed)
    graph = graph_of(tape, score, wrt)
    check_uncut(graph)
    walks = walks_size(graph, n)
    fit(graph, max_memory, "sample_paths", sweeps=[Abs()], kept=[(Abs(), graph.nodes)], beside=walks)
    return described(graph, *drawn(graph, n, seed))


def drawn(graph: GradientGraph, n: int, seed: int) -> tuple[list[tuple[Start, list[Hop]]], float]:
    """N random paths as start and hops, and the log mass of all paths; none where that is -inf."""
    values = {node: value[0] for node, value in sweep_backward(graph, Abs()).items()}
    noise = torch.Generator().manual_seed(seed)
    inputs = [node for node in graph.wrt if node in values]
    mass = torch.cat([values[node].reshape(-1).double().cpu() for node in inputs] or [torch.zeros(0)])
    if not len(mass) or float(mass.amax()) == _NONE:
        return [], _NONE
    places = torch.multinomial((mass - mass.amax()).exp(), n, replacement=True, generator=noise)
    starts = [start_of(inputs, int(flat)) for flat in places]
    hops = walk_on(graph, values, starts, noise=noise)
    return list(zip(starts, hops, strict=True)), float(torch.logsumexp(mass, 0))


def graph_of(tape: Tape, score: Tensor, wrt: Tensor | Sequence[Tensor]) -> GradientGraph:
    """The graph of a score that is one number."""
    node, starts = find_nodes(tape, score, wrt)
    if node.shape.numel() != 1:
        raise InputError(
            f"score has shape {list(score.shape)}, one number per example; single paths are found for one "
            f"example at a time: compute score[i] inside the recording and pass that."
        )
    return GradientGraph(tape, node, starts)


def ranked(paths: Sequence[Path]) -> list[Path]:
    """Best first by the weights as multiplied out: those of a search in float32 are rounded otherwise."""
    return sorted(paths, key=lambda path: -path.log_weight)


def described(
    graph: GradientGraph, found: Sequence[tuple[Start, list[Hop]]], log_mass: float | None = None
) -> list[Path]:
    """Paths with their places in the model and their probability; without a mass, among all paths."""
    if not found:
        return []
    if log_mass is None:
        masses = sweep_backward(graph, Abs(), INPUTS_ONLY)
        log_mass = float(
            torch.logsumexp(
                torch.cat([masses[n][0].reshape(-1).double() for n in graph.wrt if n in masses]), 0
            )
        )
    anatomy = find_anatomy(graph)
    return [Path(hops, graph.wrt, start, log_mass, anatomy) for start, hops in found]
