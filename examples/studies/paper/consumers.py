"""A BERT recorded so that every layer's input has one copy for each of its four consumers.

The paper's *path grad* is what arrives at a layer's input through the key, the query or the value product, or
through the skip connection. Each of them is given a copy of its own, and the cotangent at that copy is what
arrives through it. A copy is a product with 1: one edge of weight 1, so no sum, maximum or entropy changes.
(A `clone` would not do, as a tape takes it for the same node.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

import semiring_widgets as sw

BRANCHES = ("key", "query", "value", "skip")


@dataclass(frozen=True)
class Recording:
    """A forward pass of one batch.

    Attributes:
        tape: what was recorded.
        score: one number an example, shape (B,).
        embeddings: of the tokens, shape (B, T, units).
        copies: by layer and branch, the layer's input as this branch reads it, shape (B, T, units).
    """

    tape: sw.Tape
    score: Tensor
    embeddings: Tensor
    copies: dict[tuple[int, str], Tensor]


def recorded(
    model: Any, ids: Tensor, score: Callable[[Tensor], Tensor], granularity: str = "primitive"
) -> Recording:
    """Run a BERT of the transformers library and record it.

    Args:
        model: with a ``.bert`` inside, in eval mode.
        ids: tokens, shape (B, T), without padding.
        score: from the logits to the scores, shape (B,).
        granularity: which graph is counted.
    """
    with _separated(model) as copies, sw.record(granularity=granularity) as tape:
        embeddings = model.get_input_embeddings()(ids)
        found = score(model(inputs_embeds=embeddings).logits)
    return Recording(tape, found, embeddings, copies)


def path_grads(recording: Recording, level: str) -> Tensor:
    """The largest path weight (or 0) at every token through every consumer, over the units: max⁺.

    At branch level, as published: products sum, and only the branches of a tensor are compared.

    Returns:
        Shape (B, layers, 4 as `BRANCHES`, T).
    """
    places = sorted(recording.copies, key=lambda place: (place[0], BRANCHES.index(place[1])))
    results = sw.backprop(
        recording.tape,
        recording.score,
        [recording.copies[place] for place in places],
        "signed_max",
        level=level,
    )
    grads = torch.stack([result.most_positive.amax(-1) for result in results], 1).float()
    batch, _, tokens = grads.shape
    return grads.reshape(batch, -1, len(BRANCHES), tokens)


def chosen(grads: Tensor) -> Tensor:
    """Through which branch a token's best unit came: 1 there, 0 elsewhere, shape as ``grads``.

    The paper's *oplus* is this times ``grads``. Where no branch has a positive path there is none.

    >>> chosen(torch.tensor([[[[0.1, 0.0], [0.4, 0.0], [0.2, 0.0], [0.3, 0.0]]]])).tolist()
    [[[[0.0, 0.0], [1.0, 0.0], [0.0, 0.0], [0.0, 0.0]]]]
    """
    first = torch.nn.functional.one_hot(grads.argmax(2), len(BRANCHES)).movedim(-1, 2)
    return first * (grads > 0).float()


def entropies(recording: Recording) -> tuple[Tensor, Tensor]:
    """Entropy in nats of the paths from each token, shape (B, T), and from all tokens, shape (B,)."""
    result = sw.backprop(recording.tape, recording.score, recording.embeddings, "entropy")
    return result.reduce(-1).entropy, result.reduce([-2, -1]).entropy


@contextmanager
def _separated(model: Any) -> Iterator[dict[tuple[int, str], Tensor]]:
    """While this is entered, the model's layers read copies of their input, which are put into the dict."""
    copies: dict[tuple[int, str], Tensor] = {}

    def reading(layer: int, branch: str, place: int) -> Callable[[Any, tuple[Any, ...]], tuple[Any, ...]]:
        def hook(_: Any, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
            copies[layer, branch] = arguments[place] * 1.0
            return (*arguments[:place], copies[layer, branch], *arguments[place + 1 :])

        return hook

    handles = []
    for number, layer in enumerate(model.bert.encoder.layer):
        attention = layer.attention
        handles += [
            getattr(attention.self, branch).register_forward_pre_hook(reading(number, branch, 0))
            for branch in ("key", "query", "value")
        ]
        # Its second argument is the layer's input, which is added to what the heads found.
        handles.append(attention.output.register_forward_pre_hook(reading(number, "skip", 1)))
    try:
        yield copies
    finally:
        for handle in handles:
            handle.remove()
