"""Models whose weights are set by hand, so that the way from a word to the answer is known.

The residual stream is a row of slots, each as wide as the vocabulary: what token stands here, what was copied
from where, and the output. Every model has heads beside those that do the work: they read the same tokens and
write where nobody reads, or nothing that changes the answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from examples.studies.planted.transformer import Attention, Shape, Transformer

__all__ = ["HAND_SET", "HandSet", "Way"]

TOKENS, PLACES = 6, 8
# Logits of attention are this far apart: near enough to one place alone, and not saturated.
SHARP = 6.0
HERE, COPIED, PLACE, SPARE, OUT = (
    slice(0, TOKENS),
    slice(TOKENS, 2 * TOKENS),
    slice(2 * TOKENS, 2 * TOKENS + PLACES),
    slice(2 * TOKENS + PLACES, 3 * TOKENS + PLACES),
    slice(3 * TOKENS + PLACES, 4 * TOKENS + PLACES),
)
WIDTH = 4 * TOKENS + PLACES
# Where it begins, and layer, branch and head of what it takes.
Way = tuple[int, tuple[tuple[int, str, int | None], ...]]


@dataclass(frozen=True, eq=False)
class HandSet:
    """A model, a question, and the answer to how it is answered.

    Attributes:
        name: of the model.
        model: the model.
        tokens: the text, (1, positions).
        other: the same with other words where the answer comes from.
        answer: the token that it gives at the last position.
        instead: what it gives for the other text.
        ways: the planted routes: the token where each begins, and layer, branch and head of what it takes.
        words: tokens that the answer depends on.
    """

    name: str
    model: Transformer
    tokens: Tensor
    other: Tensor
    answer: int
    instead: int
    ways: tuple[Way, ...]
    words: tuple[int, ...]

    def inputs(self, tokens: Tensor) -> Tensor:
        """What the stream begins with."""
        here, place = self.model.embedded(tokens)
        return here + place

    def score(self, inputs: Tensor) -> Tensor:
        """Logit of the answer minus that of the other answer, at the last position; (texts,)."""
        logits = self.model.from_embedded(inputs, torch.zeros(()))[:, -1]
        return logits[:, self.answer] - logits[:, self.instead]


def _blank(layers: int) -> Transformer:
    shape = Shape(TOKENS, PLACES, WIDTH, layers, 2, PLACES, TOKENS, TOKENS)
    model = Transformer(shape).double().requires_grad_(False)
    for weight in model.parameters():
        weight.zero_()
    model.token_embedding.weight[:, HERE] = torch.eye(TOKENS).double()
    model.position_embedding.weight[:, PLACE] = torch.eye(PLACES).double()
    model.output.weight[:, OUT] = torch.eye(TOKENS).double()
    return model


def _set(
    attention: Attention, head: int, query: Tensor, key: Tensor, read: slice, write: slice, size: float = 1.0
) -> None:
    """One head: what it looks for, what it finds it by, and what it copies from there to where.

    Args:
        attention: of the model.
        head: which head.
        query: from the stream, (head width, width).
        key: the same.
        read: the slot whose token it copies.
        write: the slot where it writes it.
        size: how strongly.
    """
    own = slice(head * PLACES, (head + 1) * PLACES)
    attention.query.weight[own] = query * SHARP * PLACES**0.5
    attention.key.weight[own] = key
    attention.value.weight[own][:TOKENS, read] = torch.eye(TOKENS).double()
    attention.out.weight[write, own][:, :TOKENS] = size * torch.eye(TOKENS).double()


def _match(slot: slice, move: int = 0) -> Tensor:
    """The one-hot of a slot as a query or a key, moved by some places."""
    found = torch.zeros(PLACES, WIDTH).double()
    count = slot.stop - slot.start
    for unit in range(count):
        if 0 <= unit + move < PLACES:
            found[unit + move, slot.start + unit] = 1
    return found


def induction() -> HandSet:
    """A B ... A: what came after this token before comes again."""
    model = _blank(2)
    first, second = (attention for attention, _ in model.layers)
    # Keys moved by one: a query at place 3 finds place 2.
    _set(first, 0, _match(PLACE), _match(PLACE, 1), HERE, COPIED)
    _set(first, 1, _match(HERE), _match(HERE), HERE, SPARE)
    _set(second, 0, _match(HERE), _match(COPIED), HERE, OUT, 4.0)
    _set(second, 1, _match(PLACE), _match(PLACE), HERE, SPARE)
    text, other = [0, 1, 2, 3, 4, 0], [0, 5, 2, 3, 4, 0]
    ways = (
        (1, ((1, "value", 0),)),
        (0, ((0, "value", 0), (1, "key", 0))),
        (5, ((1, "query", 0),)),
    )
    return _asked("induction head", model, text, other, ways, (0, 1, 5))


def copying() -> HandSet:
    """The token at the first place comes again."""
    model = _blank(1)
    ((attention, _),) = model.layers
    to_first = torch.zeros(PLACES, WIDTH).double()
    to_first[0, PLACE] = 1
    _set(attention, 0, _match(HERE), _match(HERE), HERE, SPARE)
    _set(attention, 1, to_first, _match(PLACE), HERE, OUT, 4.0)
    return _asked("copy head", model, [3, 1, 2, 4], [5, 1, 2, 4], ((0, ((0, "value", 1),)),), (0,))


def lookup() -> HandSet:
    """The token before is looked up in a table, which the feed-forward part holds."""
    model = _blank(1)
    ((attention, feed_forward),) = model.layers
    _set(attention, 0, _match(PLACE), _match(PLACE, 1), HERE, COPIED)
    _set(attention, 1, _match(HERE), _match(HERE), HERE, SPARE)
    table = [2, 0, 3, 5, 1, 4]
    feed_forward.into.weight[:, COPIED] = torch.eye(TOKENS).double()
    feed_forward.out.weight[OUT] = 4 * torch.eye(TOKENS).double()[table].T
    ways = ((2, ((0, "value", 0), (0, "mlp", None))),)
    return _asked("lookup", model, [4, 1, 3, 0], [4, 1, 2, 0], ways, (2,))


def _asked(
    name: str,
    model: Transformer,
    text: list[int],
    other: list[int],
    ways: tuple[Way, ...],
    words: tuple[int, ...],
) -> HandSet:
    tokens, others = torch.tensor([text]), torch.tensor([other])
    answer, instead = (int(model(one)[0, -1].argmax()) for one in (tokens, others))
    return HandSet(name, model, tokens, others, answer, instead, ways, words)


HAND_SET: dict[str, Callable[[], HandSet]] = {
    "induction": induction,
    "copying": copying,
    "lookup": lookup,
}
