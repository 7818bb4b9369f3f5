"""A question ready to be asked: a function from embeddings to a score, and what was found on the way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from semiring_widgets.explanation.model_call import ModelCall
from semiring_widgets.explanation.references import Referenced
from semiring_widgets.results.parts import Score, Stream

__all__ = ["Prepared"]


@dataclass(frozen=True)
class Prepared:
    """A question ready to be asked.

    Attributes:
        text: the text; of a pair, both with a line break between.
        model_name: class of the model.
        streams: tokens of the input, or of encoder and decoder.
        score: what is asked, with the value that the model gives now.
        inputs: embeddings of each stream, (1, T, D); of two continuations (2, T, D), see `contrasts`.
        baseline_embeds: of the first stream with every word blanked (mask, pad or unknown token).
        call: how the model is called.
        family: what its output is about, see `family_and_logits`; ``"own"`` with a score of the caller's.
        asked: the model's output to its score.
        scale: the largest number of that output in size, see `scale_of`.
        run: embeddings of all streams (B, T, D) to scores (B,).
        check: raises if a recorded score, shape (1,), is not the model's own.
        refer: the reference of what `check_reference` has passed.
        halves: of the difference between two continuations the question about each; else empty.
    """

    text: str
    model_name: str
    streams: tuple[Stream, ...]
    score: Score
    inputs: tuple[Tensor, ...]
    baseline_embeds: Tensor
    call: ModelCall
    family: str
    asked: Callable[[Any], Tensor]
    scale: float
    run: Callable[..., Tensor]
    check: Callable[[Tensor], None]
    refer: Callable[[Any], Referenced]
    halves: tuple[Prepared, ...] = ()

    @property
    def inputs_embeds(self) -> Tensor:
        """Embeddings of the first stream."""
        return self.inputs[0]

    def forward(self, inputs_embeds: Tensor) -> Tensor:
        """Scores (B,) for embeddings (B, T, D) of the first stream; a decoder keeps its own."""
        rest = [e.expand(len(inputs_embeds), -1, -1) for e in self.inputs[1:]]
        return self.run(inputs_embeds, *rest)
