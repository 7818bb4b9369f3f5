"""Every part of a model, what it really does to the score and what is estimated, in one table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, TypedDict

import torch
from torch import Tensor

from semiring_widgets.checks import choice, memory_limit, truth, whole_number
from semiring_widgets.core.anatomy import Selection, count_examples
from semiring_widgets.core.effects.cut_points import Place, place_of
from semiring_widgets.core.effects.estimating import contributions_of
from semiring_widgets.core.effects.measuring import scores_of, told_of
from semiring_widgets.core.effects.reference_values import Reference, inputs_of
from semiring_widgets.core.effects.replacements import WORDS, value_for
from semiring_widgets.core.graph import check_uncut, find_nodes
from semiring_widgets.core.paths import Ground, ground_of
from semiring_widgets.core.precision import in_full_precision
from semiring_widgets.core.replay import Program
from semiring_widgets.core.replay.alignment import stand_ins
from semiring_widgets.core.tape import Tape
from semiring_widgets.errors import InputError

__all__ = ["KINDS", "Row", "effect_rows"]

Progress = Callable[[int, int], None]
# What may be asked for, with the word for one of them.
KINDS = {
    "tokens": "token",
    "heads": "head",
    "mlps": "mlp",
    "attentions": "attention",
    "layers": "layer",
    "heads_at": "head_at",
}
_DEFAULT = ("tokens", "heads", "mlps")


class Row(TypedDict):
    """One part.

    Attributes:
        kind: ``"token"``, ``"head"``, ``"mlp"``, ``"attention"`` (all heads of a layer together), ``"layer"``
            (the stream that enters a layer, at a token) or ``"head_at"`` (a head at one query token).
        example: which score of a batch; 0 where there is one.
        stream: which input a token belongs to; 0 where there is one.
        layer, head, token: counted from 0; None where they do not apply.
        stand_in: where the part is a token's and is given its value in another text: the token of that text
            which stands in for it. None where there is none, so that the part stayed or was given a mean.
        before: the score.
        after: the score with the part replaced; None where it was not tested.
        effect: ``before - after``; None where it was not tested.
        contribution: the estimate of the effect.
    """

    kind: str
    example: int
    stream: int
    layer: int | None
    head: int | None
    token: int | None
    stand_in: int | None
    before: float
    after: float | None
    effect: float | None
    contribution: float


@in_full_precision
def effect_rows(
    tape: Tape,
    score: Tensor,
    wrt: Tensor | Sequence[Tensor],
    reference: Reference | None = None,
    *,
    kind: str | Sequence[str] | None = None,
    by: str = "reference",
    resample: Reference | None = None,
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
    linear between the text and the reference. What paths weigh, the rule of the tape says.

    Args:
        tape: the finished tape.
        score: what is explained, shape () or (B,), computed in the recording. Of a batch, a part is replaced
            in all examples at once, and every example has effects of its own.
        wrt: the inputs, shape (..., tokens, units) each; a tensor, or a list of them.
        reference: other inputs, shaped as ``wrt``, or another text of any length (`Aligned`), or ``"zero"``,
            or ``"mean"`` for their mean over the tokens; None for that of the tape. There need be none where
            ``by`` is another word.
        kind: ``"tokens"`` of the inputs, ``"heads"``, ``"mlps"``, ``"attentions"`` (all heads of a layer
            together), ``"layers"`` (the stream that enters each layer, token by token), ``"heads_at"`` (each
            head at each query token), or several of these; None for the first three.
        by: what a part is given: ``"reference"``, ``"zero"``, ``"mean"`` over the tokens of its own tensor,
            or ``"resample"``.
        resample: what ``"resample"`` means: the inputs of a text to draw values from, as for ``reference``.
        tested: False estimates only, which takes one sweep.
        steps: how many steps between reference (with ``by="resample"``, that text) and inputs the estimate is
            averaged over (integrated gradients at the parts; Hanna et al. 2024, arXiv 2403.17806); None for
            the derivative at the inputs.
        max_memory: bytes that the tests may take beside the tape; None for no limit.
        progress: called with (steps done, steps in all) of the tests; may raise to cancel.

    Returns:
        One row a part and example, the examples of a part one after the other: a dict with the keys of `Row`;
        numbers in the unit of the score.

    Raises:
        InputError: an unknown word, a reference that does not fit, several scores where examples cannot be
            told apart.
        TapeError, UnsupportedOpError: as `test` and `backprop`.

    Example:
        >>> import torch, semiring_widgets as sw
        >>> x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
        >>> with sw.record() as tape:
        ...     score = (x * x).sum()
        >>> for row in effect_rows(tape, score, wrt=x, reference="zero"):
        ...     print(row["token"], row["effect"], row["contribution"])
        0 5.0 10.0
        1 25.0 50.0
    """
    kinds = _kinds(kind)
    by = choice(by, "by", WORDS)
    tested = truth(tested, "tested")
    steps = None if steps is None else whole_number(steps, "steps")
    limit = memory_limit(max_memory)
    find_nodes(tape, score, wrt)
    reference = tape.reference if reference is None else reference
    from_word = "resample" if by == "resample" else "reference"
    others = {"reference": reference, "resample": resample}
    if others[from_word] is None and (by == from_word or steps is not None):
        what = "a reference" if from_word == "reference" else "another text"
        raise InputError(f"effects compares with {what}; give {from_word}=, or by='zero' or by='mean'.")
    ground = ground_of(tape, score, wrt, None, reference, batched=True)
    graph = ground.graph
    check_uncut(graph)
    examples = count_examples(graph, ground.anatomy)
    graph.check_unchanged()
    parts = list(_parts(ground, kinds))
    places = [place for _, _, place in parts]
    program = Program(tape, graph.score)
    with torch.no_grad():
        told = told_of(ground, program, [(place, by) for place in places], others)
        # Of a tensor with many parts, what they are given is the same tensor.
        given = {place.node: value_for(place, by, told) for place in places}
        many = [{place.node: place.given(given[place.node])} for place in places]
        after = scores_of(tape, program, many, limit=limit, progress=progress).tolist() if tested else None
    inputs = {} if steps is None else inputs_of(graph.wrt, others[from_word], from_word)
    estimates = contributions_of(graph, program, places, given, inputs, steps=steps).tolist()
    stands = stand_ins(graph.wrt, others.get(by), by)
    before = graph.score.value.reshape(-1).tolist()
    none: list[None] = [None] * examples
    return [
        Row(
            kind=name,
            example=example,
            stream=part.stream,
            layer=part.layer,
            head=part.head,
            token=part.token,
            stand_in=_stand_in(part, stands),
            before=before[example],
            after=number,
            effect=None if number is None else before[example] - number,
            contribution=estimate,
        )
        for (name, part, _), own, estimated in zip(
            parts, after or [none] * len(parts), estimates, strict=True
        )
        for example, (number, estimate) in enumerate(zip(own, estimated, strict=True))
    ]


def _kinds(given: Any) -> list[str]:
    if given is None:
        return list(_DEFAULT)
    several = [given] if isinstance(given, str) or not isinstance(given, (list, tuple)) else given
    return [choice(one, "kind", KINDS) for one in several]


def _stand_in(part: Selection, stands: Sequence[Sequence[int | None]]) -> int | None:
    own = stands[part.stream]
    return own[part.token] if part.token is not None and part.token < len(own) else None


def _parts(ground: Ground, kinds: Sequence[str]) -> Iterator[tuple[str, Selection, Place]]:
    """The parts of the wanted kinds that lie on a path, with what they are called."""
    for kind in kinds:
        for part in _selections(ground, kind):
            place = place_of(ground.graph, ground.anatomy, part)
            if place.node in ground.graph.nodes:
                yield KINDS[kind], part, place


def _selections(ground: Ground, kind: str) -> Iterator[Selection]:
    if kind == "tokens":
        for stream, count in enumerate(ground.extent.inputs):
            yield from (Selection(token=token, stream=stream) for token in range(count))
    for attention in ground.anatomy.attentions:
        at = partial(Selection, attention.index, stream=attention.stream)
        heads, queries = range(attention.heads), range(attention.query.tokens)
        if kind == "heads":
            yield from (at(head=head) for head in heads)
        elif kind == "heads_at":
            yield from (at(head=head, token=token) for head in heads for token in queries)
        elif kind == "attentions":
            yield at()
        elif kind == "mlps" and attention.mlp is not None:
            yield at("mlp")
        elif kind == "layers" and attention.residual is not None:
            yield from (at(token=token) for token in range(attention.residual.tokens))
