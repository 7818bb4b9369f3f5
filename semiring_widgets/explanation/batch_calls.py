"""Several texts in one call of a model: the shorter ones padded, each asked a question of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from semiring_widgets.explanation.families import logits_of
from semiring_widgets.explanation.lookups import replaced
from semiring_widgets.explanation.model_call import ModelCall, eagerly
from semiring_widgets.explanation.prepared import Prepared
from semiring_widgets.explanation.questions import Logits

__all__ = ["BatchCall", "batches_of"]

# What a tensor of the tokenizer's holds at a place that is no token; 0 for all others.
_PADDING = {"input_ids": "pad_token_id", "token_type_ids": "pad_token_type_id"}


@dataclass(frozen=True, eq=False)
class BatchCall:
    """Questions about texts, asked of one model together.

    Attributes:
        questions: prepared one by one; of one model and tokenizer, with as many streams each.
    """

    questions: tuple[Prepared, ...]

    @cached_property
    def lengths(self) -> list[tuple[int, ...]]:
        """Of each stream the number of tokens, by question."""
        streams = zip(*(one.streams for one in self.questions), strict=True)
        return [tuple(len(stream.tokens) for stream in own) for own in streams]

    @cached_property
    def inputs(self) -> tuple[Tensor, ...]:
        """Embeddings of each stream, shape (B, T, D)."""
        return self.padded([one.inputs for one in self.questions])

    def padded(self, many: Sequence[Sequence[Tensor]]) -> tuple[Tensor, ...]:
        """Embeddings of every question, one below the other; no path runs through the padding.

        Args:
            many: for each question those of its streams, shape (1, T, D).
        """
        return tuple(
            torch.cat([_longer(one, max(lengths)) for one in own])
            for own, lengths in zip(zip(*many, strict=True), self.lengths, strict=True)
        )

    def __call__(self, *embeds: Tensor) -> Tensor:
        """The scores, shape (B,), where the embedding layer gives these, shape (B, T, D) for each stream."""
        if self.questions[0].halves:
            return self.questions[0].run(*embeds)
        call = self._longest
        vectors = [
            (start, given) for starts, given in zip(call.starts, embeds, strict=True) for start in starts
        ]
        with replaced(vectors), eagerly(call.model):
            return self._scores(call.model(**self._arguments()))

    @cached_property
    def _longest(self) -> ModelCall:
        """The call whose lookups are as long as those of the batch."""
        calls = (one.call for one in self.questions)
        return max(calls, key=lambda call: [len(stream.tokens) for stream in call.streams])

    def _arguments(self) -> dict[str, Any]:
        given: dict[str, Any] = dict(self._longest.arguments)
        for name, value in given.items():
            if isinstance(value, Tensor):
                own = [one.call.arguments[name] for one in self.questions]
                given[name] = torch.cat([_filled(one, value.shape[1], self._empty(name)) for one in own])
        return given

    def _empty(self, name: str) -> int:
        """What stands where no token is; a classifier finds the last one by what its configuration says."""
        known = (self._longest.source.tokenizer, self._longest.config)
        told = (getattr(one, _PADDING[name], None) for one in known if name in _PADDING)
        return next((number for number in told if number is not None), 0)

    def _scores(self, output: Any) -> Tensor:
        asked = [one.asked for one in self.questions]
        logits = logits_of(output)
        reads = [one for one in asked if isinstance(one, Logits) and one.index is not None]
        if logits is None or len(reads) < len(asked):
            rows = (_row(output, n, self._shape, lengths) for n, lengths in enumerate(self._by_question))
            return torch.stack([one(row).reshape(()) for one, row in zip(asked, rows, strict=True)])
        every = torch.arange(len(reads), device=logits.device)
        words = logits[every, torch.tensor([one.index for one in reads], device=logits.device)]
        found = words[every, torch.tensor([one.good for one in reads], device=logits.device)]
        if all(one.bad is None for one in reads):
            return found
        others = [one.good if one.bad is None else one.bad for one in reads]
        told = torch.tensor([one.bad is not None for one in reads], device=logits.device)
        taken = words[every, torch.tensor(others, device=logits.device)]
        return found - (taken if bool(told.all()) else torch.where(told, taken, 0.0))

    @property
    def _by_question(self) -> list[tuple[int, ...]]:
        return list(zip(*self.lengths, strict=True))

    @property
    def _shape(self) -> tuple[int, tuple[int, ...]]:
        return len(self.questions), tuple(map(max, self.lengths))


def batches_of(questions: Sequence[Prepared], size: int) -> list[list[int]]:
    """Which questions are asked together: those of nearly one length, the longest first.

    Args:
        questions: of one model and tokenizer.
        size: the most of a batch.
    """
    kinds: dict[Any, list[int]] = {}
    for number, one in enumerate(questions):
        lengths = tuple(len(stream.tokens) for stream in one.streams)
        # Without a mask for it, padding would be read; a decoder's tokens have none.
        same = lengths[1:] if "attention_mask" in one.call.arguments else lengths
        # The difference of two continuations is a batch by itself.
        alone = number if one.halves else None
        kinds.setdefault((same, len(lengths), tuple(one.call.arguments), alone), []).append(number)
    found = []
    for own in kinds.values():
        own.sort(key=lambda number: -len(questions[number].streams[0].tokens))
        found += [own[start : start + size] for start in range(0, len(own), size)]
    return found


def _longer(vectors: Tensor, tokens: int) -> Tensor:
    """With the last vector repeated: nothing reads it, but a norm of zeros has a steep slope."""
    missing = tokens - vectors.shape[1]
    return torch.cat([vectors, vectors[:, -1:].expand(-1, missing, -1)], 1) if missing else vectors


def _filled(values: Tensor, tokens: int, empty: int) -> Tensor:
    missing = tokens - values.shape[1]
    if missing <= 0:
        return values.clone()
    return torch.cat([values, values.new_full((len(values), missing, *values.shape[2:]), empty)], 1)


def _row(output: Any, number: int, shape: tuple[int, tuple[int, ...]], lengths: tuple[int, ...]) -> Any:
    """What the model says to one question: its example, without padding."""
    count, longest = shape

    def own(value: Any) -> Any:
        if isinstance(value, Tensor) and value.dim() and len(value) == count:
            found = value[number : number + 1]
            for dim in range(1, value.dim() - 1):
                for most, here in zip(longest, lengths, strict=True):
                    if value.shape[dim] == most:
                        found = found.narrow(dim, 0, here)
                        break
            return found
        if isinstance(value, Mapping):
            return type(value)(**{str(name): own(one) for name, one in value.items()})
        if isinstance(value, (tuple, list)):
            return type(value)(map(own, value))
        return value

    return own(output)
