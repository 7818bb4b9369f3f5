"""What is asked of a recorded score in one call: each of these makes the set of paths, and asks it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from torch import Tensor

from semiring_widgets.checks import memory_limit, truth
from semiring_widgets.core.anatomy import Parts
from semiring_widgets.core.graph import check_uncut
from semiring_widgets.core.paths.path import Path
from semiring_widgets.core.paths.path_sets import Paths
from semiring_widgets.core.paths.route import Routes
from semiring_widgets.core.paths.shared_sweeps import Ground, ground_of
from semiring_widgets.core.paths.single_paths import graph_of
from semiring_widgets.core.precision import in_full_precision
from semiring_widgets.core.result import Result
from semiring_widgets.core.tape import Tape
from semiring_widgets.core.weighed_graph import Reference, Rules

__all__ = ["path_lengths", "paths", "sample_paths", "select_paths", "top_paths", "top_routes"]


@in_full_precision
def paths(
    tape: Tape,
    score: Tensor,
    wrt: Tensor | Sequence[Tensor],
    *,
    rules: Rules = None,
    reference: Reference | None = None,
    max_memory: int | None = None,
) -> Paths:
    """All paths from some inputs to a recorded score, to be narrowed and asked.

    The weight of a path is the product of the local derivatives along it. Sets of one tape, score and ``wrt``
    share what they computed, for as long as one of them is held: after the first question, the mass through
    a part is alpha times beta there, without a sweep.

    >>> import torch, semiring_widgets as sw
    >>> x = torch.tensor([1.0, 2.0])
    >>> with sw.record() as tape:
    ...     score = (x * x + 3 * x).sum()
    >>> whole = sw.paths(tape, score, x)
    >>> whole.backprop("sum").value  # both ways together, as autograd
    tensor([5., 7.])
    >>> whole.total("count").count.exp()
    tensor(4.)
    >>> [round(path.weight, 4) for path in whole.best(4)]
    [4.0, 3.0, 3.0, 2.0]

    Args:
        tape: the finished tape.
        score: a single number, shape () or (1,).
        wrt: a tensor used inside the recording, or a list of them.
        rules: which number an edge carries, as in `semiring_widgets.backprop`; None for the tape's.
        reference: for rules that compare with one; None for the tape's.
        max_memory: bytes that each question may take beside the tape; None for no limit. With one, nothing is
            kept from one question to the next.

    Returns:
        `Paths`. Making it costs no sweep.

    Raises:
        InputError: the score has several numbers.
        TapeError: as `semiring_widgets.backprop`.
    """
    found = _shared(tape, score, wrt, rules, reference, max_memory)
    check_uncut(found.graph)
    return found


def select_paths(
    tape: Tape,
    score: Tensor,
    wrt: Tensor | Sequence[Tensor],
    through: Parts = (),
    avoiding: Parts = (),
    *,
    leaving_skip: bool = False,
    rules: Rules = None,
    reference: Reference | None = None,
    max_memory: int | None = None,
) -> Paths:
    """All paths that pass every part of ``through`` and no part of ``avoiding``.

    The same as ``sw.paths(tape, score, wrt).through(...).avoiding(...)``; what a part is says
    `Paths.through`.

    Args:
        tape: the finished tape.
        score: a single number, shape () or (1,).
        wrt: a tensor used inside the recording, or a list of them.
        through: parts that every path must pass.
        avoiding: parts that no path may pass.
        leaving_skip: only paths that go through some attention or feed-forward part, at least once.
        rules: which number an edge carries, as in `semiring_widgets.backprop`; None for the tape's.
        reference: for rules that compare with one; None for the tape's.
        max_memory: bytes that each question about the set may take beside the tape; None for no limit. With
            one, nothing is kept from one question to the next.

    Returns:
        `Paths`; empty (log mass -inf) where no path is like that. Its ``backprop`` and ``lengths`` give
        lists, even where ``wrt`` is one tensor.

    Raises:
        InputError: the model has no such part (for ``leaving_skip``: no residual stream was found), or the
            score has several numbers.
        MemoryLimitError: when the set is asked: it would take more than ``max_memory``.
        TapeError, UnsupportedOpError, NonFiniteError: as `backprop`.

    Example:
        >>> x = torch.tensor([[2.0], [3.0]])  # two tokens of one unit
        >>> with sw.record() as tape:
        ...     score = x[0, 0] * x[1, 0] - x[0, 0]
        >>> around = sw.select_paths(tape, score, x, avoiding={"token": 0})
        >>> (result,) = around.backprop()
        >>> result.value.tolist()
        [[0.0], [2.0]]
    """
    few = narrowed(_shared(tape, score, wrt, rules, reference, max_memory), through, avoiding, leaving_skip)
    return replace(few, listed=True, asked_by="select_paths")


@in_full_precision
def top_paths(
    tape: Tape,
    score: Tensor,
    wrt: Tensor | Sequence[Tensor],
    k: int = 5,
    *,
    through: Parts = (),
    avoiding: Parts = (),
    leaving_skip: bool = False,
    rules: Rules = None,
    reference: Reference | None = None,
    max_memory: int | None = None,
) -> list[Path]:
    """The k paths of highest |weight|, best first, over all elements of the inputs.

    Equal weights come in any fixed order; paths of weight 0 are no paths.

    Args:
        tape: the finished tape.
        score: a single number, shape () or (1,).
        wrt: a tensor used inside the recording, or a list of them.
        k: how many; fewer are returned where there are fewer.
        through: only paths through all of these parts, as `Paths.through`; probabilities are among these.
        avoiding: only paths that touch none of these parts.
        leaving_skip: only paths that go through some attention or feed-forward part.
        rules: which number an edge carries, as in `semiring_widgets.backprop`; None for the tape's.
        reference: for rules that compare with one; None for the tape's.
        max_memory: bytes that this may take beside the tape; None for no limit.

    Returns:
        List of `Path`.

    Raises:
        InputError: k is not positive, there is no such part, or the score has several numbers.
        MemoryLimitError: it would take more than ``max_memory``.
        TapeError, UnsupportedOpError, NonFiniteError: as `backprop`.

    Example:
        >>> x = torch.tensor([2.0, 3.0])
        >>> with sw.record() as tape:  # two ways from x[0], of weight 3 and -1; one from x[1], of weight 2
        ...     score = x[0] * x[1] - x[0]
        >>> [(path.start, round(path.weight, 4)) for path in sw.top_paths(tape, score, x, k=2)]
        [((0,), 3.0), ((1,), 2.0)]
    """
    whole = _everything(tape, score, wrt, "top_paths", max_memory, rules, reference)
    return narrowed(whole, through, avoiding, leaving_skip).best(k)


@in_full_precision
def sample_paths(
    tape: Tape,
    score: Tensor,
    wrt: Tensor | Sequence[Tensor],
    n: int = 1000,
    seed: int = 0,
    *,
    through: Parts = (),
    avoiding: Parts = (),
    leaving_skip: bool = False,
    rules: Rules = None,
    reference: Reference | None = None,
    max_memory: int | None = None,
) -> list[Path]:
    """N independent paths drawn from p(path) ~ |weight|, by ancestral sampling with the cotangents.

    Args:
        tape: the finished tape.
        score: a single number, shape () or (1,).
        wrt: a tensor used inside the recording, or a list of them.
        n: how many.
        seed: of the random numbers; the global generator is left alone.
        through: only paths through all of these parts, as `Paths.through`; probabilities are among these.
        avoiding: only paths that touch none of these parts.
        leaving_skip: only paths that go through some attention or feed-forward part.
        rules: which number an edge carries, as in `semiring_widgets.backprop`; None for the tape's.
        reference: for rules that compare with one; None for the tape's.
        max_memory: bytes that this may take beside the tape; None for no limit.

    Returns:
        List of n `Path`, empty where no path has a weight other than 0.

    Raises:
        InputError: n is not positive, there is no such part, or the score has several numbers.
        MemoryLimitError: it would take more than ``max_memory``.
        TapeError, UnsupportedOpError, NonFiniteError: as `backprop`.

    Example:
        >>> x = torch.tensor([2.0, 3.0])
        >>> with sw.record() as tape:  # two ways from x[0], of weight 3 and -1; one from x[1], of weight 2
        ...     score = x[0] * x[1] - x[0]
        >>> drawn = sw.sample_paths(tape, score, x, n=3, seed=0)
        >>> len(drawn), {round(path.weight, 4) for path in drawn} <= {3.0, 2.0, -1.0}
        (3, True)
    """
    whole = _everything(tape, score, wrt, "sample_paths", max_memory, rules, reference)
    return narrowed(whole, through, avoiding, leaving_skip).sample(n, seed)


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
    through: Parts = (),
    avoiding: Parts = (),
    leaving_skip: bool = False,
    rules: Rules = None,
    reference: Reference | None = None,
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
        through: only paths through all of these parts, as `Paths.through`; every number is that of the paths
            of a route which are like that.
        avoiding: only paths that touch none of these parts.
        leaving_skip: only paths that go through some attention or feed-forward part.
        rules: which number an edge carries, as in `semiring_widgets.backprop`; None for the tape's.
        reference: for rules that compare with one; None for the tape's.
        max_memory: bytes that this may take beside the tape; None for no limit. With less, fewer partial
            routes are followed at a time.

    Returns:
        `Routes`, a sequence of `Route`.

    Raises:
        InputError: an unknown ranking, a direction of another shape, no such part, or a graph without
            attention.
        MemoryLimitError: it would take more than ``max_memory``.
        TapeError, UnsupportedOpError, NonFiniteError: as `backprop`.

    Example:
        >>> words = tokenizer("The keys [MASK] here.", return_tensors="pt").input_ids
        >>> x = model.get_input_embeddings()(words).detach()
        >>> with sw.record() as tape:
        ...     score = model(inputs_embeds=x).logits[0, 3, 7]
        >>> first = sw.top_routes(tape, score, x, k=1)[0]
        >>> first.token, {leg.branch for leg in first.legs} == {"skip", "mlp_skip"}
        (3, True)
    """
    whole = _everything(tape, score, wrt, "top_routes", max_memory, rules, reference, cut=True)
    few = narrowed(whole, through, avoiding, leaving_skip)
    return few.routes(by, k, direction=direction, width=width, samples=samples, seed=seed)


@in_full_precision
def path_lengths(
    tape: Tape,
    score: Tensor,
    wrt: Tensor | Sequence[Tensor],
    of: str = "attention",
    *,
    through: Parts = (),
    avoiding: Parts = (),
    leaving_skip: bool = False,
    rules: Rules = None,
    reference: Reference | None = None,
    max_memory: int | None = None,
) -> list[Result]:
    """How long the paths are, in hops.

    Args:
        tape: the finished tape.
        score: a single number, shape () or (1,).
        wrt: a tensor used inside the recording, or a list of them.
        of: what is counted: ``"attention"`` (layers whose attention the path takes), ``"mlp"``, or
            ``"skip"`` (skip connections, of attention and MLP).
        through: only paths through all of these parts, as `Paths.through`.
        avoiding: only paths that touch none of these parts.
        leaving_skip: only paths that go through some attention or feed-forward part.
        rules: which number an edge carries, as in `semiring_widgets.backprop`; None for the tape's.
        reference: for rules that compare with one; None for the tape's.
        max_memory: bytes that this may take beside the tape; None for no limit.

    Returns:
        One `Result` per tensor, with ``log_masses`` (log mass by number of hops, in a last dimension),
        ``log_mass`` and ``length``, the mean number of hops under p(path) ~ |weight|.

    Raises:
        InputError: an unknown kind, no such part, or a model in which no residual stream was found.
        MemoryLimitError: it would take more than ``max_memory``.
        TapeError, UnsupportedOpError, NonFiniteError: as `backprop`.

    Example:
        >>> words = tokenizer("The keys [MASK] here.", return_tensors="pt").input_ids
        >>> x = model.get_input_embeddings()(words).detach()
        >>> with sw.record() as tape:
        ...     score = model(inputs_embeds=x).logits[0, 3, 7]
        >>> (hops,) = sw.path_lengths(tape, score, x)
        >>> round(float(hops.length.mean()), 2)  # of four attentions
        3.98
    """
    whole = _everything(tape, score, wrt, "path_lengths", max_memory, rules, reference, cut=True)
    few = narrowed(whole, through, avoiding, leaving_skip)
    found = few.lengths(of)
    return found if isinstance(found, list) else [found]


def narrowed(whole: Paths, through: Parts, avoiding: Parts, leaving_skip: bool) -> Paths:
    """Those that pass some parts, avoid others, and leave the skip connections."""
    found = whole.through(through).avoiding(avoiding)
    return found.leaving_skip() if truth(leaving_skip, "leaving_skip") else found


def _shared(
    tape: Tape,
    score: Tensor,
    wrt: Tensor | Sequence[Tensor],
    rules: Rules,
    reference: Reference | None,
    max_memory: int | None,
) -> Paths:
    """All paths; without a limit, what is computed is kept for others of the same score."""
    limit = memory_limit(max_memory)
    if limit is None:
        ground = ground_of(tape, score, wrt, rules, reference)
    else:
        ground = Ground(graph_of(tape, score, wrt, rules, reference), keeps=False)
    return Paths(ground, listed=not isinstance(wrt, Tensor), limit=limit)


def _everything(
    tape: Tape,
    score: Tensor,
    wrt: Tensor | Sequence[Tensor],
    asked_by: str,
    max_memory: int | None,
    rules: Rules,
    reference: Reference | None,
    *,
    cut: bool = False,
) -> Paths:
    """All paths, for one question: nothing is kept for others."""
    graph = graph_of(tape, score, wrt, rules, reference)
    if not cut:
        check_uncut(graph)
    return Paths(Ground(graph, keeps=False), not isinstance(wrt, Tensor), memory_limit(max_memory), asked_by)
