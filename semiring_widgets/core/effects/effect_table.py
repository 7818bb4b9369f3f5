"""`effects`: every part of a model, what it really does to the score and what is estimated, in one table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypedDict

import torch
from torch import Tensor

from semiring_widgets.checks import choice, memory_limit, truth, whole_number
from semiring_widgets.core.anatomy import Anatomy, Selection, extent_of, find_anatomy
from semiring_widgets.core.effects.cut_points import Place, place_of
from semiring_widgets.core.effects.estimating import contributions_of
from semiring_widgets.core.effects.measuring import Effect, effects_of, one_score
from semiring_widgets.core.effects.replacements import WORDS, value_for
from semiring_widgets.core.graph import GradientGraph, check_uncut, find_nodes
from semiring_widgets.core.precision import in_full_precision
from semiring_widgets.core.replay import Program
from semiring_widgets.core.replay.references import inputs_of, values_under
from semiring_widgets.core.tape import Tape
from semiring_widgets.errors import InputError

__all__ = ["KINDS", "Row", "effects"]

Progress = Callable[[int, int], None]
KINDS = ("tokens", "heads", "mlps", "layers")
_DEFAULT = ("tokens", "heads", "mlps")


class Row(TypedDict):
    """One part.

    Attributes:
        kind: ``"token"``, ``"head"``, ``"mlp"`` or ``"layer"`` (the stream that enters a layer, at a token).
        stream: which input a token belongs to; 0 where there is one.
        layer, head, token: counted from 0; None where they do not apply.
        before: the score.
        after: the score with the part replaced; None where it was not tested.
        effect: ``before - after``; None where it was not tested.
        contribution: the estimate of the effect.
    """

    kind: str
    stream: int
    layer: int | None
    head: int | None
    token: int | None
    before: float
    after: float | None
    effect: float | None
    contribution: float


@in_full_precision
def effects(
    tape: Tape,
    score: Tensor,
    wrt: Tensor | Sequence[Tensor],
    reference: Tensor | Sequence[Tensor] | str | None = None,
    *,
    kind: str | Sequence[str] | None = None,
    by: str = "reference",
    tested: bool = True,
    steps: int | None = None,
    max_memory: int | None = None,
    progress: Progress | None = None,
) -> list[Row]:
    """What every token, head and feed-forward part does to the score: measured, and estimated.

    A part is given its value under the reference, all else stays as it is, and what lies behind is run again
    (see `test`): ``effect = before - after``. The estimate is its first order, the sum over the units of the
    part's output of all paths from there to the score, times output minus reference output: attribution
    patching (Nanda 2023; Syed et al. 2023, arXiv 2310.10348). Where the two part, the model is far from
    linear between the text and the reference.

    Args:
        tape: the finished tape.
        score: a single number, shape () or (1,), computed in the recording.
        wrt: the inputs, shape (..., tokens, units) each; a tensor, or a list of them.
        reference: other inputs, shaped as ``wrt``, or ``"zero"``, or ``"mean"`` for their mean over the
            tokens. May be left out where ``by`` is another word.
        kind: ``"tokens"`` of the inputs, ``"heads"``, ``"mlps"``, ``"layers"`` (the stream that enters each
            layer, token by token), or several of these; None for the first three.
        by: what a part is given: ``"reference"``, ``"zero"``, or ``"mean"`` over the tokens of its own
            tensor.
        tested: False estimates only, which takes one sweep.
        steps: how many steps between reference and inputs the estimate is averaged over (integrated gradients
            at the parts; Hanna et al. 2024, arXiv 2403.17806); None for the derivative at the inputs.
        max_memory: bytes that the tests may take beside the tape; None for no limit.
        progress: called with (steps done, steps in all) of the tests; may raise to cancel.

    Returns:
        One row a part, a dict with the keys of `Row`; numbers in the unit of the score.

    Raises:
        InputError: an unknown word, a reference that does not fit, several scores.
        TapeError, UnsupportedOpError: as `test` and `backprop`.

    Example:
        >>> import torch, semiring_widgets as sw
        >>> x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
        >>> with sw.record() as tape:
        ...     score = (x * x).sum()
        >>> for row in sw.effects(tape, score, wrt=x, reference="zero"):
        ...     print(row["token"], row["effect"], row["contribution"])
        0 5.0 10.0
        1 25.0 50.0
    """
    kinds = _kinds(kind)
    by = choice(by, "by", WORDS)
    tested = truth(tested, "tested")
    steps = None if steps is None else whole_number(steps, "steps")
    limit = memory_limit(max_memory)
    node, starts = find_nodes(tape, score, wrt)
    one_score(score)
    if reference is None and (by == "reference" or steps is not None):
        raise InputError("effects compares with a reference; give reference=, or by='zero' or by='mean'.")
    inputs = inputs_of(starts, reference) if reference is not None else {}
    graph = GradientGraph(tape, node, starts)
    check_uncut(graph)
    graph.check_unchanged()
    parts = list(_parts(graph, find_anatomy(graph), kinds))
    program = Program(tape, node)
    with torch.no_grad():
        under = values_under(program, inputs, {place.node for _, _, place in parts}) if inputs else {}
        # Of a tensor with many parts, what they are given is the same tensor.
        given = {place.node: value_for(place, by, under) for _, _, place in parts}
        many = [{place.node: place.given(given[place.node])} for _, _, place in parts]
        if tested:
            found: Sequence[Effect | None] = effects_of(tape, program, many, limit=limit, progress=progress)
        else:
            found = [None] * len(parts)
    places = [place for _, _, place in parts]
    estimates = contributions_of(graph, program, places, given, inputs, steps=steps)
    before = float(node.value)
    return [
        Row(
            kind=name,
            stream=part.stream,
            layer=part.layer,
            head=part.head,
            token=part.token,
            before=before,
            after=one.after if one is not None else None,
            effect=one.effect if one is not None else None,
            contribution=estimate,
        )
        for (name, part, _), one, estimate in zip(parts, found, estimates, strict=True)
    ]


def _kinds(given: Any) -> list[str]:
    if given is None:
        return list(_DEFAULT)
    several = [given] if isinstance(given, str) or not isinstance(given, (list, tuple)) else given
    return [choice(one, "kind", KINDS) for one in several]


def _parts(
    graph: GradientGraph, anatomy: Anatomy, kinds: Sequence[str]
) -> Iterator[tuple[str, Selection, Place]]:
    """The parts of the wanted kinds that lie on a path, with what they are called."""
    for kind in kinds:
        for part in _selections(graph, anatomy, kind):
            place = place_of(graph, anatomy, part)
            if place.node in graph.nodes:
                yield kind.removesuffix("s"), part, place


def _selections(graph: GradientGraph, anatomy: Anatomy, kind: str) -> Iterator[Selection]:
    if kind == "tokens":
        for stream, count in enumerate(extent_of(graph, anatomy).inputs):
            yield from (Selection(token=token, stream=stream) for token in range(count))
    for attention in anatomy.attentions:
        layer, residual = attention.index, attention.residual
        if kind == "heads":
            yield from (
                Selection(layer, head=head, stream=attention.stream) for head in range(attention.heads)
            )
        elif kind == "mlps" and attention.mlp is not None:
            yield Selection(layer, "mlp", stream=attention.stream)
        elif kind == "layers" and residual is not None:
            yield from (Selection(layer, token=t, stream=attention.stream) for t in range(residual.tokens))
