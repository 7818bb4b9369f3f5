"""`path_lengths`: the mass of the paths by how many attentions, MLPs or skips they take."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from semiring_widgets.checks import choice
from semiring_widgets.core.anatomy import find_anatomy, hop_edges
from semiring_widgets.core.backprop import Result
from semiring_widgets.core.graph import told_cut
from semiring_widgets.core.memory import fit
from semiring_widgets.core.paths.finding import graph_of
from semiring_widgets.core.precision import in_full_precision
from semiring_widgets.core.restriction import Restriction
from semiring_widgets.core.semirings import Hops
from semiring_widgets.core.sweeps import INPUTS_ONLY, sweep_backward, zeros
from semiring_widgets.core.tape import Tape
from semiring_widgets.errors import InputError

__all__ = ["path_lengths"]

_KINDS = ("attention", "mlp", "skip")


@in_full_precision
def path_lengths(
    tape: Tape,
    score: Tensor,
    wrt: Tensor | Sequence[Tensor],
    of: str = "attention",
    *,
    max_memory: int | None = None,
) -> list[Result]:
    """How long the paths are, in hops.

    Args:
        tape: the finished tape.
        score: a single number, shape () or (1,).
        wrt: a tensor used inside the recording, or a list of them.
        of: what is counted: ``"attention"`` (layers whose attention the path takes), ``"mlp"``, or
            ``"skip"`` (skip connections, of attention and MLP).
        max_memory: bytes that this may take beside the tape; None for no limit.

    Returns:
        One `Result` per tensor, with ``log_masses`` (log mass by number of hops, in a last dimension),
        ``log_mass`` and ``length``, the mean number of hops under p(path) ~ |weight|.

    Raises:
        InputError: an unknown kind, or a model in which no residual stream was found.
        MemoryLimitError: it would take more than ``max_memory``.
        TapeError, UnsupportedOpError, NonFiniteError: as `backprop`.
    """
    of = choice(of, "of", _KINDS)
    graph = graph_of(tape, score, wrt)
    marked, places = hop_edges(graph, find_anatomy(graph), of)
    if not places:
        raise InputError(
            f"{told_cut(graph)}No residual stream was found between these inputs and the score, so no hops."
        )
    hops = Hops(places)
    fit(graph, max_memory, "path_lengths", sweeps=[hops])
    values = sweep_backward(graph, hops, INPUTS_ONLY, Restriction(marked=dict.fromkeys(marked)))
    return [
        Result(hops, values.get(node) or zeros(graph, hops, node), tape.granularity, "unit", node.dtype)
        for node in graph.wrt
    ]
