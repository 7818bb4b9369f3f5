"""`top_routes`: what paths look like at the level of people, ranked three ways and measured exactly."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from semiring_widgets.checks import choice, seed_number, whole_number
from semiring_widgets.core.anatomy import find_anatomy
from semiring_widgets.core.graph import told_cut
from semiring_widgets.core.memory import fit
from semiring_widgets.core.paths.directions import directions_of
from semiring_widgets.core.paths.finding import graph_of
from semiring_widgets.core.paths.ranking import MEASURED, RouteSearch
from semiring_widgets.core.paths.route import Routes
from semiring_widgets.core.paths.stations import Stations
from semiring_widgets.core.paths.walking import walks_size
from semiring_widgets.core.precision import in_full_precision
from semiring_widgets.core.semirings import Abs
from semiring_widgets.core.tape import Tape
from semiring_widgets.errors import InputError
from semiring_widgets.vocabulary import RANKINGS

__all__ = ["top_routes"]


@in_full_precision
def top_routes(
    tape: Tape,
    score: Tensor,
    wrt: Tensor | Sequence[Tensor],
    k: int = 10,
    by: str = "best",
    *,
    direction: Tensor | Sequence[Tensor] | None = None,
    width: int = 64,
    samples: int = 1000,
    seed: int = 0,
    max_memory: int | None = None,
) -> Routes:
    """The k first routes of a ranking; every number given of a route is exact.

    ``best`` ranks by the best path of each route, and is exact. ``mass`` ranks by the sum of |weight|, among
    the routes of sampled paths and those of a beam search. ``contribution`` ranks by the absolute value of
    the signed sum, found by beam search over batched cotangents. What the two last may have missed is stated.

    The contribution is ``sum over paths of weight * direction[start]``: with the input itself, the default,
    gradient times input through this route. ``torch.ones_like(x)`` gives the plain sum of the paths; it is 0
    on every route where a layer norm comes first, as a shift of all units changes nothing there.

    Args:
        tape: the finished tape.
        score: a single number, shape () or (1,).
        wrt: the token embeddings (..., tokens, units) used inside the recording, or a list of streams.
        k: how many; fewer are returned where there are fewer.
        by: ``"best"``, ``"mass"`` or ``"contribution"``.
        direction: shaped as ``wrt``; None for the inputs themselves.
        width: of the beam. Wider takes longer and misses less; ``best`` needs no more than k.
        samples: paths drawn for ``mass``.
        seed: of the random numbers.
        max_memory: bytes that this may take beside the tape; None for no limit. With less, fewer partial
            routes are followed at a time.

    Returns:
        `Routes`, a sequence of `Route`.

    Raises:
        InputError: an unknown ranking, a direction of another shape, or a graph without attention.
        MemoryLimitError: it would take more than ``max_memory``.
        TapeError, UnsupportedOpError, NonFiniteError: as `backprop`.
    """
    by = choice(by, "by", RANKINGS)
    k, width, samples = whole_number(k, "k"), whole_number(width, "width"), whole_number(samples, "samples")
    seed = seed_number(seed)
    graph = graph_of(tape, score, wrt)
    anatomy = find_anatomy(graph)
    if not anatomy.attentions:
        raise InputError(
            f"{told_cut(graph)}There is no attention between these inputs and the score, so paths have "
            "no routes to be told apart by. Use sw.top_paths or sw.sample_paths."
        )
    left = fit(
        graph,
        max_memory,
        "top_routes",
        sweeps=[MEASURED],
        kept=[(Abs(), graph.nodes)] if by == "mass" else (),
        beside=walks_size(graph, samples) if by == "mass" else 0,
    )
    search = RouteSearch(Stations(graph, anatomy), directions_of(graph, direction), memory=left)
    return search.ranked(by, k, width=width, samples=samples, seed=seed)
