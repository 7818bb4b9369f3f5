"""How much memory an explanation will take, from the shapes of the model's tensors alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from semiring_widgets.core import record
from semiring_widgets.core.paths import paths
from semiring_widgets.explanation.asking import check_question
from semiring_widgets.explanation.planning import size_of, sweeps_of
from semiring_widgets.explanation.scores import prepare
from semiring_widgets.question import Question

__all__ = ["estimate_explain"]


def estimate_explain(
    model: Any,
    tokenizer: Any,
    text: str | tuple[str, str] | Sequence[Mapping[str, str]],
    target: str | int | Sequence[int] | None = None,
    contrast: str | int | Sequence[int] | None = None,
    position: int | None = None,
    *,
    score: Callable[[Any], Tensor] | None = None,
    generate: int | None = None,
    piece: int | None = None,
    granularity: str = "primitive",
    add_special_tokens: bool = True,
) -> int:
    """Bytes that `explain` with the same arguments takes at its peak beside the model, where there is plenty.

    The model is run as for its ordinary use, and nothing is kept. Where less is free, or ``max_memory`` says
    so, `explain` takes less and longer.

    Args:
        model: as for `explain`, like the others.
        tokenizer: see there.
        text: see there.
        target: see there.
        contrast: see there.
        position: see there.
        score: see there.
        generate: see there.
        piece: see there.
        granularity: see there.
        add_special_tokens: see there.

    Raises:
        InputError, ModelError, UnsupportedOpError: as `explain`.

    Example:
        >>> model, tokenizer = sw.load_demo()
        >>> text = "The keys to the cabinet [MASK] on the table."
        >>> 1e6 < estimate_explain(model, tokenizer, text, "are", "is") < 1e8
        True
    """
    question = Question(text, target, contrast, position, score, generate, piece, add_special_tokens)
    check_question(model, tokenizer, question)
    prepared = prepare(model, tokenizer, question)
    inputs = list(prepared.inputs)
    with torch.no_grad():
        with record(granularity, values=False) as tape:
            found = prepared.run(*inputs)
        whole = paths(tape, found, inputs)
        anatomy = whole.anatomy
        tests = sum(x.shape[1] for x in inputs) + sum(a.heads + 1 for a in anatomy.attentions)
        # Of a continuation what tokens do is told piece by piece, by a recording of each of its halves.
        halves = len(prepared.halves or (prepared,))
        again = tape.nbytes // halves if prepared.score.continuation is not None else 0
        return size_of(whole.graph, *sweeps_of(whole.graph, anatomy.nodes()), tests, again)
