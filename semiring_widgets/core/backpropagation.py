"""`backprop`: one backward sweep in a semiring."""

from __future__ import annotations

from collections.abc import Sequence
from typing import overload

from torch import Tensor

from semiring_widgets.checks import memory_limit
from semiring_widgets.core.anatomy import Parts
from semiring_widgets.core.graph import check_uncut, find_nodes
from semiring_widgets.core.paths import Ground, Paths, narrowed
from semiring_widgets.core.precision import in_full_precision
from semiring_widgets.core.result import Result
from semiring_widgets.core.semirings import Semiring, find_semiring
from semiring_widgets.core.tape import Tape
from semiring_widgets.core.weighed_graph import Reference, Rules, weighed_graph

__all__ = ["backprop"]


@overload
def backprop(
    tape: Tape,
    score: Tensor,
    wrt: Tensor,
    semiring: str | Semiring = ...,
    level: str = ...,
    *,
    through: Parts = ...,
    avoiding: Parts = ...,
    leaving_skip: bool = ...,
    rules: Rules = ...,
    reference: Reference | None = ...,
    max_memory: int | None = ...,
) -> Result: ...
@overload
def backprop(
    tape: Tape,
    score: Tensor,
    wrt: Sequence[Tensor],
    semiring: str | Semiring = ...,
    level: str = ...,
    *,
    through: Parts = ...,
    avoiding: Parts = ...,
    leaving_skip: bool = ...,
    rules: Rules = ...,
    reference: Reference | None = ...,
    max_memory: int | None = ...,
) -> list[Result]: ...
@in_full_precision
def backprop(
    tape: Tape,
    score: Tensor,
    wrt: Tensor | Sequence[Tensor],
    semiring: str | Semiring = "sum",
    level: str = "unit",
    *,
    through: Parts = (),
    avoiding: Parts = (),
    leaving_skip: bool = False,
    rules: Rules = None,
    reference: Reference | None = None,
    max_memory: int | None = None,
) -> Result | list[Result]:
    """Backpropagation in a semiring: one fact about all paths from each input element to the score.

    Where masses are so extreme that float32 would leave entropies few digits (1000 nats), it sweeps again in
    float64.

    Args:
        tape: the finished tape of the forward pass.
        score: what is explained, shape () or (B,) for one distribution of paths per example.
        wrt: a tensor used inside the recording, or a list of them. One that was written in place there means
            what it was before: its paths begin where the recording first met it.
        semiring: the name of one of `semiring_widgets.semirings`, such as ``"sum"``, ``"abs"``, ``"max"`` or
            ``"entropy"``; ``"fused"`` (these four in one sweep); or an object from there: ``KBest(8)``,
            ``Product(Sum(), Max())``, your own.
        level: for the maxima, ``"unit"`` (over scalar paths) or ``"branch"`` (Du et al., 2023).
        through: only paths through all of these parts, as `Paths.through`.
        avoiding: only paths that touch none of these parts.
        leaving_skip: only paths that go through some attention or feed-forward part.
        rules: which number an edge carries; None for the tape's. ``"gradient"``: its local derivative.
            ``"linear"``: softmax weights, norm denominators and f(x)/x are constants, so that slopes times
            inputs sum to the score up to biases. ``"secant"``: finite differences between the inputs and a
            reference, which sum to the difference of the scores, exactly. ``"lrp"``, ``"gim"``, or an object:
            see `semiring_widgets.rules`.
        reference: for rules that compare with one: other inputs, shaped as ``wrt``, or ``"zero"`` or
            ``"mean"`` (over the tokens); None for the tape's.
        max_memory: bytes that the sweep may take beside the tape; None for no limit. How many it will take
            says `semiring_widgets.estimate_memory`.

    Returns:
        A `Result`, or a list of them where ``wrt`` is a list. What the score does not depend on has no path:
        its sum is 0, where autograd gives None or raises.

    Raises:
        InputError: an unknown semiring, level or rule, or a score or reference of another shape.
        MemoryLimitError: the sweep would take more than ``max_memory``.
        TapeError: the tape never saw one of the tensors, or all that leads from them to the score was cut, by
            `torch.no_grad` or `detach`.
        UnsupportedOpError: an operator on a path has no rule.
        NonFiniteError: a local derivative is NaN or infinite.

    Example:
        >>> x = torch.tensor([1.0, 2.0])
        >>> with sw.record() as tape:
        ...     score = (3 * x - x * x).sum()
        >>> backprop(tape, score, x).value  # the gradient, 3 - 2 x
        tensor([ 1., -1.])
        >>> backprop(tape, score, x, "max").log_weight.exp()  # the larger of 3 and |-2 x|
        tensor([3., 4.])
        >>> slopes = backprop(tape, score, x, rules="secant", reference="zero").value
        >>> float((slopes * x).sum() - score)  # the score of the reference is 0
        0.0
    """
    algebra = find_semiring(semiring, level)
    node, starts = find_nodes(tape, score, wrt)
    graph = weighed_graph(tape, node, starts, rules, reference, room=1)  # it is swept once
    check_uncut(graph)
    whole = Paths(
        Ground(graph, keeps=False), not isinstance(wrt, Tensor), memory_limit(max_memory), "backprop"
    )
    few = narrowed(whole, through, avoiding, leaving_skip)
    if few.narrowed:
        graph.room = None
    found: Result | list[Result] = few.backprop(algebra, level)
    return found
