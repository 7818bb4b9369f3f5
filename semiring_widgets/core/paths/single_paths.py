"""Single paths of a set: drawn at random, put in order, described."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from semiring_widgets.core.anatomy import Anatomy
from semiring_widgets.core.graph import GradientGraph, find_nodes
from semiring_widgets.core.paths.path import Path
from semiring_widgets.core.paths.walks import Guide, Hop, Start, start_of, walk
from semiring_widgets.core.tape import Node, Tape
from semiring_widgets.core.weighed_graph import Reference, Rules, weighed_graph
from semiring_widgets.errors import InputError

__all__ = ["described", "drawn", "graph_of", "ranked"]

_NONE = float("-inf")


def drawn(guide: Guide, n: int, seed: int) -> tuple[list[tuple[Start, list[Hop]]], float]:
    """N random paths as start and hops, and the log mass of all paths; none where that is -inf.

    Args:
        guide: to the paths, in `Abs`.
        n: how many.
        seed: of the random numbers.
    """
    noise = torch.Generator().manual_seed(seed)
    inputs = list(guide.inputs)
    mass = torch.cat([guide.inputs[node].reshape(-1).double().cpu() for node in inputs] or [torch.zeros(0)])
    if not len(mass) or float(mass.amax()) == _NONE:
        return [], _NONE
    places = torch.multinomial((mass - mass.amax()).exp(), n, replacement=True, generator=noise)
    starts = [start_of(inputs, int(flat)) for flat in places]
    return list(zip(starts, walk(guide, starts, noise), strict=True)), float(torch.logsumexp(mass, 0))


def graph_of(
    tape: Tape,
    score: Tensor,
    wrt: Tensor | Sequence[Tensor],
    rules: Rules = None,
    reference: Reference | None = None,
    *,
    batched: bool = False,
) -> GradientGraph:
    """The graph of a score that is one number, or, where it is ``batched``, maybe one an example."""
    node, starts = find_nodes(tape, score, wrt)
    if node.shape.numel() != 1 and not batched:
        raise InputError(
            f"score has shape {list(score.shape)}, one number per example; single paths are found for one "
            f"example at a time: compute score[i] inside the recording and pass that."
        )
    return weighed_graph(tape, node, starts, rules, reference)


def ranked(paths: Sequence[Path]) -> list[Path]:
    """Best first by the weights as multiplied out: those of a search in float32 are rounded otherwise."""
    return sorted(paths, key=lambda path: -path.log_weight)


def described(
    anatomy: Anatomy, wrt: Sequence[Node], found: Sequence[tuple[Start, list[Hop]]], log_mass: float
) -> list[Path]:
    """Paths with their places in the model and their probability among paths of this mass."""
    return [Path(hops, wrt, start, log_mass, anatomy) for start, hops in found]
